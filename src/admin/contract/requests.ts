/** The rows of the ledger. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import {
  count,
  cursorInQuery,
  durationMs,
  limitInQuery,
  nanoUsd,
  textInQuery,
  timeInQuery,
  timeMs,
} from "./values.ts";

const text = v.nullable(v.string());
const tokens = v.nullable(count);

/** A row in a list, and in the live tail. */
const listed = {
  id: v.string(),
  atMs: timeMs,
  key: v.string(),
  team: text,
  dialect: v.string(),
  endpoint: v.string(),
  modelAsked: text,
  modelUsed: text,
  upstream: text,
  credential: text,
  isStream: v.boolean(),
  status: v.number(),
  outcome: v.picklist(["ok", "error", "client_left", "upstream_cut", "refused"]),
  errorKind: text,
  stopReason: text,
  attempts: count,
  ttfbMs: v.nullable(durationMs),
  durationMs,
  tokens: v.strictObject({
    /** Neither read from a cache nor written to one. */
    fresh: tokens,
    cacheRead: tokens,
    cacheWrite: tokens,
    output: tokens,
    reasoning: tokens,
  }),
  usageState: v.picklist(["final", "partial", "estimated", "unknown"]),
  costNanoUsd: v.nullable(nanoUsd),
  /** What the response cache did; null: it was off. */
  cache: text,
};

export const requestRow = v.strictObject(listed);

/** One line of a bill. */
const costLine = v.strictObject({
  /** As in `input`, `cache read` or `web search`. */
  label: v.string(),
  units: count,
  /** Nano-dollars for a million tokens or a thousand calls; null: the price does not say. */
  rateNanoUsd: v.nullable(v.number()),
  per: v.picklist(["million tokens", "thousand calls"]),
  nanoUsd: v.nullable(v.number()),
});

export const REQUESTS = {
  listRequests: {
    method: "GET",
    path: "/requests",
    who: "signed-in",
    summary: "Rows of the ledger by a filter, the newest first, page by page.",
    query: v.strictObject({
      cursor: cursorInQuery,
      limit: limitInQuery,
      fromMs: v.optional(timeInQuery),
      toMs: v.optional(timeInQuery),
      key: textInQuery,
      /** The model that was asked for, or the model that was used. */
      model: textInQuery,
      upstream: textInQuery,
      /** `upstream/name`. */
      credential: textInQuery,
      /** `ok`, `error`, a status such as `429`, or a class such as `5xx`. */
      status: v.optional(
        v.pipe(v.string(), v.regex(/^(ok|error|[1-5]\d\d|[1-5]xx)$/, "is none of ok, error, 429 and 5xx")),
      ),
      user: textInQuery,
      tag: textInQuery,
      /** The id of a request. */
      id: textInQuery,
      /**
       * The id, or a part of the key, a model, the upstream, the credential or the kind of error. A page looks at so many
       * rows only, so it may be empty and have a `next`.
       */
      text: textInQuery,
    }),
    reply: v.strictObject({ rows: v.array(requestRow), next: v.nullable(v.string()) }),
  },
  getRequest: {
    method: "GET",
    path: "/requests/{id}",
    who: "signed-in",
    summary: "One request: its timeline, attempts, plan, drops, usage and cost.",
    reply: v.strictObject({
      row: requestRow,
      /** As the ledger has them. */
      upstreamDialect: text,
      modelReported: text,
      clientRequestId: text,
      upstreamRequestId: text,
      clientAddress: text,
      userAgent: text,
      endUser: text,
      tags: v.array(v.string()),
      requestBytes: count,
      replyBytes: count,
      serviceTier: text,
      region: text,
      /** Every kind of usage that a provider reported. */
      usage: v.record(v.string(), count),
      /** From acceptance on; a step that is not known is left out. */
      timeline: v.array(
        v.strictObject({
          step: v.picklist(["wait", "attempt", "first_byte", "answer", "end"]),
          startMs: durationMs,
          endMs: durationMs,
          upstream: text,
          credential: text,
          /** HTTP status of the upstream; null: no reply came, or the step is no attempt. */
          status: v.nullable(v.number()),
          /** Why the attempt failed, in plain words; "" for none. */
          reason: v.string(),
        }),
      ),
      /** The targets that the model's name has now, in their order. */
      plan: v.array(v.strictObject({ upstream: v.string(), model: v.string() })),
      drops: v.array(v.strictObject({ field: v.string(), reason: v.string() })),
      cost: v.strictObject({
        nanoUsd: v.nullable(nanoUsd),
        /** null: what a kept answer has saved is not known, or nothing was kept. */
        savedNanoUsd: v.nullable(nanoUsd),
        priceVersion: text,
        /** What the price did not say. */
        gaps: v.array(v.string()),
        /** At the prices in force now; null: these give another sum than the row has, or there is no price. */
        lines: v.nullable(v.array(costLine)),
      }),
    }),
  },
} as const satisfies Record<string, Operation>;
