import { describe, expect, test } from "bun:test";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import { zoneOfPlace } from "../core/time-zone.ts";
import { ActiveHours } from "./active-hours.ts";
import type { CredentialSpec } from "./credential.ts";
import { PoolUnderTest, specOf } from "./fixtures/pool-under-test.ts";
import { limitsOf } from "./limits-of.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function limited(
  entry: Partial<typeof CREDENTIAL_DEFAULTS>,
  unpriced: "refuse" | "allow" = "refuse",
): CredentialSpec {
  return specOf("a", { limits: limitsOf({ ...CREDENTIAL_DEFAULTS, ...entry }, unpriced) });
}

describe("the operator's limits", () => {
  test("requests at once: the end of one gives room, and no time does", () => {
    const under = new PoolUnderTest([limited({ concurrency: 2 })]);
    const first = under.take();
    under.take();
    expect(under.why()).toMatchObject({ kind: "full", retryAtMs: null });
    under.pool.release(first);
    expect(under.why()).toBeNull();
  });

  test("requests in a minute, strictly, whatever becomes of them", () => {
    const under = new PoolUnderTest([limited({ requestsPerMinute: 3 })]);
    under.serve();
    under.pool.release(under.take());
    under.pool.report(under.take(), "m", { class: "bad", reason: "x" });
    const { now } = under;
    expect(under.why()).toMatchObject({ kind: "full", retryAtMs: now + 61_000 });
    under.now = now + 59_999;
    expect(under.why()?.kind).toBe("full");
    under.now = now + 61_000;
    expect(under.serve()).toBe("a");
  });

  test("tokens in a minute: the longest answer counts until the real one is known", () => {
    const under = new PoolUnderTest([limited({ tokensPerMinute: 1_000 })]);
    const need = { inputTokens: 100, outputTokens: 500 };
    const lease = under.take(need);
    expect(under.why(need)?.kind).toBe("full");
    under.end(lease, 150, 0);
    lease.hold?.end(900, 0, "");
    expect(under.why(need)).toBeNull();
  });

  test("a request that no wait would fit is not sent there, and not waited for", () => {
    const under = new PoolUnderTest([limited({ tokensPerMinute: 1_000 }), specOf("b")]);
    const big = { inputTokens: 900, outputTokens: 500 };
    expect([under.serve(big), under.serve(big)]).toEqual(["b", "b"]);
    expect(under.why({ ...big, excluded: new Set(["up/b"]) })).toMatchObject({
      kind: "tried",
      reasons: [{ credential: "up/a", state: "off", reason: expect.stringContaining("tokens_per_minute") }],
    });
  });

  test("models: by name or pattern, and no other credential's matter", () => {
    const under = new PoolUnderTest([
      limited({ models: ["gpt-5*", "o4-mini"] }),
      specOf("b", { priority: 1 }),
    ]);
    const served = ["gpt-5-mini", "o4-mini", "GPT-5", "gpt-4.1"].map((model) => under.serve({ model }));
    expect(served).toEqual(["a", "a", "a", "b"]);
    expect(new PoolUnderTest([limited({ models: ["gpt-5*"] })]).why({ model: "gpt-4.1" })).toMatchObject({
      kind: "unusable",
      reasons: [{ state: "off", reason: "the model is none of its models" }],
    });
  });

  test("hours: outside of them nobody is served, and the time of the opening is told", () => {
    const entry = { activeHours: "22:00-06:30", timeZone: "Europe/Berlin" };
    const under = new PoolUnderTest([limited(entry)]);
    // 10:00 UTC is 11:00 in Berlin.
    expect(under.why()).toMatchObject({ kind: "cooling", retryAtMs: under.now + 11 * HOUR });
    under.now += 11 * HOUR;
    expect(under.serve()).toBe("a");
    under.now += 8.5 * HOUR - 1;
    expect(under.serve()).toBe("a");
    under.now += 1;
    expect(under.why()?.kind).toBe("cooling");
  });

  test("a budget holds what a request may cost, counts what it cost, and begins anew with its day", () => {
    const under = new PoolUnderTest([limited({ budgetUsdPerDay: "1.00" })]);
    const need = { costNanoUsd: 600_000_000 };
    const lease = under.take(need);
    // What runs may cost less than it holds.
    expect(under.why(need)).toMatchObject({ kind: "full", retryAtMs: null });
    under.end(lease, 0, 500_000_000);
    expect(under.why(need)).toMatchObject({ kind: "full", retryAtMs: Date.parse("2026-11-24T00:00:00Z") });
    expect(under.serve({ costNanoUsd: 500_000_000 })).toBe("a");
    under.now = Date.parse("2026-11-24T00:00:00Z");
    expect(under.serve(need)).toBe("a");
  });

  test("a budget knows what the ledger has of its day and month, and has no room while that is counted", () => {
    const entry = { budgetUsdPerDay: "1", budgetUsdPerMonth: "10" };
    const under = new PoolUnderTest([limited(entry), specOf("b")]);
    under.budgets.spentBefore = null;
    expect([under.serve({ costNanoUsd: 1 }), under.serve({ costNanoUsd: 1 })]).toEqual(["b", "b"]);
    const counted = new PoolUnderTest([limited(entry)]);
    counted.budgets.spentBefore = 600_000_000;
    expect(counted.pool.list()[0]?.limits).toEqual([
      { limit: "budget_day", value: 1e9, remaining: 400_000_000 },
      { limit: "budget_month", value: 1e10, remaining: 9_400_000_000 },
    ]);
    expect(counted.why({ costNanoUsd: 500_000_000 })?.retryAtMs).toBe(Date.parse("2026-11-24T00:00:00Z"));
  });

  test("what may be spent is granted on disk before it is sent, and charged with the row", () => {
    const under = new PoolUnderTest([limited({ budgetUsdPerDay: "1", budgetUsdPerMonth: "10" })]);
    const lease = under.take({ costNanoUsd: 300_000_000 });
    expect(under.budgets.windows()).toEqual(["up/a day 0 of 300000000", "up/a month 0 of 300000000"]);
    under.end(lease, 0, 200_000_000);
    expect(under.budgets.windows()).toEqual([
      "up/a day 200000000 of 300000000",
      "up/a month 200000000 of 300000000",
    ]);
  });

  test("a reload that brings a budget charges the requests that run", () => {
    const under = new PoolUnderTest([specOf("a")]);
    const [bare, limitedLease] = [under.take(), under.take()];
    under.replace([limited({ budgetUsdPerDay: "1" })]);
    under.budgets.commit(under.pool.counterOf("up/a")?.charge(400_000_000, "x", under.now) ?? []);
    under.pool.release(bare);
    under.pool.release(limitedLease);
    const later = under.take({ costNanoUsd: 100_000_000 });
    under.replace([limited({ budgetUsdPerDay: "1", budgetUsdPerMonth: "2" })]);
    under.end(later, 0, 100_000_000);
    expect(under.pool.list()[0]?.limits).toEqual([
      { limit: "budget_day", value: 1e9, remaining: 500_000_000 },
      { limit: "budget_month", value: 2e9, remaining: 1_900_000_000 },
    ]);
  });

  test("a background response holds its room again after a restart, and is charged where there is none", () => {
    const under = new PoolUnderTest([limited({ budgetUsdPerDay: "1" })]);
    const hold = under.pool.counterOf("up/a")?.resume(0, 700_000_000, under);
    expect(under.why({ costNanoUsd: 400_000_000 })?.kind).toBe("full");
    const other = under.pool.counterOf("up/a")?.resume(0, 700_000_000, under);
    expect(other?.nanoUsd).toBe(0);
    under.budgets.commit(hold?.end(0, 100_000_000, "") ?? []);
    under.budgets.commit(other?.end(0, 300_000_000, "") ?? []);
    expect(under.pool.list()[0]?.limits).toEqual([
      { limit: "budget_day", value: 1e9, remaining: 600_000_000 },
    ]);
    expect(under.pool.counterOf("up/gone")).toBeNull();
  });

  test("a model without a price has no place in a budget, unless it may", () => {
    const need = { costNanoUsd: null };
    expect(new PoolUnderTest([limited({ budgetUsdPerDay: "1" })]).why(need)).toMatchObject({
      kind: "unusable",
    });
    expect(new PoolUnderTest([limited({ budgetUsdPerDay: "1" }, "allow")]).serve(need)).toBe("a");
  });

  test("a doubtful credential keeps its limits too, as does one that is asked for a forbidden model", () => {
    const under = new PoolUnderTest([limited({ requestsPerMinute: 2 })]);
    under.pool.report(under.take(), "m", { class: "forbid", reason: "no such model" });
    expect(under.take()).toBeDefined();
    expect(under.why()?.kind).toBe("forbidden");
    expect(under.pool.leaseForbidden({ ...NEED })).toHaveProperty("unavailable");
  });

  test("a reload changes limits and keeps what was counted", () => {
    const under = new PoolUnderTest([limited({ requestsPerMinute: 1 })]);
    under.serve();
    under.pool.replace([limited({ requestsPerMinute: 2 })]);
    expect([under.serve(), under.serve()]).toEqual(["a", null]);
    under.pool.replace([specOf("a")]);
    expect([1, 2, 3].map(() => under.serve())).toEqual(["a", "a", "a"]);
  });
});

