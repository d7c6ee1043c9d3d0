import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AnnouncedRoom } from "../upstreams/room/room-facts.ts";
import { ownNeed } from "./fixtures/need.ts";
import type { Need } from "./need.ts";
import { QuotaBook } from "./quota-book.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const MINUTE = 60_000;

const need = (inputTokens: number, outputTokens = 0): Need => ({
  ...ownNeed("up", "m"),
  inputTokens,
  outputTokens,
});

function room(more: Partial<AnnouncedRoom>): AnnouncedRoom {
  return {
    dimension: "requests",
    span: "minute",
    scope: "model",
    limit: 100,
    remaining: 100,
    resetAtMs: null,
    isGradual: true,
    isReserved: true,
    ...more,
  };
}

describe("room", () => {
  test("what was taken since the reply counts, and what the reply knew of does not", () => {
    const book = new QuotaBook();
    const first = book.take(need(10));
    book.take(need(10));
    book.learn([room({ limit: 5, remaining: 2 })], first, NOW);
    expect(book.headroom(need(10), NOW)).toBe(0);
    book.take(need(10));
    expect(book.headroom(need(10), NOW)).toBe(-1);
  });

  test("an older reply that comes late does not undo what a newer one said", () => {
    const book = new QuotaBook();
    const [older, newer] = [book.take(need(1)), book.take(need(1))];
    book.learn([room({ remaining: 10 })], newer, NOW);
    book.learn([room({ remaining: 90 })], older, NOW + 5);
    expect(book.headroom(need(1), NOW + 5)).toBeCloseTo(0.09, 3);
  });

  test("a limit that fills up has room little by little, one that does not has it at its reset", () => {
    for (const [isGradual, readyMs] of [
      [true, 6_000],
      [false, 40_000],
    ] as const) {
      const book = new QuotaBook();
      const said = {
        dimension: "tokens",
        limit: 10_000,
        remaining: 0,
        resetAtMs: NOW + 40_000,
        isGradual,
      } as const;
      book.learn([room(said)], book.take(need(1)), NOW);
      expect(book.headroom(need(800, 200), NOW)).toBe(-1);
      expect(book.readyAtMs(need(800, 200), NOW)).toBe(NOW + readyMs);
      expect(book.headroom(need(800, 200), NOW + readyMs - 10)).toBe(-1);
      expect(book.headroom(need(800, 200), NOW + readyMs)).toBeGreaterThanOrEqual(0);
    }
  });

  test("after a reset the whole limit counts, and not more than it", () => {
    const book = new QuotaBook();
    book.learn(
      [room({ limit: 2, remaining: 0, resetAtMs: NOW + 10_000, isGradual: false })],
      book.take(need(1)),
      NOW,
    );
    const later = NOW + 10_000;
    expect(book.headroom(need(1), later)).toBe(0.5);
    book.take(need(1));
    book.take(need(1));
    expect(book.headroom(need(1), later)).toBe(-1);
    expect(book.readyAtMs(need(1), later)).toBe(later + MINUTE);
  });

  test("a limit without a span is unknown after its reset, and one that is not repeated is forgotten", () => {
    const book = new QuotaBook();
    const said = { span: "other", remaining: 0, resetAtMs: NOW + 5_000, isGradual: false } as const;
    book.learn([room(said)], book.take(need(1)), NOW);
    expect(book.headroom(need(1), NOW + 4_999)).toBe(-1);
    expect(book.headroom(need(1), NOW + 5_000)).toBe(1);
    expect(book.list(NOW + 5_000)).toEqual([]);
    const silent = new QuotaBook();
    silent.learn([room({ limit: 1, remaining: 1 })], silent.take(need(1)), NOW);
    for (let i = 0; i < 50; i++) silent.take(need(1));
    expect(silent.headroom(need(1), NOW + 11 * MINUTE)).toBe(1);
  });

  test("a whole limit fills up again from the moment on at which something is taken", () => {
    const book = new QuotaBook();
    book.learn([room({ dimension: "tokens", limit: 6_000, remaining: 6_000 })], book.mark(), NOW);
    // Half a minute of rest adds nothing.
    const laterMs = NOW + 30_000;
    expect(book.headroom(need(6_000), laterMs)).toBe(0);
    book.take(need(6_000));
    expect(book.headroom(need(1_000), laterMs)).toBe(-1);
    expect(book.readyAtMs(need(1_000), laterMs)).toBe(laterMs + 10_000);
    expect(book.headroom(need(1_000), laterMs + 10_000)).toBe(0);
  });

  test("a clock that is set back, and a reset in the far future, block nobody for long", () => {
    const book = new QuotaBook();
    const said = { remaining: 0, resetAtMs: NOW + 1e12, isGradual: false } as const;
    book.learn([room(said)], book.take(need(1)), NOW);
    expect(book.readyAtMs(need(1), NOW)).toBe(NOW + 31 * 86_400_000);
    expect(book.headroom(need(1), NOW - 3_600_000)).toBe(1);
    const filling = new QuotaBook();
    filling.learn([room({ remaining: 50 })], filling.take(need(1)), NOW);
    expect(filling.headroom(need(1), NOW - 30_000)).toBeCloseTo(0.49, 5);
  });

  test("a request above the whole limit is the provider's to refuse", () => {
    const book = new QuotaBook();
    book.learn([room({ dimension: "input", limit: 1_000, remaining: 900 })], book.take(need(100)), NOW);
    expect(book.headroom(need(950), NOW)).toBe(-1);
    expect(book.headroom(need(5_000), NOW)).toBeGreaterThan(0);
  });

  test("where an answer counts as it is written, a long one needs room for its first word only", () => {
    const said = { dimension: "output", limit: 8_000, remaining: 500 } as const;
    for (const [isReserved, fits] of [
      [true, false],
      [false, true],
    ] as const) {
      const book = new QuotaBook();
      book.learn([room({ ...said, isReserved })], book.take(need(1, 1)), NOW);
      expect(book.headroom(need(10, 4_000), NOW) >= 0).toBe(fits);
    }
  });
});

