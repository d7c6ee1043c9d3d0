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
    const { hold } = lease;
    if (hold === null) throw new Error("no hold");
    hold.isKept = true;
    under.pool.report(lease, "m", { class: "ok" });
    hold.end(150, 0);
    hold.end(900, 0);
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
    if (lease.hold !== null) lease.hold.isKept = true;
    under.pool.report(lease, "m", { class: "ok" });
    lease.hold?.end(0, 500_000_000);
    expect(under.why(need)).toMatchObject({ kind: "full", retryAtMs: Date.parse("2026-11-24T00:00:00Z") });
    expect(under.serve({ costNanoUsd: 500_000_000 })).toBe("a");
    under.now = Date.parse("2026-11-24T00:00:00Z");
    expect(under.serve(need)).toBe("a");
  });

  test("a budget knows what the ledger has of its day and month, and asks once", () => {
    const under = new PoolUnderTest([
      limited({ budgetUsdPerDay: "1", budgetUsdPerMonth: "10" }),
      specOf("b"),
    ]);
    const asked: string[] = [];
    const spentSince = (upstream: string, name: string, sinceMs: number): number => {
      asked.push(`${upstream}/${name} ${new Date(sinceMs).toISOString()}`);
      return sinceMs > Date.parse("2026-11-20") ? 200_000_000 : 9_500_000_000;
    };
    under.pool.restoreSpent(spentSince);
    under.pool.restoreSpent(spentSince);
    expect(asked).toEqual(["up/a 2026-11-23T00:00:00.000Z", "up/a 2026-11-01T00:00:00.000Z"]);
    expect(under.pool.list()[0]?.limits).toEqual([
      { limit: "budget_day", value: 1e9, remaining: 800_000_000 },
      { limit: "budget_month", value: 1e10, remaining: 500_000_000 },
    ]);
    under.pool.spend("up", "a", 500_000_000);
    expect(under.why({ stickyTo: "up/a", costNanoUsd: 1 })?.retryAtMs).toBe(
      Date.parse("2026-12-01T00:00:00Z"),
    );
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
