import { describe, expect, test } from "bun:test";
import type { Clock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import type { Signal } from "../upstreams/signal.ts";
import type { CredentialSpec, Lease, LeaseResult, PersistedState } from "./credential.ts";
import { needOf } from "./fixtures/need.ts";
import { RESET_REASON } from "./park.ts";
import { makePool, type Pool } from "./pool.ts";

const START = Date.parse("2026-11-23T10:00:00Z");
const HOUR = 3_600_000;

const rate = (seconds: number, more: object = {}) =>
  ({
    class: "rate",
    untilMs: clock.nowMs() + seconds * 1_000,
    scope: "model",
    reason: "limited",
    ...more,
  }) as Signal;
const quota = (seconds: number): Signal => ({
  class: "quota",
  untilMs: clock.nowMs() + seconds * 1_000,
  scope: "credential",
  reason: "used up",
});
const OK: Signal = { class: "ok" };
const CREDIT: Signal = { class: "credit", reason: "no credit", isStatement: true };
const INVALID: Signal = { class: "invalid", reason: "refused" };
const REVOKED: Signal = { class: "invalid", reason: "revoked", isStatement: true };
const FORBID: Signal = { class: "forbid", reason: "no such model" };
const OVERLOAD: Signal = { class: "overload", reason: "overloaded" };
const BAD: Signal = { class: "bad", reason: "bad request" };

let now = START;
const clock: Clock = { nowMs: () => now, monotonicMs: () => now };

function spec(name: string, more: Partial<CredentialSpec> = {}): CredentialSpec {
  return {
    id: `up/${name}`,
    upstream: "up",
    name,
    priority: 0,
    scope: "model",
    fingerprint: `key-${name}`,
    ...more,
  };
}

function make(specs: readonly CredentialSpec[], restore: readonly PersistedState[] = []) {
  now = START;
  const saved = new Map<string, PersistedState>();
  const persist = (states: readonly PersistedState[]): void => {
    for (const state of states) saved.set(`${state.credential}|${state.model}`, state);
  };
  const accusations: string[] = [];
  const accused = (id: string, of: string): void => void accusations.push(`${id} ${of}`);
  const pool = makePool({ specs, clock, log: silentLog, restore, persist, accused });
  return { pool, saved, accusations };
}

function taken(result: LeaseResult): Lease {
  if ("unavailable" in result) throw new Error(JSON.stringify(result.unavailable));
  return result.lease;
}

const take = (pool: Pool, model = "m"): Lease => taken(pool.lease(needOf("up", model, null, null, "alice")));
const refusal = (pool: Pool, model = "m", excluded: ReadonlySet<string> | null = null) => {
  const result = pool.lease(needOf("up", model, excluded, null, "alice"));
  return "unavailable" in result ? result.unavailable : null;
};
/** What a request is told that has met the refusal of one credential itself. */
const refusalAfter = (pool: Pool, name: string, model = "m") => refusal(pool, model, new Set([`up/${name}`]));
/** One attempt from lease to report; returns who served it. */
function attempt(pool: Pool, signal: Signal, model = "m"): string {
  const lease = take(pool, model);
  pool.report(lease, model, signal);
  return lease.credentialId;
}
const stateOf = (pool: Pool, name: string) => pool.list().find((status) => status.id === `up/${name}`);

describe("choice", () => {
  test("equals take turns, and a parked one is passed over without favour to its neighbour", () => {
    const { pool } = make([spec("a"), spec("b"), spec("c")]);
    expect([1, 2, 3, 4, 5, 6].map(() => attempt(pool, OK))).toEqual([
      "up/a",
      "up/b",
      "up/c",
      "up/a",
      "up/b",
      "up/c",
    ]);
    expect(attempt(pool, rate(60))).toBe("up/a");
    expect([1, 2, 3, 4].map(() => attempt(pool, OK))).toEqual(["up/b", "up/c", "up/b", "up/c"]);
  });

  test("a lower priority number is used as long as there is one, and again when it is back", () => {
    const { pool } = make([spec("spare", { priority: 5 }), spec("main")]);
    expect([1, 2, 3].map(() => attempt(pool, OK))).toEqual(["up/main", "up/main", "up/main"]);
    attempt(pool, rate(60));
    expect(attempt(pool, OK)).toBe("up/spare");
    now += 60_000;
    expect([1, 2].map(() => attempt(pool, OK))).toEqual(["up/main", "up/main"]);
  });

  test("what a request has tried is not given to it again", () => {
    const { pool } = make([spec("a"), spec("b")]);
    expect(taken(pool.lease(needOf("up", "m", new Set(["up/a"]), null, "alice"))).credentialId).toBe("up/b");
    expect(refusal(pool, "m", new Set(["up/a", "up/b"]))).toMatchObject({
      kind: "tried",
      retryAtMs: null,
      reasons: [],
    });
  });

  test("what lives under one credential goes to that one only, while it is in the config", () => {
    const { pool } = make([spec("a"), spec("b")]);
    for (let i = 0; i < 3; i++)
      expect(taken(pool.lease(needOf("up", "m", null, "up/b", "alice"))).credentialId).toBe("up/b");
    pool.report(taken(pool.lease(needOf("up", "m", null, "up/b", "alice"))), "m", rate(60));
    expect(pool.lease(needOf("up", "m", null, "up/b", "alice"))).toMatchObject({
      unavailable: { kind: "cooling", retryAtMs: now + 60_000 },
    });
    expect(pool.lease(needOf("up", "m", new Set(["up/b"]), "up/b", "alice"))).toMatchObject({
      unavailable: {},
    });
    expect(taken(pool.lease(needOf("up", "m", null, "up/gone", "alice"))).credentialId).toBe("up/a");
    expect(taken(pool.lease(needOf("up", "m", null, "elsewhere/b", "alice"))).credentialId).toBe("up/a");
  });

  test("an upstream without credentials has none to give", () => {
    const { pool } = make([spec("a")]);
    expect(pool.lease(needOf("other", "m", null, null, "alice"))).toMatchObject({
      unavailable: { kind: "none", retryAtMs: null, reasons: [] },
    });
  });
});

describe("own fault only", () => {
  test("an overload, a bad request and a client that left change nothing, also for a probe", () => {
    const { pool, saved } = make([spec("a")]);
    for (const signal of [OVERLOAD, BAD]) attempt(pool, signal);
    pool.release(take(pool));
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", inFlight: 0, models: [] });
    expect(saved.size).toBe(0);
    attempt(pool, quota(60));
    now += 60_000;
    for (const signal of [OVERLOAD, BAD]) attempt(pool, signal);
    pool.release(take(pool));
    const probe = take(pool);
    expect(probe.isProbe).toBe(true);
    pool.report(probe, "m", OK);
    expect(take(pool).isProbe).toBe(false);
  });

  test("a limit that is counted per model parks the model only, unless the credential's limits are common", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(60), "big");
    expect(refusal(pool, "big")).toMatchObject({ kind: "cooling", retryAtMs: now + 60_000 });
    expect(attempt(pool, OK, "small")).toBe("up/a");
    const common = make([spec("a", { scope: "credential" })]).pool;
    attempt(common, rate(60), "big");
    expect(refusal(common, "small")).toMatchObject({ kind: "cooling" });
  });

  test("a model that is forbidden to a credential is asked of others, and nothing else suffers", () => {
    const { pool } = make([spec("a"), spec("b")]);
    expect(attempt(pool, FORBID, "new")).toBe("up/a");
    expect([1, 2].map(() => attempt(pool, OK, "new"))).toEqual(["up/b", "up/b"]);
    expect(new Set([1, 2].map(() => attempt(pool, OK, "old")))).toEqual(new Set(["up/a", "up/b"]));
  });

  test("one credential may have many models forbidden; the memory of them is bounded", () => {
    const { pool } = make([spec("a")]);
    for (let i = 0; i < 1_000; i++) attempt(pool, FORBID, `model-${i}`);
    attempt(pool, FORBID, "x".repeat(100_000));
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready" });
    expect(stateOf(pool, "a")?.models.length).toBe(256);
    expect(refusalAfter(pool, "a", "model-999")?.kind).toBe("forbidden");
    expect(attempt(pool, OK, "model-0")).toBe("up/a");
  });
});

