import { describe, expect, test } from "bun:test";
import { BlockList, isIP as nodesIsIP } from "node:net";
import fc from "fast-check";
import { makeAddressList } from "./address-list.ts";
import { addressBytes, isIP } from "./ip-address.ts";

const GROUP = fc.oneof(
  fc.constantFrom("", "0", "00000", "g", "1", "ffff", "fe80", "1.2.3.4", "256.1.1.1", "01.2.3.4", "1.2.3"),
  fc.nat({ max: 0xffff }).map((value) => value.toString(16)),
);
const TEXT = fc.oneof(
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.string(),
  fc
    .tuple(fc.array(GROUP, { maxLength: 10 }), fc.constantFrom(":", "::", "."))
    .map(([all, by]) => all.join(by)),
  fc
    .tuple(fc.array(GROUP, { maxLength: 6 }), fc.array(GROUP, { maxLength: 6 }))
    .map(([one, other]) => `${one.join(":")}::${other.join(":")}`),
  fc
    .tuple(fc.ipV6(), fc.constantFrom("%", "%eth0", "%1", "%a%b", "%en-1.2", "%é", " ", "/8"))
    .map(([a, b]) => a + b),
);

test("a text is an address where it is one to Node", () => {
  fc.assert(
    fc.property(TEXT, (text) => expect(isIP(text)).toBe(nodesIsIP(text) as 0 | 4 | 6)),
    { numRuns: 5_000 },
  );
});

test("the bytes of an address say the address", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const groups = addressBytes(text)?.reduce<string[]>((all, byte, at, bytes) => {
        if (at % 2 === 1) all.push((((bytes[at - 1] ?? 0) << 8) | byte).toString(16));
        return all;
      }, []);
      const written = (address: string): string | undefined => URL.parse(`http://[${address}]/`)?.hostname;
      // The parser of URLs does not take every address that ends as one of IPv4.
      fc.pre(written(text) !== undefined);
      expect(written(groups?.join(":") ?? "")).toBe(written(text) as string);
    }),
  );
});

describe("a list of addresses", () => {
  const PLACE = fc.oneof(
    fc.record({ version: fc.constant("ipv4"), address: fc.ipV4(), bits: fc.nat({ max: 32 }) }),
    fc.record({ version: fc.constant("ipv6"), address: fc.ipV6(), bits: fc.nat({ max: 128 }) }),
  );

  test("has what Node's list has", () => {
    fc.assert(
      fc.property(PLACE, PLACE, fc.boolean(), (range, other, isNear) => {
        const { address, version } = isNear ? range : other;
        // Node's list keeps the two versions apart but for mapped addresses.
        fc.pre(version === range.version);
        const list = new BlockList();
        list.addSubnet(range.address, range.bits, range.version as "ipv4" | "ipv6");
        const ours = makeAddressList([`${range.address}/${range.bits}`]);
        expect(ours.has(address)).toBe(list.check(address, version as "ipv4" | "ipv6"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("refuses an entry that is no address", () => {
    expect(() => makeAddressList(["fe80::1%eth0"])).toThrow(TypeError);
    expect(() => makeAddressList(["unknown"])).toThrow(TypeError);
  });
});
