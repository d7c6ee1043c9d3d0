/** A place to connect to, and the way there. Pure. */

import { proxyFor } from "../../config/network/proxy-for.ts";
import type { ProxyServer, Via } from "../../config/network/via.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import { GatewayError } from "../../core/errors.ts";

export interface Origin {
  /** Idle connections are kept under this key: scheme, host and port, and the way there. */
  readonly key: string;
  readonly isSecure: boolean;
  /** A name or an address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Value of the `host` header. */
  readonly host: string;
  readonly via: Via;
  /** The proxy on the way; null: none. */
  readonly proxy: ProxyServer | null;
  /** Checked addresses of the host, in place of what its name leads to; null: the name is looked up. */
  readonly addresses: readonly string[] | null;
}

/** Throws `GatewayError` `internal`: URLs come from a checked configuration. */
export function originOf(url: string, via: Via, addresses: readonly string[] | null = null): Origin {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "") {
    const detail = url.slice(0, originLength(url));
    throw new GatewayError("internal", "the upstream's URL is not valid", { detail });
  }
  const isSecure = parsed.protocol === "https:";
  const hostname = parsed.hostname.replace(/^\[|\]$/g, "");
  const port = parsed.port === "" ? (isSecure ? 443 : 80) : Number(parsed.port);
  return {
    key: via.key === "" ? parsed.origin : `${parsed.origin} ${via.key}`,
    isSecure,
    hostname,
    port,
    host: parsed.host,
    via,
    proxy: proxyFor(via, hostname, port, isSecure),
    addresses,
  };
}

/** Where the path of an absolute URL begins. */
export function originLength(url: string): number {
  const slash = url.indexOf("/", 8);
  return slash < 0 ? url.length : slash;
}

/** A server that is spoken to in another language than HTTP. */
export interface ServerAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on; a library that begins TLS later does so on the stream itself. */
  readonly isSecure: boolean;
  readonly via: Via;
  /** Checked addresses of the host, in place of what its name leads to. */
  readonly addresses?: readonly string[] | null;
  /** From the call to a connection that can be used. */
  readonly timeoutMs: number;
}

/** The proxy is that for `https:`. */
export function serverOrigin({
  host: hostname,
  port,
  isSecure,
  via,
  addresses = null,
}: ServerAddress): Origin {
  const host = `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`;
  const proxy = proxyFor(via, hostname, port, true);
  return { key: `${host} ${via.key}`, isSecure, hostname, port, host, via, proxy, addresses };
}