describe("time", () => {
  test.each([rate(46.07), quota(46.07)])(
    "a limit holds exactly as long as the provider said, then all may go",
    (limit) => {
      const { pool } = make([spec("a")]);
      attempt(pool, limit);
      now += 46_069;
      expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: START + 46_070 });
      now += 1;
      const leases = Array.from({ length: 10 }, () => take(pool));
      // The limit has come back: nobody else goes.
      pool.report(leases[0] as Lease, "m", rate(30));
      expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: now + 30_000 });
      for (const lease of leases.slice(1)) pool.report(lease, "m", OK);
      expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: now + 30_000 });
      now += 30_000;
      pool.report(take(pool), "m", OK);
      expect(take(pool).isProbe).toBe(false);
    },
  );

  test("after a guessed wait one request probes, and the others wait until it has taken a second", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(5, { isGuess: true }));
    now += 5_000;
    const probe = take(pool);
    expect(probe.isProbe).toBe(true);
    const waiting = refusal(pool);
    expect(waiting).toMatchObject({ kind: "cooling", retryAtMs: now + 1_000 });
    now = waiting?.retryAtMs as number;
    const followers = [take(pool), take(pool)];
    pool.report(followers[0] as Lease, "m", OK);
    expect(take(pool).isProbe).toBe(false);
    pool.report(probe, "m", OK);
    pool.report(followers[1] as Lease, "m", OK);
    expect(take(pool).isProbe).toBe(false);
  });

  test("a probe that says nothing lets the next one probe, also when others have followed it", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(5, { isGuess: true }));
    now += 5_000;
    const probe = take(pool);
    pool.release(probe);
    const second = take(pool);
    expect(refusal(pool)).not.toBeNull();
    now += 1_000;
    const third = take(pool);
    pool.release(second);
    expect(refusal(pool)).toBeNull();
    pool.report(third, "m", rate(5, { isGuess: true }));
    expect(refusal(pool)).toMatchObject({ retryAtMs: now + 10_000 });
  });

  test("a park whose time is over is shown as ready, whoever asks", async () => {
    const { pool, saved } = make([spec("a")]);
    attempt(pool, quota(10));
    attempt(make([spec("a")]).pool, OK);
    now = START + 9_999;
    expect(stateOf(pool, "a")).toMatchObject({ state: "exhausted" });
    now += 1;
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", reason: "", untilMs: null, strikes: 0 });
    await Promise.resolve();
    const restarted = makePool({
      specs: [spec("a")],
      clock,
      log: silentLog,
      restore: [...saved.values()],
      persist: () => undefined,
    });
    expect(restarted.list()).toMatchObject([{ state: "ready" }]);
    attempt(pool, rate(10), "m");
    expect(stateOf(pool, "a")?.models).toMatchObject([{ model: "m", state: "cooling" }]);
    now += 10_000;
    expect(stateOf(pool, "a")?.models).toEqual([]);
  });

  test("while one request probes, the others go elsewhere", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, rate(10, { isGuess: true }));
    now += 10_000;
    const leases = [1, 2, 3, 4].map(() => take(pool));
    expect(leases.map((lease) => `${lease.credentialId} ${lease.isProbe}`).sort()).toEqual([
      "up/a true",
      "up/b false",
      "up/b false",
      "up/b false",
    ]);
  });

  test("a probe that fails parks until the next time", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(10));
    now += 10_000;
    attempt(pool, rate(20));
    expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: now + 20_000 });
  });

  test("a probe's long stream does not hold others off once it has begun well", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(10));
    now += 10_000;
    const probe = take(pool);
    pool.confirm(probe, "m");
    expect(take(pool).isProbe).toBe(false);
    pool.report(probe, "m", OVERLOAD);
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", inFlight: 1 });
  });

  test("a wait that nobody told grows from five seconds to sixty, and starts over after a success", () => {
    const { pool } = make([spec("a")]);
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      attempt(pool, rate(5, { isGuess: true }));
      const untilMs = refusal(pool)?.retryAtMs as number;
      waits.push((untilMs - now) / 1_000);
      now = untilMs;
    }
    expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
    attempt(pool, OK);
    attempt(pool, rate(5, { isGuess: true }));
    expect(refusal(pool)?.retryAtMs).toBe(now + 5_000);
  });

  test("requests that ran at the same time and all fail are one event, and the longest wait holds", () => {
    const { pool, saved } = make([spec("a")]);
    const leases = [1, 2, 3, 4].map(() => take(pool));
    const waits = [5, 30, 30.2, 10];
    for (const [index, lease] of leases.entries()) pool.report(lease, "m", rate(waits[index] as number));
    expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: START + 30_000 });
    expect(saved.size).toBe(0);
  });

  test("requests that ran at the same time let a guessed wait grow only once", () => {
    const { pool } = make([spec("a")]);
    const leases = [take(pool), take(pool), take(pool)];
    for (const lease of leases) pool.report(lease, "m", rate(5, { isGuess: true }));
    expect(refusal(pool)?.retryAtMs).toBe(START + 5_000);
  });

  test("a probe that succeeds does not end what another request found out meanwhile", () => {
    const { pool } = make([spec("a")]);
    const before = take(pool);
    attempt(pool, quota(10));
    now += 10_000;
    const probe = take(pool);
    pool.report(before, "m", quota(60));
    pool.report(probe, "m", OK);
    expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: now + 60_000 });
  });

  test("a good answer to a request that began before the limit does not end it", () => {
    const { pool } = make([spec("a")]);
    const before = take(pool);
    attempt(pool, rate(60));
    pool.report(before, "m", OK);
    expect(refusal(pool)?.kind).toBe("cooling");
  });

  test.each([
    ["a year", 365 * 24 * HOUR],
    ["an hour", HOUR],
  ])("when the clock goes back by %s, nobody stays parked for as long", (_, byMs) => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(60));
    now -= byMs;
    expect(take(pool).isProbe).toBe(true);
  });

  test("when the clock goes back by a few seconds, a limit is still kept", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(60));
    now -= 5_000;
    expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: now + 65_000 });
  });
});

