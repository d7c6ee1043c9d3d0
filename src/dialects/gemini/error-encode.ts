/** Errors in the form of Google's APIs. The code has to be a number: the official SDK ignores any other. */
import type { ErrorKind, GatewayError } from "../../core/errors.ts";
import type { ErrorReply, FailurePlace } from "../dialect.ts";
import { retryAfterS } from "../shared/retry-header.ts";

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
  unauthenticated: { code: 401, status: "UNAUTHENTICATED" },
  route_not_found: { code: 404, status: "NOT_FOUND" },
  method_not_allowed: { code: 405, status: "INVALID_ARGUMENT" },
  model_not_found: { code: 404, status: "NOT_FOUND" },
  foreign_dialect: { code: 400, status: "INVALID_ARGUMENT" },
  not_translatable: { code: 400, status: "INVALID_ARGUMENT" },
  context_overflow: { code: 400, status: "INVALID_ARGUMENT" },
  credentials_cooling: { code: 429, status: "RESOURCE_EXHAUSTED" },
  credentials_unusable: { code: 503, status: "UNAVAILABLE" },
  upstream_connect: { code: 500, status: "INTERNAL" },
  upstream_timeout: { code: 504, status: "DEADLINE_EXCEEDED" },
  upstream_overloaded: { code: 503, status: "UNAVAILABLE" },
  upstream_cut: { code: 503, status: "UNAVAILABLE" },
  upstream_garbage: { code: 500, status: "INTERNAL" },
  upstream_error: { code: 500, status: "INTERNAL" },
  upstream_forbidden: { code: 403, status: "PERMISSION_DENIED" },
  ledger_unavailable: { code: 503, status: "UNAVAILABLE" },
  shutting_down: { code: 503, status: "UNAVAILABLE" },
  internal: { code: 500, status: "INTERNAL" },
};

function renderBody(error: GatewayError, requestId: string): string {
  const { code, status } = NAMES[error.kind];
  const details: Record<string, unknown>[] = [];
  if (error.param !== undefined) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: error.param, description: error.message }],
    });
  }
  if (error.retryAfterMs !== undefined && (code === 429 || code === 503)) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: `${retryAfterS(error.retryAfterMs)}s`,
    });
  }
  details.push({ "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId });
  return JSON.stringify({ error: { code, message: error.message, status, details } });
}

export function renderError(error: GatewayError, requestId: string): ErrorReply {
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(retryAfterS(error.retryAfterMs));
  return { status: NAMES[error.kind].code, headers, body: renderBody(error, requestId) };
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
