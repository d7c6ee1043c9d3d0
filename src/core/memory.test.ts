// When garbage is collected: after work, when the work rests, and not often.
import { expect, test } from "bun:test";
import { LOOK_MS, MemoryReturn } from "./memory.ts";

/** Looks at each of these states of the work, one after the other; tells in which looks garbage was collected. */
function looksThatCollect(works: readonly number[], inFlight = 0): number[] {
  const found: number[] = [];
  let at = 0;
  const memoryReturn = new MemoryReturn({ residentBytes: () => 0, collect: () => void found.push(at) });
  for (const work of works) {
    memoryReturn.look(work, inFlight, at * LOOK_MS);
    at += 1;
  }
  return found;
}

test("nothing is collected without work", () => {
  expect(looksThatCollect([0, 0, 0, 0])).toEqual([]);
});

test("garbage is collected twice when the work rests", () => {
  expect(looksThatCollect([0, 2, 2, 2, 2, 2])).toEqual([2, 3]);
});

test("nothing is collected while requests come and go", () => {
  expect(looksThatCollect([0, 2, 4, 5, 9, 10])).toEqual([]);
});

test("open streams, of which none begins or ends, are work that rests", () => {
  expect(looksThatCollect([0, 700, 900, 900, 900, 900])).toEqual([3, 4]);
});

test("work that begins again puts the second collection off", () => {
  expect(looksThatCollect([2, 2, 4, 6, 6])).toEqual([1, 4]);
});

test("garbage of new work waits until 2 s after the last collection", () => {
  const works = Array.from({ length: 30 }, (_, look) => (look < 5 ? 2 : 4));
  expect(looksThatCollect(works)).toEqual([1, 2, 6, 7]);
});

test("the events of open streams are collected each 15 s, although nothing begins or ends", () => {
  const works = Array.from({ length: 70 }, () => 3);
  expect(looksThatCollect(works, 3)).toEqual([1, 2, 31, 32, 61, 62]);
  expect(looksThatCollect(works, 0)).toEqual([1, 2]);
});
