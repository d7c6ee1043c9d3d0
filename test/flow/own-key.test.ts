// A key reads its own limits and use over the socket, in each form, and never those of another key.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

setDefaultTimeout(60_000);

const CI_KEY = "clw-ci-key-0123456789abcdef";
const TOML = `
[[keys]]
name = "ci"
key = "${CI_KEY}"
team = "research"
expires = "2099-01-31"
models = ["up/*"]
requests_per_minute = 60
budget_usd_per_day = "5.00"
[[keys.per_model]]
model = "gpt-5*"
concurrency = 3
[[teams]]
name = "research"
budget_usd_per_month = "500"
[[prices]]
model = "gpt-4.1"
input = 2
output = 8
`;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
  gateway = await startGateway({
    toml: [KEYS_TOML, upstreamToml("up", "openai", `${upstream.url}/v1`), TOML].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function get(path: string, key: string, method = "GET") {
  const reply = await fetch(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${key}` } });
  return { status: reply.status, json: JSON.parse((await reply.text()) || "null") };
}

const FORMS = [
  "/v1/key",
  "/key",
  "/v1/auth/key",
  "/api/v1/key",
  "/api/v1/auth/key",
  "/v1/credits",
  "/api/v1/credits",
  "/v1/dashboard/billing/subscription",
  "/dashboard/billing/subscription",
  "/v1/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30",
  "/dashboard/billing/usage",
  "/api/usage/token",
  "/api/usage/token/",
];

test.each(FORMS)("%s answers a key alone", async (path) => {
  expect((await get(path, CI_KEY)).status).toBe(200);
  expect((await get(path, CI_KEY, "HEAD")).status).toBe(200);
  const refused = await get(path, "clw-no-key-of-ours");
  expect([refused.status, refused.json.error.type]).toEqual([401, "invalid_request_error"]);
  expect((await get(path, CI_KEY, "POST")).status).toBe(405);
});

test("a request shows in its key's use, and in no other key's", async () => {
  const body = JSON.stringify({ model: "up/gpt-4.1", messages: [], max_tokens: 100 });
  const headers = { authorization: `Bearer ${CI_KEY}` };
  const asked = await request(gateway.port, "/v1/chat/completions", { body, headers });
  expect(asked.status).toBe(200);
  await gateway.row(asked.headers.get("x-request-id"));
  const cost = CHAT.inputTokens * 2_000 + CHAT.outputTokens * 8_000;
  const { json } = await get("/v1/key", CI_KEY);
  expect(json).toMatchObject({
    name: "ci",
    team: "research",
    expires_at: "2099-02-01T00:00:00.000Z",
    models: ["up/*"],
    is_limited: true,
  });
  const limits = Object.fromEntries(
    (json.limits as { kind: string; scope: string; model: string | null; period: string | null }[]).map(
      (limit) => [
        [limit.kind, limit.scope, limit.model, limit.period].filter((word) => word !== null).join(" "),
        limit,
      ],
    ),
  );
  expect(Object.keys(limits).toSorted()).toEqual([
    "budget key day",
    "budget team month",
    "concurrency key gpt-5*",
    "requests_per_minute key",
  ]);
  expect(limits["requests_per_minute key"]).toMatchObject({ limit: 60, used: 1, reserved: 0, remaining: 59 });
  expect(limits["budget key day"]).toMatchObject({
    limit_usd: "5.00",
    used_nano_usd: cost,
    reserved_nano_usd: 0,
    remaining_nano_usd: 5_000_000_000 - cost,
  });
  expect(limits["budget team month"]).toMatchObject({
    team: "research",
    limit_usd: "500.00",
    used_nano_usd: cost,
  });
  const plain = await get("/v1/key", CLIENT_KEY);
  expect(plain.json).toMatchObject({ name: "tester", team: null, is_limited: false, limits: [] });
  expect(plain.json.spent).toMatchObject({ day_nano_usd: 0, all_usd: "0.00" });
  expect(JSON.stringify(plain.json)).not.toMatch(/ci|research/);
});

test("the page is no request: no limit counts it, and it leaves no row", async () => {
  const before = (await gateway.rows()).length;
  const used = async () => (await get("/v1/key", CI_KEY)).json.limits[0].used as number;
  const first = await used();
  for (let i = 0; i < 5; i++) await get("/api/v1/key", CI_KEY);
  expect(await used()).toBeLessThanOrEqual(first);
  expect(await gateway.rows()).toHaveLength(before);
});
