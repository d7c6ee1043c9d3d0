// Random lives of a pool: whatever requests, signals, clocks and configs come in whatever order, the promises hold.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { silentLog } from "../core/log.ts";
import type { Signal } from "../upstreams/signal.ts";
import type { CredentialSpec, CredentialStatus, HeldLease, Lease, PersistedState } from "./credential.ts";
import { needOf } from "./fixtures/need.ts";
import { requestsLeft } from "./fixtures/pool-under-test.ts";
import { isDoubtful, isDue, type Park } from "./park.ts";
import { makePool } from "./pool.ts";

const START = Date.parse("2026-11-23T10:00:00Z");
const NAMES = ["a", "b", "c"];
const MODELS = ["m1", "m2"];
const MONTH_MS = 31 * 86_400_000;

const name = fc.constantFrom(...NAMES);
const model = fc.constantFrom(...MODELS);
/** From now; also what clamping has to catch. */
const waitMs = fc.oneof(fc.integer({ min: -10_000, max: 120_000 }), fc.constantFrom(1e15, -1e15, 0));
const verdict = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      class: fc.constantFrom("rate", "quota"),
      waitMs,
      scope: fc.constantFrom("credential", "model"),
      isGuess: fc.boolean(),
    }),
  },
  { weight: 10, arbitrary: fc.record({ class: fc.constantFrom("ok", "overload", "bad") }) },
  { weight: 3, arbitrary: fc.record({ class: fc.constantFrom("invalid", "config", "forbid") }) },
  { weight: 1, arbitrary: fc.record({ class: fc.constant("credit") }) },
);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait"),
      ms: fc.oneof(fc.integer({ min: 1, max: 45_000 }), fc.integer({ min: 1, max: 7_200_000 })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("lease"),
      model,
      excluded: fc.uniqueArray(name, { maxLength: 2 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("report"), at: fc.nat(), verdict }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release"), at: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("announce"),
      at: fc.nat(),
      owner: fc.constantFrom("org-1", "org-2", null),
      limit: fc.constantFrom(5, 50),
      left: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("replace"),
      priorities: fc.array(fc.nat(1), { minLength: 3, maxLength: 3 }),
    }),
  },
);

interface Held {
  readonly lease: Lease;
  readonly model: string;
  readonly probes: readonly Park[];
}

function specs(priorities: readonly number[]): CredentialSpec[] {
  return NAMES.map((each, index) => ({
    id: `up/${each}`,
    upstream: "up",
    name: each,
    priority: priorities[index] as number,
    scope: index === 0 ? "credential" : "model",
    fingerprint: each,
  }));
}

/** Whether the pool shows a state that stands between a credential and a model. */
function isShownParked(status: CredentialStatus, asked: string): boolean {
  return status.state !== "ready" || status.models.some((each) => each.model === asked);
}

/** The parks whose end the lease finds out. */
function probesOf(lease: Lease): Park[] {
  const { probed, probedModel } = lease as HeldLease;
  return [probed, probedModel].filter((park) => park !== null);
}

