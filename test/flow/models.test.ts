// The list of models in the forms that the clients know, whatever the upstreams do, and the ways to name a
// model.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

const LISTS: Readonly<Record<string, object>> = {
  "/a/v1/models": {
    data: [
      { type: "model", id: "claude-haiku-4-5", display_name: "Haiku", created_at: "2025-10-01T00:00:00Z" },
    ],
    has_more: false,
    first_id: "claude-haiku-4-5",
    last_id: "claude-haiku-4-5",
  },
  "/g/v1beta/models": { models: [{ name: "models/gemini-3-flash", version: "1", displayName: "Flash" }] },
  "/o/v1/models": {
    object: "list",
    data: [{ id: "gpt-4.1", object: "model", created: 1_700_000_000, owned_by: "openai" }],
  },
};

async function answer(arrived: Arrived): Promise<void> {
  const path = arrived.target.split("?")[0] as string;
  if (path.startsWith("/slow")) return;
  const list = LISTS[path];
  if (arrived.method === "GET")
    return await sendWhole(arrived, JSON.stringify(list ?? {}), {}, list ? "200 OK" : "500 No");
  if (path.includes("/messages")) return await sendWhole(arrived, MESSAGES.whole);
  return await sendWhole(arrived, path.includes(":generateContent") ? GEMINI.whole : CHAT.whole);
}

