/** The client's address, as seen through trusted proxies. */

import { makeAddressList } from "../core/addresses/address-list.ts";
import { isIP } from "../core/addresses/ip-address.ts";

/** From the address of the socket's peer and `X-Forwarded-For` to the client's address. */
export type AddressReader = (peer: string | null, forwardedFor: string | null) => string | null;

/**
 * The reader goes through `X-Forwarded-For` from right to left, and believes an entry as long as the address
 * to its right is trusted. `trusted` holds validated addresses and CIDRs.
 */
export function makeAddressReader(trusted: readonly string[]): AddressReader {
  if (trusted.length === 0) return (peer) => withoutV4Prefix(peer);
  const list = makeAddressList(trusted);
  return (peer, forwardedFor) => {
    let address = withoutV4Prefix(peer);
    if (address === null || forwardedFor === null) return address;
    const hops = forwardedFor.split(",").map((hop) => withoutPort(hop.trim()));
    while (address !== null && list.has(address)) {
      const hop = hops.pop();
      if (hop === undefined || isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  };
}

/** Whether a peer is one of the trusted proxies. */
export function makePeerCheck(trusted: readonly string[]): (peer: string | null) => boolean {
  if (trusted.length === 0) return () => false;
  const list = makeAddressList(trusted);
  return (peer) => {
    const address = withoutV4Prefix(peer);
    return address !== null && list.has(address);
  };
}

function withoutV4Prefix(address: string | null): string | null {
  return address?.startsWith("::ffff:") ? address.slice(7) : address;
}

function withoutPort(hop: string): string {
  const v6 = /^\[([^\]]+)\](?::\d+)?$/.exec(hop);
  if (v6 !== null) return v6[1] as string;
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(":")) : hop;
}