test("a limited credential is never leased, a guess is probed by one request, nobody pays for another's fault", () => {
  const facts = { probes: 0, waits: 0, cooling: 0, full: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      let nowMs = START;
      const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
      const saved: PersistedState[] = [];
      let current = specs([0, 0, 1]);
      const make = (restore: readonly PersistedState[]) =>
        makePool({
          specs: current,
          clock,
          log: silentLog,
          restore,
          persist: (states) => void saved.push(...states),
        });
      const pool = make([]);
      const held: Held[] = [];
      const guilty = new Set<string>();
      const states = () => pool.list().map(({ inFlight: _, quotas: __, ...rest }) => rest);
      const drop = (at: number): Held | undefined => held.splice(at % Math.max(held.length, 1), 1)[0];

      for (const each of steps) {
        if (each.do === "wait") {
          nowMs += each.ms;
        } else if (each.do === "replace") {
          current = specs(each.priorities);
          pool.replace(current);
        } else if (each.do === "lease") {
          const before = pool.list();
          const excluded = new Set(each.excluded.map((one) => `up/${one}`));
          const result = pool.lease(needOf("up", each.model, excluded, null, "alice"));
          if ("unavailable" in result) {
            const { kind, retryAtMs } = result.unavailable;
            expect(kind === "cooling" || kind === "full").toBe(retryAtMs !== null);
            facts.full += kind === "full" ? 1 : 0;
            if (retryAtMs !== null) expect(retryAtMs).toBeGreaterThan(nowMs);
            facts.cooling += kind === "cooling" ? 1 : 0;
            continue;
          }
          const { lease } = result;
          expect(excluded.has(lease.credentialId)).toBe(false);
          const status = before.find(({ id }) => id === lease.credentialId) as CredentialStatus;
          const probes = probesOf(lease);
          // A word that a client may have brought about keeps nobody away when no other credential is left.
          const isEarly = probes.some((park) => isDoubtful(park) && !isDue(park, nowMs));
          expect(isShownParked(status, each.model)).toBe(isEarly);
          // Who is limited together with another credential of its account waits for the time as well.
          const { probedOther } = lease as HeldLease;
          if (probedOther !== null) expect(probedOther.untilMs as number).toBeLessThanOrEqual(nowMs);
          for (const park of probes) {
            if (isDoubtful(park)) continue;
            expect(park.untilMs as number).toBeLessThanOrEqual(nowMs);
            if (!park.isGuess || !held.some((one) => one.probes.includes(park))) continue;
            facts.waits += 1;
            expect(nowMs - park.probedAtMs).toBeGreaterThanOrEqual(1_000);
          }
          facts.probes += probes.length;
          held.push({ lease, model: each.model, probes });
        } else if (each.do === "announce") {
          const one = held[each.at % Math.max(held.length, 1)];
          if (one === undefined) continue;
          const before = states().map(({ state, models }) => ({ state, models }));
          const { owner, limit, left } = each;
          const rooms = [requestsLeft(Math.min(left, limit), limit)];
          pool.announce(one.lease, one.model, { owner, rooms });
          // What is left of a limit that fills up again is no state of anybody.
          expect(states().map(({ state, models }) => ({ state, models }))).toEqual(before);
        } else {
          const one = drop(each.at);
          if (one === undefined) continue;
          const before = states();
          if (each.do === "release") {
            pool.release(one.lease);
            expect(states()).toEqual(before);
            continue;
          }
          const { class: kind, ...rest } = each.verdict;
          const until = "waitMs" in rest ? { untilMs: nowMs + rest.waitMs, scope: rest.scope } : {};
          const guess = "isGuess" in rest && rest.isGuess && kind === "rate" ? { isGuess: true } : {};
          pool.report(one.lease, one.model, { class: kind, reason: "x", ...until, ...guess } as Signal);
          if (kind === "overload" || kind === "bad") expect(states()).toEqual(before);
          else if (kind !== "ok") guilty.add(one.lease.credentialId);
        }

        const counts = new Map(NAMES.map((one) => [`up/${one}`, 0]));
        for (const { lease } of held)
          counts.set(lease.credentialId, (counts.get(lease.credentialId) as number) + 1);
        for (const status of pool.list()) {
          expect(status.inFlight).toBe(counts.get(status.id) as number);
          for (const { sinceMs, untilMs } of [status, ...status.models]) {
            if (untilMs === null) continue;
            expect(untilMs - sinceMs).toBeGreaterThanOrEqual(1_000);
            expect(untilMs - sinceMs).toBeLessThanOrEqual(MONTH_MS);
          }
          if (guilty.has(status.id)) continue;
          expect([status.state, status.models.length]).toEqual(["ready", 0]);
        }
      }

      // With nothing on its way, the time that a client is told is a time at which it is served.
      for (const one of held) pool.release(one.lease);
      for (const asked of MODELS) {
        const result = pool.lease(needOf("up", asked, null, null, "alice"));
        if ("lease" in result) pool.release(result.lease);
        if ("lease" in result || result.unavailable.retryAtMs === null) continue;
        nowMs = result.unavailable.retryAtMs;
        let served = pool.lease(needOf("up", asked, null, null, "alice"));
        // After the park of one, the room of its account may be what is waited for, or the park of another.
        for (let told = 0; told < 5 && "unavailable" in served; told++) {
          nowMs = served.unavailable.retryAtMs ?? nowMs;
          served = pool.lease(needOf("up", asked, null, null, "alice"));
        }
        expect(served).toHaveProperty("lease");
        if ("lease" in served) pool.release(served.lease);
      }
    }),
    { numRuns: 300 },
  );
  // The random lives must have come through the states that matter.
  expect(facts.probes).toBeGreaterThan(100);
  expect(facts.waits).toBeGreaterThan(10);
  expect(facts.cooling).toBeGreaterThan(100);
  expect(facts.full).toBeGreaterThan(50);
});

test("what is kept makes the same pool again", async () => {
  const signal = fc.record({ name, model, verdict });
  await fc.assert(
    fc.asyncProperty(fc.array(signal, { maxLength: 40 }), async (signals) => {
      let nowMs = START;
      const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
      const saved = new Map<string, PersistedState>();
      const persist = (rows: readonly PersistedState[]): void => {
        for (const row of rows) saved.set(`${row.credential} ${row.model}`, row);
      };
      const options = { specs: specs([0, 0, 0]), clock, log: silentLog, persist };
      const pool = makePool({ ...options, restore: [] });
      for (const each of signals) {
        nowMs += 7_000;
        const excluded = new Set(NAMES.filter((other) => other !== each.name).map((other) => `up/${other}`));
        const result = pool.lease(needOf("up", each.model, excluded, null, "alice"));
        if ("unavailable" in result) continue;
        const { class: kind, ...rest } = each.verdict;
        const until = "waitMs" in rest ? { untilMs: nowMs + rest.waitMs, scope: rest.scope } : {};
        pool.report(result.lease, each.model, { class: kind, reason: "x", ...until } as Signal);
        if (nowMs % 2 === 0) await Promise.resolve();
      }
      await Promise.resolve();
      const again = makePool({ ...options, restore: [...saved.values()] });
      const parked = (list: readonly CredentialStatus[]) =>
        list.map(({ inFlight: _, models, ...rest }) => ({
          ...rest,
          models: [...models].sort((a, b) => a.model.localeCompare(b.model)),
        }));
      expect(parked(again.list())).toEqual(parked(pool.list()));
    }),
  );
});
