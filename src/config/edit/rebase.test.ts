import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Path } from "../problem.ts";
import { parseToml } from "../toml/toml.ts";
import { applyChange, type Change, saysTheSame } from "./change.ts";
import { longFile } from "./fixtures/long-file.ts";
import { differencesOf, topmost, touches } from "./named-settings.ts";
import { editAll, rebase } from "./rebase.ts";
import { undoDifferences } from "./undo-differences.ts";

const LONG = longFile();
const rootOf = (text: string) => parseToml(text).root;

const place = fc.oneof(
  fc.nat(14).map((index): Path => ["keys", index, "requests_per_minute"]),
  fc.nat(14).map((index): Path => ["keys", index, "report"]),
  fc.constantFrom<Path>(
    ["server", "port"],
    ["limits", "unpriced"],
    ["media", "fetch"],
    ["models", 1, "defaults", "top_p"],
  ),
  fc.nat(1).map((index): Path => ["upstreams", 2, "credentials", index, "priority"]),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(place, fc.nat(99)).map(([path, value]): Change => ({ kind: "set", path, value })),
  },
  { weight: 1, arbitrary: fc.nat(14).map((index): Change => ({ kind: "remove", path: ["keys", index] })) },
  {
    weight: 1,
    arbitrary: fc.nat(999).map(
      (number): Change => ({
        kind: "insert",
        path: ["keys"],
        at: null,
        value: { name: `new-${number}`, key: "k" },
      }),
    ),
  },
);

test("changes of two sides are both made, or refused together with what clashes; neither side is ever lost", async () => {
  let merged = 0;
  await fc.assert(
    fc.asyncProperty(change, change, async (their, my) => {
      const { text: theirs } = await editAll(LONG, [their]);
      const mine = differencesOf(rootOf(LONG), rootOf((await editAll(LONG, [my])).text));
      const wanted = differencesOf(rootOf(LONG), rootOf(theirs));
      const rebased = await rebase(LONG, theirs, [my]);
      if (!rebased.ok) {
        expect(rebased.clashes.length).toBeGreaterThan(0);
        expect(wanted.some((a) => mine.some((b) => touches(a.name, b.name)))).toBe(true);
        return;
      }
      merged++;
      const both = differencesOf(rootOf(LONG), rootOf(rebased.edited.text));
      for (const one of [...wanted, ...mine]) {
        const found = both.find(({ name }) => name === one.name);
        expect(found !== undefined && saysTheSame(found.after, one.after)).toBe(true);
      }
    }),
    { numRuns: 200, endOnFailure: true },
  );
  expect(merged).toBeGreaterThan(50);
});

test("the inverse of a change, and the record of it, bring back what the file said", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let after: string;
      let inverse: readonly Change[];
      try {
        ({ text: after, inverse } = await editAll(LONG, changes));
      } catch {
        fc.pre(false);
        return;
      }
      const { text: back } = await editAll(after, inverse);
      expect(saysTheSame(rootOf(back), rootOf(LONG))).toBe(true);
      const undone = undoDifferences(rootOf(after), topmost(differencesOf(rootOf(LONG), rootOf(after))));
      expect(undone.ok).toBe(true);
      if (!undone.ok) return;
      const again = await editAll(after, undone.changes);
      expect(differencesOf(rootOf(LONG), rootOf(again.text))).toEqual([]);
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

test("a table that a change has made goes with it, by its inverse and by the record", async () => {
  const made: readonly Change[] = [{ kind: "set", path: ["simulator", "port"], value: 8_585 }];
  const { text: after, inverse } = await editAll(LONG, made);
  expect(after).toContain("[simulator]");
  expect((await editAll(after, inverse)).text).not.toContain("[simulator]");
  const undone = undoDifferences(rootOf(after), topmost(differencesOf(rootOf(LONG), rootOf(after))));
  if (!undone.ok) throw new Error("it clashes");
  expect((await editAll(after, undone.changes)).text).not.toContain("[simulator]");
});

test("a thousand entries are one change, which is made and taken back at once", async () => {
  const [value = {}, ...more] = Array.from({ length: 1_000 }, (_, index) => ({
    name: `k-${index}`,
    key: "k",
  }));
  const changes: readonly Change[] = [{ kind: "insert", path: ["keys"], at: null, value, more }];
  const { text: after, inverse } = await editAll(LONG, changes);
  expect((rootOf(after).keys as unknown[]).length).toBe((rootOf(LONG).keys as unknown[]).length + 1_000);
  expect(inverse).toHaveLength(1_000);
  expect(saysTheSame(inverse.reduce(applyChange, rootOf(after)), rootOf(LONG))).toBe(true);
  // In brackets as well.
  const { text: inBrackets } = await editAll('keys = [{ name = "a", key = "k" }] # mine\n', changes);
  expect(inBrackets).toEndWith("] # mine\n");
  expect((rootOf(inBrackets).keys as unknown[]).length).toBe(1_001);
});

test("other work goes on between the changes of a long list", async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  });
  const changes = Array.from(
    { length: 30 },
    (_, index): Change => ({
      kind: "set",
      path: ["keys", index % 14, "requests_per_minute"],
      value: index,
    }),
  );
  await editAll(LONG, changes);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
