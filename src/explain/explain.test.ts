// What explaining must not do: ask anybody, or tell of requests that would not be sent.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type RawUpstream, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import type { EndpointName } from "../dialects/index.ts";
import { GatewayUnderTest, TESTER } from "../proxy/fixtures/gateway-under-test.ts";
import { signedFamily } from "../upstreams/fixtures/signed-family.ts";
import { FAMILIES } from "../upstreams/index.ts";
import { type Explanation, explain } from "./explain.ts";

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeEach(async () => {
  upstream = await startRawUpstream((request) => request.fin());
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "claude", family: "anthropic", baseUrl: upstream.url },
      { name: "local", family: "openai", baseUrl: upstream.url, dialects: ["openai-chat"] },
    ],
    models: [{ name: "both", targets: ["claude/claude-sonnet-4-6", "local/gpt-4.1"] }],
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(endpoint: EndpointName, body: object): Promise<Explanation> {
  const question = {
    route: makeRoute(endpoint, "/v1/x"),
    search: "",
    body: Buffer.from(JSON.stringify({ model: "both", ...body })),
    headers: new Headers(),
    principal: TESTER,
    id: "01K00000000000000000000000",
    atMs: 0,
  };
  const explanation = await explain(gateway, question);
  expect(upstream.seen).toEqual([]);
  return explanation;
}

test("a file that would be fetched is not fetched", async () => {
  const { config } = gateway.snapshot;
  gateway.snapshot = { ...gateway.snapshot, config: { ...config, media: { ...config.media, fetch: true } } };
  const source = { type: "url", url: `${upstream.url}/manual.pdf` };
  const { targets } = await ask("messages", {
    max_tokens: 10,
    messages: [{ role: "user", content: [{ type: "document", source }] }],
  });
  expect(targets.map(({ mode }) => mode)).toEqual(["relay", "translate"]);
  const data = Buffer.from(`(the file at ${upstream.url}/manual.pdf)`).toString("base64");
  expect(JSON.stringify(targets[1]?.request?.body)).toContain(data);
});

test("a target that has no such endpoint is told as one that is not asked", async () => {
  const { targets } = await ask("embeddings", { input: "go" });
  expect(targets).toMatchObject([{ mode: null, error: { kind: "foreign_dialect" } }, { mode: "relay" }]);
});

test.each([
  [false, "invoke"],
  [true, "invoke-with-response-stream"],
])(
  "a path that tells a stream from a whole answer is shown as it is sent (stream: %p)",
  async (stream, action) => {
    gateway.reconfigure({
      upstreams: [
        { name: "signed", family: "anthropic", baseUrl: upstream.url, keys: { main: '{"key":"k"}' } },
      ],
      models: [{ name: "both", targets: ["signed/m"] }],
      families: { ...FAMILIES, anthropic: signedFamily },
    });
    const messages = [{ role: "user", content: "go" }];
    const { targets } = await ask("messages", { max_tokens: 10, stream, messages });
    expect(targets[0]?.request?.url).toBe(`${upstream.url}/model/m/${action}`);
  },
);

test("what a model's entry adds to answers is not added to embeddings", async () => {
  gateway.reconfigure({
    upstreams: [{ name: "local", family: "openai", baseUrl: upstream.url, dialects: ["openai-chat"] }],
    models: [{ name: "both", targets: ["local/embed"], systemBefore: "Be brief." }],
  });
  const { targets } = await ask("embeddings", { input: "go" });
  expect(targets[0]?.request?.body).toEqual({ model: "embed", input: "go" });
});

test("what is counted here is told as such", async () => {
  const { targets } = await ask("messages.count_tokens", { messages: [{ role: "user", content: "go" }] });
  expect(targets).toMatchObject([{ mode: "relay" }, { mode: "count" }]);
  expect(targets[1]?.request).toBeUndefined();
});

test("what a target would not get is named as the client wrote it", async () => {
  const { targets } = await ask("chat.completions", {
    system: "is no member of Chat Completions",
    max_tokens: 9_999_999,
    messages: [{ role: "user", content: "go", name: "ada" }],
    verbosity: "low",
  });
  const fields = targets[0]?.dropped?.map(({ field }) => field) ?? [];
  expect(fields).toContain("system");
  expect(fields).toContain("max_tokens");
  expect(fields).toContain("messages[].name");
  expect(fields).not.toContain("messages");
  expect(fields).not.toContain("max_completion_tokens");
});
