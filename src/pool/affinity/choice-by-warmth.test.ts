// The pool with affinity: what is warm decides among the credentials of one priority that have room.
import { beforeEach, expect, test } from "bun:test";
import { silentLog } from "../../core/log.ts";
import type { Prefix } from "../../dialects/prefix.ts";
import type { AnnouncedRoom } from "../../upstreams/room/room-facts.ts";
import type { Lease } from "../credential.ts";
import { ownNeed } from "../fixtures/need.ts";
import { specOf } from "../fixtures/pool-under-test.ts";
import type { Need } from "../need.ts";
import { makePool, type Pool } from "../pool.ts";
import { Affinity } from "./affinity.ts";

const NAMES = ["a", "b", "c"];
const FIRST: Prefix = { root: 100, points: [100, 1], end: 0, isLong: false };
const SECOND: Prefix = { root: 100, points: [102, 101, 100, 1], end: 0, isLong: false };

let now = 0;
let pool: Pool;
const clock = { nowMs: () => now, monotonicMs: () => now };

beforeEach(() => {
  now = 1_000_000;
  pool = poolOf(NAMES.map((name) => specOf(name)));
});

function poolOf(specs: Parameters<typeof specOf>[1][]): Pool {
  return makePool({
    specs: specs as ReturnType<typeof specOf>[],
    clock,
    log: silentLog,
    restore: [],
    persist: () => undefined,
    affinity: new Affinity({ hex: (bytes) => "07".repeat(bytes) }),
  });
}

const ask = (more: Partial<Need> = {}) => pool.lease({ ...ownNeed("up", "m"), prefix: SECOND, ...more });

function take(more: Partial<Need> = {}): Lease {
  const result = ask(more);
  if ("unavailable" in result) throw new Error(JSON.stringify(result.unavailable));
  return result.lease;
}

const nameOf = (lease: Lease): string => lease.credentialId.slice("up/".length);

function input(remaining: number, more: Partial<AnnouncedRoom> = {}): AnnouncedRoom {
  return {
    dimension: "input",
    span: "minute",
    scope: "model",
    limit: 60_000,
    remaining,
    resetAtMs: null,
    isGradual: true,
    isReserved: true,
    ...more,
  };
}

/** One request of the credential, whose reply announces so much input. */
function announce(name: string, room: AnnouncedRoom): void {
  const lease = take({ prefix: null, stickyTo: `up/${name}` });
  pool.announce(lease, "m", { owner: null, rooms: [room] });
  pool.report(lease, "m", { class: "ok" });
}

function warm(name: string, tokens = 9_000): void {
  const report = { inputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: tokens, bookedTokens: tokens };
  pool.learn(`up/${name}`, "m", FIRST, report, now);
}

test("a prompt has one home, and a crowd for it spreads", () => {
  const askedOneByOne = Array.from({ length: 20 }, () => {
    const lease = take({ prefix: FIRST, model: "x" });
    pool.release(lease);
    return nameOf(lease);
  });
  expect(new Set(askedOneByOne).size).toBe(1);
  const askedAtOnce = Array.from({ length: 60 }, () => nameOf(take({ prefix: FIRST, model: "x" })));
  const counts = NAMES.map((name) => askedAtOnce.filter((each) => each === name).length);
  expect(Math.max(...counts)).toBeLessThanOrEqual(30);
});

test("a conversation stays where it is warm", () => {
  for (const name of NAMES) {
    pool = poolOf(NAMES.map((each) => specOf(each)));
    warm(name);
    expect(nameOf(take())).toBe(name);
  }
});

test("what was tried, parked, or of a lower priority is not asked because it is warm", () => {
  warm("b");
  expect(nameOf(take({ excluded: new Set(["up/b"]) }))).not.toBe("b");
  pool.report(take(), "m", { class: "rate", untilMs: now + 60_000, scope: "credential", reason: "limit" });
  expect(nameOf(take())).not.toBe("b");
  pool = poolOf([specOf("a"), specOf("b", { priority: 1 }), specOf("c")]);
  warm("b");
  expect(nameOf(take())).not.toBe("b");
  expect(nameOf(take({ stickyTo: "up/c" }))).toBe("c");
});

test("one credential is never asked for the prefix", () => {
  pool = poolOf([specOf("a"), specOf("b", { priority: 1 })]);
  const need = {
    ...ownNeed("up", "m"),
    get prefix(): Prefix | null {
      throw new Error("the body is read in vain");
    },
  };
  expect(pool.lease(need)).toHaveProperty("lease");
});

test("what is read from the cache needs no room where the provider does not count it", () => {
  for (const sparesCacheReads of [true, false]) {
    pool = poolOf(NAMES.map((name) => specOf(name)));
    for (const name of NAMES) announce(name, input(name === "b" ? 2_000 : 60_000, { sparesCacheReads }));
    warm("b");
    const chosen = take({ inputTokens: 10_000, outputTokens: 10 });
    expect(nameOf(chosen) === "b").toBe(sparesCacheReads);
    // The next turn finds what is left of it: 1,000 of 2,000 in the one case.
    expect(nameOf(take({ inputTokens: 11_000, outputTokens: 10 })) === "b").toBe(false);
  }
});

test("a full credential that is warm is waited for, if that is worth it and in time", () => {
  for (const name of NAMES) announce(name, input(name === "b" ? 9_000 : 60_000));
  warm("b");
  const wait = { worthTokens: 8_999, untilMs: now + 2_000 };
  const need = { inputTokens: 10_000, outputTokens: 10 };
  const told = ask({ ...need, warmWait: wait });
  // A minute gives 60,000, so 1,000 come in a second.
  expect(told).toMatchObject({ unavailable: { kind: "full", isForWarm: true, retryAtMs: now + 1_000 } });
  for (const [why, warmWait] of [
    ["it does not wait", null],
    ["too little is saved", { ...wait, worthTokens: 9_000 }],
    ["its time is over", { ...wait, untilMs: now }],
    ["the room comes too late", { ...wait, untilMs: now + 999 }],
  ] as const) {
    const result = ask({ ...need, warmWait });
    expect([why, "lease" in result && nameOf(result.lease) !== "b"]).toEqual([why, true]);
  }
  now += 1_000;
  expect(nameOf(take({ ...need, warmWait: wait }))).toBe("b");
});

test("a warm cache behind a limit that is below the request is not asked while another credential has room", () => {
  const big = { inputTokens: 50_000 };
  const warm = nameOf(take());
  const others = NAMES.filter((name) => name !== warm);
  for (const name of NAMES) {
    const lease = take({ stickyTo: `up/${name}` });
    const limit = name === warm ? 30_000 : 2_000_000;
    pool.announce(lease, "m", {
      owner: null,
      rooms: [input(100_000, { limit, remaining: Math.min(limit, 100_000) })],
    });
    pool.report(lease, "m", { class: "ok" });
  }
  pool.learn(
    `up/${warm}`,
    "m",
    SECOND,
    { inputTokens: 40_000, cacheReadTokens: 0, cacheWriteTokens: 40_000, bookedTokens: 0 },
    now,
  );
  expect(nameOf(take())).toBe(warm);
  expect(nameOf(take(big))).toBeOneOf(others);
});
