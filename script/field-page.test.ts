import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadKinds, pageOf, readReport } from "./field-page.ts";

const ROOT = join(import.meta.dir, "..");

describe("the page of the field", () => {
  test("reads passed, failed and skipped tests of kinds out of a report", () => {
    const report = [
      '<testcase name="reported: a &lt; b" classname="field one" time="0.1" />',
      '<testcase name="c" classname="field one" time="0.1"><failure type="E" /></testcase>',
      '<testcase name="d" classname="field two" time="0"><skipped /></testcase>',
      '<testcase name="e" classname="another" time="0" />',
    ].join("\n");
    expect(readReport(report)).toEqual([
      { kind: "one", name: "reported: a < b", result: "passed" },
      { kind: "one", name: "c", result: "failed" },
      { kind: "two", name: "d", result: "skipped" },
    ]);
  });

  test("tells what passed, what failed and what is open", () => {
    const kind = { id: "one", title: "One", promise: "It works.", sources: ["a/b#1"], open: ["x"] };
    const page = pageOf(
      [kind],
      [
        { kind: "one", name: "reported: a", result: "passed" },
        { kind: "one", name: "b", result: "failed" },
      ],
    );
    expect(page).toContain("1 kinds, 2 tests, 1 not passed");
    expect(page).toContain("Reported inputs:\n\n- ✓: a");
    expect(page).toContain("Beyond them:\n\n- failed: b");
    expect(page).toContain("Left open:\n\n- x");
  });

  test("each kind has a file of tests, and a section on the page", async () => {
    const page = readFileSync(join(ROOT, "docs/field.md"), "utf8");
    for (const { id, title } of await loadKinds()) {
      expect(existsSync(join(ROOT, `test/field/${id}.test.ts`))).toBe(true);
      expect(page).toContain(`## ${title}\n`);
    }
  });
});
