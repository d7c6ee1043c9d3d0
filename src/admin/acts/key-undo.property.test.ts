// Whatever an act has changed of a key, its undo brings back that alone, or nothing.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredKey } from "../../store/client-keys.ts";
import { isLasting, type KeyChange, keyChangeOf, undoKeyChanges } from "./key-undo.ts";

const RUNS = { numRuns: 500 };
const settings = fc.dictionary(
  fc.constantFrom("concurrency", "models", "team", "strict"),
  fc.constantFrom<unknown>(1, 2, ["a-*"], "research", true),
);
const keys: fc.Arbitrary<StoredKey> = fc.record({
  name: fc.constant("ci"),
  keySha256: fc.constantFrom("aa", "bb"),
  prefix: fc.constant("clew-aaaa"),
  lastFour: fc.constant("zzzz"),
  settings: settings.map((all) => JSON.stringify(all)),
  createdMs: fc.constant(1),
  revokedMs: fc.constantFrom(null, 7),
  pausedMs: fc.constantFrom(null, 5, 6),
  old: fc.constantFrom(null, { sha256: "cc", untilMs: 9 }),
});
const plain = (key: StoredKey | undefined) => ({ ...key, settings: JSON.parse(key?.settings ?? "{}") });

test("right after an act, its undo gives the key as it was, also from the record", () => {
  fc.assert(
    fc.property(keys, keys, (before, after) => {
      fc.pre(before.revokedMs === null);
      const change = keyChangeOf(before, after);
      if (change === null) {
        expect(plain(after)).toEqual(plain(before));
        return;
      }
      const kept = isLasting([change]) ? (JSON.parse(JSON.stringify(change)) as KeyChange) : change;
      const undone = undoKeyChanges([kept], () => after, 100);
      expect(undone.ok ? plain(undone.keys[0]) : undone).toEqual(plain(before));
    }),
    RUNS,
  );
});

test("what others have changed since stays, or nothing is undone and each clash is told", () => {
  fc.assert(
    fc.property(keys, keys, keys, (before, after, now) => {
      const change = keyChangeOf(before, after);
      if (change === null) return;
      const undone = undoKeyChanges([change], () => now, 100);
      if (!undone.ok) {
        expect(undone.clashes.length).toBeGreaterThan(0);
        expect(JSON.stringify(undone.clashes)).not.toMatch(/aa|bb|cc/);
        return;
      }
      const touched = new Set(change.fields.map(({ field }) => field));
      const [result] = undone.keys as [StoredKey];
      for (const name of ["keySha256", "revokedMs", "pausedMs", "old"] as const)
        expect([name, result[name]]).toEqual([name, touched.has(name) ? before[name] : now[name]]);
      const [was, is, then] = [before, now, result].map((key) => JSON.parse(key.settings));
      for (const name of new Set([...Object.keys(was), ...Object.keys(is), ...Object.keys(then)]))
        expect([name, then[name]]).toEqual([name, touched.has(`settings.${name}`) ? was[name] : is[name]]);
    }),
    RUNS,
  );
});
