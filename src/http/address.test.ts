import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import { makeAddressReader } from "./address.ts";

const read = makeAddressReader(["127.0.0.1", "10.0.0.0/8", "fd00::/8", "::1"]);

describe("without trusted proxies", () => {
  const untrusting = makeAddressReader([]);

  test("only the peer counts, whatever the header says", () => {
    expect(untrusting("203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
    expect(untrusting("2001:db8::9", null)).toBe("2001:db8::9");
    expect(untrusting(null, "198.51.100.1")).toBeNull();
  });

  test("an IPv4 peer of a dual-stack socket is shown as IPv4", () => {
    expect(untrusting("::ffff:203.0.113.9", null)).toBe("203.0.113.9");
  });
});

/** Peer, header, and whose address it is. */
const CHAINS: readonly (readonly [string, string | null, string])[] = [
  ["203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["127.0.0.1", null, "127.0.0.1"],
  ["127.0.0.1", "", "127.0.0.1"],
  ["127.0.0.1", "198.51.100.1", "198.51.100.1"],
  ["::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"],
  ["127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"],
  ["127.0.0.1", "6.6.6.6,198.51.100.1,10.1.2.3,10.255.255.255", "198.51.100.1"],
  ["127.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"],
  ["::1", "2001:db8::5", "2001:db8::5"],
  ["fd12::1", "[2001:db8::5]:443", "2001:db8::5"],
  ["127.0.0.1", "198.51.100.1:52311", "198.51.100.1"],
  ["127.0.0.1", "2001:db8::5, [fd00::2]:80", "2001:db8::5"],
  ["127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"],
  ["127.0.0.1", "198.51.100.1, _hidden, 10.1.2.3", "10.1.2.3"],
  ["127.0.0.1", "198.51.100.1,", "127.0.0.1"],
  ["127.0.0.1", "<script>", "127.0.0.1"],
  ["127.0.0.1", "1.2.3.4.5", "127.0.0.1"],
  ["127.0.0.1", "999.1.1.1", "127.0.0.1"],
  ["127.0.0.1", "[::1", "127.0.0.1"],
];

test.each(CHAINS)("peer %s with %j is %s", (peer, forwardedFor, expected) => {
  expect(read(peer, forwardedFor)).toBe(expected);
});

test("an address is never other than the peer's or one from the header, and always an address", () => {
  const hop = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4().map((address) => `10.0.0.1, ${address}`),
    fc.string(),
    fc.constantFrom("10.0.0.1", "unknown", "fe80::1%eth0", "::ffff:10.0.0.1", "[::1]:1", ""),
  );
  fc.assert(
    fc.property(fc.constantFrom("127.0.0.1", "8.8.8.8", "::1"), fc.array(hop), (peer, hops) => {
      const header = hops.join(", ");
      const address = read(peer, header) as string;
      expect(isIP(address)).not.toBe(0);
      expect(address === peer || header.includes(address)).toBe(true);
      if (peer === "8.8.8.8") expect(address).toBe(peer);
    }),
    { numRuns: 500 },
  );
});
