/** What a client is told of an upstream's failure where the upstream's own words are not for it. */
import { GatewayError } from "../../core/errors.ts";
import type { Codec } from "../../dialects/codec.ts";
import type { Signal } from "../../upstreams/signal.ts";

/** In general terms, for a client of the same dialect that cannot be given the bytes. */
export function errorFor(signal: Signal, status: number): GatewayError {
  if (signal.class === "overload") {
    return new GatewayError(
      "upstream_overloaded",
      `the upstream is overloaded or out of order (status ${status})`,
    );
  }
  if (signal.class === "bad") {
    // A page of a proxy or network edge before the provider: what it means still holds.
    return status === 413
      ? new GatewayError("body_too_large", "the request is larger than the upstream takes")
      : new GatewayError("bad_request", `the upstream refused the request (status ${status})`);
  }
  return new GatewayError("upstream_error", `the upstream refused the request (status ${status})`);
}

/** Wordings for a conversation that is too long, beside OpenAI's code. */
const TOO_LONG =
  /prompt is too long|input (?:is too long|token count .{0,40}exceeds)|(?:maximum|max) context length|context (?:length|window)|too many (?:input )?tokens|exceeds the (?:model's )?(?:maximum|available) (?:context|number of tokens)/i;

/**
 * In the upstream's words, for a client of another dialect: `body` is its error body (or error object). What concerns a credential of
 * ours is never told in its words, for they may name the account.
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

/** Claude Code shortens the conversation when it reads these words at the start. */
function overflowText(message: string | null): string {
  if (message === null) return "prompt is too long";
  return /^prompt is too long/i.test(message) ? message : `prompt is too long: ${message}`;
}
