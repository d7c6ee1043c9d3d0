import { expect, test } from "bun:test";
import { countTests } from "./test-parts.ts";

const report = (tests: number, failures: number, skipped: number): string =>
  `<?xml version="1.0"?>\n<testsuites name="bun test" tests="${tests}" failures="${failures}" skipped="${skipped}">` +
  `<testsuite name="a" tests="99" failures="99" skipped="99"/></testsuites>`;

test("a good run counts its tests", () => {
  expect(countTests(report(7, 0, 0), 0)).toEqual({ passed: 7, failed: 0, skipped: 0 });
});

test("failed and skipped tests have not passed", () => {
  expect(countTests(report(7, 2, 1), 1)).toEqual({ passed: 4, failed: 2, skipped: 1 });
});

test("a run that ends badly without a failed test has failed", () => {
  expect(countTests(report(7, 0, 0), 1)).toEqual({ passed: 7, failed: 1, skipped: 0 });
  expect(countTests(report(7, 0, 0), null)).toEqual({ passed: 7, failed: 1, skipped: 0 });
});

test("a run without a report has failed", () => {
  expect(countTests(null, null)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countTests(null, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("a run that tested nothing has failed", () => {
  expect(countTests(report(0, 0, 0), 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countTests(report(3, 0, 3), 0)).toEqual({ passed: 0, failed: 1, skipped: 3 });
});
