// What a key may do: models, upstreams, addresses and its end hold on every route of every dialect.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Gateway, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

async function answer(arrived: Arrived): Promise<void> {
  const { target } = arrived;
  if (arrived.method === "GET" && target.includes("/models"))
    return await sendWhole(arrived, JSON.stringify({ data: [{ id: "claude-haiku-4-5" }, { id: "gpt-5" }] }));
  if (target.includes("/messages")) return await sendWhole(arrived, MESSAGES.whole);
  // Each provider issues ids of its own.
  if (target.includes("/responses"))
    return await sendWhole(arrived, RESPONSES.whole.replaceAll("resp_1", `resp_${target.charAt(1)}`));
  return await sendWhole(arrived, target.includes("enerateContent") ? GEMINI.whole : CHAT.whole);
}

/** A key of this name, which is the key itself too, with settings. */
const key = (name: string, settings = ""): string =>
  `[[keys]]\nname = "${name}"\nkey = "clew-${name}"\n${settings}\n`;

const SERVER = 'trusted_proxies = ["127.0.0.1"]';

/** `moved`: the settings of a key whose rights change. */
function tomlOf(moved: string): string {
  return [
    key("free"),
    key("moved", moved),
    key("claude", 'models = ["claude-haiku-*", "cheap"]'),
    key("openai", 'upstreams = ["openai"]'),
    key("either", 'models = ["anthropic/*", "gpt-5"]'),
    key("here", 'addresses = ["10.0.0.0/8", "2001:db8::/32"]'),
    key("limited", "concurrency = 9"),
    key("ended", 'expires = "2020-01-31"'),
    key("ends", 'expires = "2999-12-31T23:59:59+02:00"'),
    upstreamToml("anthropic", "anthropic", `${upstream.url}/a`),
    upstreamToml("openai", "openai", `${upstream.url}/o/v1`),
    upstreamToml("other", "openai", `${upstream.url}/x/v1`),
    '[[models]]\nname = "cheap"\ntargets = ["openai/gpt-5"]\n[models.fixed]\nmax_output_tokens = 7\n',
    '[[models]]\nname = "both"\ntargets = ["anthropic/claude-haiku-4-5", "openai/gpt-5"]\n',
  ].join("\n");
}

