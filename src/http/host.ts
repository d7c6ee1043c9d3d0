/** The check of `Host` headers. No URL is ever built from one. */

import { hostname } from "node:os";
import { isIP } from "../core/addresses/ip-address.ts";

const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?$/;
const MAX_REMEMBERED = 256;

/**
 * A good `Host` is one well-formed `name[:port]` or `[ipv6][:port]` (RFC 9112 section 3.2) and, when `hosts`
 * lists names, one of those names, an IP literal or `localhost`. The check returns null for a good one, else
 * the problem.
 */
export function makeHostCheck(hosts: readonly string[]): (host: string | null) => string | null {
  const names = new Set(hosts.map((host) => host.toLowerCase()));
  const known = new Set<string>();
  return (host) => {
    if (host !== null && known.has(host)) return null;
    const problem = findProblem(host, names);
    if (problem === null && host !== null && known.size < MAX_REMEMBERED) known.add(host);
    return problem;
  };
}

/** Names that only a machine of the same network, or this machine itself, gives to an address; a number is none. */
const NEAR = /^(?!0x|\d+$)[^.]+$|\.(?:localhost|local|internal)$/;

/**
 * The check of a page that asks for no client's key. A page of another site can have a name of its own lead here (DNS
 * rebinding) and read what it gets, so only names are good that no other site can have: IP literals, `localhost`, this
 * machine's names, names without a dot, `*.local`, `*.internal`, and those of `hosts`. Holds for a `Host` that
 * `makeHostCheck` finds good; returns null, else the problem.
 */
export function makeNearCheck(hosts: readonly string[]): (host: string) => string | null {
  const own = hostname().toLowerCase();
  const names = new Set([own, ...hosts.map((host) => host.toLowerCase())]);
  return (host) => {
    const name = host.replace(/:\d+$/, "").toLowerCase().replace(/\.$/, "");
    if (name.startsWith("[") || isIP(name) === 4 || NEAR.test(name) || names.has(name)) return null;
    return `this page does not answer to the name in the Host header, which another site may have led here; call the address, or add hosts = ["${name}"] to [server]`;
  };
}

function findProblem(host: string | null, names: ReadonlySet<string>): string | null {
  if (host === null || host === "") return "the Host header is missing; send one";
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host);
  if (match === null) return "the Host header is not one valid name and port";
  const name = (match[1] as string).toLowerCase();
  if (match[2] !== undefined && Number(match[2]) > 65535) return "the Host header's port is out of range";
  const isV6 = name.startsWith("[");
  // RFC 6874 section 4: a zone (`%eth0`) has a meaning on the client's machine only, and must not be sent.
  if (isV6 ? isIP(name.slice(1, -1)) !== 6 || name.includes("%") : !NAME.test(name)) {
    return "the Host header is not one valid name and port";
  }
  if (names.size === 0 || isV6 || isIP(name) === 4 || name === "localhost") return null;
  return names.has(name)
    ? null
    : "the name in the Host header is not among server.hosts; call a listed name, or list this one";
}
