/** Which proxy is on the way to a host. Pure. */

import { makeAddressList } from "../../core/addresses/address-list.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import type { ProxyServer, Via } from "./via.ts";

/** The proxy on the way to a host; null: the way is direct. */
export function proxyFor(via: Via, hostname: string, port: number, isSecure: boolean): ProxyServer | null {
  const proxy = isSecure ? via.httpsProxy : via.httpProxy;
  return proxy === null || via.noProxy.some((entry) => isExcepted(entry, hostname, port)) ? null : proxy;
}

/** `entry`: a host with all below it, an address, a CIDR, each with a port or without, or `*`. */
function isExcepted(entry: string, hostname: string, port: number): boolean {
  if (entry === "*") return true;
  const withPort = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry);
  if (withPort !== null && Number(withPort[2]) !== port) return false;
  const host = (withPort?.[1] ?? entry).replace(/^\[|\]$/g, "").toLowerCase();
  if (isIP(host.split("/", 1)[0] ?? "") !== 0) return makeAddressList([host]).has(hostname);
  const suffix = host.replace(/^\*?\./, "");
  return hostname === suffix || hostname.endsWith(`.${suffix}`);
}