beforeAll(async () => {
  upstream = await startRawUpstream(answer);
  gateway = await startGateway({ server: SERVER, toml: tomlOf("") });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const messages = [{ role: "user", content: "hi" }];

interface Way {
  readonly path: (model: string) => string;
  readonly body: (model: string) => object;
  /** The kind of the error, in the words of the dialect. */
  readonly refused: string;
}

const WAYS: Readonly<Record<string, Way>> = {
  chat: {
    path: () => "/v1/chat/completions",
    body: (model) => ({ model, messages }),
    refused: '"code":"model_not_found"',
  },
  stream: {
    path: () => "/v1/chat/completions",
    body: (model) => ({ model, messages, stream: true }),
    refused: '"code":"model_not_found"',
  },
  responses: {
    path: () => "/v1/responses",
    body: (model) => ({ model, input: "hi" }),
    refused: '"code":"model_not_found"',
  },
  messages: {
    path: () => "/v1/messages",
    body: (model) => ({ model, max_tokens: 9, messages }),
    refused: '"type":"not_found_error"',
  },
  count: {
    path: () => "/v1/messages/count_tokens",
    body: (model) => ({ model, messages }),
    refused: '"type":"not_found_error"',
  },
  gemini: {
    path: (model) => `/v1beta/models/${model}:generateContent`,
    body: () => ({ contents: [{ role: "user", parts: [{ text: "hi" }] }] }),
    refused: '"status":"NOT_FOUND"',
  },
  embeddings: {
    path: () => "/v1/embeddings",
    body: (model) => ({ model, input: "hi" }),
    refused: '"code":"model_not_found"',
  },
};

async function ask(name: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const reply = await request(gateway.port, path, {
    ...(body === null ? { method: "GET" } : { body: JSON.stringify(body) }),
    headers: { authorization: `Bearer clew-${name}`, ...headers },
  });
  return { status: reply.status, text: reply.body.toString(), headers: reply.headers };
}

describe.each(Object.entries(WAYS))("%s", (_way, { path, body, refused }) => {
  test.each([
    ["claude", "gpt-5"],
    ["claude", "openai/gpt-5"],
    ["claude", "anthropic/claude-haiku-4-5"],
    ["claude", "both"],
    ["claude", "claude-opus-4-5-thinking"],
    ["claude", "no-such-model"],
    ["openai", "claude-haiku-4-5"],
    ["openai", "anthropic/claude-haiku-4-5"],
    ["openai", "other/gpt-5"],
    ["either", "openai/gpt-5"],
    ["either", "cheap"],
  ])("the key %p may not ask for %s", async (name, model) => {
    const before = upstream.seen.length;
    const reply = await ask(name, path(model), body(model));
    expect(reply.status).toBe(404);
    expect(reply.text).toContain(refused);
    expect(reply.text).toContain(`\`${model}\` does not exist or you do not have access to it`);
    expect(upstream.seen.length).toBe(before);
  });

  test("the refusal is a row", async () => {
    const { headers } = await ask("claude", path("gpt-5"), body("gpt-5"));
    expect(await gateway.row(headers.get("x-request-id"))).toMatchObject({
      key: "claude",
      model_asked: "gpt-5",
      upstream: null,
      outcome: "refused",
      error_kind: "model_not_found",
    });
  });
});

/** The target of the last request. */
const lastTarget = (): string => upstream.seen.at(-1)?.target ?? "";

test.each([
  ["free", "other/gpt-5", "/x/v1/chat/completions"],
  ["claude", "claude-haiku-4-5", "/a/v1/messages"],
  ["claude", "claude-haiku-4-5-thinking", "/a/v1/messages"],
  ["claude", "cheap", "/o/v1/chat/completions"],
  ["openai", "gpt-5", "/o/v1/chat/completions"],
  ["openai", "both", "/o/v1/chat/completions"],
  ["either", "both", "/a/v1/messages"],
  ["ends", "gpt-5", "/o/v1/chat/completions"],
])("the key %p asks for %s at %s", async (name, model, target) => {
  const reply = await ask(name, "/v1/chat/completions", { model, messages });
  expect(reply.status).toBe(200);
  expect(lastTarget()).toBe(target);
});

test("the entry of a name cannot be left out", async () => {
  await ask("claude", "/v1/chat/completions", { model: "cheap", messages });
  expect(upstream.seen.at(-1)?.body.toString()).toContain('"max_completion_tokens":7');
});

test.each([
  [{ models: ["claude-haiku-4-5", "anthropic/claude-opus-4-5"] }],
  [{ fallbacks: [{ model: "claude-opus-4-5" }] }],
])("a model to fall back on is a model: %j", async (more) => {
  const before = upstream.seen.length;
  const reply = await ask("claude", "/v1/messages", { ...WAYS.messages?.body("claude-haiku-4-5"), ...more });
  expect(reply.status).toBe(404);
  expect(upstream.seen.length).toBe(before);
  expect(
    (await ask("free", "/v1/messages", { ...WAYS.messages?.body("claude-haiku-4-5"), ...more })).status,
  ).toBe(200);
});

test.each([
  [{ models: "gpt-5" }],
  [{ fallbacks: [["gpt-5"]] }],
  [{ models: Array.from({ length: 256 }, () => "claude-haiku-4-5") }],
  [{ Model: "claude-opus-4-5" }],
  [{ MODEL: "claude-opus-4-5" }],
])("further models that cannot be read are refused", async (more) => {
  const body = { ...WAYS.messages?.body("claude-haiku-4-5"), ...more };
  expect((await ask("claude", "/v1/messages", body)).status).toBe(403);
  expect((await ask("free", "/v1/messages", body)).status).toBe(200);
});

test("a model in another case is none that a limit would count", async () => {
  const body = { model: "gpt-5", messages, Model: "gpt-5-pro" };
  expect((await ask("limited", "/v1/chat/completions", body)).text).toContain(
    '\\"Model\\" names a model to servers',
  );
  expect((await ask("limited", "/v1/chat/completions", { model: "gpt-5", messages })).status).toBe(200);
});

test("a prompt that the provider stores may name any model", async () => {
  const body = { prompt: { id: "pmpt_1" }, input: "hi" };
  expect((await ask("claude", "/v1/responses", body)).status).toBe(400);
  expect((await ask("openai", "/v1/responses", body)).status).toBe(200);
});

test("the lists show what the key may ask for", async () => {
  const idsOf = async (name: string): Promise<string[]> => {
    const { data } = JSON.parse((await ask(name, "/v1/models", null)).text) as { data: { id: string }[] };
    return data.map(({ id }) => id);
  };
  expect(await idsOf("claude")).toEqual(["cheap", "claude-haiku-4-5"]);
  expect(await idsOf("openai")).toEqual([
    "cheap",
    "both",
    "openai/claude-haiku-4-5",
    "gpt-5",
    "openai/gpt-5",
  ]);
  expect(await idsOf("either")).toEqual([
    "both",
    "claude-haiku-4-5",
    "anthropic/claude-haiku-4-5",
    "anthropic/gpt-5",
    "gpt-5",
  ]);
  expect((await ask("claude", "/v1/models/both", null)).status).toBe(404);
  expect((await ask("claude", "/v1beta/models/claude-haiku-4-5", null)).status).toBe(200);
});

test("an explanation holds to the rights as well", async () => {
  const explain = (name: string, model: string) =>
    ask(name, "/v1/explain", { path: "/v1/chat/completions", body: { model, messages } });
  expect((await explain("claude", "both")).status).toBe(404);
  const { targets } = JSON.parse((await explain("openai", "both")).text) as { targets: object[] };
  expect(targets).toMatchObject([{ upstream: "openai", model: "gpt-5" }]);
});

test("an object at an upstream that the key may not use stays there", async () => {
  const made = await ask("moved", "/v1/responses", { model: "other/gpt-5", input: "hi" });
  const id = /resp_\w+/.exec(made.text)?.[0] ?? "";
  const read = async () => await ask("moved", `/v1/responses/${id}`, null);
  expect((await read()).status).toBe(200);
  gateway.configure({ server: SERVER, toml: tomlOf('upstreams = ["openai"]') });
  await until("the right is gone", async () => (await read()).status === 403);
  for (const reply of [
    await read(),
    await ask("moved", "/v1/responses", { model: "gpt-5", input: "go on", previous_response_id: id }),
  ]) {
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(`this key may not use the upstream that holds \\"${id}\\"`);
  }
  gateway.configure({ server: SERVER, toml: tomlOf("") });
  await until("the right is back", async () => (await read()).status === 200);
});

describe("addresses", () => {
  const from = (address: string) =>
    ask("here", "/v1/chat/completions", { model: "gpt-5", messages }, { "x-forwarded-for": address });

  test.each(["10.1.2.3", "::ffff:10.1.2.3", "::ffff:0a01:0203", "2001:db8::7", "192.0.2.1, 10.1.2.3"])(
    "the key may be used from %s",
    async (address) => expect((await from(address)).status).toBe(200),
  );

  test.each(["192.0.2.1", "::ffff:192.0.2.1", "10.1.2.3, 192.0.2.1", "", "unknown"])(
    "the key may not be used from %j",
    async (address) => {
      const before = upstream.seen.length;
      const reply = await from(address);
      expect(reply.status).toBe(403);
      expect(reply.text).toContain("this key may not be used from the address");
      expect(upstream.seen.length).toBe(before);
    },
  );

  test.each([
    ["/v1/chat/completions", '"code":"key_forbidden"'],
    ["/v1/messages", '"type":"permission_error"'],
    ["/v1beta/models/x:generateContent", '"status":"PERMISSION_DENIED"'],
    ["/v1/responses", '"code":"key_forbidden"'],
  ])("the refusal at %s is in the dialect", async (path, words) => {
    const reply = await ask("here", path, {});
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(words);
  });

  test("lists and explanations are refused too", async () => {
    expect((await ask("here", "/v1/models", null)).status).toBe(403);
    expect((await ask("here", "/v1/explain", {})).status).toBe(403);
  });
});

test.each(["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1beta/models/x:generateContent"])(
  "a key that has expired says so at %s",
  async (path) => {
    const reply = await ask("ended", path, { model: "gpt-5" });
    expect(reply.status).toBe(401);
    expect(reply.text).toContain("this key has expired (2020-02-01T00:00:00.000Z)");
  },
);