describe("a word against a credential", () => {
  test.each([
    ["invalid", INVALID, "cooling"],
    ["credit", CREDIT, "exhausted"],
    ["config", { class: "config", reason: "blocked" } as Signal, "cooling"],
  ])("%s holds for half a minute, then twice as long each time, an hour at most", (_, signal, state) => {
    const { pool } = make([spec("a")]);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      attempt(pool, signal);
      const { untilMs, ...facts } = stateOf(pool, "a") as { untilMs: number; state: string; reason: string };
      expect(facts.state).toBe(state);
      expect(facts.reason).toStartWith("unconfirmed: ");
      waits.push((untilMs - now) / 1_000);
      now = untilMs;
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    attempt(pool, OK);
    attempt(pool, signal);
    expect(stateOf(pool, "a")).toMatchObject({ untilMs: now + 30_000, strikes: 1 });
  });

  test("requests that ran at the same time are one word, and asking early makes it no longer", () => {
    const { pool } = make([spec("a")]);
    const sameTime = [take(pool), take(pool)];
    for (const lease of sameTime) pool.report(lease, "m", INVALID);
    for (let i = 0; i < 5; i++) {
      now += 1_000;
      attempt(pool, INVALID);
    }
    expect(stateOf(pool, "a")).toMatchObject({ untilMs: START + 30_000, strikes: 1 });
  });

  test("a refusal that was a hiccup is forgotten", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, INVALID);
    now += 30_000;
    attempt(pool, OK);
    attempt(pool, INVALID);
    expect(stateOf(pool, "a")).toMatchObject({ state: "cooling" });
    now += 30_000;
    // Limited, but for its key it was accepted.
    attempt(pool, rate(60));
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", models: [{ model: "m", state: "cooling" }] });
  });

  test.each([INVALID, CREDIT, FORBID])(
    "one request's refusals by all (%j) cost the next request nothing",
    (signal) => {
      const { pool } = make([spec("a"), spec("b"), spec("c")]);
      const tried = new Set<string>();
      for (let i = 0; i < 3; i++) {
        const lease = taken(pool.lease(needOf("up", "m", tried, null, "alice")));
        tried.add(lease.credentialId);
        pool.report(lease, "m", signal);
      }
      // The request itself has met the refusals, so it gets none of them again.
      expect(refusal(pool, "m", tried)).not.toBeNull();
      expect(refusal(pool, "m", new Set(["up/a"]))).not.toBeNull();
      const leases = [take(pool), take(pool), take(pool)];
      for (const lease of leases) pool.report(lease, "m", OK);
      // What one credential disproves is asked of the others as well, soon.
      now += 1_000;
      for (let i = 0; i < 6; i++) attempt(pool, OK);
      for (const name of ["a", "b", "c"])
        expect(stateOf(pool, name)).toMatchObject({ state: "ready", models: [] });
    },
  );

  test("while another credential is ready, nobody asks a doubtful one", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, INVALID);
    expect([1, 2, 3].map(() => attempt(pool, OK))).toEqual(["up/b", "up/b", "up/b"]);
  });

  test("a limit is no doubt: nobody asks before its time", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, rate(60));
    attempt(pool, INVALID);
    expect(attempt(pool, INVALID)).toBe("up/b");
    pool.report(take(pool), "m", quota(90));
    expect(refusal(pool)).toMatchObject({ kind: "cooling", retryAtMs: START + 60_000 });
  });

  test("a model that is forbidden is asked for again after half a minute, then more and more seldom", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, FORBID);
    expect(stateOf(pool, "a")?.models).toMatchObject([{ model: "m", untilMs: START + 30_000 }]);
    now += 30_000;
    const probe = take(pool);
    expect(probe.isProbe).toBe(true);
    pool.report(probe, "m", FORBID);
    expect(stateOf(pool, "a")?.models).toMatchObject([{ model: "m", untilMs: now + 60_000, strikes: 2 }]);
  });
});

