// Random lives of credentials with limits: whatever is asked, announced and reloaded in whatever order, no limit of the
// operator is exceeded, and whoever is told a time is served.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import type { CredentialSpec, Lease } from "./credential.ts";
import { ownNeed } from "./fixtures/need.ts";
import { PoolUnderTest, requestsLeft, specOf } from "./fixtures/pool-under-test.ts";
import { limitsOf } from "./limits-of.ts";

const MINUTE = 60_000;
const NAMES = ["a", "b"] as const;
type Name = (typeof NAMES)[number];

interface Limits {
  readonly concurrency: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly budgetUsdPerDay: string | null;
}

const limits: fc.Arbitrary<Limits> = fc.record({
  concurrency: fc.option(fc.integer({ min: 1, max: 3 })),
  requestsPerMinute: fc.option(fc.integer({ min: 1, max: 6 })),
  tokensPerMinute: fc.option(fc.constantFrom(500, 2_000)),
  budgetUsdPerDay: fc.option(fc.constantFrom("0.000001", "0.00001")),
});
const tokens = fc.nat(400);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("lease" as const), tokens, cost: fc.nat(900) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      at: fc.nat(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      class: fc.constantFrom("ok" as const, "bad" as const, "overload" as const, "release" as const),
      isKept: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(40_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("announce" as const), at: fc.nat(), left: fc.nat(20) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("reload" as const), weight: fc.integer({ min: 1, max: 9 }) }),
  },
);

interface Sent {
  readonly name: Name;
  readonly lease: Lease;
  readonly atMs: number;
  /** What counts now: the most at first, then what was used. */
  tokens: number;
  cost: number;
  isRunning: boolean;
}

function check(sent: readonly Sent[], name: Name, set: Limits, now: number): void {
  const own = sent.filter((each) => each.name === name);
  const lately = own.filter(({ atMs }) => atMs > now - MINUTE);
  const { concurrency, requestsPerMinute, tokensPerMinute, budgetUsdPerDay } = set;
  const most = Number.POSITIVE_INFINITY;
  const sum = (list: readonly number[]): number => list.reduce((total, each) => total + each, 0);
  expect(own.filter(({ isRunning }) => isRunning).length).toBeLessThanOrEqual(concurrency ?? most);
  expect(lately.length).toBeLessThanOrEqual(requestsPerMinute ?? most);
  expect(sum(lately.map((each) => each.tokens))).toBeLessThanOrEqual(tokensPerMinute ?? most);
  const budget = budgetUsdPerDay === null ? most : Math.round(Number(budgetUsdPerDay) * 1e9);
  expect(sum(own.map(({ cost }) => cost))).toBeLessThanOrEqual(budget);
}

test("no order of events exceeds a limit of the operator, and the time that is told has room", () => {
  const facts = { served: 0, full: 0, told: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), limits, limits, (steps, ofA, ofB) => {
      const sets: Record<Name, Limits> = { a: ofA, b: ofB };
      const specs = (weight: number): CredentialSpec[] =>
        NAMES.map((name) =>
          specOf(name, { weight, limits: limitsOf({ ...CREDENTIAL_DEFAULTS, ...sets[name] }, "refuse") }),
        );
      const under = new PoolUnderTest(specs(1));
      const sent: Sent[] = [];
      const running = (): Sent[] => sent.filter(({ isRunning }) => isRunning);
      for (const each of steps) {
        const one = "at" in each ? running()[each.at % Math.max(1, running().length)] : undefined;
        if (each.do === "wait") under.now += each.ms;
        else if (each.do === "reload") under.pool.replace(specs(each.weight));
        else if (each.do === "announce" && one !== undefined) {
          under.pool.announce(one.lease, "m", { owner: "org", rooms: [requestsLeft(each.left, 20)] });
        } else if (each.do === "end" && one !== undefined) {
          const used = Math.floor(each.part * one.tokens);
          const cost = Math.floor(each.part * one.cost);
          const { hold } = one.lease;
          if (hold !== null) hold.isKept = each.isKept;
          if (each.class === "release") under.pool.release(one.lease);
          else under.pool.report(one.lease, "m", { class: each.class, reason: "x" });
          one.isRunning = false;
          one.tokens = each.isKept ? used : 0;
          one.cost = each.isKept ? cost : 0;
          if (each.isKept) under.budgets.commit(hold?.end(used, cost, "") ?? []);
        } else if (each.do === "lease") {
          const need = { inputTokens: each.tokens, outputTokens: 10, costNanoUsd: each.cost };
          const result = under.pool.lease({ ...ownNeed("up", "m"), ...need });
          if ("lease" in result) {
            const { lease } = result;
            const name = lease.credentialId.slice("up/".length) as Name;
            sent.push({
              name,
              lease,
              atMs: under.now,
              tokens: each.tokens + 10,
              cost: each.cost,
              isRunning: true,
            });
            facts.served += 1;
          } else if (result.unavailable.kind === "full") {
            facts.full += 1;
            // Only the end of a request gives room when no time is told.
            if (result.unavailable.retryAtMs === null) expect(running().length).toBeGreaterThan(0);
          }
        }
        for (const name of NAMES) check(sent, name, sets[name], under.now);
      }
      // With nothing on its way, whoever follows the times that are told is served.
      for (const one of running()) {
        under.pool.release(one.lease);
        one.lease.hold?.release();
      }
      const need = { inputTokens: 100, outputTokens: 10, costNanoUsd: 100 };
      for (let told = 0; under.why(need) !== null; told++) {
        const { retryAtMs } = under.why(need) ?? {};
        expect(told).toBeLessThan(20);
        expect(retryAtMs ?? 0).toBeGreaterThan(under.now);
        under.now = retryAtMs as number;
        facts.told += 1;
      }
    }),
    { numRuns: 200 },
  );
  // The random lives must have come to their limits.
  expect(facts.served).toBeGreaterThan(1_000);
  expect(facts.full).toBeGreaterThan(1_000);
  expect(facts.told).toBeGreaterThan(10);
});
