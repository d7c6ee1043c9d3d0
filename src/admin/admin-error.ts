/** What a caller of the admin API gets in place of an answer. */
import type { AdminErrorBody } from "./contract.ts";

/** Each kind with its HTTP status. */
const STATUSES = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  locked: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  invalid: 422,
  too_many: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type AdminErrorKind = keyof typeof STATUSES;

export interface AdminErrorOptions {
  /** The field at fault, as in `settings.models`. */
  readonly path?: string;
  readonly repair?: string;
  /** Seconds after which the call may succeed. */
  readonly retryAfterS?: number;
  /** Further members of the body. */
  readonly details?: Partial<AdminErrorBody["error"]>;
}

/** The message is public: it names the fault, and never holds a secret. */
export class AdminError extends Error {
  readonly kind: AdminErrorKind;
  readonly status: number;
  readonly options: AdminErrorOptions;

  constructor(kind: AdminErrorKind, message: string, options: AdminErrorOptions = {}) {
    super(message);
    this.name = "AdminError";
    this.kind = kind;
    this.status = STATUSES[kind];
    this.options = options;
  }

  get body(): AdminErrorBody {
    const { path, repair, details } = this.options;
    return {
      error: {
        kind: this.kind,
        message: this.message,
        ...(path === undefined ? {} : { path }),
        ...(repair === undefined ? {} : { repair }),
        ...details,
      },
    };
  }

  get headers(): Record<string, string> {
    const { retryAfterS } = this.options;
    return retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  }
}
