import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeIds } from "../core/ids.ts";
import {
  EPOCH_MS,
  firstKey,
  keyOfId,
  LANES,
  printId,
  RequestIds,
  timeOfId,
  timeOfKey,
} from "./request-ids.ts";

const NUMBER = "ABCDEFGHJKMNP";
const NOW_MS = Date.UTC(2026, 10, 28);
const newIds = (): RequestIds => new RequestIds(makeIds());

function adopted(lane = 0, highestKey = 0): RequestIds {
  const ids = newIds();
  ids.adopt({ number: NUMBER, lane, highestKey });
  return ids;
}

test("an id is a ULID of the time, the count and the database's number, and gives its key back", () => {
  const key = fc.integer({ min: 0, max: 2 ** 53 - 1 });
  fc.assert(
    fc.property(key, (key) => {
      const id = printId(key, NUMBER);
      expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      expect(keyOfId(id)).toBe(key);
      expect(timeOfId(id)).toBe(timeOfKey(key));
    }),
  );
  expect(printId(firstKey(NOW_MS), NUMBER)).toBe("01M8FQ7700000ABCDEFGHJKMNP");
});

test("ids sort as their keys do", () => {
  const key = fc.integer({ min: 0, max: 2 ** 53 - 1 });
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(printId(a, NUMBER) < printId(b, NUMBER)).toBe(a < b);
    }),
  );
});

test.each(["", "x", "01ARYZ6S41TSV4RRFFQ69G5FA", "01ARYZ6S41ZZZZZZZZZZZZZZZZ", "01ARYZ6S4ITSV4RRFFQ69G5FAV"])(
  "%j has no key",
  (id) => expect(keyOfId(id)).toBeNull(),
);

describe("keys only grow", () => {
  test("whatever the clock does, and each is of its lane", () => {
    const times = fc.array(fc.integer({ min: EPOCH_MS - 10, max: EPOCH_MS + 10 }), { maxLength: 2000 });
    fc.assert(
      fc.property(times, fc.nat(LANES - 1), (times, lane) => {
        const ids = adopted(lane);
        let last = -1;
        for (const atMs of times) {
          const key = ids.nextKey(atMs);
          expect(key).toBeGreaterThan(last);
          expect(key % LANES).toBe(lane);
          expect(timeOfKey(key)).toBeGreaterThanOrEqual(atMs);
          last = key;
        }
      }),
    );
  });

  test("more of one millisecond than fit run on into the next one", () => {
    const ids = adopted();
    const keys = Array.from({ length: 600 }, () => ids.nextKey(NOW_MS));
    expect(timeOfKey(keys[511] as number)).toBe(NOW_MS);
    expect(timeOfKey(keys[512] as number)).toBe(NOW_MS + 1);
  });

  test("from the highest key of the database on, when the clock went back before the start", () => {
    const highestKey = firstKey(NOW_MS) + 5;
    const ids = adopted(3, highestKey);
    expect(ids.nextKey(NOW_MS - 60_000)).toBeGreaterThan(highestKey);
  });

  test("when another database is taken over", () => {
    const ids = adopted(3);
    const before = ids.nextKey(NOW_MS);
    ids.adopt({ number: "0123456789ABC", lane: 1, highestKey: 0 });
    expect(ids.nextKey(NOW_MS)).toBeGreaterThan(before);
    expect(ids.ulid(NOW_MS)).toEndWith("0123456789ABC");
  });

  test("with a clock that is far in the future", () => {
    const ids = adopted();
    const far = ids.nextKey(Date.UTC(9999, 0, 1));
    const next = ids.nextKey(Date.UTC(9999, 0, 1));
    expect(next).toBeGreaterThan(far);
    expect(Number.isSafeInteger(next)).toBe(true);
  });
});

test("two processes that share a database issue different ids in the same millisecond", () => {
  const [one, two] = [adopted(1), adopted(2)];
  const ids = Array.from({ length: 200 }, () => [one.ulid(NOW_MS), two.ulid(NOW_MS)]).flat();
  expect(new Set(ids).size).toBe(400);
});

test("before a database is known, the ids of two processes differ", () => {
  const ids = Array.from({ length: 1000 }, () => newIds().ulid(NOW_MS));
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => timeOfId(id) === NOW_MS)).toBe(true);
});
