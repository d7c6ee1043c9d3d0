import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeHostCheck } from "./host.ts";

const anyName = makeHostCheck([]);
const MALFORMED = "the Host header is not one valid name and port";

describe("without a list of names", () => {
  test.each([
    "localhost",
    "LOCALHOST",
    "gateway.example.com",
    "gateway.example.com.",
    "gateway.example.com:8080",
    "my_service",
    "xn--bcher-kva.example",
    "a".repeat(63),
    "127.0.0.1",
    "127.0.0.1:65535",
    "example.com:0",
    "[::1]",
    "[::1]:3000",
    "[2001:DB8::1]",
    "[::ffff:1.2.3.4]:1",
  ])("%s is answered", (host) => expect(anyName(host)).toBeNull());

  test.each([
    "a,b",
    "a b",
    "a\tb",
    "user@host",
    "http://host",
    "host/path",
    "host?x",
    "host#x",
    "host\\x",
    "ho%73t",
    "-a.example",
    "a-.example",
    "a..b",
    ".",
    ".a",
    "a".repeat(64),
    "::1",
    "[::1",
    "[::1]x",
    "[::1%25eth0]",
    "[1.2.3.4]",
    "[]",
    "[g::1]",
    "host:",
    "host:x",
    "host:-1",
    "host:123456",
    "host:1:2",
    ":80",
    "bücher.example",
    "host\0",
    "a;b",
    "'a'",
    "{a}",
  ])("%j is refused", (host) => expect(anyName(host)).toBe(MALFORMED));

  test("a port over 65535 and a missing Host say what is wrong", () => {
    expect(anyName("host:65536")).toBe("the Host header's port is out of range");
    expect(anyName("[::1]:99999")).toBe("the Host header's port is out of range");
    expect(anyName(null)).toBe("the Host header is missing; send one");
    expect(anyName("")).toBe("the Host header is missing; send one");
  });
});

describe("with a list of names", () => {
  const check = makeHostCheck(["Gateway.Example.com"]);

  test.each(["gateway.example.com", "GATEWAY.example.COM:8080", "localhost:1", "10.1.2.3", "[::1]:80"])(
    "%s is answered",
    (host) => expect(check(host)).toBeNull(),
  );

  test.each([
    "example.com",
    "x.gateway.example.com",
    "gateway.example.com.evil.net",
    "evilgateway.example.com",
    "localhost.evil.net",
    "127.0.0.1.nip.io",
    "999.1.1.1",
  ])("%s is not", (host) =>
    expect(check(host)).toBe(
      "the name in the Host header is not among server.hosts; call a listed name, or list this one",
    ),
  );

  test("what one check has let through is not let through by another", () => {
    expect(anyName("elsewhere.example")).toBeNull();
    expect(makeHostCheck([])("elsewhere.example")).toBeNull();
    expect(check("elsewhere.example")).not.toBeNull();
  });
});

test("no text throws, gets another answer the second time, or is let through with a character that a URL or a log would mind", () => {
  const hostLike = fc.string({
    unit: fc.constantFrom(..."aZ0-._:[]/@,%\\ \r\n\0é".split("")),
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.oneof(hostLike, fc.string(), fc.ipV4(), fc.ipV6(), fc.domain()), (host) => {
      const first = anyName(host);
      expect(anyName(host)).toBe(first);
      if (first === null) expect(host).toMatch(/^[A-Za-z0-9._:[\]-]+$/);
    }),
    { numRuns: 2_000 },
  );
});

test("every domain and every address is answered", () => {
  fc.assert(
    fc.property(fc.domain(), fc.ipV4(), fc.ipV6(), fc.nat(65_535), (domain, v4, v6, port) => {
      for (const name of [domain, v4, `[${v6}]`]) {
        expect(anyName(name)).toBeNull();
        expect(anyName(`${name}:${port}`)).toBeNull();
      }
    }),
  );
});

test("a long list of hosts does not let later ones be judged otherwise", () => {
  const check = makeHostCheck(["known.example"]);
  for (let i = 0; i < 400; i++) expect(check(`10.0.${i >> 8}.${i & 255}`)).toBeNull();
  expect(check("known.example")).toBeNull();
  expect(check("unknown.example")).not.toBeNull();
});
