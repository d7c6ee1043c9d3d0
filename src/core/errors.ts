/**
 * One table of errors: whose fault an error is, its HTTP status, and whether a client may try again. A
 * dialect puts the error into its own envelope; nothing else decides on a status. Public text never holds
 * upstream bodies or secrets.
 */

/** The errors that Clewline itself reports. */
export type ErrorKind =
  | "bad_request"
  | "bad_path"
  | "bad_host"
  | "bad_encoding"
  | "body_too_large"
  | "client_too_slow"
  | "unauthenticated"
  | "key_forbidden"
  | "login_missing"
  | "login_refused"
  | "login_limited"
  | "route_not_found"
  | "method_not_allowed"
  | "upgrade_refused"
  | "model_not_found"
  | "state_not_found"
  | "previous_state_not_found"
  | "foreign_dialect"
  | "not_translatable"
  | "context_overflow"
  | "rate_limited"
  | "budget_exhausted"
  | "request_over_limit"
  | "model_unpriced"
  | "credentials_cooling"
  | "credentials_unusable"
  | "upstream_connect"
  | "proxy_failed"
  | "upstream_timeout"
  | "upstream_overloaded"
  | "upstream_cut"
  | "upstream_garbage"
  | "upstream_error"
  | "upstream_forbidden"
  | "ledger_unavailable"
  | "memory_exhausted"
  | "descriptors_exhausted"
  | "shutting_down"
  | "internal";

/** The side that has to act. */
export type ErrorOrigin = "client" | "gateway" | "upstream";

export interface ErrorTraits {
  readonly status: number;
  readonly origin: ErrorOrigin;
  /** The same request may succeed when it is sent again. */
  readonly retryable: boolean;
}

/** A test holds docs/errors.md to this table. */
export const ERRORS: Readonly<Record<ErrorKind, ErrorTraits>> = {
  bad_request: { status: 400, origin: "client", retryable: false },
  bad_path: { status: 400, origin: "client", retryable: false },
  bad_host: { status: 400, origin: "client", retryable: false },
  bad_encoding: { status: 415, origin: "client", retryable: false },
  body_too_large: { status: 413, origin: "client", retryable: false },
  client_too_slow: { status: 408, origin: "client", retryable: true },
  unauthenticated: { status: 401, origin: "client", retryable: false },
  key_forbidden: { status: 403, origin: "client", retryable: false },
  login_missing: { status: 401, origin: "client", retryable: false },
  login_refused: { status: 401, origin: "client", retryable: false },
  login_limited: { status: 429, origin: "client", retryable: true },
  route_not_found: { status: 404, origin: "client", retryable: false },
  method_not_allowed: { status: 405, origin: "client", retryable: false },
  upgrade_refused: { status: 426, origin: "client", retryable: false },
  model_not_found: { status: 404, origin: "client", retryable: false },
  state_not_found: { status: 404, origin: "client", retryable: false },
  previous_state_not_found: { status: 400, origin: "client", retryable: false },
  foreign_dialect: { status: 400, origin: "client", retryable: false },
  not_translatable: { status: 400, origin: "client", retryable: false },
  context_overflow: { status: 400, origin: "client", retryable: false },
  rate_limited: { status: 429, origin: "client", retryable: true },
  budget_exhausted: { status: 429, origin: "gateway", retryable: false },
  request_over_limit: { status: 400, origin: "client", retryable: false },
  model_unpriced: { status: 403, origin: "gateway", retryable: false },
  credentials_cooling: { status: 429, origin: "gateway", retryable: true },
  credentials_unusable: { status: 503, origin: "gateway", retryable: false },
  upstream_connect: { status: 502, origin: "upstream", retryable: true },
  proxy_failed: { status: 502, origin: "upstream", retryable: true },
  upstream_timeout: { status: 504, origin: "upstream", retryable: true },
  upstream_overloaded: { status: 503, origin: "upstream", retryable: true },
  upstream_cut: { status: 502, origin: "upstream", retryable: true },
  upstream_garbage: { status: 502, origin: "upstream", retryable: true },
  upstream_error: { status: 502, origin: "upstream", retryable: true },
  upstream_forbidden: { status: 403, origin: "upstream", retryable: false },
  ledger_unavailable: { status: 503, origin: "gateway", retryable: true },
  memory_exhausted: { status: 503, origin: "gateway", retryable: true },
  descriptors_exhausted: { status: 503, origin: "gateway", retryable: true },
  shutting_down: { status: 503, origin: "gateway", retryable: true },
  internal: { status: 500, origin: "gateway", retryable: false },
};

/** Why a request is too large for a model. Sizes are tokens; null: not known. */
export interface Oversize {
  /**
   * `prompt`: the prompt alone is too long. `sum`: the prompt fits, but not together with the answer that was
   * asked for. `output`: more of an answer was asked for than the model ever writes.
   */
  readonly part: "prompt" | "sum" | "output";
  readonly promptTokens: number | null;
  /** The limit for the answer in the request. */
  readonly askedTokens: number | null;
  /** The model's context; for `output` the longest answer that the model writes. */
  readonly limitTokens: number | null;
}

export interface GatewayErrorOptions {
  /** For the log only. May hold upstream text, never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** The request field at fault, as a path such as `messages[0].content`. */
  readonly param?: string;
  /** Milliseconds from now after which a retry makes sense. */
  readonly retryAfterMs?: number;
  /** A structured cause, for dialects that have a place for one (Anthropic's `error.details`). */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The request is too large. A dialect words the sizes as its clients expect them. */
  readonly oversize?: Oversize;
}

/** The one error class. `message` is public: it names the fault and its repair. */
export class GatewayError extends Error {
  readonly kind: ErrorKind;
  readonly status: number;
  readonly detail: string | undefined;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly oversize: Oversize | undefined;

  constructor(kind: ErrorKind, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GatewayError";
    this.kind = kind;
    this.status = ERRORS[kind].status;
    this.detail = options.detail;
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
    this.oversize = options.oversize;
  }
}
