import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Prefix } from "../../dialects/prefix.ts";
import { Affinity, type Seat } from "./affinity.ts";
import { seatNumber } from "./rendezvous.ts";
import type { CacheReport } from "./warm-table.ts";

const MINUTE = 60_000;

const make = (salt: number): Affinity => new Affinity({ hex: (bytes) => `0${salt}`.repeat(bytes) });

/** `points`: from the longest to the one without turns. */
const prefix = (points: readonly number[], rest: Partial<Prefix> = {}): Prefix => ({
  root: points[points.length - 2] ?? 1,
  points,
  end: 0,
  isLong: false,
  ...rest,
});
const seat = (name: string, rest: Partial<Seat> = {}): Seat => ({
  seat: seatNumber(`up/${name}`, `key-${name}`),
  inFlight: 0,
  weight: 1,
  freeShare: 1,
  ...rest,
});
const seats = (count: number): Seat[] => Array.from({ length: count }, (_, i) => seat(`c${i}`));
const read = (cacheReadTokens: number, cacheWriteTokens: number | null = null): CacheReport => ({
  inputTokens: 10_000,
  cacheReadTokens,
  cacheWriteTokens,
  bookedTokens: 13_000,
});
const roots = Array.from({ length: 4_000 }, (_, i) => i * 7919 + 13);
const homes = (affinity: Affinity, among: readonly Seat[]): number[] =>
  roots.map((root) => among[affinity.choose(prefix([root, 5]), "m", among, 0).index]?.seat as number);

describe("a prompt that is nowhere warm", () => {
  test("goes to the same credential each time, also after a restart", () => {
    const all = seats(20);
    expect(homes(make(1), all)).toEqual(homes(make(2), all.toReversed()));
  });

  test("is spread by weight", () => {
    const all = [seat("a"), seat("b", { weight: 2 }), seat("c", { weight: 0 })];
    const won = homes(make(1), all);
    const share = won.filter((each) => each === all[1]?.seat).length / won.length;
    expect(share).toBeGreaterThan(0.63);
    expect(share).toBeLessThan(0.7);
    expect(won).not.toContain(all[2]?.seat);
  });

  test("moves only if its own credential goes, or a new one wins it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (count, nth) => {
        const affinity = make(1);
        const all = seats(count);
        const gone = all[nth % count] as Seat;
        const before = homes(affinity, all);
        const after = homes(
          affinity,
          all.filter((each) => each !== gone),
        );
        const moved = before.filter((home, i) => home !== after[i]);
        expect(new Set(moved).size).toBeLessThanOrEqual(1);
        // Its part of all, and no more than chance allows.
        expect(moved.length / roots.length).toBeLessThan(1 / count + 0.05);
        const parked = homes(
          affinity,
          all.map((each) => (each === gone ? { ...each, freeShare: -1 } : each)),
        );
        expect(parked).toEqual(after);
      }),
      { numRuns: 20 },
    );
  });

  test("goes elsewhere when its credential carries more than its part", () => {
    const affinity = make(1);
    const all = seats(4);
    const home = affinity.choose(prefix([1, 2]), "m", all, 0).index;
    const busy = (inFlight: number, others: number) =>
      all.map((each, i) => ({ ...each, inFlight: i === home ? inFlight : others }));
    const chosen = (among: Seat[]) => affinity.choose(prefix([1, 2]), "m", among, 0).index;
    expect(chosen(busy(3, 0))).toBe(home);
    expect(chosen(busy(4, 0))).not.toBe(home);
    expect(chosen(busy(12, 11))).toBe(home);
    expect(chosen(busy(15, 10))).not.toBe(home);
    const used = (share: number, others: number) =>
      all.map((each, i) => ({ ...each, freeShare: 1 - (i === home ? share : others) }));
    expect(chosen(used(0.5, 0))).toBe(home);
    expect(chosen(used(0.6, 0.1))).not.toBe(home);
    expect(chosen(used(0.8, 0.7))).toBe(home);
  });

  test("goes to the freest one when none is calm, and nowhere when none has room", () => {
    const affinity = make(1);
    // One that is idle sets a bound of requests that all others are above, and has the least room itself.
    const all = [seat("a", { inFlight: 9, freeShare: 0.2 }), seat("b", { inFlight: 9, freeShare: 0.3 })];
    expect(affinity.choose(prefix([1, 2]), "m", [...all, seat("c", { freeShare: -1 })], 0).index).toBe(1);
    const full = all.map((each) => ({ ...each, freeShare: -1 }));
    expect(affinity.choose(prefix([1, 2]), "m", full, 0)).toEqual({
      index: -1,
      fullIndex: -1,
      savedTokens: 0,
    });
  });
});

