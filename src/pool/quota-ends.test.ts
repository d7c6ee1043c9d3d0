import { expect, test } from "bun:test";
import { FAMILIES } from "../upstreams/index.ts";
import { nextPacificMidnight } from "../upstreams/reset-time.ts";
import type { Signal } from "../upstreams/signal.ts";
import { PoolUnderTest, specOf } from "./fixtures/pool-under-test.ts";

const HOUR = 3_600_000;

/** What the family makes of a refusal at the pool's time. */
function heard(family: keyof typeof FAMILIES, under: PoolUnderTest, error: object): Signal {
  const body = JSON.stringify({ error });
  return FAMILIES[family].classify({
    status: 429,
    headers: new Headers(),
    body,
    nowMs: under.now,
    model: "m",
  });
}

function perDay(retryDelay: string | null) {
  const violations = [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier", quotaValue: "50" }];
  const details = [{ violations }, ...(retryDelay === null ? [] : [{ retryDelay }])];
  return { code: 429, status: "RESOURCE_EXHAUSTED", message: "You exceeded your current quota", details };
}

/** Milliseconds until the pool serves the next request. */
function waitOf(under: PoolUnderTest): number {
  return (under.why()?.retryAtMs ?? under.now) - under.now;
}

test("a day's quota at Google: the delay of the retry, then one probe, each one doubling the wait, up to midnight", () => {
  const under = new PoolUnderTest([specOf("a")]);
  const midnightMs = nextPacificMidnight(under.now);
  const waits: number[] = [];
  for (let refused = 0; under.now < midnightMs && refused < 30; refused++) {
    const probe = under.take();
    if (refused > 0) expect(under.why()?.kind).toBe("cooling");
    under.pool.report(probe, "m", heard("gemini", under, perDay("900s")));
    waits.push(waitOf(under));
    under.now += waitOf(under);
  }
  const minutes = waits.slice(0, -1).map((ms) => ms / 60_000);
  expect(minutes).toEqual([15, 30, 60, 120, 240, 480]);
  expect(under.now).toBe(midnightMs);
  // The day has begun anew: everybody is served.
  expect([under.take().isProbe, under.why()]).toEqual([true, null]);
});

test("a day's quota at Google without a delay lasts to midnight in Los Angeles", () => {
  const under = new PoolUnderTest([specOf("a")]);
  under.pool.report(under.take(), "m", heard("gemini", under, perDay(null)));
  expect(under.now + waitOf(under)).toBe(nextPacificMidnight(under.now));
});

test("a limit of 0 forbids the model, and no other one", () => {
  const under = new PoolUnderTest([specOf("a")]);
  const message =
    "You exceeded your current quota\n* Quota exceeded for metric: generate_content_free_tier_requests, limit: 0, model: m";
  under.pool.report(under.take(), "m", heard("gemini", under, { ...perDay("9s"), message }));
  expect(under.why({ excluded: new Set(["up/a"]) })?.kind).toBe("forbidden");
  expect(under.serve({ model: "other" })).toBe("a");
});

test("a spend cap at Anthropic lasts to the first of the month, for all models and over a restart", async () => {
  const under = new PoolUnderTest([specOf("a")]);
  const error = {
    type: "rate_limit_error",
    details: { error_code: "enforced_spend_limit_reached" },
    message: "x",
  };
  under.pool.report(under.take(), "m", heard("anthropic", under, error));
  await Promise.resolve();
  const again = new PoolUnderTest([specOf("a")], under.saved);
  for (const one of [under, again]) {
    expect(one.why({ model: "other" })).toMatchObject({
      kind: "cooling",
      retryAtMs: Date.parse("2026-12-01T00:00:00Z"),
    });
  }
});

test("an announced end lets all in; after three refusals in a row one finds out, and the wait grows up to a minute", () => {
  const under = new PoolUnderTest([specOf("a")]);
  const waits: number[] = [];
  const crowds: number[] = [];
  for (let refused = 0; refused < 9; refused++) {
    const lease = under.take();
    let others = 0;
    for (let i = 0; i < 5 && under.why() === null; i++) others++;
    crowds.push(others);
    under.pool.report(lease, "m", {
      class: "rate",
      untilMs: under.now + 1_000,
      scope: "model",
      reason: "limited",
    });
    waits.push(waitOf(under) / 1_000);
    under.now += waitOf(under);
  }
  expect(waits).toEqual([1, 1, 4, 8, 16, 32, 60, 60, 60]);
  expect(crowds).toEqual([5, 5, 5, 0, 0, 0, 0, 0, 0]);
  under.pool.report(under.take(), "m", { class: "ok" });
  under.pool.report(under.take(), "m", {
    class: "rate",
    untilMs: under.now + HOUR,
    scope: "model",
    reason: "limited",
  });
  expect(waitOf(under)).toBe(HOUR);
});
