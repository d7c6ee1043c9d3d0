import { describe, expect, test } from "bun:test";
import type { Clock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import type { Signal } from "../upstreams/signal.ts";
import type { CredentialSpec, Lease, LeaseResult, PersistedState } from "./credential.ts";
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
const CREDIT: Signal = { class: "credit", reason: "no credit" };
const INVALID: Signal = { class: "invalid", reason: "refused" };
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
  return { pool: makePool({ specs, clock, log: silentLog, restore, persist }), saved };
}

function taken(result: LeaseResult): Lease {
  if ("unavailable" in result) throw new Error(JSON.stringify(result.unavailable));
  return result.lease;
}

const take = (pool: Pool, model = "m"): Lease => taken(pool.lease("up", model, null, null, "alice"));
const refusal = (pool: Pool, model = "m", excluded: ReadonlySet<string> | null = null) => {
  const result = pool.lease("up", model, excluded, null, "alice");
  return "unavailable" in result ? result.unavailable : null;
};
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
    expect(taken(pool.lease("up", "m", new Set(["up/a"]), null, "alice")).credentialId).toBe("up/b");
    expect(refusal(pool, "m", new Set(["up/a", "up/b"]))).toEqual({
      kind: "none",
      retryAtMs: null,
      reasons: [],
    });
  });

  test("what lives under one credential goes to that one only, while it is in the config", () => {
    const { pool } = make([spec("a"), spec("b")]);
    for (let i = 0; i < 3; i++)
      expect(taken(pool.lease("up", "m", null, "up/b", "alice")).credentialId).toBe("up/b");
    pool.report(taken(pool.lease("up", "m", null, "up/b", "alice")), "m", rate(60));
    expect(pool.lease("up", "m", null, "up/b", "alice")).toMatchObject({
      unavailable: { kind: "cooling", retryAtMs: now + 60_000 },
    });
    expect(pool.lease("up", "m", new Set(["up/b"]), "up/b", "alice")).toMatchObject({ unavailable: {} });
    expect(taken(pool.lease("up", "m", null, "up/gone", "alice")).credentialId).toBe("up/a");
    expect(taken(pool.lease("up", "m", null, "elsewhere/b", "alice")).credentialId).toBe("up/a");
  });

  test("an upstream without credentials has none to give", () => {
    const { pool } = make([spec("a")]);
    expect(pool.lease("other", "m", null, null, "alice")).toEqual({
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
    expect(refusal(pool, "model-999")?.kind).toBe("forbidden");
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

  test("when the clock goes back by a year, nobody stays parked for a year", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, rate(60));
    now -= 365 * 24 * HOUR;
    expect(take(pool).isProbe).toBe(true);
  });
});