const NEED = {
  upstream: "up",
  model: "m",
  excluded: null,
  stickyTo: null,
  key: "",
  inputTokens: 0,
  outputTokens: 0,
  prefix: null,
};

test.each([
  ["09:00-17:00", "2026-11-23T09:00:00Z", null],
  ["09:00-17:00", "2026-11-23T17:00:00Z", "2026-11-24T09:00:00Z"],
  ["09:00-17:00", "2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z"],
  ["00:00-24:00", "2026-11-23T23:59:59Z", null],
  ["22:00-06:00", "2026-11-23T05:59:59Z", null],
  ["22:00-06:00", "2026-11-23T06:00:00Z", "2026-11-23T22:00:00Z"],
])("%s at %s is closed until %s", (text, now, until) => {
  const [from = "", to = ""] = text.split("-");
  const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
  const hours = new ActiveHours(minutes(from), minutes(to));
  const closedMs = hours.closedUntilMs(() => 0, Date.parse(now));
  expect(closedMs === null ? null : new Date(closedMs).toISOString()).toBe(
    until === null ? null : new Date(until).toISOString(),
  );
});

test("hours that a change of the clock leaves out open at the next moment that there is", () => {
  const berlin = zoneOfPlace("Europe/Berlin");
  if (berlin === null) throw new Error("no zone");
  // On 2027-03-28 the clock goes from 02:00 to 03:00.
  const nowMs = Date.parse("2027-03-28T00:30:00Z");
  const closedMs = new ActiveHours(150, 300).closedUntilMs(berlin, nowMs) ?? 0;
  expect(closedMs).toBeGreaterThan(nowMs);
  expect(closedMs - nowMs).toBeLessThanOrEqual(HOUR);
});
