// The forms in which a key reads what it may know of itself.
import { describe, expect, test } from "bun:test";
import { makePrincipal, type Principal } from "../../auth/keys.ts";
import { PLAIN_SETTINGS } from "../../config/client-keys.ts";
import type { KeySpending } from "../../ledger/usage/key-spending.ts";
import type { LimitUse } from "../../limits/use.ts";
import { KEY_PAGES, keyPage } from "./key-pages.ts";

const PLAIN = makePrincipal({ ...PLAIN_SETTINGS, name: "plain", keySha256: "0" });
const LIMITED: Principal = {
  ...PLAIN,
  name: "ci",
  team: "research",
  models: ["claude-*", "gpt-5"],
  upstreams: ["anthropic"],
  expiresAtMs: Date.UTC(2027, 1, 1) - 1,
  limits: {} as Principal["limits"],
};
const MINUTE_END_MS = Date.UTC(2026, 10, 29, 8, 0, 59, 500);
const DAY_END_MS = Date.UTC(2026, 10, 30);
const MONTH_END_MS = Date.UTC(2026, 11, 1);

const key = { scope: "key", name: "ci", model: null } as const;
const USE: readonly LimitUse[] = [
  {
    ...key,
    limit: "requests_per_minute",
    period: null,
    limitValue: 60,
    used: 12,
    reserved: 0,
    remaining: 48,
    resetsAtMs: MINUTE_END_MS,
  },
  {
    ...key,
    limit: "concurrency",
    period: null,
    limitValue: 8,
    used: 0,
    reserved: 2,
    remaining: 6,
    resetsAtMs: null,
  },
  {
    ...key,
    limit: "budget",
    period: "day",
    limitValue: 5_000_000_000,
    used: 1_250_000_001,
    reserved: 500_000_000,
    remaining: 3_249_999_999,
    resetsAtMs: DAY_END_MS,
  },
  {
    ...key,
    limit: "budget",
    model: "claude-opus-*",
    period: "day",
    limitValue: 1_000_000_000,
    used: 0,
    reserved: 0,
    remaining: 1_000_000_000,
    resetsAtMs: DAY_END_MS,
  },
  {
    scope: "team",
    name: "research",
    model: null,
    limit: "budget",
    period: "month",
    limitValue: 500_000_000_000,
    used: 497_000_000_000,
    reserved: 0,
    remaining: 3_000_000_000,
    resetsAtMs: MONTH_END_MS,
  },
];
const SPENT: KeySpending = {
  dayNanoUsd: 1_250_000_001,
  weekNanoUsd: 2_000_000_000,
  monthNanoUsd: 3_000_000_000,
  allNanoUsd: 40_000_000_000,
};

