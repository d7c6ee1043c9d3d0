import { describe, expect, test } from "bun:test";
import "../../test/kit/property-seed.ts";
import fc from "fast-check";
import { AnswerMemory, type LentAnswer } from "./answer-memory.ts";
import { answerOf } from "./fixtures/answer.ts";
import { sizeOf } from "./kept-answer.ts";

const KB = 1_024;
const answer = (kilobytes: number) => answerOf(["x".repeat(kilobytes * KB)]);

describe("memory of answers", () => {
  test("the answer that was used longest ago goes first", () => {
    const size = sizeOf(answer(10));
    const memory = new AnswerMemory({ memoryBytes: 8 * size, lifeMs: 10_000 });
    for (let i = 0; i < 8; i++) expect(memory.keep(`k${i}`, answer(10))).toBe(true);
    memory.lend("k0", 1_000)?.giveBack();
    memory.keep("new", answer(10));
    expect(memory.lend("k1", 1_000)).toBeNull();
    for (const key of ["k0", "k2", "new"]) expect(memory.lend(key, 1_000)).not.toBeNull();
  });

  test("an answer of more than an eighth is not kept, and does not push others out", () => {
    const memory = new AnswerMemory({ memoryBytes: 80 * KB, lifeMs: 10_000 });
    memory.keep("small", answer(2));
    expect(memory.keep("large", answer(10))).toBe(false);
    expect(memory.size).toBe(1);
  });

  test("an answer has its life, and is gone behind it", () => {
    const memory = new AnswerMemory({ memoryBytes: 800 * KB, lifeMs: 500 });
    memory.keep("a", answer(1));
    memory.keep("b", answer(1));
    expect(memory.lend("a", 1_499)).not.toBeNull();
    expect(memory.lend("a", 1_500)).toBeNull();
    memory.sweep(1_500);
    expect(memory.size).toBe(0);
  });

  test("less memory after a reload: answers go until the rest fits", () => {
    const memory = new AnswerMemory({ memoryBytes: 800 * KB, lifeMs: 500 });
    for (let i = 0; i < 20; i++) memory.keep(`k${i}`, answer(10));
    memory.replace({ memoryBytes: 100 * KB, lifeMs: 500 });
    expect(memory.bytes).toBeLessThanOrEqual(100 * KB);
    expect(memory.size).toBeGreaterThan(0);
    memory.replace({ memoryBytes: 0, lifeMs: 500 });
    expect(memory.bytes).toBe(0);
  });

  test("whatever comes, the bytes that are really there stay within the cap, and none is lost count of", () => {
    const step = fc.record({
      what: fc.constantFrom("keep", "lend", "give back", "hold", "release", "forget", "sweep"),
      key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      kilobytes: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const memoryBytes = 200 * KB;
        const memory = new AnswerMemory({ memoryBytes, lifeMs: 10_000 });
        const lent: LentAnswer[] = [];
        const held: number[] = [];
        for (const { what, key, kilobytes } of steps) {
          if (what === "keep") memory.keep(key, answer(kilobytes));
          else if (what === "lend") lent.push(...[memory.lend(key, 1_000)].filter((one) => one !== null));
          else if (what === "give back") lent.pop()?.giveBack();
          else if (what === "hold" && memory.hold(kilobytes * KB)) held.push(kilobytes * KB);
          else if (what === "release") memory.release(held.pop() ?? 0);
          else if (what === "forget") memory.forget(key);
          else if (what === "sweep") memory.sweep(1_000);
          // What is lent is there as well, kept or not.
          const there = new Set([...lent.map((one) => one.answer)]);
          const kept = ["a", "b", "c", "d", "e", "f"]
            .map((name) => memory.lend(name, 1_000))
            .filter((one) => one !== null);
          for (const one of kept) there.add(one.answer);
          for (const one of kept) one.giveBack();
          const bytes =
            [...there].reduce((sum, one) => sum + sizeOf(one), 0) + held.reduce((a, b) => a + b, 0);
          expect(memory.bytes).toBe(bytes);
          expect(bytes).toBeLessThanOrEqual(memoryBytes);
        }
        while (lent.length > 0) lent.pop()?.giveBack();
        for (const bytes of held) memory.release(bytes);
        memory.clear();
        expect(memory.bytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
