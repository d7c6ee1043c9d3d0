/** Sums over a range of time, and what needs a person now. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, durationMs, nanoUsdText, timeInQuery, timeMs } from "./values.ts";

const tokens = v.nullable(count);

const sums = {
  requests: count,
  /** Requests that ended in an error; requests whose client left are none. */
  errors: count,
  clientLeft: count,
  /** null: no request reported the kind, which is not 0. */
  tokens: v.strictObject({ fresh: tokens, cacheRead: tokens, cacheWrite: tokens, output: tokens }),
  /** null: no request has a cost. */
  costNanoUsd: v.nullable(nanoUsdText),
  /** Requests with usage whose model has no price. */
  unpriced: count,
  latencyP50Ms: v.nullable(durationMs),
  latencyP95Ms: v.nullable(durationMs),
  firstTokenP50Ms: v.nullable(durationMs),
  firstTokenP95Ms: v.nullable(durationMs),
};

const series = v.array(v.strictObject({ startMs: timeMs, endMs: timeMs, ...sums }));
/** `value`: "" for none, null for all that are too many to be told apart. */
const top = v.array(v.strictObject({ value: v.nullable(v.string()), ...sums }));

export const attention = v.array(
  v.strictObject({
    kind: v.picklist([
      "credential_invalid",
      "credential_exhausted",
      "all_credentials_unavailable",
      "upstream_unreachable",
      "no_upstreams",
      "no_keys",
      "key_refused",
      "config_rejected",
      "ledger_unwritable",
      "model_unpriced",
      /** Several; `about` is then "". */
      "models_unpriced",
      "budget_low",
      "budget_empty",
      "plain_http",
    ]),
    /** The credential, key, model or file; "" for the gateway itself. */
    about: v.string(),
    /** In plain English. */
    text: v.string(),
    /** What repairs it: a page of the admin, as a path below `/admin`. */
    fix: v.strictObject({ label: v.string(), to: v.string() }),
  }),
);

const splitBy = v.picklist(["key", "team", "model", "upstream", "credential", "endpoint", "user", "tag"]);

export const OVERVIEW = {
  getOverview: {
    method: "GET",
    path: "/overview",
    who: "signed-in",
    summary:
      "Requests, tokens, cost, errors and latency in a range, beside the range before, as sums and as a series.",
    query: v.strictObject({
      /** Absent: the 24 hours before `toMs`. */
      fromMs: v.optional(timeInQuery),
      /** Absent: now. */
      toMs: v.optional(timeInQuery),
      /** An IANA name. */
      zone: v.optional(v.pipe(v.string(), v.maxLength(64)), "UTC"),
      by: v.optional(splitBy),
    }),
    reply: v.strictObject({
      fromMs: timeMs,
      toMs: timeMs,
      zone: v.string(),
      period: v.picklist(["hour", "day", "week", "month"]),
      totals: v.strictObject(sums),
      /** Of the range of the same length before. */
      before: v.strictObject(sums),
      /** One for each period, also for those without a request. */
      series,
      /** With `by`: the series of the values that cost most, and of all others together as value null. */
      split: v.nullable(v.array(v.strictObject({ value: v.nullable(v.string()), series }))),
      top: v.strictObject({ models: top, keys: top, credentials: top }),
      attention,
    }),
  },
  getAttention: {
    method: "GET",
    path: "/attention",
    who: "signed-in",
    summary: "What needs a person now, each with what repairs it.",
    reply: v.strictObject({ attention }),
  },
} as const satisfies Record<string, Operation>;
