import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HeldBytes, MemoryBudget } from "./memory-budget.ts";

const KB = 1024;
const LIMIT = 1_000 * KB;

describe("a budget of memory", () => {
  test("is one key's alone while no other key has a request", () => {
    const budget = new MemoryBudget(LIMIT);
    const [one, two] = [budget.open("a"), budget.open("a")];
    expect(one.take(600 * KB)).toBe(true);
    expect(two.take(400 * KB)).toBe(true);
    expect(two.take(100 * KB)).toBe(false);
    expect(budget.usedBytes).toBe(LIMIT);
    expect(budget.refusals).toBe(1);
  });

  test("gives one key half of it while another key has a request", () => {
    const budget = new MemoryBudget(LIMIT);
    const [a, b] = [budget.open("a"), budget.open("b")];
    expect(a.take(600 * KB)).toBe(false);
    expect(a.take(500 * KB)).toBe(true);
    expect(a.take(100 * KB)).toBe(false);
    expect(b.take(500 * KB)).toBe(true);
    b.end();
    expect(a.take(400 * KB)).toBe(true);
  });

  test("never refuses a small request", () => {
    const budget = new MemoryBudget(LIMIT);
    expect(budget.open("a").take(LIMIT)).toBe(true);
    const small = budget.open("b");
    expect(small.take(40 * KB)).toBe(true);
    expect(small.take(24 * KB)).toBe(true);
    expect(small.take(1)).toBe(false);
  });

  test("takes as much as there is room for, if that is asked for", () => {
    const budget = new MemoryBudget(LIMIT);
    const share = budget.open("a");
    expect(share.takeUpTo(300 * KB)).toBe(300 * KB);
    expect(share.takeUpTo(5_000 * KB)).toBe(700 * KB);
    expect(share.takeUpTo(1)).toBe(0);
    share.give(200 * KB);
    expect(share.takeUpTo(5_000 * KB)).toBe(200 * KB);
  });

  test("counts nothing for a request that is over", () => {
    const budget = new MemoryBudget(LIMIT);
    const share = budget.open("a");
    share.take(100 * KB);
    share.end();
    share.end();
    share.give(50 * KB);
    expect(share.take(1)).toBe(false);
    expect(share.takeUpTo(1)).toBe(0);
    expect(budget.usedBytes).toBe(0);
  });

  test("holds what its requests hold, in any order of events", () => {
    const step = fc.record({
      share: fc.nat({ max: 5 }),
      what: fc.constantFrom("take", "up-to", "give", "end" as const),
      kilobytes: fc.nat({ max: 1_500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new MemoryBudget(LIMIT);
        const shares = Array.from({ length: 6 }, (_, n) => budget.open(`key ${n % 3}`));
        const held = shares.map(() => 0);
        const isOver = shares.map(() => false);
        for (const { share: n, what, kilobytes } of steps) {
          const share = shares[n] as (typeof shares)[number];
          const bytes = kilobytes * KB;
          const before = held[n] as number;
          if (what === "take" && share.take(bytes)) held[n] = before + bytes;
          else if (what === "up-to") held[n] = before + share.takeUpTo(bytes);
          else if (what === "give") {
            share.give(bytes);
            if (!isOver[n]) held[n] = Math.max(0, before - bytes);
          } else if (what === "end") {
            share.end();
            held[n] = 0;
            isOver[n] = true;
          }
          expect(budget.usedBytes).toBe(held.reduce((sum, one) => sum + one, 0));
          expect(budget.usedBytes).toBeLessThanOrEqual(LIMIT + 6 * 64 * KB);
        }
        for (const share of shares) share.end();
        expect(budget.usedBytes).toBe(0);
      }),
    );
  });
});

describe("what a running stream holds", () => {
  test("is counted beyond 64 kB, room or not, and given back", () => {
    const budget = new MemoryBudget(LIMIT);
    const held = new HeldBytes(budget.open("a"));
    expect([held.set(64 * KB), budget.usedBytes]).toEqual([true, 0]);
    expect([held.set(65 * KB), budget.usedBytes]).toEqual([true, 65 * KB]);
    expect(budget.open("b").take(LIMIT)).toBe(false);
    expect([held.set(1_000 * KB), budget.usedBytes]).toEqual([true, 1_000 * KB]);
    expect([held.set(0), budget.usedBytes]).toEqual([true, 0]);
  });

  test("is too much where there is no room, for a stream that holds more than a megabyte itself", () => {
    const budget = new MemoryBudget(LIMIT);
    const others = Array.from({ length: 5 }, () => new HeldBytes(budget.open("a")));
    expect(others.map((one) => one.set(300 * KB))).toEqual([true, true, true, true, true]);
    expect(budget.usedBytes).toBe(1_500 * KB);
    const large = new HeldBytes(budget.open("a"));
    expect([large.set(1_024 * KB), large.set(1_025 * KB)]).toEqual([true, false]);
  });

  test("is given back with the request, whatever is told afterwards", () => {
    const budget = new MemoryBudget(LIMIT);
    const share = budget.open("a");
    const held = new HeldBytes(share);
    held.set(500 * KB);
    share.end();
    held.set(900 * KB);
    held.set(0);
    expect(budget.usedBytes).toBe(0);
  });
});