describe("a prompt that is warm", () => {
  const all = seats(5);
  const warmAt = (index: number, points: readonly number[], report: CacheReport = read(0, 9_000)) => {
    const affinity = make(7);
    affinity.learn(prefix(points), "m", (all[index] as Seat).seat, report, 0);
    return affinity;
  };
  const where = (affinity: Affinity, points: readonly number[], nowMs = 1, model = "m", among = all) =>
    affinity.choose(prefix(points), model, among, nowMs).index;

  test("goes where it is, in each turn of its conversation, for each model by itself", () => {
    for (let at = 0; at < all.length; at++) {
      const affinity = warmAt(at, [101, 100, 1]);
      expect(where(affinity, [103, 102, 101, 100, 1])).toBe(at);
      // Another conversation with the same tools.
      expect(where(affinity, [200, 1])).toBe(at);
    }
    const others = Array.from({ length: 5 }, (_, at) =>
      where(warmAt(at, [101, 100, 1]), [103, 102, 101, 100, 1], 1, "other"),
    );
    expect(new Set(others).size).toBe(1);
  });

  test("goes to the one that holds the most of it", () => {
    const affinity = warmAt(1, [101, 100, 1]);
    affinity.learn(prefix([103, 102, 101, 100, 1]), "m", (all[3] as Seat).seat, read(0, 12_000), 0);
    expect(where(affinity, [105, 104, 103, 102, 101, 100, 1])).toBe(3);
    expect(where(affinity, [202, 101, 100, 1])).toBe(1);
  });

  test("is forgotten five minutes after it was read last, or an hour where the client asked for that", () => {
    const cold = where(make(7), [103, 102, 101, 100, 1]);
    const at = (cold + 1) % all.length;
    const affinity = warmAt(at, [101, 100, 1]);
    const more = prefix([103, 102, 101, 100, 1], { end: 2 });
    expect(where(affinity, more.points, 5 * MINUTE - 1)).toBe(at);
    expect(where(affinity, more.points, 5 * MINUTE)).toBe(cold);
    affinity.learn(more, "m", (all[at] as Seat).seat, read(9_000, 0), 4 * MINUTE);
    expect(where(affinity, more.points, 9 * MINUTE - 1)).toBe(at);
    expect(where(affinity, more.points, 9 * MINUTE)).toBe(cold);
    affinity.learn({ ...more, isLong: true }, "m", (all[at] as Seat).seat, read(0, 9_000), 0);
    expect(where(affinity, more.points, 59 * MINUTE)).toBe(at);
  });

  test("is not where its provider has said nothing, or did not find it", () => {
    const cold = where(make(7), [103, 102, 101, 100, 1]);
    const at = (cold + 1) % all.length;
    const points = [103, 102, 101, 100, 1];
    const unknown = warmAt(at, [101, 100, 1], {
      inputTokens: null,
      cacheReadTokens: null,
      cacheWriteTokens: null,
      bookedTokens: 13_000,
    });
    expect(unknown.size).toBe(0);
    const affinity = warmAt(at, [101, 100, 1]);
    const { seat: number } = all[at] as Seat;
    affinity.learn(prefix(points), "m", number, read(0, 0), 1);
    // What had been known of the head alone stays until its own turn to be refuted.
    affinity.learn(prefix([301, 300, 1]), "m", number, read(0, 0), 1);
    expect(where(affinity, points)).toBe(cold);
  });

  test("may be where its provider says nothing of writes, until it is not found there", () => {
    const cold = where(make(7), [103, 102, 101, 100, 1]);
    const at = (cold + 1) % all.length;
    const affinity = warmAt(at, [101, 100, 1], read(0, 0));
    const { seat: number } = all[at] as Seat;
    expect(where(affinity, [103, 102, 101, 100, 1])).toBe(at);
    const longest = (points: number[], nowMs: number) => affinity.longest(prefix(points), "m", nowMs);
    expect(longest([103, 102, 101, 100, 1], 1)).toMatchObject([{ seat: number, tokens: 0, bookedTokens: 0 }]);
    affinity.learn(prefix([103, 102, 101, 100, 1]), "m", number, read(9_984), 1);
    expect(longest([105, 104, 103], 2)).toMatchObject([
      { seat: number, tokens: 10_000, bookedTokens: 13_000 },
    ]);
    expect(longest([105, 104, 103], 6 * MINUTE)).toEqual([]);
  });

  test("tells how much a full credential would have saved", () => {
    const affinity = warmAt(1, [101, 100, 1]);
    const full = all.map((each, i) => (i === 1 ? { ...each, freeShare: -1 } : each));
    const choice = affinity.choose(prefix([103, 102, 101, 100, 1]), "m", full, 1);
    expect(choice).toMatchObject({ fullIndex: 1, savedTokens: 9_000 });
    expect([0, 2, 3, 4]).toContain(choice.index);
    affinity.learn(prefix([101, 100, 1]), "m", (all[2] as Seat).seat, read(4_000), 1);
    const second = affinity.choose(prefix([101, 100, 1]), "m", full, 1);
    expect(second).toMatchObject({ index: 2, fullIndex: 1 });
    expect(affinity.choose(prefix([999, 998]), "m", full, 1)).toMatchObject({
      fullIndex: -1,
      savedTokens: 0,
    });
  });

  test("leaves a credential that is far busier than the others, and a crowd for its tools alone sooner", () => {
    const affinity = warmAt(1, [101, 100, 1]);
    const busy = (inFlight: number) => all.map((each, i) => (i === 1 ? { ...each, inFlight } : each));
    expect(where(affinity, [101, 100, 1], 1, "m", busy(7))).toBe(1);
    expect(where(affinity, [101, 100, 1], 1, "m", busy(8))).not.toBe(1);
    expect(where(affinity, [200, 1], 1, "m", busy(3))).toBe(1);
    expect(where(affinity, [200, 1], 1, "m", busy(4))).not.toBe(1);
  });
});

