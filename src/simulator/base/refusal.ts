// A provider's error in place of an answer, in the provider's envelope.

export type Vendor = "anthropic" | "gemini" | "openai";

/** The rules throw it; the server sends it unchanged. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export interface OpenaiError {
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  readonly code?: string | null;
}

/** OpenAI's envelope; all four members are always present. */
export function openaiRefusal(status: number, error: OpenaiError, headers?: Record<string, string>): Refusal {
  const { message, type = "invalid_request_error", param = null, code = null } = error;
  return new Refusal(status, { error: { message, type, param, code } }, headers);
}

/** Anthropic's error types with their HTTP status. */
const ANTHROPIC_STATUS = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const;

export type AnthropicErrorType = keyof typeof ANTHROPIC_STATUS;

/** Anthropic's envelope without `request_id`; the server adds `request_id` with the header of that name. */
export function anthropicRefusal(
  type: AnthropicErrorType,
  message: string,
  more: { status?: number; errorCode?: string; headers?: Record<string, string> } = {},
): Refusal {
  const details = more.errorCode === undefined ? {} : { details: { error_code: more.errorCode } };
  return new Refusal(
    more.status ?? ANTHROPIC_STATUS[type],
    { type: "error", error: { type, message, ...details } },
    more.headers,
  );
}

/** Google's envelope; `code` repeats the HTTP status. */
export function geminiRefusal(
  code: number,
  status: string,
  message: string,
  details: readonly unknown[] = [],
): Refusal {
  const list = details.length === 0 ? {} : { details };
  return new Refusal(code, { error: { code, message, status, ...list } });
}