describe("what needs a person", () => {
  const proven = (pool: Pool, name: string, of: "credit" | "invalid" = "credit"): void =>
    pool.prove(`up/${name}`, `key-${name}`, of, true);

  test("a statement that a call of the gateway's own has met too", () => {
    const { pool, accusations } = make([spec("a")]);
    attempt(pool, REVOKED);
    expect(accusations).toEqual(["up/a invalid"]);
    proven(pool, "a", "invalid");
    expect(stateOf(pool, "a")).toMatchObject({
      state: "invalid",
      reason: "confirmed: revoked",
      untilMs: null,
    });
    now += 24 * HOUR;
    expect(refusal(pool)).toMatchObject({
      kind: "unusable",
      retryAtMs: null,
      reasons: [{ credential: "up/a", state: "invalid", reason: "confirmed: revoked" }],
    });
  });

  test("a refusal that is no statement is not asked about", () => {
    const { pool, accusations } = make([spec("a")]);
    attempt(pool, INVALID);
    expect(accusations).toEqual([]);
  });

  test("a call that meets no refusal ends the doubt", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, REVOKED);
    pool.prove("up/a", "key-a", "invalid", false);
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", untilMs: null });
  });

  test.each([
    ["another key", "up/a", "another key", "invalid"],
    ["another accusation", "up/a", "key-a", "credit"],
    ["an unknown credential", "up/z", "key-z", "invalid"],
  ] as const)("a proof of %s changes nothing", (_, id, fingerprint, of) => {
    const { pool } = make([spec("a")]);
    attempt(pool, REVOKED);
    for (const isTrue of [true, false]) pool.prove(id, fingerprint, of, isTrue);
    expect(stateOf(pool, "a")).toMatchObject({ state: "cooling", untilMs: START + 30_000 });
  });

  test("without credit it is not tried again, and a limit reported late does not bring it back", () => {
    const { pool } = make([spec("a"), spec("b")]);
    const late = taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice")));
    pool.report(taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice"))), "m", CREDIT);
    proven(pool, "a");
    pool.report(late, "m", quota(10));
    now += 60 * 24 * HOUR;
    expect([1, 2].map(() => attempt(pool, OK))).toEqual(["up/b", "up/b"]);
    expect(stateOf(pool, "a")).toMatchObject({ state: "exhausted", untilMs: null });
  });

  test("a person's reset brings back the credential and its models, without a restart", () => {
    const { pool } = make([spec("a"), spec("b")]);
    for (const name of ["a", "b"]) {
      attempt(pool, CREDIT);
      proven(pool, name);
    }
    const reset = (atMs: number): PersistedState => ({
      upstream: "up",
      credential: "a",
      model: null,
      state: "ready",
      reason: RESET_REASON,
      untilMs: null,
      sinceMs: atMs,
      strikes: 0,
      fingerprint: "key-a",
    });
    pool.adopt([reset(START - 1)]);
    expect(refusal(pool)?.kind).toBe("unusable");
    now += 1_000;
    pool.adopt([reset(now)]);
    expect([1, 2].map(() => attempt(pool, OK))).toEqual(["up/a", "up/a"]);
  });

  test("a person's reset counts when the clock was set back since the park began", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, CREDIT);
    proven(pool, "a");
    now -= HOUR;
    const row = {
      upstream: "up",
      credential: "a",
      model: null,
      state: "ready",
      reason: RESET_REASON,
    } as const;
    pool.adopt([{ ...row, untilMs: null, sinceMs: now, strikes: 0, fingerprint: "key-a" }]);
    expect(attempt(pool, OK)).toBe("up/a");
  });
});