test("of a long turn behind a marked head only the head counts as kept, also when it is read again", () => {
  const affinity = make(1);
  const here = seat("a");
  const whole: CacheReport = {
    inputTokens: 100_000,
    cacheReadTokens: 0,
    cacheWriteTokens: 2_000,
    bookedTokens: 120_000,
  };
  const asked = prefix([900, 1], { end: 1 });
  for (const report of [whole, { ...whole, cacheReadTokens: 2_000, cacheWriteTokens: 0 }]) {
    affinity.learn(asked, "m", here.seat, report, 0);
    expect(affinity.longest(prefix([1_000, 1], { end: 1 }), "m", 1)).toMatchObject([
      { tokens: 2_000, bookedTokens: 2_400 },
    ]);
  }
});

test("the memory of warm prefixes is bounded, and the newest stay", () => {
  const affinity = make(1);
  const all = seats(300);
  for (let i = 0; i < 100_000; i++) {
    affinity.learn(prefix([i * 3 + 10, i * 3 + 11, i * 3 + 12]), `m${i % 1_000}`, i % 300, read(10, 10), 0);
  }
  expect(affinity.size).toBeLessThanOrEqual(65_536);
  for (const { seat: number } of all) affinity.learn(prefix([7, 8]), "m", number, read(10), 1);
  expect(affinity.choose(prefix([7, 8]), "m", all, 2).index).toBeGreaterThanOrEqual(236);
  // What is over goes as new prefixes come, and a long life does not.
  affinity.learn(prefix([11, 12], { isLong: true }), "m", 1, read(10), 5 * MINUTE);
  for (let i = 5; i < 40; i++) affinity.learn(prefix([i, 9]), "m", 1, read(10), i * MINUTE);
  expect(affinity.size).toBeLessThan(15);
  expect(
    affinity.choose(prefix([11, 12]), "m", [seat("x"), { ...seat("y"), seat: 1 }], 40 * MINUTE).index,
  ).toBe(1);
});

test("whatever is learned and asked, a seat with room is chosen if there is one", () => {
  const step = fc.record({
    points: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
    seat: fc.nat(3),
    report: fc.record({
      inputTokens: fc.option(fc.nat(9_999)),
      cacheReadTokens: fc.option(fc.nat(9_999)),
      cacheWriteTokens: fc.option(fc.nat(9_999)),
      bookedTokens: fc.nat(20_000),
    }),
    afterMs: fc.nat(4 * MINUTE),
    isLong: fc.boolean(),
  });
  const state = fc.record({
    inFlight: fc.nat(20),
    weight: fc.constantFrom(0, 1, 5),
    freeShare: fc.constantFrom(-1, 0, 0.3, 1),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.array(state, { minLength: 1, maxLength: 4 }),
      (steps, states) => {
        const affinity = make(3);
        const all = states.map((each, i) => seat(`c${i}`, each));
        let nowMs = 0;
        for (const { points, seat: at, report, afterMs, isLong } of steps) {
          nowMs += afterMs;
          const asked = prefix(points, { isLong, end: at % points.length });
          const { index, fullIndex, savedTokens } = affinity.choose(asked, "m", all, nowMs);
          if (all.every(({ freeShare }) => freeShare < 0)) expect(index).toBe(-1);
          else expect(all[index]?.freeShare).toBeGreaterThanOrEqual(0);
          if (fullIndex !== -1) expect(all[fullIndex]?.freeShare).toBe(-1);
          expect(savedTokens).toBeGreaterThanOrEqual(0);
          affinity.learn(asked, "m", (all[at % all.length] as Seat).seat, report, nowMs);
        }
      },
    ),
  );
});
