/** Errors in the form of the Responses API. Codex reads `error.code`, and the waiting time in the message. */
import { ERRORS, type ErrorKind, type GatewayError } from "../../core/errors.ts";
import type { ErrorReply, FailurePlace } from "../dialect.ts";
import { type OversizeWords, oversizeWords } from "../shared/oversize-words.ts";
import { retryAfterS, retryHeaders } from "../shared/retry-header.ts";

interface Name {
  readonly type: string;
  /** null: OpenAI has none for it. */
  readonly code: string | null;
  /** A code that `response.failed` knows, or that Codex acts on. */
  readonly streamCode:
    | "server_error"
    | "rate_limit_exceeded"
    | "insufficient_quota"
    | "invalid_prompt"
    | "context_length_exceeded";
  /** In place of the kind's own status. */
  readonly status?: number;
}

const invalid = (code: string): Name => ({
  type: "invalid_request_error",
  code,
  streamCode: "invalid_prompt",
});
const rate: Name = {
  type: "rate_limit_error",
  code: "rate_limit_exceeded",
  streamCode: "rate_limit_exceeded",
};
const server = (code: string): Name => ({ type: "server_error", code, streamCode: "server_error" });

const NAMES: Readonly<Record<ErrorKind, Name>> = {
  bad_request: invalid("invalid_request"),
  bad_path: invalid("invalid_path"),
  bad_host: invalid("invalid_host"),
  bad_encoding: invalid("unsupported_encoding"),
  body_too_large: invalid("request_too_large"),
  client_too_slow: invalid("client_too_slow"),
  unauthenticated: invalid("invalid_api_key"),
  key_forbidden: { ...invalid("key_forbidden"), type: "permission_error" },
  login_missing: invalid("login_missing"),
  login_refused: invalid("login_refused"),
  login_limited: rate,
  route_not_found: invalid("unknown_url"),
  method_not_allowed: invalid("method_not_supported"),
  upgrade_refused: invalid("upgrade_refused"),
  model_not_found: invalid("model_not_found"),
  state_not_found: { ...invalid("not_found"), code: null },
  previous_state_not_found: invalid("previous_response_not_found"),
  foreign_dialect: invalid("foreign_dialect"),
  not_translatable: invalid("unsupported_parameter"),
  context_overflow: { ...invalid("context_length_exceeded"), streamCode: "context_length_exceeded" },
  rate_limited: rate,
  budget_exhausted: {
    type: "insufficient_quota",
    code: "insufficient_quota",
    streamCode: "insufficient_quota",
  },
  request_over_limit: invalid("request_over_limit"),
  model_unpriced: { ...invalid("model_unpriced"), type: "permission_error" },
  credentials_cooling: rate,
  // Codex 0.169.0 sends a 503 thirty times in 25 s before it tells its user, whatever x-should-retry says.
  credentials_unusable: { ...server("upstream_credential"), streamCode: "invalid_prompt", status: 400 },
  upstream_connect: server("upstream_unreachable"),
  proxy_failed: server("proxy_failed"),
  upstream_timeout: server("upstream_timeout"),
  upstream_overloaded: server("upstream_overloaded"),
  upstream_cut: server("upstream_disconnected"),
  upstream_garbage: server("upstream_invalid_reply"),
  upstream_error: server("upstream_error"),
  upstream_forbidden: server("upstream_forbidden"),
  ledger_unavailable: server("ledger_unavailable"),
  memory_exhausted: server("memory_exhausted"),
  descriptors_exhausted: server("descriptors_exhausted"),
  shutting_down: server("shutting_down"),
  internal: server("internal_error"),
};

/** OpenAI's sentences; its first has no numbers. Codex shortens the conversation by the code. */
const WORDS: OversizeWords = {
  prompt: (prompt, limit) =>
    `Your input exceeds the context window of this model: ${prompt} tokens, of at most ${limit}. Please adjust your input and try again.`,
  sum: (prompt, asked, limit) =>
    `This model's maximum context length is ${limit} tokens. However, you requested ${prompt + asked} tokens (${prompt} in the input, ${asked} in the output). Please reduce the length of the input or of the output.`,
  output: (asked, limit) =>
    `Invalid 'max_output_tokens': integer above maximum value. Expected a value <= ${limit}, but got ${asked} instead.`,
};

function messageOf(error: GatewayError): string {
  const words = oversizeWords(error, WORDS);
  if (words !== null) return words;
  if (error.kind !== "credentials_cooling" || error.retryAfterMs === undefined) return error.message;
  return `${error.message} Please try again in ${retryAfterS(error.retryAfterMs)}s.`;
}

function paramOf({ param, kind }: GatewayError): string | null {
  return param ?? (kind === "context_overflow" ? "input" : null);
}

/** The body has no place for the request id; a header carries it. */
export function renderError(error: GatewayError): ErrorReply {
  const name = NAMES[error.kind];
  const param = paramOf(error);
  const status = name.status ?? error.status;
  return {
    status,
    headers: retryHeaders(error, status, ERRORS[error.kind].retryable),
    body: JSON.stringify({ error: { message: messageOf(error), type: name.type, param, code: name.code } }),
  };
}

/** The code and message of an error inside a stream. Codex reads the waiting time in the message. */
export function streamErrorOf(error: GatewayError): { readonly code: string; readonly message: string } {
  return { code: NAMES[error.kind].streamCode, message: messageOf(error) };
}

/**
 * The members of the event `error`. The JavaScript SDK raises the event by its name, the Python SDK by its
 * member `error`; the API documents the other members.
 */
export function raisedErrorOf(error: GatewayError): object {
  const { code, message } = streamErrorOf(error);
  const param = paramOf(error);
  return { code, message, param, error: { type: NAMES[error.kind].type, code, message, param } };
}

/** The response that a stream has begun. */
export interface BegunResponse {
  /** null: the stream has not begun, or gave no id. */
  readonly id: string | null;
  readonly model: string | null;
  /** Unix seconds, 0 when unknown. */
  readonly createdAtS: number;
  readonly nextSequenceNumber: number;
}

/**
 * `response.failed` with the stream's next number ends the stream, and `error` follows: the official SDKs
 * hand the first to the caller as any other event and raise the second.
 */
export function renderStreamError(
  error: GatewayError,
  requestId: string,
  { framing, isMidFrame }: FailurePlace,
  { id, model, createdAtS, nextSequenceNumber }: BegunResponse,
): string {
  if (framing !== "sse") return "";
  const { code, message } = streamErrorOf(error);
  const failed = {
    type: "response.failed",
    sequence_number: nextSequenceNumber,
    response: {
      id: id ?? `resp_${requestId}`,
      object: "response",
      created_at: createdAtS,
      status: "failed",
      error: { code, message },
      incomplete_details: null,
      model: model ?? "",
      output: [],
      usage: null,
    },
  };
  const raised = { type: "error", sequence_number: nextSequenceNumber + 1, ...raisedErrorOf(error) };
  return `${isMidFrame ? "\n\n" : ""}${eventOf(failed)}${eventOf(raised)}`;
}

function eventOf(data: { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
