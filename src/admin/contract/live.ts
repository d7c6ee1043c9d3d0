/** Server-sent events. The data of each is JSON of its schema here. */
import * as v from "valibot";
import { credentialState } from "./credentials.ts";
import type { Operation } from "./operation.ts";
import { attention } from "./overview.ts";
import { requestRow } from "./requests.ts";
import { count, timeMs } from "./values.ts";

const health = v.strictObject({
  nowMs: timeMs,
  inFlight: count,
  waiting: count,
  isReady: v.boolean(),
  isDraining: v.boolean(),
  /** null: the ledger can be written. */
  ledgerFailure: v.nullable(v.string()),
  residentBytes: count,
  startedAtMs: timeMs,
});

/** By the name of the event. */
export const LIVE_EVENTS = {
  /** The state of everything: the first event, and after events that can no longer be sent again. */
  snapshot: v.strictObject({
    nowMs: timeMs,
    credentials: v.array(credentialState),
    /** The newest rows, oldest first. */
    requests: v.array(requestRow),
    health: health,
    configVersion: count,
    attention,
  }),
  /** Credentials whose state, room or running requests have changed; `gone`: ids that are no longer there. */
  credentials: v.strictObject({
    nowMs: timeMs,
    credentials: v.array(credentialState),
    gone: v.array(v.string()),
  }),
  /** New rows, oldest first; `left`: rows that were left out because there were too many. */
  requests: v.strictObject({ rows: v.array(requestRow), left: count }),
  /** Once in some seconds, and when it changes. */
  health: health,
  /** The configuration, the keys or the prices have changed: read again what is shown of them. */
  config: v.strictObject({ version: count, attention }),
};

export const LIVE = {
  live: {
    method: "GET",
    path: "/live",
    who: "signed-in",
    summary: "Server-sent events: credentials, requests, health and config. `last-event-id` resumes.",
    reply: "events",
  },
} as const satisfies Record<string, Operation>;
