/**
 * Why there is no connection through a proxy. One kind of error for all reasons: none says anything about the server,
 * which others may reach by another way.
 */
import type { ProxyServer } from "../../config/network/via.ts";
import { GatewayError } from "../../core/errors.ts";
import { unreachableError } from "./failure.ts";

export function proxyError(proxy: ProxyServer, problem: string, detail?: string): GatewayError {
  const message = `the proxy ${proxy.name} ${problem}`;
  return new GatewayError("proxy_failed", message, detail === undefined ? {} : { detail });
}

/** No connection to the proxy itself. */
export function proxyUnreachable(proxy: ProxyServer, cause: unknown): GatewayError {
  const { message, detail } = unreachableError(cause);
  const isOfTls = /TLS/.test(message);
  const problem = isOfTls
    ? "is not accepted: no TLS connection that can be trusted; check its kind and its certificate"
    : "cannot be reached; check its address and the network";
  return new GatewayError("proxy_failed", `the proxy ${proxy.name} ${problem}`, {
    cause,
    detail: detail ?? message,
  });
}

export function proxyTooSlow(proxy: ProxyServer, timeoutMs: number): GatewayError {
  return proxyError(proxy, `made no connection within ${timeoutMs} ms; check the proxy and the network`);
}

export function proxyUnauthorized(proxy: ProxyServer): GatewayError {
  const repair =
    proxy.login === null
      ? "asks for a user and a password; write them into its address"
      : "refuses the user and the password; check those in its address";
  return proxyError(proxy, repair);
}

export function proxyForbids(proxy: ProxyServer, host: string, port: number, words: string): GatewayError {
  return proxyError(proxy, `does not allow connections to ${host}:${port} (${words}); allow them there`);
}

/** The proxy works, and says that the server behind it cannot be reached. */
export function unreachableBehind(
  proxy: ProxyServer,
  host: string,
  port: number,
  words: string,
): GatewayError {
  return proxyError(
    proxy,
    `cannot reach ${host}:${port} (${words}); check the base_url, and the network of the proxy`,
  );
}

/** The connection was closed while the proxy made it. */
export function proxyHungUp(proxy: ProxyServer): GatewayError {
  return proxyError(proxy, "closed the connection before it led anywhere; check its kind and its log");
}
