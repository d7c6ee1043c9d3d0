/** Replies that Clewline itself gives: errors in the caller's dialect, with the request id. */
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { DialectName, Framing } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import { droppedHeader } from "./drops.ts";
import type { Exchange } from "./exchange.ts";

/** An error as a whole reply in the dialect. */
export function replyWithError(dialect: DialectName, error: GatewayError, requestId: string): Response {
  const { status, headers, body } = DIALECTS[dialect].renderError(error, requestId);
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", ...requestIdHeaders(requestId), ...headers },
  });
}

/** Shorter ones are placeholders for servers without keys ("none", "ollama"): taken out, they would spoil the text. */
const MIN_SECRET_CHARS = 8;

/** What an upstream said of a failure, less the credential that it was shown: some repeat it. */
export function withoutCredential(text: string, auth: readonly [name: string, value: string]): string {
  const secret = auth[1].replace(/^Bearer /, "");
  return secret.length < MIN_SECRET_CHARS ? text : text.replace(patternOf(secret), "[redacted]");
}

/** A secret as it is and as JSON may write it: any character by its number, some behind a backslash. */
function patternOf(secret: string): RegExp {
  const chars = Array.from(secret, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `(?:\\\\?${RegExp.escape(char)}|\\\\u${hex})`;
  });
  return new RegExp(chars.join(""), "gi");
}

/** Our request id under the names that the official SDKs read. */
export function requestIdHeaders(requestId: string): Record<string, string> {
  return { "x-request-id": requestId, "request-id": requestId };
}

/** Anything that is not a `GatewayError` is a fault of ours: logged in full, told without detail. */
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

/** Headers of a reply that was written here: nothing of the upstream's own is in the client's terms. */
export function translatedHeaders(exchange: Exchange, framing: Framing): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": framing === "sse" ? "text/event-stream; charset=utf-8" : "application/json",
    ...requestIdHeaders(exchange.id),
  };
  if (exchange.dropped.length > 0) headers["x-clewline-dropped"] = droppedHeader(exchange.dropped);
  return headers;
}
