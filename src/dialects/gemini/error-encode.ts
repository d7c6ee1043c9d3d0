/** Errors in the form of Google's APIs. The code has to be a number: the official SDK ignores any other. */
import { ERRORS, type ErrorKind, type GatewayError } from "../../core/errors.ts";
import type { ErrorReply, FailurePlace } from "../dialect.ts";
import { type OversizeWords, oversizeWords } from "../shared/oversize-words.ts";
import { retryAfterS, retryHeaders } from "../shared/retry-header.ts";

interface Name {
  readonly code: number;
  readonly status: string;
}

const NAMES: Readonly<Record<ErrorKind, Name>> = {
  bad_request: { code: 400, status: "INVALID_ARGUMENT" },
  bad_path: { code: 400, status: "INVALID_ARGUMENT" },
  bad_host: { code: 400, status: "INVALID_ARGUMENT" },
  bad_encoding: { code: 415, status: "INVALID_ARGUMENT" },
  body_too_large: { code: 413, status: "INVALID_ARGUMENT" },
  client_too_slow: { code: 408, status: "DEADLINE_EXCEEDED" },
  unauthenticated: { code: 401, status: "UNAUTHENTICATED" },
  key_forbidden: { code: 403, status: "PERMISSION_DENIED" },
  login_missing: { code: 401, status: "UNAUTHENTICATED" },
  login_refused: { code: 401, status: "UNAUTHENTICATED" },
  login_limited: { code: 429, status: "RESOURCE_EXHAUSTED" },
  route_not_found: { code: 404, status: "NOT_FOUND" },
  method_not_allowed: { code: 405, status: "INVALID_ARGUMENT" },
  upgrade_refused: { code: 426, status: "FAILED_PRECONDITION" },
  model_not_found: { code: 404, status: "NOT_FOUND" },
  // Google tells nobody whether it is there.
  state_not_found: { code: 403, status: "PERMISSION_DENIED" },
  previous_state_not_found: { code: 403, status: "PERMISSION_DENIED" },
  foreign_dialect: { code: 400, status: "INVALID_ARGUMENT" },
  not_translatable: { code: 400, status: "INVALID_ARGUMENT" },
  context_overflow: { code: 400, status: "INVALID_ARGUMENT" },
  rate_limited: { code: 429, status: "RESOURCE_EXHAUSTED" },
  budget_exhausted: { code: 429, status: "RESOURCE_EXHAUSTED" },
  request_over_limit: { code: 400, status: "INVALID_ARGUMENT" },
  model_unpriced: { code: 403, status: "PERMISSION_DENIED" },
  credentials_cooling: { code: 429, status: "RESOURCE_EXHAUSTED" },
  // Google's clients repeat a 503 for minutes, and this state lasts until somebody repairs it.
  credentials_unusable: { code: 400, status: "FAILED_PRECONDITION" },
  upstream_connect: { code: 500, status: "INTERNAL" },
  proxy_failed: { code: 500, status: "INTERNAL" },
  upstream_timeout: { code: 504, status: "DEADLINE_EXCEEDED" },
  upstream_overloaded: { code: 503, status: "UNAVAILABLE" },
  upstream_cut: { code: 503, status: "UNAVAILABLE" },
  upstream_garbage: { code: 500, status: "INTERNAL" },
  upstream_error: { code: 500, status: "INTERNAL" },
  upstream_forbidden: { code: 403, status: "PERMISSION_DENIED" },
  ledger_unavailable: { code: 503, status: "UNAVAILABLE" },
  memory_exhausted: { code: 503, status: "UNAVAILABLE" },
  descriptors_exhausted: { code: 503, status: "UNAVAILABLE" },
  shutting_down: { code: 503, status: "UNAVAILABLE" },
  internal: { code: 500, status: "INTERNAL" },
};

/** Google's sentences; it has none for the sum, which it never refuses. */
const WORDS: OversizeWords = {
  prompt: (prompt, limit) =>
    `The input token count (${prompt}) exceeds the maximum number of tokens allowed (${limit}).`,
  sum: (prompt, asked, limit) =>
    `The input token count (${prompt}) together with maxOutputTokens (${asked}) exceeds the maximum number of tokens allowed (${limit}).`,
  output: (asked, limit) =>
    `Unable to submit request because it has a maxOutputTokens value of ${asked} but the supported range is from 1 (inclusive) to ${limit + 1} (exclusive). Update the value and try again.`,
};

function renderBody(error: GatewayError, requestId: string): string {
  const { code, status } = NAMES[error.kind];
  const message = oversizeWords(error, WORDS) ?? error.message;
  const details: Record<string, unknown>[] = [];
  if (error.param !== undefined) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: error.param, description: message }],
    });
  }
  if (error.retryAfterMs !== undefined && (code === 429 || code === 503)) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: `${retryAfterS(error.retryAfterMs)}s`,
    });
  }
  details.push({ "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId });
  return JSON.stringify({ error: { code, message, status, details } });
}

export function renderError(error: GatewayError, requestId: string): ErrorReply {
  const status = NAMES[error.kind].code;
  return {
    status,
    headers: retryHeaders(error, status, ERRORS[error.kind].retryable),
    body: renderBody(error, requestId),
  };
}

/** An error chunk; in a JSON array it is the last element and closes the array. */
export function renderStreamError(
  error: GatewayError,
  requestId: string,
  { framing, isFirst, isMidFrame }: FailurePlace,
): string {
  const body = renderBody(error, requestId);
  if (framing === "sse") return `${isMidFrame ? "\n\n" : ""}data: ${body}\n\n`;
  if (framing === "json" || isMidFrame) return "";
  return isFirst ? `[${body}]` : `,${body}]`;
}
