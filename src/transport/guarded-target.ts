/**
 * Whether a request may go to a URL that somebody else has written. A host's name is looked up once, and the request
 * goes to the very addresses that were checked: a later answer of DNS cannot lead it elsewhere.
 */

import { proxyFor } from "../config/network/proxy-for.ts";
import type { Via } from "../config/network/via.ts";
import { isIP } from "../core/addresses/ip-address.ts";

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface Guard {
  /** null: the proxy on the way looks the name up, so its address is not known here. */
  readonly isAllowed: (address: string | null, port: number) => boolean;
  /** The system's resolver when absent. */
  readonly resolve?: Resolve | undefined;
  readonly via: Via;
  /** The proxy on the way refuses what is not allowed, so names that only the proxy looks up may pass. */
  readonly proxyRefusesPrivate: boolean;
}

export type Guarded =
  | {
      readonly isAllowed: true;
      /** For the request; absent: the proxy on the way looks the name up. */
      readonly addresses?: readonly string[];
    }
  | {
      readonly isAllowed: false;
      readonly why: "unknown" | "address" | "unchecked";
      /** For logs. */
      readonly detail: string;
    };

/** Never rejects. */
export async function guardTarget(target: URL, guard: Guard): Promise<Guarded> {
  const { via, isAllowed, resolve = resolveHost } = guard;
  const [host, port] = [bareHost(target), portOf(target)];
  const isAddress = isIP(host) !== 0;
  const proxy = proxyFor(via, host, port, target.protocol === "https:");
  if (proxy !== null && proxy.kind !== "socks5" && !isAddress) {
    const unchecked = `${host} port ${port}: ${proxy.name} looks it up`;
    if (!guard.proxyRefusesPrivate) return { isAllowed: false, why: "unchecked", detail: unchecked };
    return isAllowed(null, port)
      ? { isAllowed: true }
      : { isAllowed: false, why: "address", detail: unchecked };
  }
  const addresses = isAddress ? [host] : await resolve(host).catch(() => []);
  const detail = `${host} port ${port}: ${addresses.join(" ") || "no address"}`;
  if (addresses.length === 0) return { isAllowed: false, why: "unknown", detail };
  if (!addresses.every((address) => isAllowed(address, port)))
    return { isAllowed: false, why: "address", detail };
  return { isAllowed: true, addresses };
}

/** The host without the brackets of an IPv6 address. */
function bareHost(target: URL): string {
  return target.hostname.replace(/^\[|\]$/g, "");
}

function portOf(target: URL): number {
  if (target.port !== "") return Number(target.port);
  return target.protocol === "https:" ? 443 : 80;
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await Bun.dns.lookup(host, { backend: "system" })).map(({ address }) => address);
}