beforeAll(async () => {
  upstream = await startRawUpstream(answer);
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("anthropic", "anthropic", `${upstream.url}/a`),
      upstreamToml("gemini", "gemini", `${upstream.url}/g`),
      upstreamToml("openai", "openai", `${upstream.url}/o/v1`),
      upstreamToml("broken", "openai", `${upstream.url}/broken/v1`),
      upstreamToml("away", "openai", "http://127.0.0.1:1/v1"),
      upstreamToml("slow", "openai", `${upstream.url}/slow/v1`),
      '[[models]]\nname = "fast"\ntargets = ["anthropic/claude-haiku-4-5", "gemini/gemini-3-flash"]',
      '[[models]]\nname = "any-*"\ntargets = ["openai/*"]',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const IDS = [
  "fast",
  "claude-haiku-4-5",
  "anthropic/claude-haiku-4-5",
  "gemini-3-flash",
  "gemini/gemini-3-flash",
  "gpt-4.1",
  // By a pattern of `[[models]]`.
  "any-gpt-4.1",
  "openai/gpt-4.1",
];

async function get(path: string, headers: Record<string, string> = {}, key?: null) {
  const reply = await request(gateway.port, path, { headers, ...(key === null ? { key } : {}) });
  return { status: reply.status, headers: reply.headers, json: JSON.parse(reply.body.toString()) };
}

test("H-133 an OpenAI client gets OpenAI's list, although some upstreams are broken, away or slow", async () => {
  const { status, json, headers } = await get("/v1/models");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toContain("application/json");
  expect(json.object).toBe("list");
  expect(json.data.map(({ id }: { id: string }) => id)).toEqual(IDS);
  expect(json.data.at(-1)).toEqual({
    id: "openai/gpt-4.1",
    object: "model",
    created: 1_700_000_000,
    owned_by: "openai",
  });
});

test("H-133 the list is there while an upstream is still waited for", async () => {
  const reply = await request(gateway.port, "/v1/models");
  expect(reply.status).toBe(200);
  const slow = upstream.seen.find(({ target }) => target.startsWith("/slow"));
  expect(slow?.isClosed).toBe(false);
});

test("H-133 an Anthropic client gets Anthropic's list, with its limit and cursor", async () => {
  const version = { "anthropic-version": "2023-06-01" };
  const { json } = await get("/v1/models?limit=1000", version);
  expect(json).toMatchObject({ has_more: false, first_id: IDS[0], last_id: IDS.at(-1) });
  expect(json.data.map(({ id, type }: { id: string; type: string }) => [type, id])).toEqual(
    IDS.map((id) => ["model", id]),
  );
  for (const model of json.data)
    expect(model).toMatchObject({ display_name: expect.any(String), created_at: expect.any(String) });
  const first = await get("/v1/models?limit=2", version);
  expect(first.json).toMatchObject({ has_more: true, first_id: IDS[0], last_id: IDS[1] });
  const next = await get(`/v1/models?limit=2&after_id=${encodeURIComponent(first.json.last_id)}`, version);
  expect(next.json.data.map(({ id }: { id: string }) => id)).toEqual(IDS.slice(2, 4));
  const byKey = await request(gateway.port, "/v1/models", {
    key: null,
    headers: { "x-api-key": "clw-client-key-0123456789abcdef" },
  });
  expect(JSON.parse(byKey.body.toString())).toHaveProperty("has_more");
});

test("H-133 a Gemini client gets Gemini's list, page by page", async () => {
  const names = IDS.map((id) => `models/${id}`);
  const { json } = await get("/v1beta/models");
  expect(json.models.map(({ name }: { name: string }) => name)).toEqual(names);
  const pages: string[] = [];
  let token = "";
  for (let i = 0; i < 10; i += 1) {
    const page = await get(
      `/v1beta/models?pageSize=3${token === "" ? "" : `&pageToken=${encodeURIComponent(token)}`}`,
    );
    pages.push(...page.json.models.map(({ name }: { name: string }) => name));
    token = page.json.nextPageToken ?? "";
    if (token === "") break;
  }
  expect(pages).toEqual(names);
  const byHeader = await request(gateway.port, "/v1/models", {
    key: null,
    headers: { "x-goog-api-key": "clw-client-key-0123456789abcdef" },
  });
  expect(JSON.parse(byHeader.body.toString())).toHaveProperty("models");
});

test("one model is found by its name, with the slash plain or escaped, or without its upstream", async () => {
  for (const path of [
    "/v1/models/openai/gpt-4.1",
    "/v1/models/openai%2Fgpt-4.1",
    "/v1/models/gpt-4.1",
    "/v1/models/fast",
  ]) {
    const { status, json } = await get(path);
    expect([path, status, json.object]).toEqual([path, 200, "model"]);
    expect(path.replace("%2F", "/").endsWith(json.id)).toBe(true);
  }
  expect((await get("/v1beta/models/gemini/gemini-3-flash")).json.name).toBe("models/gemini/gemini-3-flash");
  expect(
    (await get("/v1/models/claude-haiku-4-5", { "anthropic-version": "2023-06-01" })).json,
  ).toMatchObject({
    type: "model",
    id: "claude-haiku-4-5",
  });
  expect((await get("/v1/models/nobody")).status).toBe(404);
  expect((await get("/v1beta/models/nobody")).json.error).toMatchObject({ code: 404, status: "NOT_FOUND" });
});

test("without a key there is no list, in any form", async () => {
  expect((await get("/v1/models", {}, null)).json.error.code).toBe("invalid_api_key");
  expect((await get("/v1/models", { "anthropic-version": "x" }, null)).json.error.type).toBe(
    "authentication_error",
  );
  expect((await get("/v1beta/models", {}, null)).json.error.status).toBe("UNAUTHENTICATED");
});

test("the upstreams are asked once, not for every client", async () => {
  upstream.forget();
  for (let i = 0; i < 5; i += 1) await get("/v1/models");
  expect(upstream.seen.filter((one) => one.target.startsWith("/o/")).length).toBe(0);
});

const SPELLINGS: readonly (readonly [string, string])[] = [
  ["/v1beta/models/gemini-3-flash:generateContent", "/g/v1beta/models/gemini-3-flash:generateContent"],
  ["/v1/models/gemini-3-flash:generateContent", "/g/v1/models/gemini-3-flash:generateContent"],
  ["/v1alpha/models/gemini-3-flash:generateContent", "/g/v1alpha/models/gemini-3-flash:generateContent"],
  ["/v1beta/models/gemini/gemini-3-flash:generateContent", "/g/v1beta/models/gemini-3-flash:generateContent"],
  [
    "/v1beta/models/gemini%2Fgemini-3-flash:generateContent",
    "/g/v1beta/models/gemini-3-flash:generateContent",
  ],
  ["/v1beta/gemini/gemini-3-flash:generateContent", "/g/v1beta/models/gemini-3-flash:generateContent"],
  ["/v1beta/tunedModels/gemini-mine:generateContent", "/g/v1beta/tunedModels/gemini-mine:generateContent"],
];

for (const [path, target] of SPELLINGS) {
  test(`H-31 ${path} names its model`, async () => {
    upstream.forget();
    const reply = await request(gateway.port, path, { body: GEMINI.body(false) });
    expect([reply.status, upstream.seen[0]?.target]).toEqual([200, target]);
  });
}

for (const [asked, sentTo, model] of [
  ["openai/gpt-4.1", "/o/", "gpt-4.1"],
  ["gpt-4.1", "/o/", "gpt-4.1"],
  ["openai/org/model", "/o/", "org/model"],
  ["any-thing/at:all", "/o/", "thing/at:all"],
] as const) {
  test(`a chat request for ${asked} asks ${sentTo} for ${model}`, async () => {
    upstream.forget();
    const reply = await request(gateway.port, CHAT.wholePath, {
      body: JSON.stringify({ model: asked, messages: [] }),
    });
    expect(reply.status).toBe(200);
    expect(upstream.seen[0]?.target.startsWith(sentTo)).toBe(true);
    expect(JSON.parse(upstream.seen[0]?.body.toString() ?? "").model).toBe(model);
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
      model_asked: asked,
      model_used: model,
    });
  });
}

test("the targets of an entry are asked in their order, whatever they speak", async () => {
  upstream.forget();
  await request(gateway.port, "/v1beta/models/fast:generateContent", { body: GEMINI.body(false) });
  expect(upstream.seen[0]?.target).toBe("/a/v1/messages");
});
