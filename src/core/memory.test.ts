// When garbage is collected: after work, when the work rests, and not often.
import { expect, test } from "bun:test";
import { LOOK_MS, MemoryReturn } from "./memory.ts";

const MB = 1024 * 1024;

interface Look {
  readonly work: number;
  readonly inFlight?: number;
  /** Resident then; 100 when absent. */
  readonly mb?: number;
}

/** Looks at each of these states, one after the other. Tells the looks that collect: `all` of them, or some. */
function collections(looks: readonly Look[]): string[] {
  const found: string[] = [];
  let at = 0;
  const memoryReturn = new MemoryReturn({
    cpuMs: () => 0,
    residentBytes: () => (looks[at]?.mb ?? 100) * MB,
    collect: () => void found.push(`${at}`),
    collectAll: () => void found.push(`${at} all`),
  });
  for (const { work, inFlight = 0 } of looks) {
    memoryReturn.look(work, inFlight, at * LOOK_MS);
    at += 1;
  }
  return found;
}

const looksAt = (works: readonly number[], more: Omit<Look, "work"> = {}): Look[] =>
  works.map((work) => ({ work, ...more }));

test("nothing is collected without work", () => {
  expect(collections(looksAt([0, 0, 0, 0]))).toEqual([]);
});

test("garbage is collected twice when the work rests, the first time all of it", () => {
  expect(collections(looksAt([0, 2, 2, 2, 2, 2]))).toEqual(["2 all", "3"]);
});

test("nothing is collected while requests come and go", () => {
  expect(collections(looksAt([0, 2, 4, 5, 9, 10]))).toEqual([]);
});

test("many open streams, of which none begins or ends, are work that rests, and are not stopped", () => {
  const looks = looksAt([700, 900, 900, 900, 900], { inFlight: 300 });
  expect(collections([{ work: 0 }, ...looks])).toEqual(["3", "4"]);
});

test("work that begins again puts the second collection off", () => {
  expect(collections(looksAt([2, 2, 4, 6, 6]))).toEqual(["1 all", "4"]);
});

test("garbage of new work waits until 2 s after the last collection", () => {
  const looks = looksAt(Array.from({ length: 30 }, (_, look) => (look < 5 ? 2 : 4)));
  expect(collections(looks)).toEqual(["1 all", "2", "6", "7"]);
});

test("all garbage is collected again only when that is worth it", () => {
  const works = Array.from({ length: 40 }, (_, look) => Math.floor(look / 10) + 1);
  const looks = works.map((work, look) => ({ work, mb: look < 20 ? 100 : 117 }));
  expect(collections(looks)).toEqual(["1 all", "2", "11", "12", "21 all", "22", "31", "32"]);
});

test("the events of open streams are collected each 15 s, although nothing begins or ends", () => {
  const works = Array.from({ length: 70 }, () => 3);
  const found = (inFlight: number) =>
    collections(looksAt(works, { inFlight })).map((text) => text.split(" ")[0]);
  expect(found(3)).toEqual(["1", "2", "31", "32", "61", "62"]);
  expect(found(0)).toEqual(["1", "2"]);
});