async function read(path: string, principal = LIMITED, spent: KeySpending | null = SPENT): Promise<unknown> {
  const page = KEY_PAGES.find((one) => one.path === path);
  if (page === undefined) throw new Error(`no page at ${path}`);
  const asked: string[] = [];
  const source = {
    limiter: {
      use: ({ name }: { name: string }) => {
        expect(name).toBe(principal.name);
        return USE;
      },
    },
    spending: (name: string) => {
      asked.push(name);
      return Promise.resolve(spent);
    },
  };
  const reply = await keyPage(source, principal, page.form);
  expect([reply.status, reply.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(asked).toEqual([principal.name]);
  return await reply.json();
}

describe("the gateway's own form", () => {
  test("has each limit with what is used, held and left, and when it is free again", async () => {
    const page = (await read("/v1/key")) as { limits: object[] };
    expect(page).toMatchObject({
      object: "key",
      name: "ci",
      team: "research",
      expires_at: "2027-01-31T23:59:59.999Z",
      expires_at_unix: 1_801_440_000,
      models: ["claude-*", "gpt-5"],
      upstreams: ["anthropic"],
      addresses: "any",
      is_limited: true,
    });
    expect(page.limits).toHaveLength(5);
    expect(page.limits[0]).toEqual({
      kind: "requests_per_minute",
      scope: "key",
      model: null,
      period: null,
      limit: 60,
      used: 12,
      reserved: 0,
      remaining: 48,
      resets_at: "2026-11-29T08:00:59.500Z",
      resets_at_unix: 1_795_939_260,
    });
    expect(page.limits[1]).toMatchObject({ reserved: 2, resets_at: null, resets_at_unix: null });
  });

  test("has money as dollars in exact text, and in nano-dollars", async () => {
    const page = (await read("/v1/key")) as { limits: object[]; spent: object };
    expect(page.limits[2]).toEqual({
      kind: "budget",
      scope: "key",
      model: null,
      period: "day",
      limit_usd: "5.00",
      limit_nano_usd: 5_000_000_000,
      used_usd: "1.250000001",
      used_nano_usd: 1_250_000_001,
      reserved_usd: "0.50",
      reserved_nano_usd: 500_000_000,
      remaining_usd: "3.249999999",
      remaining_nano_usd: 3_249_999_999,
      resets_at: "2026-11-30T00:00:00.000Z",
      resets_at_unix: 1_795_996_800,
    });
    expect(page.limits[4]).toMatchObject({ scope: "team", team: "research", remaining_usd: "3.00" });
    expect(page.spent).toMatchObject({
      day_usd: "1.250000001",
      all_usd: "40.00",
      all_nano_usd: 40_000_000_000,
    });
  });

  test("says of a key without a limit that it has none, and nothing of other keys", async () => {
    expect(await read("/v1/key", PLAIN)).toMatchObject({
      name: "plain",
      team: null,
      expires_at: null,
      models: null,
      is_limited: false,
      limits: [],
      data: { limit: null, limit_remaining: null, limit_reset: null },
    });
  });

  test("says that it does not know what was spent, and never 0", async () => {
    expect(await read("/v1/key", PLAIN, null)).toMatchObject({
      spent: null,
      data: { usage: null, usage_daily: null },
    });
  });

  test("shows no part of the key, nor its digest", async () => {
    const text = JSON.stringify(await read("/v1/key", { ...PLAIN, keySha256: "feedbeef" }));
    expect(text).not.toContain("feedbeef");
  });
});

describe("OpenRouter's form", () => {
  test.each(["/api/v1/key", "/api/v1/auth/key"])(
    "%s: the tightest budget that holds for all models",
    async (path) => {
      expect(await read(path)).toEqual({
        data: {
          label: "ci",
          limit: 500,
          limit_remaining: 3,
          limit_reset: "monthly",
          usage: 497,
          usage_daily: 1.250000001,
          usage_weekly: 2,
          usage_monthly: 3,
          byok_usage: 0,
          byok_usage_daily: 0,
          byok_usage_weekly: 0,
          byok_usage_monthly: 0,
          include_byok_in_limit: false,
          is_free_tier: false,
          is_provisioning_key: false,
          is_management_key: false,
          creator_user_id: null,
          expires_at: "2027-01-31T23:59:59.999Z",
          rate_limit: { requests: 60, interval: "1m", note: expect.any(String) },
        },
      });
    },
  );

  test("of a key without a limit", async () => {
    expect(await read("/api/v1/key", PLAIN)).toMatchObject({
      data: {
        limit: null,
        limit_remaining: null,
        limit_reset: null,
        usage: 40,
        rate_limit: { requests: -1 },
      },
    });
  });

  test.each(["/api/v1/credits", "/v1/credits"])("%s", async (path) => {
    expect(await read(path)).toEqual({ data: { total_credits: 500, total_usage: 497 } });
    expect(await read(path, PLAIN)).toEqual({ data: { total_credits: null, total_usage: 40 } });
  });
});

describe("the forms of one-api and new-api", () => {
  test("what their clients compute is what is left", async () => {
    const subscription = (await read("/v1/dashboard/billing/subscription")) as Record<string, number>;
    expect(subscription).toEqual({
      object: "billing_subscription" as unknown as number,
      has_payment_method: true as unknown as number,
      soft_limit_usd: 500,
      hard_limit_usd: 500,
      system_hard_limit_usd: 500,
      access_until: 1_801_440_000,
    });
    const usage = (await read("/v1/dashboard/billing/usage")) as Record<string, number>;
    expect(usage).toEqual({ object: "list" as unknown as number, total_usage: 49_700 });
    expect((subscription.hard_limit_usd ?? 0) - (usage.total_usage ?? 0) / 100).toBe(3);
  });

  test("a key without a limit has their number for none", async () => {
    expect(await read("/v1/dashboard/billing/subscription", PLAIN)).toMatchObject({
      hard_limit_usd: 100_000_000,
      access_until: 0,
    });
    expect(await read("/v1/dashboard/billing/usage", PLAIN)).toMatchObject({ total_usage: 4_000 });
    expect(await read("/v1/dashboard/billing/usage", PLAIN, null)).toMatchObject({ total_usage: null });
  });

  test("new-api's own page counts in its units", async () => {
    expect(await read("/api/usage/token")).toEqual({
      code: true,
      message: "ok",
      data: {
        object: "token_usage",
        name: "ci",
        total_granted: 250_000_000,
        total_used: 248_500_000,
        total_available: 1_500_000,
        unlimited_quota: false,
        model_limits: { "claude-*": true, "gpt-5": true },
        model_limits_enabled: true,
        expires_at: 1_801_440_000,
      },
    });
    expect(await read("/api/usage/token", PLAIN)).toMatchObject({
      data: {
        unlimited_quota: true,
        total_used: 20_000_000,
        model_limits: {},
        model_limits_enabled: false,
        expires_at: 0,
      },
    });
  });
});