describe("why nothing is left", () => {
  /** What a request is told that met the refusal of `c0` itself. `proven` of the first are without credit for good. */
  const all = (signals: readonly Signal[], proven = 0) => {
    const { pool } = make(signals.map((_, index) => spec(`c${index}`)));
    for (const [index, signal] of signals.entries()) {
      attempt(pool, signal);
      if (index < proven) pool.prove(`up/c${index}`, `key-c${index}`, "credit", true);
    }
    return refusalAfter(pool, "c0");
  };

  test("cooling names the earliest time, whatever state the others are in", () => {
    now = START;
    expect(all([rate(60), rate(30), quota(90)])).toMatchObject({
      kind: "cooling",
      retryAtMs: START + 30_000,
    });
    expect(all([CREDIT, quota(90)], 1)).toMatchObject({ kind: "cooling", retryAtMs: START + 90_000 });
    expect(all([FORBID, quota(90)])).toMatchObject({ kind: "cooling", retryAtMs: START + 90_000 });
  });

  test("forbidden when all that are usable may not use the model, unusable when none is usable", () => {
    expect(all([FORBID, FORBID])?.kind).toBe("forbidden");
    expect(all([CREDIT, CREDIT], 2)?.kind).toBe("unusable");
  });

  test("none when one is fine but this request has tried it", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, rate(60));
    expect(refusal(pool, "m", new Set(["up/b"]))).toMatchObject({ kind: "tried" });
  });

  test("a forbidden model can still be asked for, to get the provider's own answer", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, FORBID);
    expect(refusalAfter(pool, "a")?.kind).toBe("forbidden");
    const [first, second] = [1, 2].map(() =>
      taken(pool.leaseForbidden(needOf("up", "m", null, null, "alice"))),
    );
    pool.report(second as Lease, "m", FORBID);
    expect(refusalAfter(pool, "a")?.kind).toBe("forbidden");
    pool.report(first as Lease, "m", FORBID);
    expect(stateOf(pool, "a")).toMatchObject({ inFlight: 0 });
    pool.report(taken(pool.leaseForbidden(needOf("up", "m", null, null, "alice"))), "m", OK);
    expect(refusal(pool)).toBeNull();
  });
});

