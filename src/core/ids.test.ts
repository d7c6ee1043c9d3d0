import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeIds } from "./ids.ts";

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const MAX_ULID_MS = 2 ** 48 - 1;

function timeOf(ulid: string): number {
  let ms = 0;
  for (const digit of ulid.slice(0, 10)) ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit);
  return ms;
}

describe("ulid", () => {
  test("is 26 characters of Crockford base 32 that begin with the time", () => {
    const ids = makeIds();
    for (const atMs of [0, 1, 1_795_000_000_000, MAX_ULID_MS]) {
      const id = makeIds().ulid(atMs);
      expect(id).toMatch(ULID);
      expect(timeOf(id)).toBe(atMs);
    }
    // The specification's own example of a time part.
    expect(ids.ulid(1_469_918_176_385).slice(0, 10)).toBe("01ARYZ6S41");
  });

  test("ascends within one millisecond, one by one, with its carry", () => {
    // Random bytes of 31 in the low digits: the next id has to carry through all of them.
    const ids = makeIds((bytes) => new Uint8Array(bytes).fill(31));
    expect(ids.ulid(0)).toBe("0000000000FZZZZZZZZZZZZZZZ");
    expect(ids.ulid(0)).toBe("0000000000G000000000000000");
    expect(ids.ulid(0)).toBe("0000000000G000000000000001");
  });

  test("goes on from the last one when the clock goes back", () => {
    const ids = makeIds((bytes) => new Uint8Array(bytes));
    const late = ids.ulid(5_000);
    const back = ids.ulid(4_000);
    expect(back > late).toBe(true);
    expect(timeOf(back)).toBe(5_000);
    expect(timeOf(ids.ulid(5_001))).toBe(5_001);
  });

  test("for any clock, ids are well-formed and only grow", () => {
    const clock = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat(MAX_ULID_MS)), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(clock, (times) => {
        const ids = makeIds();
        let last = "";
        let latestMs = 0;
        for (const atMs of times) {
          const id = ids.ulid(atMs);
          latestMs = Math.max(latestMs, atMs);
          expect(id).toMatch(ULID);
          expect(id > last).toBe(true);
          expect(timeOf(id)).toBe(latestMs);
          last = id;
        }
      }),
    );
  });

  test("two sources never agree", () => {
    const seen = new Set(Array.from({ length: 2_000 }, () => makeIds().ulid(1)));
    expect(seen.size).toBe(2_000);
  });
});

test("hex gives two lower-case digits a byte", () => {
  expect(makeIds().hex(16)).toMatch(/^[0-9a-f]{32}$/);
  expect(makeIds((bytes) => new Uint8Array(bytes).fill(0xab)).hex(3)).toBe("ababab");
  expect(makeIds().hex(0)).toBe("");
});
