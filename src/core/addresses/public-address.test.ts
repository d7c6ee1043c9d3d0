import { describe, expect, test } from "bun:test";
import { BlockList } from "node:net";
import fc from "fast-check";
import { isPublicAddress } from "./public-address.ts";

/** First and last address of each range, from the IANA registries that RFC 6890 set up, as of 2026. */
const REFUSED: readonly (readonly [first: string, last: string, what: string])[] = [
  ["0.0.0.0", "0.255.255.255", "this network, unspecified"],
  ["10.0.0.0", "10.255.255.255", "private"],
  ["100.64.0.0", "100.127.255.255", "carrier-grade NAT"],
  ["127.0.0.0", "127.255.255.255", "loopback"],
  ["168.63.129.16", "168.63.129.16", "Azure's host"],
  ["169.254.0.0", "169.254.255.255", "link-local"],
  ["172.16.0.0", "172.31.255.255", "private"],
  ["192.0.0.0", "192.0.0.255", "protocol assignments"],
  ["192.0.2.0", "192.0.2.255", "documentation"],
  ["192.88.99.0", "192.88.99.255", "6to4 relays"],
  ["192.168.0.0", "192.168.255.255", "private"],
  ["198.18.0.0", "198.19.255.255", "benchmarks"],
  ["198.51.100.0", "198.51.100.255", "documentation"],
  ["203.0.113.0", "203.0.113.255", "documentation"],
  ["224.0.0.0", "239.255.255.255", "multicast"],
  ["240.0.0.0", "255.255.255.255", "reserved, broadcast"],
  ["::", "::", "unspecified"],
  ["::1", "::1", "loopback"],
  ["::2", "::fffe:ffff:ffff", "IPv4-compatible and what is next to it"],
  ["::ffff:0:0", "::ffff:ffff:ffff", "IPv4-mapped"],
  ["64:ff9b::", "64:ff9b::ffff:ffff", "NAT64"],
  ["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local NAT64"],
  ["100::", "100::ffff:ffff:ffff:ffff", "discard"],
  ["2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"],
  ["2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarks"],
  ["2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"],
  ["2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHIDv2"],
  ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"],
  ["2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"],
  ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"],
  ["5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "segment routing"],
  ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"],
  ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"],
  ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"],
  ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"],
];

const PUBLIC = [
  ...["1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
  ...["126.255.255.255", "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0"],
  ...["172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255"],
  ...["192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255"],
  ...["198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"],
  ...["2001:200::", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::", "2003::", "2606:4700::1111"],
  ...["2a00:1450:4001:81b::200e", "3ffe:ffff::", "3fff:1000::", "2606:4700::8.8.8.8"],
];

describe("an address is refused", () => {
  for (const [first, last, what] of REFUSED) {
    test(`from ${first} to ${last}: ${what}`, () => {
      expect([first, last].map(isPublicAddress)).toEqual([false, false]);
    });
  }

  test("however it is spelled", () => {
    const spellings = [
      ...["::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:127.0.0.1", "::FFFF:8.8.8.8", "::8.8.8.8"],
      ...["64:ff9b::8.8.8.8", "64:ff9b::169.254.169.254", "0000:0000:0000:0000:0000:0000:0000:0001"],
      ...["FE80::1", "fe80::1%eth0", "fe80::1%1", "2606:4700::1111%eth0", "FD00:EC2::254", "2002:7f00:1::"],
    ];
    expect(spellings.filter(isPublicAddress)).toEqual([]);
  });

  test("when it is not the plain text of one", () => {
    const others = [
      ...["", " ", "localhost", "example.com", "8.8.8", "134744072", "0x8.8.8.8", "08.8.8.8", "8.8.8.8."],
      ...[
        "8.8.8.8 ",
        " 8.8.8.8",
        "8.8.8.8\n",
        "8.8.8.8/8",
        "8.8.8.256",
        "[2606:4700::1111]",
        "2606:4700::1::1",
      ],
      ...["2606:4700", "2606:4700::g", "2606:4700:0:0:0:0:0:0:1", "2606:4700::1111\0", "８.8.8.8"],
    ];
    expect(others.filter(isPublicAddress)).toEqual([]);
  });
});

test("the addresses around those ranges are public", () => {
  expect(PUBLIC.filter((address) => !isPublicAddress(address))).toEqual([]);
});

describe("for any address the answer is that of the table", () => {
  // One list for each: Node counts an IPv4 address as its mapped form as well.
  const refusedIpv4 = new BlockList();
  const refusedIpv6 = new BlockList();
  for (const [first, last] of REFUSED) {
    if (first.includes(":")) refusedIpv6.addRange(first, last, "ipv6");
    else refusedIpv4.addRange(first, last, "ipv4");
  }
  // What IANA has not given out for public use, and the whole block of the protocols.
  refusedIpv6.addRange("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6");
  refusedIpv6.addRange("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6");
  refusedIpv6.addRange("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6");

  test("IPv4", () => {
    const near = fc.constantFrom(
      ...REFUSED.flatMap(([first, last]) => (first.includes(":") ? [] : [first, last])),
    );
    const edges = fc.tuple(near, fc.integer({ min: -2, max: 2 })).map(([address, step]) => {
      const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + step;
      return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), edges), (address) => {
        expect(isPublicAddress(address)).toBe(!refusedIpv4.check(address, "ipv4"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("IPv6", () => {
    const head = fc.constantFrom("2000", "2001", "2002", "3ffe", "3fff", "fc00", "fe80", "ff02", "64", "0");
    const group = fc.oneof(
      fc.constantFrom("0", "1", "db8", "ff9b", "1ff", "200", "ffff"),
      fc.nat(0xffff).map((n) => n.toString(16)),
    );
    const built = fc
      .tuple(head, fc.array(group, { minLength: 7, maxLength: 7 }))
      .map(([first, rest]) => [first, ...rest].join(":"));
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), built), (address) => {
        expect(isPublicAddress(address)).toBe(!refusedIpv6.check(address, "ipv6"));
      }),
      { numRuns: 5_000 },
    );
  });

  test("an IPv4 address within IPv6 is refused in every form", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
        const [high, low] = [`${hex[0]}${hex[1]}`, `${hex[2]}${hex[3]}`];
        const forms = [`::ffff:${address}`, `::${address}`, `64:ff9b::${address}`, `2002:${high}:${low}::1`];
        expect(
          [...forms, `::ffff:${high}:${low}`, `64:ff9b::${high}:${low}`].filter(isPublicAddress),
        ).toEqual([]);
      }),
    );
  });
});