test("whatever is taken and announced, the time that is told has room, and nothing waits for ever", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("take" as const), tokens: fc.nat(6_000) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(90_000) }),
    fc.record({
      do: fc.constant("learn" as const),
      remaining: fc.nat(5_000),
      isGradual: fc.boolean(),
      span: fc.constantFrom("minute" as const, "other" as const),
      resetMs: fc.option(fc.integer({ min: 0, max: 120_000 })),
      hasLimit: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(6_000), (steps, wanted) => {
      let nowMs = NOW;
      const book = new QuotaBook();
      let mark = book.mark();
      for (const each of steps) {
        if (each.do === "wait") nowMs += each.ms;
        else if (each.do === "take") mark = book.take(need(each.tokens));
        else {
          const { remaining, isGradual, span, resetMs, hasLimit } = each;
          const resetAtMs = resetMs === null ? null : nowMs + resetMs;
          const limit = hasLimit ? 5_000 : null;
          book.learn(
            [room({ dimension: "tokens", remaining, isGradual, span, resetAtMs, limit })],
            mark,
            nowMs,
          );
        }
        for (const { remaining, limit } of book.list(nowMs))
          expect(remaining).toBeLessThanOrEqual(limit ?? remaining);
      }
      // At each time that is told there is room, or a later time is told; after some of them there is.
      for (let told = 0; book.headroom(need(wanted), nowMs) < 0; told++) {
        const readyMs = book.readyAtMs(need(wanted), nowMs);
        expect(readyMs).toBeGreaterThan(nowMs);
        expect(told).toBeLessThan(20);
        nowMs = readyMs;
      }
    }),
  );
});

test("room that comes back little by little is counted from when the request was sent", () => {
  const book = new QuotaBook();
  const mark = book.take(need(100), 0, NOW - 2_000);
  book.learn([room({ dimension: "input", limit: 60_000, remaining: 1_000 })], mark, NOW);
  // 1,000 a second.
  expect(book.headroom(need(3_000), NOW)).toBe(0);
  expect(book.headroom(need(3_001), NOW)).toBe(-1);
  const late = book.take(need(100), 0, NOW - 5_000);
  book.learn([room({ dimension: "input", limit: 60_000, remaining: 1_000 })], late, NOW);
  expect(book.headroom(need(1_001), NOW)).toBe(-1);
});

test("announced room is used by what a provider counts as a rule, not by the most that it may", () => {
  const book = new QuotaBook();
  book.learn([room({ dimension: "input", limit: 1_000, remaining: 400 })], book.mark(), NOW);
  expect(book.headroom(need(500), NOW)).toBe(-1);
  expect(book.headroom({ ...need(500), likelyInputTokens: 400 }, NOW)).toBe(0);
});
