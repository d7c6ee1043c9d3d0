/** Which `Host` headers are answered. A name is never used to build a URL. */
import { isIP } from "node:net";

const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?$/;
const MAX_REMEMBERED = 256;

/**
 * A check for `Host` values: one well-formed `name[:port]` or `[ipv6][:port]` (RFC 9112 section 3.2) and, when `hosts` lists
 * names, one of those, an IP literal or `localhost`. Returns null when good, else what is wrong.
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

function findProblem(host: string | null, names: ReadonlySet<string>): string | null {
  if (host === null || host === "") return "the Host header is missing";
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host);
  if (match === null) return "the Host header is not one valid name and port";
  const name = (match[1] as string).toLowerCase();
  if (match[2] !== undefined && Number(match[2]) > 65535) return "the Host header's port is out of range";
  const isV6 = name.startsWith("[");
  // A zone (`%eth0`) is of use on the client's machine only, and stays there (RFC 6874 section 4).
  if (isV6 ? isIP(name.slice(1, -1)) !== 6 || name.includes("%") : !NAME.test(name)) {
    return "the Host header is not one valid name and port";
  }
  if (names.size === 0 || isV6 || isIP(name) === 4 || name === "localhost") return null;
  return names.has(name) ? null : "this name is not among server.hosts";
}
