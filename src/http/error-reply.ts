/** The gateway's own errors as replies in the client's dialect. */
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";

export function replyWithError(dialect: DialectName, error: GatewayError, requestId: string): Response {
  const { status, headers, body } = DIALECTS[dialect].renderError(error, requestId);
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", ...requestIdHeaders(requestId), ...headers },
  });
}

/** No browser takes a reply for a page or a script because its bytes look like one. */
export const NO_SNIFF = { "x-content-type-options": "nosniff" } as const;

/**
 * The headers of every reply to a request: the gateway's id of it, under the names that the official SDKs read, and
 * `NO_SNIFF`.
 */
export function requestIdHeaders(requestId: string): Record<string, string> {
  return { "x-request-id": requestId, "request-id": requestId, ...NO_SNIFF };
}

/**
 * Anything but a `GatewayError` is a fault of the gateway: the log gets all of it, the client a constant
 * text.
 */
export function asGatewayError(cause: unknown, log: Log, requestId: string): GatewayError {
  if (cause instanceof GatewayError) return cause;
  log.error(
    { requestId, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) },
    "an exception cost this request",
  );
  return new GatewayError(
    "internal",
    `an internal error; its cause is in the log under request id ${requestId}`,
    {
      cause,
    },
  );
}
