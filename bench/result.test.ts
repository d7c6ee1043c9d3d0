import { expect, test } from "bun:test";
import { spreadOf } from "./ratio.ts";
import { type Figure, isReached, median, renderTable, type WorkResult } from "./result.ts";

function resultOf(ratio: number, errors: string[] = [], more: Partial<Figure> = {}): WorkResult {
  const goal = { of: "ratio", atMost: 2.6 } as const;
  const figure = { name: "CPU per request", unit: "µs", clewline: 32, ratio: spreadOf([ratio]), goal };
  const figures = [{ ...figure, nginx: 16, ...more }];
  return { work: "json", figures, errors, notes: [], rounds: {} };
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

test("a ratio is the median of the rounds with its quartiles, and the median decides", () => {
  const result = resultOf(0, [], { ratio: spreadOf([2.2, 2.4, 2.5, 2.9, 9]) });
  expect(verdict(result)).toBe(true);
  expect(renderTable([result], true)).toContain("| 2.50 (2.40 to 2.90) | ≤ 2.6 × nginx | yes");
});

test("a figure stands beside what it is compared with", () => {
  const goal = { of: "ratio", atMost: 1.6 } as const;
  const translated = resultOf(1.5, [], { nginx: undefined, relay: 20, clewline: 30, goal });
  const [heads, , row] = renderTable([translated], true).split("\n");
  expect(heads).toMatch(/^\| work +\| figure +\| clewline \| relay \| ratio \| target +\| reached\? \|$/);
  expect(row).toEndWith("| 30       | 20    | 1.50  | ≤ 1.6 × relay | yes      |");
  expect(renderTable([resultOf(3), translated], true)).toContain("| 30       |       | 20    | 1.50 ");
});

test("an older build has its figure and its ratio, but the newer build is judged", () => {
  const result = resultOf(2.5, [], { before: 64, ratioBefore: spreadOf([4, 4.1, 4.2]) });
  const [heads, , row] = renderTable([result], true).split("\n");
  expect(heads).toMatch(/\| before \| clewline \| nginx \| ratio before +\| ratio \|/);
  expect(row).toEndWith(
    "| 64     | 32       | 16    | 4.10 (4.05 to 4.15) | 2.50  | ≤ 2.6 × nginx | yes      |",
  );
});