describe("over a restart and a new config", () => {
  async function restarted(change: (pool: Pool) => void, specs = [spec("a"), spec("b")]) {
    const { pool, saved } = make(specs);
    change(pool);
    await Promise.resolve();
    return { before: pool, saved: [...saved.values()] };
  }

  test("states and reset times survive, and after the time one request probes, because a row does not say who set the time", async () => {
    const { before, saved } = await restarted((pool) => {
      attempt(pool, quota(600));
      attempt(pool, FORBID, "new");
    });
    const after = make([spec("a"), spec("b")], saved).pool;
    expect(after.list()).toEqual(before.list());
    now += 600_000;
    expect([take(after), take(after)].filter((lease) => lease.isProbe).length).toBe(1);
  });

  test("a key that was refused once before a restart is judged after it", async () => {
    const { saved } = await restarted((pool) => attempt(pool, INVALID), [spec("a")]);
    const { pool } = make([spec("a")], saved);
    now += 30_000;
    attempt(pool, INVALID);
    expect(stateOf(pool, "a")).toMatchObject({ state: "cooling", strikes: 2, untilMs: now + 60_000 });
  });

  test("what was proven stays so after a restart; what a former version took on a word alone is asked again", async () => {
    const { saved } = await restarted(
      (pool) => {
        attempt(pool, REVOKED);
        pool.prove("up/a", "key-a", "invalid", true);
      },
      [spec("a")],
    );
    const [row] = saved as [PersistedState];
    expect(stateOf(make([spec("a")], saved).pool, "a")).toMatchObject({ state: "invalid", untilMs: null });
    for (const state of ["invalid", "exhausted"]) {
      const { pool } = make([spec("a")], [{ ...row, state, reason: "refused", sinceMs: START - HOUR }]);
      expect(stateOf(pool, "a")?.state).toBe("ready");
      expect(take(pool).isProbe).toBe(true);
    }
  });

  test("a changed key starts fresh, at a restart as with a new config", async () => {
    const { before, saved } = await restarted((pool) => attempt(pool, CREDIT), [spec("a")]);
    const changed = spec("a", { fingerprint: "another key" });
    expect(stateOf(make([changed], saved).pool, "a")?.state).toBe("ready");
    before.replace([changed]);
    expect(stateOf(before, "a")?.state).toBe("ready");
  });

  test("what the old key did after the change is not held against the new one", async () => {
    const { pool, saved } = make([spec("a")]);
    const old = take(pool);
    pool.replace([spec("a", { fingerprint: "another key" })]);
    pool.report(old, "m", CREDIT);
    await Promise.resolve();
    expect(stateOf(pool, "a")).toMatchObject({ state: "ready", inFlight: 0 });
    expect(saved.size).toBe(0);
  });

  test("credentials that remain keep their state, new ones join, removed ones are gone", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, rate(60));
    pool.replace([spec("a", { priority: 3 }), spec("c")]);
    expect(pool.list().map(({ id, priority }) => [id, priority])).toEqual([
      ["up/a", 3],
      ["up/c", 0],
    ]);
    expect(stateOf(pool, "a")?.models.length).toBe(1);
    expect([1, 2].map(() => attempt(pool, OK))).toEqual(["up/c", "up/c"]);
  });

  test("rows of another version's states and of unknown credentials are left out", () => {
    const row = { upstream: "up", model: null, reason: "x", untilMs: null, sinceMs: START, strikes: 1 };
    const { pool } = make(
      [spec("a")],
      [
        { ...row, credential: "a", state: "sleeping", fingerprint: "key-a" },
        { ...row, credential: "z", state: "invalid", fingerprint: "key-z" },
      ],
    );
    expect(stateOf(pool, "a")?.state).toBe("ready");
  });

  test("a store that fails costs no request", async () => {
    now = START;
    const errors: string[] = [];
    const log = { ...silentLog, error: (_: unknown, message: string) => errors.push(message) };
    const persist = () => {
      throw new Error("disk full");
    };
    const pool = makePool({ specs: [spec("a")], clock, log, restore: [], persist });
    attempt(pool, rate(60));
    await Promise.resolve();
    expect(refusal(pool)?.kind).toBe("cooling");
    expect(errors).toEqual(["credential states could not be kept"]);
  });
});

