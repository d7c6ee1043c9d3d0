import { expect, test } from "bun:test";
import { readRange, roundedSpan } from "./range.ts";

test("the address names a range, or a span; whatever else it says is the usual range", () => {
  expect(readRange("7d", "", "")).toMatchObject({ name: "7d", fromMs: null });
  expect(readRange("7d", "1700000000000", "1700003600000")).toEqual({
    name: "",
    fromMs: 1_700_000_000_000,
    toMs: 1_700_003_600_000,
    lengthMs: 3_600_000,
  });
  for (const [range, from, to] of [
    ["", "", ""],
    ["constructor", "", ""],
    ["<script>", "x", "y"],
    ["", "1700003600000", "1700000000000"],
    ["", "1700000000000", ""],
    ["", "-1", "1e99"],
  ] as const)
    expect(readRange(range, from, to)).toMatchObject({ name: "24h", fromMs: null, toMs: null });
});

test("a drawn span has whole minutes, and one at the least", () => {
  expect(roundedSpan(1_700_000_012_345, 1_700_000_012_999)).toEqual({
    from: "1699999980000",
    to: "1700000040000",
  });
});
