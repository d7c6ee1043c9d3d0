/** A list of IP addresses and ranges of them. */
import { BlockList, isIP } from "node:net";

export interface AddressList {
  /**
   * Whether the address is on the list. An IPv4 address and its form in IPv6 (`::ffff:10.0.0.1`) are the same address.
   * false for a text that is no address.
   */
  has(address: string): boolean;
}

/** `entries`: validated addresses and CIDRs. */
export function makeAddressList(entries: readonly string[]): AddressList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address, bits] = entry.split("/") as [string, string?];
    const family = familyOf(address);
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return {
    has(address) {
      // The zone of a link-local address is a name of this machine's.
      const [plain = ""] = address.split("%", 1);
      return isIP(plain) !== 0 && list.check(plain, familyOf(plain));
    },
  };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