describe("a credential whose attempt failed by no fault of its own", () => {
  const pair = [spec("a"), spec("b")];
  const next = (pool: Pool, key: string, model = "m") => {
    const lease = taken(pool.lease(needOf("up", model, null, null, key)));
    pool.release(lease);
    return lease.credentialId;
  };
  function suspect(pool: Pool, name: string, key: string, model = "m"): void {
    const others = new Set(["a", "b", "c"].filter((each) => each !== name).map((each) => `up/${each}`));
    const lease = taken(pool.lease(needOf("up", model, others, null, key)));
    pool.suspect(lease, model, key);
    pool.release(lease);
  }

  test("comes last for the key that met the failure, and for everybody once two have", () => {
    const { pool } = make(pair);
    suspect(pool, "a", "alice");
    expect([1, 2, 3].map(() => next(pool, "alice"))).toEqual(["up/b", "up/b", "up/b"]);
    expect(new Set([1, 2, 3].map(() => next(pool, "bob")))).toEqual(new Set(["up/a", "up/b"]));
    suspect(pool, "a", "bob");
    for (const key of ["alice", "bob", "carol"]) {
      expect([1, 2].map(() => next(pool, key))).toEqual(["up/b", "up/b"]);
    }
  });

  test("comes last for that model only", () => {
    const { pool } = make(pair);
    suspect(pool, "a", "alice", "broken");
    expect([1, 2].map(() => next(pool, "alice", "broken"))).toEqual(["up/b", "up/b"]);
    expect(new Set([1, 2].map(() => next(pool, "alice", "good")))).toEqual(new Set(["up/a", "up/b"]));
  });

  test("is as good as others after ten seconds or a good answer, but no retry of its key goes to it", () => {
    const { pool } = make(pair);
    suspect(pool, "a", "alice");
    now += 10_000;
    expect(new Set([1, 2].map(() => next(pool, "alice")))).toEqual(new Set(["up/a", "up/b"]));
    const retry = taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice")));
    expect([retry.credentialId, retry.isSuspect]).toEqual(["up/a", true]);
    pool.report(retry, "m", OK);
    expect(taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice"))).isSuspect).toBe(false);
  });

  test("is not held against a new key under the same name, and is forgotten with the old one", () => {
    const { pool } = make(pair);
    const old = taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice")));
    const changed = [spec("a", { fingerprint: "another key" }), spec("b")];
    suspect(pool, "b", "alice");
    pool.replace(changed);
    pool.suspect(old, "m", "alice");
    pool.confirm(old, "m");
    pool.release(old);
    // Whatever the old lease did, the other suspicion still counts, and is the only one.
    expect([1, 2, 3].map(() => next(pool, "alice"))).toEqual(["up/a", "up/a", "up/a"]);
    expect(taken(pool.lease(needOf("up", "m", new Set(["up/b"]), null, "alice"))).isSuspect).toBe(false);
  });

  test("is remembered for a bounded number of models", () => {
    const { pool } = make([spec("a")]);
    for (let i = 0; i < 1_000; i++) suspect(pool, "a", "alice", `model-${i}`);
    suspect(pool, "a", "alice", "x".repeat(100_000));
    const isSuspect = (model: string): boolean => {
      const lease = taken(pool.lease(needOf("up", model, new Set(["up/none"]), null, "alice")));
      pool.release(lease);
      return lease.isSuspect;
    };
    expect([isSuspect("model-0"), isSuspect("model-999"), isSuspect("x".repeat(100_000))]).toEqual([
      false,
      true,
      false,
    ]);
  });
});
