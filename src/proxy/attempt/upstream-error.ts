/** The client's error for an upstream's failure, when the client cannot get the upstream's own reply. */
import { GatewayError } from "../../core/errors.ts";
import type { Codec } from "../../dialects/codec.ts";
import { CODECS } from "../../dialects/codecs.ts";
import type { DialectName } from "../../dialects/dialect.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { UpstreamReply } from "./outcome.ts";

/** In general terms, for a client of the same dialect. */
export function errorFor(signal: Signal, status: number): GatewayError {
  if (signal.class === "overload") {
    return new GatewayError(
      "upstream_overloaded",
      `the upstream is overloaded or failing (status ${status})`,
    );
  }
  if (signal.class === "bad") {
    // The page may come from a proxy before the provider, but its status still holds.
    return status === 413
      ? new GatewayError("body_too_large", "the request is larger than the upstream takes")
      : new GatewayError("bad_request", `the upstream refused the request (status ${status})`);
  }
  return new GatewayError("upstream_error", `the upstream refused the request (status ${status})`);
}

/** How providers word that a conversation is too long. OpenAI also has a code for it. */
const TOO_LONG =
  /prompt is too long|input (?:is too long|token count .{0,40}exceeds)|(?:maximum|max) context length|context (?:length|window)|too many (?:input )?tokens|exceeds the (?:model's )?(?:maximum|available) (?:context|number of tokens)/i;

/**
 * In the upstream's own words, for a client of another dialect. `body` is the upstream's error body or error
 * object. A failure that concerns the gateway's credential never gets the upstream's words, because they may
 * name the account.
 */
export function foreignError(
  codec: Codec,
  signal: Signal,
  status: number,
  body: string,
  nowMs: number,
): GatewayError {
  const { message, code } = codec.decodeError(body);
  if (signal.class === "bad") {
    if (status === 413) {
      return new GatewayError("body_too_large", message ?? "the request is larger than the upstream takes");
    }
    if (code === "context_length_exceeded" || (message !== null && TOO_LONG.test(message))) {
      return new GatewayError("context_overflow", overflowText(message));
    }
    return new GatewayError("bad_request", message ?? `the upstream refused the request (status ${status})`);
  }
  if (signal.class === "forbid") {
    return status === 403
      ? new GatewayError(
          "upstream_forbidden",
          `the model is not open to this gateway's credentials (${signal.reason})`,
        )
      : new GatewayError("model_not_found", message ?? "the upstream knows no such model", {
          param: "model",
        });
  }
  if (signal.class === "rate") {
    return new GatewayError("credentials_cooling", "the upstream's rate limit was reached; try again later", {
      retryAfterMs: Math.max(signal.untilMs - nowMs, 1_000),
    });
  }
  if (signal.class === "overload" && status < 500 && status !== 429 && status !== 408) {
    return new GatewayError("upstream_error", `the upstream failed (status ${status})`);
  }
  return errorFor(signal, status);
}

/** The error in an upstream's own reply, for a client of the same dialect that cannot get the reply itself. */
export function ownWordsOf(
  { status, body }: UpstreamReply,
  dialect: DialectName,
  signal: Signal,
  nowMs: number,
): GatewayError {
  return foreignError(CODECS[dialect], signal, status, new TextDecoder().decode(body), nowMs);
}

/** Claude Code shortens the conversation when the message begins with these words. */
function overflowText(message: string | null): string {
  if (message === null) return "prompt is too long";
  return /^prompt is too long/i.test(message) ? message : `prompt is too long: ${message}`;
}
