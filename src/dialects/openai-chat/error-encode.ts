/** Errors in the form of Chat Completions. */
import { ERRORS, type ErrorKind, type GatewayError } from "../../core/errors.ts";
import type { ErrorReply, FailurePlace } from "../dialect.ts";
import { type OversizeWords, oversizeWords } from "../shared/oversize-words.ts";
import { retryHeaders } from "../shared/retry-header.ts";

interface Name {
  readonly type: string;
  /** null: OpenAI has none for it. */
  readonly code: string | null;
}

const NAMES: Readonly<Record<ErrorKind, Name>> = {
  bad_request: { type: "invalid_request_error", code: "invalid_request" },
  bad_path: { type: "invalid_request_error", code: "invalid_path" },
  bad_host: { type: "invalid_request_error", code: "invalid_host" },
  bad_encoding: { type: "invalid_request_error", code: "unsupported_encoding" },
  body_too_large: { type: "invalid_request_error", code: "request_too_large" },
  client_too_slow: { type: "invalid_request_error", code: "client_too_slow" },
  unauthenticated: { type: "invalid_request_error", code: "invalid_api_key" },
  key_forbidden: { type: "permission_error", code: "key_forbidden" },
  login_missing: { type: "invalid_request_error", code: "login_missing" },
  login_refused: { type: "invalid_request_error", code: "login_refused" },
  login_limited: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  route_not_found: { type: "invalid_request_error", code: "unknown_url" },
  method_not_allowed: { type: "invalid_request_error", code: "method_not_supported" },
  upgrade_refused: { type: "invalid_request_error", code: "upgrade_refused" },
  model_not_found: { type: "invalid_request_error", code: "model_not_found" },
  state_not_found: { type: "invalid_request_error", code: null },
  previous_state_not_found: { type: "invalid_request_error", code: "previous_response_not_found" },
  foreign_dialect: { type: "invalid_request_error", code: "foreign_dialect" },
  not_translatable: { type: "invalid_request_error", code: "unsupported_parameter" },
  context_overflow: { type: "invalid_request_error", code: "context_length_exceeded" },
  rate_limited: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  budget_exhausted: { type: "insufficient_quota", code: "insufficient_quota" },
  request_over_limit: { type: "invalid_request_error", code: "request_over_limit" },
  model_unpriced: { type: "permission_error", code: "model_unpriced" },
  credentials_cooling: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  credentials_unusable: { type: "server_error", code: "upstream_credential" },
  upstream_connect: { type: "server_error", code: "upstream_unreachable" },
  proxy_failed: { type: "server_error", code: "proxy_failed" },
  upstream_timeout: { type: "server_error", code: "upstream_timeout" },
  upstream_overloaded: { type: "server_error", code: "upstream_overloaded" },
  upstream_cut: { type: "server_error", code: "upstream_disconnected" },
  upstream_garbage: { type: "server_error", code: "upstream_invalid_reply" },
  upstream_error: { type: "server_error", code: "upstream_error" },
  upstream_forbidden: { type: "permission_error", code: "upstream_forbidden" },
  ledger_unavailable: { type: "server_error", code: "ledger_unavailable" },
  memory_exhausted: { type: "server_error", code: "memory_exhausted" },
  descriptors_exhausted: { type: "server_error", code: "descriptors_exhausted" },
  shutting_down: { type: "server_error", code: "shutting_down" },
  internal: { type: "server_error", code: "internal_error" },
};

/** OpenAI's sentences. */
const WORDS: OversizeWords = {
  prompt: (prompt, limit) =>
    `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${prompt} tokens. Please reduce the length of the messages.`,
  sum: (prompt, asked, limit) =>
    `This model's maximum context length is ${limit} tokens. However, you requested ${prompt + asked} tokens (${prompt} in the messages, ${asked} in the completion). Please reduce the length of the messages or completion.`,
  output: (asked, limit) =>
    `max_tokens is too large: ${asked}. This model supports at most ${limit} completion tokens, whereas you provided ${asked}.`,
};

function renderBody(error: GatewayError): string {
  const name = NAMES[error.kind];
  const param = error.param ?? (error.kind === "context_overflow" ? "messages" : null);
  const message = oversizeWords(error, WORDS) ?? error.message;
  return JSON.stringify({ error: { message, type: name.type, param, code: name.code } });
}

/** The body has no place for the request id; a header carries it. */
export function renderError(error: GatewayError): ErrorReply {
  return {
    status: error.status,
    headers: retryHeaders(error, error.status, ERRORS[error.kind].retryable),
    body: renderBody(error),
  };
}

/** An error chunk and the terminator. Without them clients would wait, or take the answer for whole. */
export function renderStreamError(
  error: GatewayError,
  _requestId: string,
  { framing, isMidFrame }: FailurePlace,
): string {
  if (framing !== "sse") return "";
  return `${isMidFrame ? "\n\n" : ""}data: ${renderBody(error)}\n\ndata: [DONE]\n\n`;
}