describe("what needs a person", () => {
  test("a first refusal of the key is not believed; a second one after half a minute is", () => {
    const { pool } = make([spec("a")]);
    const sameTime = [take(pool), take(pool)];
    for (const lease of sameTime) pool.report(lease, "m", INVALID);
    expect(stateOf(pool, "a")).toMatchObject({
      state: "cooling",
      reason: "unconfirmed: refused",
      untilMs: now + 30_000,
    });
    expect(refusal(pool)).toMatchObject({ kind: "cooling" });
    now += 30_000;
    attempt(pool, INVALID);
    expect(stateOf(pool, "a")).toMatchObject({ state: "invalid", reason: "refused", untilMs: null });
    now += 24 * HOUR;
    expect(refusal(pool)).toEqual({
      kind: "unusable",
      retryAtMs: null,
      reasons: [{ credential: "up/a", state: "invalid", reason: "refused" }],
    });
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

  test("without credit it is not tried again, and a limit reported late does not bring it back", () => {
    const { pool } = make([spec("a"), spec("b")]);
    const late = taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice"));
    pool.report(taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice")), "m", CREDIT);
    pool.report(late, "m", quota(10));
    now += 60 * 24 * HOUR;
    expect([1, 2].map(() => attempt(pool, OK))).toEqual(["up/b", "up/b"]);
    expect(stateOf(pool, "a")).toMatchObject({ state: "exhausted", untilMs: null });
  });

  test("a person's reset brings back the credential and its models, without a restart", () => {
    const { pool } = make([spec("a"), spec("b")]);
    for (let i = 0; i < 2; i++) attempt(pool, CREDIT);
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
});

describe("why nothing is left", () => {
  const all = (signals: readonly Signal[]) => {
    const { pool } = make(signals.map((_, index) => spec(`c${index}`)));
    for (const signal of signals) attempt(pool, signal);
    return refusal(pool);
  };

  test("cooling names the earliest time, whatever state the others are in", () => {
    now = START;
    expect(all([rate(60), rate(30), quota(90)])).toMatchObject({
      kind: "cooling",
      retryAtMs: START + 30_000,
    });
    expect(all([CREDIT, FORBID, quota(90)])).toMatchObject({ kind: "cooling", retryAtMs: START + 90_000 });
  });

  test("forbidden when all that are usable may not use the model, unusable when none is usable", () => {
    expect(all([FORBID, FORBID])?.kind).toBe("forbidden");
    expect(all([FORBID, CREDIT])?.kind).toBe("forbidden");
    expect(all([CREDIT, CREDIT])?.kind).toBe("unusable");
  });

  test("none when one is fine but this request has tried it", () => {
    const { pool } = make([spec("a"), spec("b")]);
    attempt(pool, rate(60));
    expect(refusal(pool, "m", new Set(["up/b"]))).toMatchObject({ kind: "none" });
  });

  test("a forbidden model can still be asked for, to get the provider's own answer", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, FORBID);
    expect(refusal(pool)?.kind).toBe("forbidden");
    const [first, second] = [1, 2].map(() => taken(pool.leaseForbidden("up", "m")));
    pool.report(second as Lease, "m", FORBID);
    expect(refusal(pool)?.kind).toBe("forbidden");
    pool.report(first as Lease, "m", FORBID);
    expect(stateOf(pool, "a")).toMatchObject({ inFlight: 0 });
    pool.report(taken(pool.leaseForbidden("up", "m")), "m", OK);
    expect(refusal(pool)).toBeNull();
  });

  test("after an hour one request asks for the forbidden model again", () => {
    const { pool } = make([spec("a")]);
    attempt(pool, FORBID);
    now += HOUR;
    const probe = take(pool);
    expect(probe.isProbe).toBe(true);
    expect(refusal(pool)?.kind).toBe("forbidden");
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
    expect(stateOf(pool, "a")?.state).toBe("invalid");
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
    const lease = taken(pool.lease("up", model, null, null, key));
    pool.release(lease);
    return lease.credentialId;
  };
  function suspect(pool: Pool, name: string, key: string, model = "m"): void {
    const others = new Set(["a", "b", "c"].filter((each) => each !== name).map((each) => `up/${each}`));
    const lease = taken(pool.lease("up", model, others, null, key));
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
    const retry = taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice"));
    expect([retry.credentialId, retry.isSuspect]).toEqual(["up/a", true]);
    pool.report(retry, "m", OK);
    expect(taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice")).isSuspect).toBe(false);
  });

  test("is not held against a new key under the same name, and is forgotten with the old one", () => {
    const { pool } = make(pair);
    const old = taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice"));
    const changed = [spec("a", { fingerprint: "another key" }), spec("b")];
    suspect(pool, "b", "alice");
    pool.replace(changed);
    pool.suspect(old, "m", "alice");
    pool.confirm(old, "m");
    pool.release(old);
    // Whatever the old lease did, the other suspicion still counts, and is the only one.
    expect([1, 2, 3].map(() => next(pool, "alice"))).toEqual(["up/a", "up/a", "up/a"]);
    expect(taken(pool.lease("up", "m", new Set(["up/b"]), null, "alice")).isSuspect).toBe(false);
  });

  test("is remembered for a bounded number of models", () => {
    const { pool } = make([spec("a")]);
    for (let i = 0; i < 1_000; i++) suspect(pool, "a", "alice", `model-${i}`);
    suspect(pool, "a", "alice", "x".repeat(100_000));
    const isSuspect = (model: string): boolean => {
      const lease = taken(pool.lease("up", model, new Set(["up/none"]), null, "alice"));
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
