import { expect, test } from "bun:test";
import { silentLog } from "../core/log.ts";
import type { Lease } from "./credential.ts";
import { ownNeed } from "./fixtures/need.ts";
import { makePool, type Pool } from "./pool.ts";

const clock = { nowMs: () => 1_000_000, monotonicMs: () => 1_000_000 };
const SPEC = {
  id: "up/a",
  upstream: "up",
  name: "a",
  priority: 0,
  scope: "model",
  fingerprint: "key-a",
} as const;

function make(): { readonly pool: Pool; calls: number } {
  const pool = makePool({ specs: [SPEC], clock, log: silentLog, restore: [], persist: () => undefined });
  const made = { pool, calls: 0 };
  pool.onRoom(() => void made.calls++);
  return made;
}

function take(pool: Pool): Lease {
  const result = pool.lease(ownNeed("up", "m"));
  if (!("lease" in result)) throw new Error("no lease");
  return result.lease;
}

test("who waits for room hears of the leases that ended in a turn once, after it", async () => {
  const made = make();
  const leases = [take(made.pool), take(made.pool)];
  for (const lease of leases) made.pool.report(lease, "m", { class: "ok" });
  expect(made.calls).toBe(0);
  await Promise.resolve();
  expect(made.calls).toBe(1);
  made.pool.release(take(made.pool));
  await Promise.resolve();
  expect(made.calls).toBe(2);
});

test("who waits hears of a credential that is good again, and of a new configuration", async () => {
  const made = make();
  const second = take(made.pool);
  made.pool.report(take(made.pool), "m", { class: "invalid", reason: "refused", isStatement: true });
  await Promise.resolve();
  made.pool.prove("up/a", "key-a", "invalid", false);
  await Promise.resolve();
  expect(made.calls).toBe(2);
  made.pool.replace([SPEC]);
  await Promise.resolve();
  expect(made.calls).toBe(3);
  made.pool.release(second);
});

test("who waits hears of a probe that begins: a doubtful credential may be asked while it runs", async () => {
  const time = { now: 1_000_000, nowMs: () => time.now, monotonicMs: () => time.now };
  const specs = [SPEC, { ...SPEC, id: "up/b", name: "b", fingerprint: "key-b" }];
  const pool = makePool({ specs, clock: time, log: silentLog, restore: [], persist: () => undefined });
  const limited = take(pool);
  const doubted = take(pool);
  const room = { dimension: "tokens", span: "minute", scope: "model", limit: 100, remaining: 20 } as const;
  pool.announce(limited, "m", {
    owner: null,
    rooms: [{ ...room, resetAtMs: null, isGradual: true, isReserved: true }],
  });
  const untilMs = time.now + 1_000;
  pool.report(limited, "m", { class: "rate", reason: "x", scope: "model", untilMs, isGuess: true });
  pool.report(doubted, "m", { class: "invalid", reason: "refused" });
  time.now += 1_000;
  const large = { ...ownNeed("up", "m"), inputTokens: 90 };
  expect(pool.lease(large)).toMatchObject({ unavailable: { kind: "full" } });
  let calls = 0;
  pool.onRoom(() => void calls++);
  expect(take(pool).isProbe).toBe(true);
  await Promise.resolve();
  expect(calls).toBe(1);
  expect(pool.lease(large)).toMatchObject({ lease: { credentialId: "up/b" } });
});

test("who waits no more hears nothing", async () => {
  const made = make();
  made.pool.release(take(made.pool));
  made.pool.onRoom(null);
  await Promise.resolve();
  made.pool.replace([SPEC]);
  await Promise.resolve();
  expect(made.calls).toBe(0);
});
