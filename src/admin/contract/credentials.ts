/** The board of credentials, and what a person does with one. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, name, nanoUsd, timeMs, undo } from "./values.ts";

const state = v.picklist([
  "ready",
  /** Nothing is wrong with it, and no connection to its upstream can be made. */
  "unreachable",
  "cooling",
  "exhausted",
  "invalid",
  "forbidden",
  /** A person has taken it out, and its last requests still run. */
  "draining",
  /** A person has taken it out. */
  "paused",
]);

const room = v.strictObject({
  /** Whose limit it is. */
  by: v.picklist(["provider", "operator"]),
  dimension: v.picklist(["requests", "input", "output", "tokens", "concurrency", "money"]),
  span: v.picklist(["minute", "day", "month", "now", "other"]),
  /** null: the limit holds for all models. */
  model: v.nullable(v.string()),
  /** Requests, tokens or nano-dollars; null: the provider does not say. */
  limit: v.nullable(v.number()),
  remaining: v.number(),
  /** When the limit is whole again, if nothing is taken until then; null: nobody says. */
  resetsAtMs: v.nullable(timeMs),
  /** Room comes back little by little, and not all of it at once at `resetsAtMs`. */
  isGradual: v.boolean(),
});

/** What changes from one second to the next. */
const liveState = {
  id: v.string(),
  upstream: v.string(),
  name: v.string(),
  priority: v.number(),
  /** The gateway has none: callers bring their own. It can neither be tested nor deleted. */
  isOfCallers: v.boolean(),
  state,
  /** In plain words; "" when ready. */
  reason: v.string(),
  /** The word of the provider or the rule behind the state, for those who search for it; "" when ready. */
  detail: v.string(),
  /** The client key that alone the state holds for: its request has met the word of the provider; null: it holds for all. */
  key: v.nullable(v.string()),
  /** When the state ends by itself; null: it does not, or there is nothing to end. */
  untilMs: v.nullable(timeMs),
  sinceMs: v.nullable(timeMs),
  /** Failures in a row that led to the state. */
  strikes: count,
  inFlight: count,
  /** Models that this credential may not serve now. */
  models: v.array(
    v.strictObject({
      model: v.string(),
      state,
      reason: v.string(),
      detail: v.string(),
      /** As above. */
      key: v.nullable(v.string()),
      untilMs: v.nullable(timeMs),
    }),
  ),
  /** The organization or project that the provider counts for; null: no reply has named one. */
  owner: v.nullable(v.string()),
  room: v.array(room),
};

export const credentialState = v.strictObject(liveState);

const lastError = v.strictObject({
  requestId: v.string(),
  atMs: timeMs,
  status: v.number(),
  errorKind: v.nullable(v.string()),
});

const hours = v.pipe(v.array(count), v.length(24));

/** What the ledger knows of the last 24 hours; null: it cannot be read now. */
const dayFacts = v.nullable(
  v.strictObject({
    /** When the oldest of the hours begins. */
    startMs: timeMs,
    /** Requests by the hour, from the oldest to the running one. */
    ok: hours,
    failed: hours,
    /** From 0 to 1; null: no reply has told. */
    cacheReadShare: v.nullable(v.number()),
    costNanoUsd: v.nullable(v.string()),
    requests: count,
  }),
);

const credential = v.strictObject({
  ...liveState,
  day: dayFacts,
  /** The newest first. */
  lastErrors: v.array(lastError),
});

const added = v.strictObject({
  /** The number of the line, from 1 on. */
  line: count,
  isAdded: v.boolean(),
  problem: v.nullable(v.picklist(["duplicate", "shape", "provider", "name", "unknown-provider"])),
  /** null: nothing was added. */
  id: v.nullable(v.string()),
  /** Why not, or what is odd; "": nothing. */
  message: v.string(),
});

const act = (verb: string, summary: string) =>
  ({
    method: "POST",
    path: `/credentials/{upstream}/{name}/${verb}` as `/credentials/{upstream}/{name}/${string}`,
    who: "signed-in-changing",
    summary,
    reply: v.strictObject({ credential: credentialState, undo }),
  }) as const;

export const CREDENTIALS = {
  listCredentials: {
    method: "GET",
    path: "/credentials",
    who: "signed-in",
    summary: "All credentials with their states, room, last errors and the last 24 hours.",
    reply: v.strictObject({ nowMs: timeMs, credentials: v.array(credential) }),
  },
  addCredentials: {
    method: "POST",
    path: "/credentials",
    who: "signed-in-changing",
    summary: "Adds one credential or many, one a line, to an upstream of the configuration.",
    body: v.strictObject({
      /** Absent: each goes to the upstream of the provider that its form tells, which is made when it is not there. */
      upstream: v.optional(name),
      /** One a line: the secret, or a name, white space or `=`, and the secret. */
      lines: v.pipe(v.string(), v.maxLength(1_000_000)),
      /** The version of the configuration that the page shows; absent: the one in force. */
      version: v.optional(v.string()),
    }),
    reply: v.strictObject({ results: v.array(added), version: v.string(), undo }),
  },
  useSimulator: {
    method: "POST",
    path: "/simulator",
    who: "signed-in-changing",
    summary:
      "Has the gateway serve simulated providers, with an upstream for each, for a trial without an account.",
    reply: v.strictObject({
      version: v.string(),
      /** null: all of it was there before. */
      undo,
      /** A model that the simulator answers for, as a client asks for it. */
      model: v.string(),
    }),
  },
  removeCredential: {
    method: "DELETE",
    path: "/credentials/{upstream}/{name}",
    who: "signed-in-changing",
    summary: "Takes a credential out of the configuration.",
    reply: v.strictObject({ version: v.string(), undo }),
  },
  testCredential: {
    method: "POST",
    path: "/credentials/{upstream}/{name}/test",
    who: "signed-in-changing",
    summary: "Sends one small request with this credential alone, with a row and a cost.",
    body: v.strictObject({
      prompt: v.optional(v.pipe(v.string(), v.maxLength(100_000))),
      model: v.optional(name),
    }),
    reply: v.strictObject({
      isGood: v.boolean(),
      requestId: v.string(),
      status: v.number(),
      model: v.string(),
      /** What the model said, or the words of the error. */
      text: v.string(),
      firstByteMs: v.nullable(v.number()),
      durationMs: v.number(),
      costNanoUsd: v.nullable(nanoUsd),
    }),
  },
  pauseCredential: act("pause", "Gives the credential no new request, until it is enabled again."),
  drainCredential: act("drain", "As pause; the credential counts as paused once its last request has ended."),
  enableCredential: act("enable", "Puts a paused credential into service again."),
  resetCredential: act("reset", "Makes the credential ready again, with all its models."),
} as const satisfies Record<string, Operation>;
