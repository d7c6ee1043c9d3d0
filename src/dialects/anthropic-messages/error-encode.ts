/** Errors in the form of the Anthropic API. */
import { ERRORS, type ErrorKind, type GatewayError } from "../../core/errors.ts";
import type { ErrorReply, FailurePlace } from "../dialect.ts";
import { type OversizeWords, oversizeWords } from "../shared/oversize-words.ts";
import { retryHeaders } from "../shared/retry-header.ts";

interface Name {
  readonly status: number;
  readonly type: string;
}

/** Anthropic has statuses of its own: 402 for money, 529 for overload, 500 for faults behind the gateway. */
const NAMES: Readonly<Record<ErrorKind, Name>> = {
  bad_request: { status: 400, type: "invalid_request_error" },
  bad_path: { status: 400, type: "invalid_request_error" },
  bad_host: { status: 400, type: "invalid_request_error" },
  bad_encoding: { status: 415, type: "invalid_request_error" },
  body_too_large: { status: 413, type: "request_too_large" },
  client_too_slow: { status: 408, type: "timeout_error" },
  unauthenticated: { status: 401, type: "authentication_error" },
  key_forbidden: { status: 403, type: "permission_error" },
  login_missing: { status: 401, type: "authentication_error" },
  login_refused: { status: 401, type: "authentication_error" },
  login_limited: { status: 429, type: "rate_limit_error" },
  route_not_found: { status: 404, type: "not_found_error" },
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  upgrade_refused: { status: 426, type: "invalid_request_error" },
  model_not_found: { status: 404, type: "not_found_error" },
  state_not_found: { status: 404, type: "not_found_error" },
  previous_state_not_found: { status: 404, type: "not_found_error" },
  foreign_dialect: { status: 400, type: "invalid_request_error" },
  not_translatable: { status: 400, type: "invalid_request_error" },
  context_overflow: { status: 400, type: "invalid_request_error" },
  rate_limited: { status: 429, type: "rate_limit_error" },
  budget_exhausted: { status: 402, type: "billing_error" },
  request_over_limit: { status: 400, type: "invalid_request_error" },
  model_unpriced: { status: 403, type: "permission_error" },
  credentials_cooling: { status: 429, type: "rate_limit_error" },
  credentials_unusable: { status: 503, type: "api_error" },
  upstream_connect: { status: 500, type: "api_error" },
  proxy_failed: { status: 500, type: "api_error" },
  upstream_timeout: { status: 504, type: "timeout_error" },
  upstream_overloaded: { status: 529, type: "overloaded_error" },
  upstream_cut: { status: 500, type: "api_error" },
  upstream_garbage: { status: 500, type: "api_error" },
  upstream_error: { status: 500, type: "api_error" },
  upstream_forbidden: { status: 403, type: "permission_error" },
  ledger_unavailable: { status: 503, type: "api_error" },
  memory_exhausted: { status: 503, type: "api_error" },
  descriptors_exhausted: { status: 503, type: "api_error" },
  shutting_down: { status: 503, type: "api_error" },
  internal: { status: 500, type: "api_error" },
};

/** Claude Code asks again with less when 3,000 tokens are left besides its own margin of 1,000. */
const LEAST_ROOM_TOKENS = 4_000;

/** Claude Code lowers its limit by the second sentence, and shortens the conversation after the first. */
const WORDS: OversizeWords = {
  prompt: (prompt, limit) => `prompt is too long: ${prompt} tokens > ${limit} maximum`,
  sum: (prompt, asked, limit) =>
    limit - prompt < LEAST_ROOM_TOKENS
      ? WORDS.prompt(prompt, Math.max(limit - LEAST_ROOM_TOKENS, 0))
      : `input length and \`max_tokens\` exceed context limit: ${prompt} + ${asked} > ${limit}, decrease input length or \`max_tokens\` and try again`,
  output: (asked, limit) =>
    `max_tokens: ${asked} > ${limit}, which is the maximum allowed number of output tokens for this model`,
};

function renderBody(error: GatewayError, requestId: string): string {
  return JSON.stringify({
    type: "error",
    error: {
      type: NAMES[error.kind].type,
      message: messageOf(error),
      ...(error.details === undefined ? {} : { details: error.details }),
    },
    request_id: requestId,
  });
}

/**
 * The envelope has no member for the field at fault: the message names it, as Anthropic's own messages do.
 */
function messageOf(error: GatewayError): string {
  const { kind, message, param, oversize } = error;
  const words = oversizeWords(error, WORDS);
  if (words !== null) return words;
  if (oversize !== undefined && kind === "context_overflow" && !/^prompt is too long/i.test(message))
    return `prompt is too long: ${message}`;
  return param === undefined || message.includes(param) ? message : `${param}: ${message}`;
}

export function renderError(error: GatewayError, requestId: string): ErrorReply {
  const status = NAMES[error.kind].status;
  return {
    status,
    headers: retryHeaders(error, status, ERRORS[error.kind].retryable),
    body: renderBody(error, requestId),
  };
}

/** An `error` event; no `message_stop` follows it. */
export function renderStreamError(
  error: GatewayError,
  requestId: string,
  { framing, isMidFrame }: FailurePlace,
): string {
  if (framing !== "sse") return "";
  return `${isMidFrame ? "\n\n" : ""}event: error\ndata: ${renderBody(error, requestId)}\n\n`;
}
