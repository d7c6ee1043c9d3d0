import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { PLAIN_SETTINGS } from "../config/client-keys.ts";
import { authenticate, bearerOf, digestOf, isSameDigest, makeKeyRing } from "./keys.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const RING = makeKeyRing([
  { name: "one", ...PLAIN_SETTINGS, keySha256: sha256("clw-one") },
  { name: "two", ...PLAIN_SETTINGS, keySha256: sha256("clw-two") },
]);
const searchOf = (key: string | null): string => (key === null ? "" : `?${new URLSearchParams({ key })}`);
const who = (headers: Record<string, string>, queryKey: string | null = null): string | null =>
  authenticate(RING, new Headers(headers), searchOf(queryKey))?.name ?? null;

/** In the order in which they count. */
const WAYS: readonly (readonly [
  name: string,
  show: (key: string) => [Record<string, string>, string | null],
])[] = [
  ["Authorization: Bearer", (key) => [{ authorization: `Bearer ${key}` }, null]],
  ["x-api-key", (key) => [{ "x-api-key": key }, null]],
  ["x-goog-api-key", (key) => [{ "x-goog-api-key": key }, null]],
  ["api-key", (key) => [{ "api-key": key }, null]],
  ["?key=", (key) => [{}, key]],
];

describe.each(WAYS)("%s", (_name, show) => {
  test("a valid key is somebody", () => expect(who(...show("clw-two"))).toBe("two"));

  test.each(["", "clw-thre", "clw-one2", "CLW-ONE", "clw", sha256("clw-one")])("%j is nobody", (key) =>
    expect(who(...show(key))).toBeNull(),
  );
});

test("the first valid key counts, and an invalid one before it does not hide it", () => {
  WAYS.forEach(([, show], i) => {
    const [headers, query] = show("clw-one");
    for (const [, showLater] of WAYS.slice(i + 1)) {
      const [laterHeaders, laterQuery] = showLater("clw-two");
      expect(who({ ...laterHeaders, ...headers }, query ?? laterQuery)).toBe("one");
      const [wrongHeaders, wrongQuery] = show("wrong");
      expect(who({ ...laterHeaders, ...wrongHeaders }, laterQuery ?? wrongQuery)).toBe("two");
    }
  });
});

test("the scheme's case, spaces around the key and a missing scheme do no harm", () => {
  for (const value of [
    "bearer clw-one",
    "BEARER  clw-one ",
    "clw-one",
    "Bearer\tclw-one".replace("\t", " "),
  ]) {
    expect(who({ authorization: value })).toBe("one");
  }
  expect(who({ "x-api-key": "  clw-two " })).toBe("two");
  expect(who({ authorization: "Basic clw-one" })).toBeNull();
  expect(who({ authorization: "Bearer" })).toBeNull();
});

test("nothing shown, or a ring without keys, is nobody", () => {
  expect(who({})).toBeNull();
  expect(authenticate(makeKeyRing([]), new Headers({ "x-api-key": "" }), "?key=")).toBeNull();
});

const RING_OF_ODD_KEYS = makeKeyRing(
  ["", "abc", "a+b", "one"].map((key) => ({ name: `<${key}>`, ...PLAIN_SETTINGS, keySha256: sha256(key) })),
);

test.each([
  ["", null],
  ["?alt=sse", null],
  ["?key=abc", "<abc>"],
  ["?alt=sse&key=a%2Bb", "<a+b>"],
  ["?key=", "<>"],
  ["?monkey=abc", null],
  ["?key=one&key=two", "<one>"],
])("the key in the query %j is that of %j", (search, name) =>
  expect(authenticate(RING_OF_ODD_KEYS, new Headers(), search)?.name ?? null).toBe(name),
);

test("no key that is not in the ring is ever somebody", () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      fc.pre(key.trim() !== "clw-one" && key.trim() !== "clw-two");
      expect(authenticate(RING, new Headers(), searchOf(key))).toBeNull();
      expect(RING.get(digestOf(bearerOf(`Bearer ${key}`)))).toBeUndefined();
    }),
  );
});

test("principals are frozen: one request cannot change another one's", () => {
  const principal = authenticate(RING, new Headers({ "x-api-key": "clw-one" }), "");
  expect(Object.isFrozen(principal)).toBe(true);
});

test("digests are compared as a whole", () => {
  expect(isSameDigest(digestOf("a"), sha256("a"))).toBe(true);
  expect(isSameDigest(digestOf("a"), digestOf("b"))).toBe(false);
  expect(isSameDigest(digestOf("a"), digestOf("a").slice(1))).toBe(false);
  expect(isSameDigest("é", "e1")).toBe(false);
});
