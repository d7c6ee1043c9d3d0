/** A list of IP addresses and ranges of them. */
import { addressBytes, addressRange, asIPv6, isInRange, rangeAsIPv6 } from "./ip-address.ts";

export interface AddressList {
  /**
   * Whether the address is on the list. An IPv4 address and its form in IPv6 (`::ffff:10.0.0.1`) are the same address.
   * false for a text that is no address.
   */
  has(address: string): boolean;
}

/** `entries`: validated addresses and CIDRs. */
export function makeAddressList(entries: readonly string[]): AddressList {
  const ranges = entries.map((entry) => rangeAsIPv6(addressRange(entry)));
  return {
    has(address) {
      // The zone of a link-local address is a name of this machine's.
      const [plain = ""] = address.split("%", 1);
      const bytes = addressBytes(plain);
      if (bytes === null) return false;
      const whole = asIPv6(bytes);
      return ranges.some((range) => isInRange(range, whole));
    },
  };
}
