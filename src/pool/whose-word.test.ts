// Whose word against a credential holds for whom: one key's request may be the reason of a refusal.
import { beforeEach, expect, test } from "bun:test";
import type { Signal } from "../upstreams/signal.ts";
import { PoolUnderTest, specOf } from "./fixtures/pool-under-test.ts";

const OK: Signal = { class: "ok" };
const WORDS: readonly Signal[] = [
  { class: "credit", reason: "no balance" },
  { class: "invalid", reason: "refused" },
  { class: "config", reason: "blocked" },
  { class: "forbid", reason: "no such model" },
];

let under: PoolUnderTest;
beforeEach(() => {
  under = new PoolUnderTest([specOf("a"), specOf("b")]);
});

/** Credential `a` refuses a request of the key. */
const meet = (key: string, signal: Signal): void =>
  under.pool.report(under.take({ stickyTo: "up/a", key }), "m", signal, key);
const servedTo = (key: string): Set<string | null> =>
  new Set(Array.from({ length: 4 }, () => under.serve({ key })));

test.each(WORDS)("%j, met by one key, keeps no other key from the credential", (word) => {
  meet("alice", word);
  expect(servedTo("alice")).toEqual(new Set(["b"]));
  expect(servedTo("bob")).toEqual(new Set(["a", "b"]));
});

test.each(WORDS)("%j, met by two keys, holds for all", (word) => {
  meet("alice", word);
  meet("bob", word);
  for (const key of ["alice", "bob", "carol"]) expect(servedTo(key)).toEqual(new Set(["b"]));
});

test("how often one key has met it makes the wait of others no longer", () => {
  const [word] = WORDS as [Signal];
  for (let n = 0; n < 8; n++) {
    meet("alice", word);
    under.now += 3_600_000;
  }
  meet("alice", word);
  meet("bob", word);
  expect(servedTo("carol")).toEqual(new Set(["b"]));
  under.now += 30_000;
  expect(servedTo("carol")).toEqual(new Set(["a", "b"]));
});

test("another key's success ends it for the key that met it", () => {
  const [word] = WORDS as [Signal];
  meet("alice", word);
  under.pool.report(under.take({ stickyTo: "up/a", key: "bob" }), "m", OK, "bob");
  expect(servedTo("alice")).toEqual(new Set(["a", "b"]));
});

test("what a provider states about a key or its money holds for all at once, and so does a limit", () => {
  meet("alice", { class: "credit", reason: "no balance", isStatement: true });
  expect(servedTo("bob")).toEqual(new Set(["b"]));
  under = new PoolUnderTest([specOf("a"), specOf("b")]);
  meet("alice", { class: "rate", untilMs: under.now + 60_000, scope: "credential", reason: "slow down" });
  expect(servedTo("bob")).toEqual(new Set(["b"]));
});

test("a limit that another key meets takes the place of one key's doubt", () => {
  meet("alice", WORDS[0] as Signal);
  meet("bob", { class: "rate", untilMs: under.now + 600_000, scope: "credential", reason: "slow down" });
  for (const key of ["alice", "bob", "carol"]) expect(servedTo(key)).toEqual(new Set(["b"]));
});

test.each(WORDS)(
  "%j is listed with the key that has met it, and holds for that key alone after a restart",
  async (word) => {
    meet("alice", word);
    const [listed] = under.pool.list();
    expect((word.class === "forbid" ? listed?.models[0] : listed)?.clientKey).toBe("alice");
    await Promise.resolve();
    const saved = under.saved.splice(0);
    under = new PoolUnderTest([specOf("a"), specOf("b")], saved);
    expect(servedTo("alice")).toEqual(new Set(["b"]));
    expect(servedTo("bob")).toEqual(new Set(["a", "b"]));
    meet("alice", word);
    meet("bob", word);
    expect(JSON.stringify(under.pool.list())).not.toContain("alice");
  },
);
