/** Which IP addresses belong to the public Internet. Pure. */
import { addressBytes, addressRange, isInRange } from "./ip-address.ts";

/**
 * IPv4 that is not public: multicast, the reserved rest, and IANA's registry of special-purpose addresses (RFC 6890)
 * without its few public ones.
 */
const SPECIAL_IPV4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // public by its number, but in Azure the host of the virtual machine
  "169.254.0.0/16", // link-local, with the clouds' metadata services
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
].map(addressRange);

/**
 * IANA's range for public use. Mapped IPv4, NAT64, ULA, link-local, site-local and multicast lie outside of
 * it.
 */
const GLOBAL_IPV6 = addressRange("2000::/3");

/** IPv6 within 2000::/3 that is not public, or that carries the IPv4 address of a tunnel's end. */
const SPECIAL_IPV6 = [
  "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID and others
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
].map(addressRange);

/**
 * Whether the text is a public address. False for names, for addresses with a zone, and for IPv4 in octal, in hex or with
 * fewer than four parts.
 */
export function isPublicAddress(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === null) return false;
  if (bytes.length === 4) return !SPECIAL_IPV4.some((range) => isInRange(range, bytes));
  return isInRange(GLOBAL_IPV6, bytes) && !SPECIAL_IPV6.some((range) => isInRange(range, bytes));
}
