// Requests to Vertex AI and in its form, byte for byte.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";

const CLAUDE = "claude-haiku-4-5";
const GEMINI = "gemini-2.5-flash";
const HERE = "/v1/projects/simulated/locations/global/publishers";

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      vertexToml("vertex", simulator),
      vertexToml("eu", simulator, { credentialLines: 'project = "elsewhere"\nregion = "europe-west1"' }),
      upstreamToml("express", "vertex", `${simulator.url}/v1`, {
        credentials: { main: "AIza-express-key-0123" },
      }),
      upstreamToml("anthropic", "anthropic", simulator.url),
      upstreamToml("gemini", "gemini", simulator.url),
      upstreamToml("openai", "openai", `${simulator.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    ].join("\n"),
  });
});
afterAll(async () => {
  const log = gateway?.log() ?? "";
  await gateway?.close();
  await simulator?.close();
  expect(log).not.toMatch(/ya29\.|PRIVATE KEY|AIza-express/);
});

interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Asks once; returns the reply and the one request that reached a model. */
async function ask(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; sent: Sent }> {
  const before = simulator.requests().at(-1)?.n ?? 0;
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers },
    body,
  });
  const text = await reply.text();
  const seen = simulator.requests(before).filter((one) => !isForToken(one.path));
  expect(seen.map((one) => [one.path, reply.status, reply.status === 200 ? "" : text])).toHaveLength(1);
  const [one] = seen;
  return {
    status: reply.status,
    text,
    sent: {
      path: one?.path ?? "",
      headers: Object.fromEntries(one?.headers.map(([name, value]) => [name.toLowerCase(), value]) ?? []),
      body: Buffer.from(one?.bodyBase64 ?? "", "base64").toString(),
    },
  };
}

/** A body that a parser and a printer would change; `member` names the model, or is "". */
const odd = (member: string): string =>
  `{ "max_tokens" : 1e2,\n ${member}"metadata":{"user_id":"\\u0041"} , "messages":[{"role":"user","content":"go"}]\t}`;
const VERSION = '"anthropic_version":"vertex-2023-10-16"';

describe("Claude on Vertex AI", () => {
  test("H-27 gets the client's bytes with its version in the place of the model", async () => {
    const { status, text, sent } = await ask(
      "/v1/messages?beta=true",
      odd(`"model" : "vertex/${CLAUDE}" , `),
      {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-management-2025-06-27",
      },
    );
    expect([status, text]).toEqual([200, expect.stringContaining('"type":"message"')]);
    expect(sent.path).toBe(`${HERE}/anthropic/models/${CLAUDE}:rawPredict`);
    expect(sent.body).toBe(odd(`${VERSION} , `));
    expect(sent.headers).not.toHaveProperty("anthropic-version");
    expect(sent.headers).not.toHaveProperty("x-api-key");
    expect(sent.headers["anthropic-beta"]).toBe("context-management-2025-06-27");
    expect(sent.headers.authorization).toMatch(/^Bearer ya29\./);
  });

  test("streams by a path of its own", async () => {
    const { text, sent } = await ask("/v1/messages", odd(`"model":"vertex/${CLAUDE}","stream":true,`));
    expect(sent.path).toEndWith(":streamRawPredict");
    expect(text).toContain("event: message_stop");
  });

  test("H-131 counts tokens by a path of its own, with the model in the body", async () => {
    const body = `{"messages":[{"role":"user","content":"go"}],"model":"vertex/${CLAUDE}"}`;
    const { status, text, sent } = await ask("/v1/messages/count_tokens", body);
    expect([status, JSON.parse(text)]).toEqual([200, { input_tokens: expect.any(Number) }]);
    expect(sent.path).toBe(`${HERE}/anthropic/models/count-tokens:rawPredict`);
    expect(sent.body).toBe(`{${VERSION},"messages":[{"role":"user","content":"go"}],"model":"${CLAUDE}"}`);
  });

  test("is known by Anthropic's own name too", async () => {
    const { status, sent } = await ask("/v1/messages", odd('"model":"vertex/claude-haiku-4-5-20251001",'));
    expect(status).toBe(200);
    expect(sent.path).toEndWith("/claude-haiku-4-5@20251001:rawPredict");
  });

  test("is asked in the project and region of the credential", async () => {
    const { sent } = await ask("/v1/messages", odd(`"model":"eu/${CLAUDE}",`));
    expect(sent.path).toStartWith("/v1/projects/elsewhere/locations/europe-west1/publishers/anthropic/");
  });

  test("answers clients of other dialects", async () => {
    const body = JSON.stringify({ model: `vertex/${CLAUDE}`, messages: [{ role: "user", content: "go" }] });
    const { status, text, sent } = await ask("/v1/chat/completions", body);
    expect([status, JSON.parse(text)]).toMatchObject([200, { object: "chat.completion" }]);
    expect(sent.path).toBe(`${HERE}/anthropic/models/${CLAUDE}:rawPredict`);
    expect(JSON.parse(sent.body)).not.toHaveProperty("model");
    expect(sent.headers).not.toHaveProperty("anthropic-version");
  });

  test("answers a client of Gemini's dialect, which is none of Claude's", async () => {
    const { status, text, sent } = await ask(
      `/v1beta/models/vertex%2F${CLAUDE}:generateContent`,
      '{"contents":[{"role":"user","parts":[{"text":"go"}]}]}',
    );
    expect([status, text]).toEqual([200, expect.stringContaining("candidates")]);
    expect(sent.path).toBe(`${HERE}/anthropic/models/${CLAUDE}:rawPredict`);
  });
});

const IMAGE = "https://images.example/i.png";

describe("H-100 an image by its address", () => {
  test("is refused by Vertex AI itself, in its own words", async () => {
    const source = { type: "url", url: IMAGE };
    const messages = [{ role: "user", content: [{ type: "image", source }] }];
    const { status, text } = await ask(
      "/v1/messages",
      JSON.stringify({ model: `vertex/${CLAUDE}`, max_tokens: 9, messages }),
    );
    expect([status, text]).toEqual([400, expect.stringContaining("messages.0.content.0.source")]);
  });

  test("is refused by name before it is sent, where it had to be translated", async () => {
    const content = [{ type: "image_url", image_url: { url: IMAGE } }];
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ model: `vertex/${CLAUDE}`, messages: [{ role: "user", content }] }),
    });
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining("send it as base64"), param: "messages[0].content[0]" } },
    ]);
  });
});

test("H-118 a beta that Vertex AI refuses is left out from then on, and named", async () => {
  const betas = "files-api-2025-04-14,context-management-2025-06-27";
  const post = () =>
    fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "anthropic-beta": betas },
      body: odd(`"model":"vertex/${CLAUDE}",`),
    });
  for (const asked of [2, 1]) {
    const before = simulator.requests().at(-1)?.n ?? 0;
    const reply = await post();
    expect([reply.status, reply.headers.get("x-clewline-changed")]).toEqual([
      200,
      expect.stringContaining("anthropic-beta"),
    ]);
    await reply.text();
    const seen = simulator.requests(before).filter(({ path }) => !isForToken(path));
    expect(seen).toHaveLength(asked);
    const sent = new Headers(seen.at(-1)?.headers as [string, string][]);
    expect(sent.get("anthropic-beta")).toBe("context-management-2025-06-27");
  }
});

const CONTENTS =
  '{ "contents" : [{"parts":[{"text":"go"}],"role":"user"}], "generationConfig":{"temperature":1.0} }';

const COUNTED = '{"contents" : [{"parts":[{"text":"go"}],"role":"user"}]}';

describe("Gemini on Vertex AI", () => {
  test.each([
    [
      `/v1beta/models/vertex%2F${GEMINI}:generateContent`,
      `/v1beta1${HERE.slice(3)}/google/models/${GEMINI}:generateContent`,
    ],
    [`/v1/models/vertex%2F${GEMINI}:generateContent`, `${HERE}/google/models/${GEMINI}:generateContent`],
    [
      `/v1beta/models/vertex%2F${GEMINI}:streamGenerateContent?alt=sse`,
      `/v1beta1${HERE.slice(3)}/google/models/${GEMINI}:streamGenerateContent?alt=sse`,
    ],
  ])("H-27 %s passes byte for byte", async (path, expected) => {
    const { status, sent } = await ask(path, CONTENTS);
    expect([status, sent.path, sent.body]).toEqual([200, expected, CONTENTS]);
    expect(sent.headers.authorization).toMatch(/^Bearer ya29\./);
  });

  test.each([
    ["embedContent", '{"content":{"parts":[{"text":"go"}]}}'],
    ["predict", '{"instances":[{"content":"go"},{"content":"on"}]}'],
  ])("gives vectors by %s, whose tokens are counted", async (action, body) => {
    const path = `/v1beta1/projects/any/locations/any/publishers/google/models/vertex%2Fgemini-embedding-001:${action}`;
    const { status, sent } = await ask(path, body);
    expect([status, sent.body]).toEqual([200, body]);
    expect(sent.path).toBe(`/v1beta1${HERE.slice(3)}/google/models/gemini-embedding-001:${action}`);
    const last = (await gateway.rows()).at(-1);
    expect([last?.endpoint, last?.usage_state]).toEqual([action, "final"]);
    expect(last?.input_tokens).toBeGreaterThan(0);
  });

  test("counts tokens", async () => {
    const { status, text, sent } = await ask(`/v1beta/models/vertex%2F${GEMINI}:countTokens`, COUNTED);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      expect.objectContaining({ totalTokens: expect.any(Number) }),
    ]);
    expect([sent.path, sent.body]).toEqual([
      `/v1beta1${HERE.slice(3)}/google/models/${GEMINI}:countTokens`,
      COUNTED,
    ]);
  });

  test("takes an API key, which needs no project", async () => {
    const { status, sent } = await ask(`/v1beta/models/express%2F${GEMINI}:generateContent`, CONTENTS);
    expect([status, sent.path]).toEqual([200, `/v1beta1/publishers/google/models/${GEMINI}:generateContent`]);
    expect(sent.headers["x-goog-api-key"]).toBe("AIza-express-key-0123");
    expect(sent.headers).not.toHaveProperty("authorization");
  });

  test("answers clients of other dialects", async () => {
    const body = JSON.stringify({ model: `vertex/${GEMINI}`, input: "go" });
    const { status, sent } = await ask("/v1/responses", body);
    expect([status, sent.path]).toEqual([
      200,
      expect.stringContaining(`/google/models/${GEMINI}:generateContent`),
    ]);
  });
});

describe("a client in the form of Vertex AI", () => {
  const place = "projects/any/locations/us-east5/publishers/anthropic/models";
  const body = odd('"anthropic_version" : "2026-10-21" , ');

  test.each(["/v1/", "/v1beta1/", "/"])(
    "H-27 is relayed to Vertex AI byte for byte under %s",
    async (root) => {
      const { status, sent } = await ask(`${root}${place}/vertex%2F${CLAUDE}:rawPredict`, body);
      expect([status, sent.body]).toEqual([200, body]);
      expect(sent.path).toBe(`${HERE}/anthropic/models/${CLAUDE}:rawPredict`);
    },
  );

  test("gets Anthropic's own Claude with its model in the place of the version", async () => {
    const { status, sent } = await ask(`/v1/${place}/anthropic%2F${CLAUDE}:rawPredict`, body);
    expect([status, sent.path, sent.body]).toEqual([200, "/v1/messages", odd(`"model":"${CLAUDE}" , `)]);
    expect(sent.headers["anthropic-version"]).toBe("2023-06-01");
  });

  test("gets Anthropic's own Claude by the name that it has there", async () => {
    const { status, sent } = await ask(`/v1/${place}/anthropic%2Fclaude-haiku-4-5@20251001:rawPredict`, body);
    expect([status, sent.body]).toEqual([200, odd('"model":"claude-haiku-4-5-20251001" , ')]);
  });

  test("counts tokens at Anthropic, which knows no version in a body", async () => {
    const count = `{"anthropic_version":"vertex-2023-10-16","model":"anthropic/${CLAUDE}","messages":[{"role":"user","content":"go"}]}`;
    const { status, sent } = await ask(`/v1/${place}/count-tokens:rawPredict`, count);
    expect([status, sent.path, sent.body]).toEqual([
      200,
      "/v1/messages/count_tokens",
      `{"model":"${CLAUDE}","messages":[{"role":"user","content":"go"}]}`,
    ]);
  });

  test("gets a model of another provider, translated", async () => {
    const plain =
      '{"anthropic_version":"vertex-2023-10-16","max_tokens":9,"messages":[{"role":"user","content":"go"}]}';
    const { status, text, sent } = await ask(`/v1/${place}/openai%2Fgpt-4.1:streamRawPredict`, plain);
    expect([status, JSON.parse(text)]).toMatchObject([200, { type: "message", model: "openai/gpt-4.1" }]);
    expect(sent.path).toBe("/v1/chat/completions");
  });

  test("streams when its body says so", async () => {
    const plain = `{${VERSION},"stream":true,"max_tokens":9,"messages":[{"role":"user","content":"go"}]}`;
    const { text } = await ask(`/v1/${place}/vertex%2F${CLAUDE}:streamRawPredict`, plain);
    expect(text).toContain("event: message_stop");
  });

  test.each(["generateContent", "countTokens"])("asks Gemini for %s, wherever that is", async (action) => {
    const path = `/v1beta1/projects/any/locations/global/publishers/google/models/gemini%2F${GEMINI}:${action}`;
    const { status, sent } = await ask(path, COUNTED);
    expect([status, sent.path]).toEqual([200, `/v1beta/models/${GEMINI}:${action}`]);
  });
});

test("the models of both publishers are listed", async () => {
  const reply = await fetch(`${gateway.url}/v1/models`, {
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
  });
  const { data } = (await reply.json()) as { data: { id: string }[] };
  const ids = data.map(({ id }) => id);
  expect(ids).toContain(`vertex/${GEMINI}`);
  expect(ids).toContain(`vertex/${CLAUDE}`);
});

test("an explained request shows where it would go, and no token", async () => {
  const reply = await fetch(`${gateway.url}/v1/explain`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    body: JSON.stringify({ path: "/v1/messages", body: JSON.parse(odd(`"model":"eu/${CLAUDE}",`)) }),
  });
  const { targets } = (await reply.json()) as { targets: { request: { url: string; body: object } }[] };
  // The host is the operator's, and a client sees no part of it.
  expect(targets[0]?.request.url).toBe(
    `/v1/projects/elsewhere/locations/europe-west1/publishers/anthropic/models/${CLAUDE}:rawPredict`,
  );
  expect(JSON.stringify(targets)).not.toContain("ya29.");
});
