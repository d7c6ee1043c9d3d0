import { beforeEach, describe, expect, test } from "bun:test";
import { silentLog } from "../../core/log.ts";
import { UTC } from "../../core/time-zone.ts";
import type { CredentialSpec, Lease } from "../credential.ts";
import type { CredentialLimits } from "../credential-limits.ts";
import { ownNeed } from "../fixtures/need.ts";
import { specOf } from "../fixtures/pool-under-test.ts";
import { endOfTurn, SimulatedTime } from "../fixtures/simulated-time.ts";
import type { Need } from "../need.ts";
import { makePool, type Pool } from "../pool.ts";
import { type EndOfWait, type Waiter, WaitingRoom } from "./waiting-room.ts";

const HOUR = 3_600_000;
const ONE_AT_ONCE: CredentialLimits = {
  concurrency: 1,
  requestsPerMinute: null,
  tokensPerMinute: null,
  budgetNanoUsdPerDay: null,
  budgetNanoUsdPerMonth: null,
  zone: UTC,
  models: null,
  activeHours: null,
  needsPrice: false,
};

let time: SimulatedTime;
let pool: Pool;
let room: WaitingRoom;
/** How often the room has asked the pool. */
let asked: number;
/** What became of the requests that waited, in order: the name of each with its credential, or why it got none. */
let ends: [name: string, end: string][];

beforeEach(() => {
  time = new SimulatedTime(Date.parse("2026-11-23T10:00:00Z"));
  ends = [];
  asked = 0;
});

function begin(...specs: CredentialSpec[]): void {
  pool = makePool({ specs, clock: time, log: silentLog, restore: [], persist: () => undefined });
  const lease: Pool["lease"] = (need) => {
    asked += 1;
    return pool.lease(need);
  };
  room = new WaitingRoom({
    pool: {
      lease,
      onRoom: (listener) => pool.onRoom(listener),
      vacancy: (upstream, model) => pool.vacancy(upstream, model),
    },
    clock: time,
    scheduler: time,
    limits: () => ({ maxCount: 2_000, maxBytes: 1_000_000 }),
  });
}

function take(more: Partial<Need> = {}): Lease {
  const result = pool.lease({ ...ownNeed("up", "m"), ...more });
  if ("unavailable" in result) throw new Error(JSON.stringify(result.unavailable));
  return result.lease;
}

const limited = (lease: Lease, ms: number, isGuess = false): void =>
  pool.report(lease, "m", {
    class: "rate",
    reason: "slow down",
    untilMs: time.nowMs() + ms,
    scope: "model",
    ...(isGuess ? { isGuess } : null),
  });

const waiter = (name: string, patienceMs: number, key = name): Waiter => ({
  key,
  sizeBytes: 1,
  needs: [{ ...ownNeed("up", "m"), key }],
  untilMs: time.monotonicMs() + patienceMs,
  granted: (_, lease) => void ends.push([name, lease.credentialId]),
  ended: (why: EndOfWait) => void ends.push([name, why]),
});

test("a credential that is full until a request ends is waited for, although the others are limited for an hour", async () => {
  begin(specOf("a", { limits: ONE_AT_ONCE }), specOf("b"));
  const running = take({ stickyTo: "up/a" });
  limited(take({ stickyTo: "up/b" }), HOUR);
  expect(room.join(waiter("one", 30_000)).kind).toBe("waits");
  await time.pass(29_000);
  expect(ends).toEqual([]);
  pool.report(running, "m", { class: "ok" });
  await endOfTurn();
  expect(ends).toEqual([["one", "up/a"]]);
});

test("without such a credential nobody waits for an hour", () => {
  begin(specOf("a"));
  limited(take(), HOUR);
  expect(room.join(waiter("one", 30_000))).toMatchObject({ kind: "refused", why: "late" });
  expect(time.timers).toBe(0);
});

describe("a limit that is over lets in", () => {
  test("all at once, when its end was announced", async () => {
    begin(specOf("a"));
    limited(take(), 2_000);
    for (const name of ["one", "two", "three"]) room.join(waiter(name, 30_000, "key"));
    await time.pass(1_999);
    expect(ends).toEqual([]);
    await time.pass(1);
    expect(ends.map(([name]) => name)).toEqual(["one", "two", "three"]);
    expect(time.timers).toBe(0);
  });

  test("one, when its end was a guess, and the others when that one is served", async () => {
    begin(specOf("a"));
    limited(take(), 2_000, true);
    const probes: Lease[] = [];
    room.join({ ...waiter("one", 30_000), granted: (_, lease) => void probes.push(lease) });
    for (const name of ["two", "three"]) room.join(waiter(name, 30_000));
    await time.pass(2_500);
    expect([probes.length, ends]).toEqual([1, []]);
    pool.confirm(probes[0] as Lease, "m");
    await endOfTurn();
    expect(ends.map(([name]) => name)).toEqual(["two", "three"]);
  });

  test("nobody else, when the probe is refused for longer than they may wait: they learn it at once", async () => {
    begin(specOf("a"));
    limited(take(), 2_000, true);
    const probes: Lease[] = [];
    room.join({ ...waiter("one", 30_000), granted: (_, lease) => void probes.push(lease) });
    room.join(waiter("two", 30_000));
    await time.pass(2_500);
    limited(probes[0] as Lease, HOUR);
    await endOfTurn();
    expect(ends).toEqual([["two", "late"]]);
  });
});

test("a thousand that wait for the same cost the pool two questions a look, also when each needs another size", async () => {
  begin(specOf("a", { limits: ONE_AT_ONCE }));
  const leases = [take()];
  for (let i = 0; i < 1_000; i++) {
    const need = { ...ownNeed("up", "m"), inputTokens: 1_000 - i, outputTokens: i };
    const granted: Waiter["granted"] = (_, lease) => void leases.push(lease);
    room.join({ ...waiter(`${i}`, HOUR, `key ${i % 10}`), needs: [need], granted });
  }
  expect(room.count).toBe(1_000);
  asked = 0;
  for (let i = 0; i < 100; i++) {
    pool.report(leases.at(-1) as Lease, "m", { class: "ok" });
    await endOfTurn();
  }
  expect([leases.length, room.count, asked]).toEqual([101, 900, 200]);
});
