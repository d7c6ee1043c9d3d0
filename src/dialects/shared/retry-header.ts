/** The headers by which the official SDKs decide whether and when they retry. */
import type { GatewayError } from "../../core/errors.ts";

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
