/**
 * IP addresses as texts. Node's `net` says the same of them, and brings Node's streams along
 * (docs/decisions/0089-node-modules.md). Pure.
 */

const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^(?:${BYTE}\\.){3}${BYTE}$`);
const GROUP = /^[0-9a-f]{1,4}$/i;
/** The name of a network of this machine, behind a link-local address. */
const ZONE = /%[0-9a-z.:-]+$/i;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** What stands before an IPv4 address in its form in IPv6. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The version of the address; 0: the text is none. An IPv6 address may have a zone, as in `fe80::1%eth0`. */
export function isIP(text: string): 0 | 4 | 6 {
  if (IPV4.test(text)) return 4;
  return text.includes(":") && ipv6Bytes(text.replace(ZONE, "")) !== null ? 6 : 0;
}

/** Four or sixteen bytes; null for a text that is no address, or one with a zone. */
export function addressBytes(text: string): readonly number[] | null {
  return IPV4.test(text) ? text.split(".").map(Number) : ipv6Bytes(text);
}

/** An address, or all addresses that begin with the same bits. */
export interface AddressRange {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** `text`: an address, or a CIDR. Throws `TypeError` for other texts. */
export function addressRange(text: string): AddressRange {
  const [address = "", bits] = text.split("/");
  const bytes = addressBytes(address);
  if (bytes === null) throw new TypeError(`no address: ${address}`);
  return { bytes, prefixBits: bits === undefined ? bytes.length * 8 : Number(bits) };
}

/** The address of IPv4 in the form of IPv6; of IPv6 as it is. */
export function asIPv6(bytes: readonly number[]): readonly number[] {
  return bytes.length === IPV4_BYTES ? [...MAPPED, ...bytes] : bytes;
}

/** The same of a range. */
export function rangeAsIPv6({ bytes, prefixBits }: AddressRange): AddressRange {
  const added = bytes.length === IPV4_BYTES ? MAPPED.length * 8 : 0;
  return { bytes: asIPv6(bytes), prefixBits: prefixBits + added };
}

/** Whether the range has the address, whose version is the same. */
export function isInRange({ bytes, prefixBits }: AddressRange, address: readonly number[]): boolean {
  for (let index = 0; index * 8 < prefixBits; index++) {
    const keptBits = Math.min(prefixBits - index * 8, 8);
    const mask = (0xff << (8 - keptBits)) & 0xff;
    if ((((address[index] ?? 0) ^ (bytes[index] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** null: no address of IPv6. */
function ipv6Bytes(text: string): readonly number[] | null {
  const [before = "", after, ...more] = text.split("::");
  if (more.length > 0) return null;
  const first = groupBytes(before, after === undefined);
  const last = groupBytes(after ?? "", true);
  if (first === null || last === null) return null;
  const missing = IPV6_BYTES - first.length - last.length;
  // `::` stands for one group at least.
  if (after === undefined ? missing !== 0 : missing < 2) return null;
  return [...first, ...Array<number>(missing).fill(0), ...last];
}

/** The bytes of groups between colons, the last of which may be an address of IPv4; null: they are none. */
function groupBytes(groups: string, isAtEnd: boolean): number[] | null {
  if (groups === "") return [];
  const bytes: number[] = [];
  const texts = groups.split(":", IPV6_BYTES / 2 + 1);
  for (const [at, group] of texts.entries()) {
    if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else if (isAtEnd && at === texts.length - 1 && IPV4.test(group)) {
      bytes.push(...group.split(".").map(Number));
    } else return null;
  }
  return bytes;
}
