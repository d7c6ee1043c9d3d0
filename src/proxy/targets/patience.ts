/** How long a request may wait for a credential: as long as the operator allows, and its client waits for an answer. */
import type { HeaderView } from "../../core/header-view.ts";
import type { ServedRequest } from "../served-request.ts";

/**
 * The time-outs that clients tell: the official SDKs of OpenAI and Anthropic for JavaScript (the whole request) and for
 * Python (between two bytes), and those of Google. All in seconds.
 */
const TIMEOUT_HEADERS = ["x-stainless-timeout", "x-stainless-read-timeout", "x-server-timeout"];
const SECONDS = /^\d{1,9}(?:\.\d{1,9})?$/;

/** The end of the request's patience, on the monotonic clock. */
export function patienceEndMs({ gateway, exchange }: ServedRequest): number {
  const { pool, server } = gateway.snapshot.config;
  const endMs = gateway.clock.monotonicMs() + pool.maxWaitS * 1_000;
  const timeoutMs = clientTimeoutMs(exchange.client.headers);
  // The other half is for the answer.
  const shareMs = timeoutMs / 2;
  // A client that hears something meanwhile does not give up.
  const silentMs = exchange.opensEarly ? server.pingIntervalMs : server.keepaliveIntervalS * 1_000;
  return silentMs > 0 && silentMs < shareMs ? endMs : Math.min(endMs, exchange.startedMs + shareMs);
}

/** The shortest one; `Infinity`: the client tells none that can be read. */
function clientTimeoutMs(headers: HeaderView): number {
  return TIMEOUT_HEADERS.reduce((shortest, name) => {
    const value = headers.get(name);
    if (value === null || !SECONDS.test(value) || Number(value) === 0) return shortest;
    return Math.min(shortest, Number(value) * 1_000);
  }, Number.POSITIVE_INFINITY);
}
