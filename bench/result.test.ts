import { expect, test } from "bun:test";
import { isReached, median, renderTable, type WorkResult } from "./result.ts";

function resultOf(ratio: number, errors: string[] = []): WorkResult {
  const goal = { of: "ratio", atMost: 2.6 } as const;
  const figure = { name: "CPU per request", unit: "µs", clewline: 32, nginx: 16, ratio, goal };
  return { work: "json", figures: [figure], errors, notes: [], rounds: {} };
}

function verdict(result: WorkResult): boolean | undefined {
  const [figure] = result.figures;
  return figure === undefined ? undefined : isReached(figure, result);
}

test("the median is the middle, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("a goal is reached at its limit and missed above it", () => {
  expect(verdict(resultOf(2.6))).toBe(true);
  expect(verdict(resultOf(2.61))).toBe(false);
});

test("a work with errors has reached nothing, however fast it was", () => {
  expect(verdict(resultOf(1, ["clewline: 1 errors, the first: status 502"]))).toBe(false);
});

test("a figure that could not be measured has not reached its goal", () => {
  expect(verdict(resultOf(Number.NaN))).toBe(false);
});

test("the table shows a verdict only when it is asked to judge", () => {
  const row = "| json | CPU per request, µs | 32       | 16    | 3.00  | ≤ 2.6 × nginx | NO       |";
  expect(renderTable([resultOf(3)], true).split("\n")[2]).toBe(row);
  expect(renderTable([resultOf(3)], false)).not.toContain("NO");
});

test("a figure stands beside what it is compared with", () => {
  const goal = { of: "ratio", atMost: 1.6 } as const;
  const figure = { name: "CPU per request", unit: "µs", clewline: 30, relay: 20, ratio: 1.5, goal };
  const translated: WorkResult = {
    work: "translated-json",
    figures: [figure],
    errors: [],
    notes: [],
    rounds: {},
  };
  const [heads, , row] = renderTable([translated], true).split("\n");
  expect(heads).toMatch(/^\| work +\| figure +\| clewline \| relay \| ratio \| target +\| reached\? \|$/);
  expect(row).toEndWith("| 30       | 20    | 1.50  | ≤ 1.6 × relay | yes      |");
  expect(renderTable([resultOf(3), translated], true)).toContain("| 30       |       | 20    | 1.50 ");
});
