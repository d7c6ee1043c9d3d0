/** The headers by which the official SDKs decide whether and when they ask again. */
import type { GatewayError } from "../../core/errors.ts";
import type { RateHeaders } from "../dialect.ts";

/**
 * `retry-after` in whole seconds (at least 1) and `retry-after-ms`, when a time is known. `x-should-retry:
 * false` where a client might retry by the status alone, in vain.
 */
export function retryHeaders(
  error: GatewayError,
  status: number,
  isRetryable: boolean,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = String(retryAfterS(error.retryAfterMs));
    headers["retry-after-ms"] = String(Math.max(1, Math.ceil(error.retryAfterMs)));
  }
  if (!isRetryable && mayBeRetried(status)) headers["x-should-retry"] = "false";
  return headers;
}

/** Whole seconds, rounded up, at least 1. */
export function retryAfterS(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** The SDKs do not repeat a 402, but tools in front of them repeat whatever is a limit. */
function mayBeRetried(status: number): boolean {
  return status === 402 || status === 408 || status === 409 || status === 429 || status >= 500;
}

const MINUTE_S = 60;

/** OpenAI's: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers. */
export const RATE_HEADERS: RateHeaders = {
  names: {
    requests: {
      limit: "x-ratelimit-limit-requests",
      remaining: "x-ratelimit-remaining-requests",
      reset: "x-ratelimit-reset-requests",
    },
    tokens: {
      limit: "x-ratelimit-limit-tokens",
      remaining: "x-ratelimit-remaining-tokens",
      reset: "x-ratelimit-reset-tokens",
    },
  },
  resetText: (resetsAtMs, nowMs) => durationText(resetsAtMs - nowMs),
};

/** As in `1s` and `6m0s`. */
function durationText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return SECONDS[seconds] ?? textOf(seconds);
}

/** What a rate of a minute takes: each reply says so. */
const SECONDS = Array.from({ length: 2 * MINUTE_S }, (_, seconds) => textOf(seconds));

function textOf(seconds: number): string {
  return seconds < MINUTE_S ? `${seconds}s` : `${Math.floor(seconds / MINUTE_S)}m${seconds % MINUTE_S}s`;
}
