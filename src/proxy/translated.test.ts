// Requests that go to an upstream of another dialect: what is kept, bounded and told when something is odd
// about them.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../test/kit/raw-upstream.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import { CODECS } from "../dialects/fixtures/codecs.ts";
import { NO_REPAIRS } from "../dialects/repair.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { ownNeed } from "../pool/fixtures/need.ts";
import type { UpstreamView } from "../snapshot.ts";
import type { Family } from "../upstreams/family.ts";
import { FAMILIES } from "../upstreams/index.ts";
import {
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
  TESTER,
} from "./fixtures/gateway-under-test.ts";
import { handle } from "./handle.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-6",
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
let answer: (request: Arrived) => Promise<void> | void;

beforeEach(async () => {
  answer = (request) => sendWhole(request, JSON.stringify(MESSAGE));
  upstream = await startRawUpstream((request) => answer(request));
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

/** A gateway with one upstream of Anthropic's, called claude. */
function begin(more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }],
    ...more,
  });
}

async function ask(more: object): Promise<{ reply: Response; text: string; row: LedgerRow }> {
  const body = JSON.stringify({
    model: "claude/claude-sonnet-4-6",
    messages: [{ role: "user", content: "go" }],
    ...more,
  });
  const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", body), TESTER);
  const text = await reply.text();
  const row = (await gateway.rows()).find(({ id }) => id === reply.headers.get("x-request-id"));
  return { reply, text, row: row as LedgerRow };
}

test("names that no header takes are escaped where they name what was left out", async () => {
  begin();
  const { reply } = await ask({ "🧶": 1, "\ud800": 2, "a\r\nset-cookie: x": 3, "b, c": 4 });
  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-clewline-dropped")).toBe(
    "%F0%9F%A7%B6, %EF%BF%BD, a%0D%0Aset-cookie: x, b%2C c",
  );
});

test("a row and a header stay small however much is left out", async () => {
  begin();
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${"x".repeat(100)}${i}`, 1]));
  const { reply, row } = await ask({ [`${"y".repeat(100_000)}`]: 1, ...many });
  expect(reply.status).toBe(200);
  expect(row.drops?.length).toBeLessThan(20_000);
  const named = reply.headers.get("x-clewline-dropped") ?? "";
  expect(named.length).toBeLessThan(2_100);
  expect(named).toMatch(/, \(\d+ more\)$/);
  expect((await ask(many)).row.drops).toContain('"(4936 more)"');
});

const refuse = (request: Arrived, message: string): Promise<void> =>
  sendWhole(request, JSON.stringify({ error: { message } }), undefined, "400 Bad Request");

test.each([
  ["OpenAI itself", true, "gpt-5.2", { max_completion_tokens: 500, safety_identifier: "u-1", store: false }],
  ["a compatible server", false, "qwen3-32b", { max_tokens: 500, user: "u-1" }],
  // The model's limit has one name wherever the model stands; the rest is the server's.
  [
    "a compatible server with a model of OpenAI",
    false,
    "gpt-5.2",
    { max_completion_tokens: 500, user: "u-1" },
  ],
] as const)("%s on Chat gets the parameters that it knows", async (_, isAtDefault, asked, expected) => {
  // The usual base URL leads to the test's own server, and stays the one of OpenAI.
  const openai = { ...FAMILIES.openai, defaultBaseUrl: `${upstream.url}/v1` };
  const atDefault: Family = {
    ...openai,
    profileOf: () => FAMILIES.openai.profileOf(FAMILIES.openai.defaultBaseUrl),
  };
  const baseUrl = isAtDefault ? null : `${upstream.url}/v1`;
  begin({
    upstreams: [{ name: "open", family: "openai", baseUrl, dialects: ["openai-chat"] }],
    families: { ...FAMILIES, openai: isAtDefault ? atDefault : openai },
  });
  const choice = { index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" };
  answer = (request) =>
    sendWhole(request, JSON.stringify({ id: "c", object: "chat.completion", choices: [choice] }));
  const body = { max_tokens: 500, metadata: { user_id: "u-1" }, messages: [{ role: "user", content: "go" }] };
  const route = makeRoute("messages", "/v1/messages");
  const client = clientUnderTest("/v1/messages", JSON.stringify({ model: asked, ...body }));
  expect((await handle(gateway, route, client, TESTER)).status).toBe(200);
  const { model, messages, ...sent } = JSON.parse((upstream.seen[0] as Arrived).body.toString());
  expect(sent).toMatchObject(expected);
  expect(Object.keys(sent).sort()).toEqual(expect.arrayContaining(Object.keys(expected)));
  expect("max_tokens" in sent).toBe("max_tokens" in expected);
});

/** A compatible server, called local. */
const LOCAL = (): ConfigUnderTest["upstreams"][number] => ({
  name: "local",
  family: "openai",
  baseUrl: upstream.url,
  dialects: ["openai-chat"],
});

test("a refusal that repeats the client's own words is told at once, and teaches nothing", async () => {
  begin({ upstreams: [LOCAL()] });
  const asked = {
    model: "local/qwen3",
    max_tokens: 9,
    messages: [{ role: "user", content: "stream_options?" }],
  };
  const words = "cannot take messages.0 (stream_options? reasoning_content, system message must be first)";
  answer = (request) => refuse(request, words);
  const client = (): ReturnType<typeof clientUnderTest> =>
    clientUnderTest("/v1/messages", JSON.stringify(asked));
  const reply = await handle(gateway, makeRoute("messages", "/v1/messages"), client(), TESTER);
  expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
  expect(await reply.text()).toContain(words);
  // What is relayed holds no reasoning either.
  const { reply: relayed } = await ask(asked);
  expect([relayed.status, upstream.seen.length]).toEqual([400, 2]);
  const local = gateway.snapshot.upstreams.get("local") as UpstreamView;
  expect(gateway.repairs.of(local, "answer", "qwen3", "tester")).toEqual(NO_REPAIRS);
});

test("what an upstream takes when it is repaired is remembered", async () => {
  begin({ upstreams: [LOCAL()] });
  const frame = { id: "c", choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] };
  answer = (request) =>
    request.body.includes("stream_options")
      ? refuse(request, "stream_options is not a known parameter")
      : sendStream(request, [`data: ${JSON.stringify(frame)}\n\ndata: [DONE]\n\n`]);
  const body = {
    model: "local/qwen3",
    max_tokens: 9,
    stream: true,
    messages: [{ role: "user", content: "go" }],
  };
  for (const requests of [2, 3]) {
    const client = clientUnderTest("/v1/messages", JSON.stringify(body));
    const reply = await handle(gateway, makeRoute("messages", "/v1/messages"), client, TESTER);
    expect(await reply.text()).toContain("message_stop");
    expect(upstream.seen).toHaveLength(requests);
  }
});

test("a wording that needs a verified organization costs no credential its model", async () => {
  begin({
    upstreams: [
      {
        name: "up",
        family: "openai",
        baseUrl: upstream.url,
        dialects: ["openai-responses"],
        keys: { a: "sk-of-a-0123", b: "sk-of-b-0123" },
      },
    ],
  });
  const whole = {
    id: "resp_1",
    object: "response",
    status: "completed",
    model: "gpt-5.4",
    output: [
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi", annotations: [] }] },
    ],
  };
  answer = (request) =>
    request.body.includes('"summary"')
      ? refuse(request, "Your organization must be verified to generate reasoning summaries.")
      : sendWhole(request, JSON.stringify(whole));
  const body = {
    model: "up/gpt-5.4",
    max_tokens: 9_000,
    thinking: { type: "enabled", budget_tokens: 4_000 },
    messages: [{ role: "user", content: "go" }],
  };
  const client = clientUnderTest("/v1/messages", JSON.stringify(body));
  const reply = await handle(gateway, makeRoute("messages", "/v1/messages"), client, TESTER);
  expect([reply.status, upstream.seen.length]).toEqual([200, 2]);
  const excluded = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const leased = gateway.pool.lease({ ...ownNeed("up", "gpt-5.4"), excluded });
    if ("unavailable" in leased) throw new Error(leased.unavailable.kind);
    excluded.add(leased.lease.credentialId);
    gateway.pool.release(leased.lease);
  }
});

test("what we cannot read goes to a target that needs no translation", async () => {
  begin({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }, LOCAL()],
    models: [{ name: "both", targets: ["claude/claude-sonnet-4-6", "local/qwen3"] }],
  });
  answer = (request) => refuse(request, "there is no such call");
  const messages = [{ role: "tool", tool_call_id: "call_1", content: "42" }];
  const { reply, text } = await ask({ model: "both", messages });
  expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
  expect(text).toContain("there is no such call");
  expect((await ask({ messages })).reply.status).toBe(400);
  expect(upstream.seen).toHaveLength(1);
});

test("what was known of an answer that the gateway cut itself is not the whole of its usage", async () => {
  begin();
  const sse = (data: { type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  answer = (request) =>
    sendStream(request, [
      sse({ type: "message_start", message: { ...MESSAGE, content: [] } } as { type: string }),
      sse({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as {
        type: string;
      }),
      sse({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text: "before HALT behind" },
      } as { type: string }),
    ]);
  // A blank one, which Anthropic does not take.
  const { text, row } = await ask({ stream: true, stop: [" "] });
  expect(text).toContain("[DONE]");
  expect(row).toMatchObject({ outcome: "ok", usageState: "estimated", usage: { inputTokens: 3 } });
});

test("more stop sequences than can be watched for are refused", async () => {
  begin();
  const stop = Array.from({ length: 65 }, (_, i) => " ".repeat(i + 1));
  const { reply, text } = await ask({ stop });
  expect([reply.status, JSON.parse(text).error.param, upstream.seen.length]).toEqual([400, "stop", 0]);
  expect((await ask({ stop: stop.slice(1) })).reply.status).toBe(200);
});

test("an answer that is longer than allowed is not asked for again", async () => {
  begin();
  const { config } = gateway.snapshot;
  const server = { ...config.server, replyLimitBytes: 100 };
  gateway.snapshot = { ...gateway.snapshot, config: { ...config, server } };
  const { reply, text, row } = await ask({});
  expect([reply.status, upstream.seen.length]).toEqual([502, 1]);
  expect(text).toContain("server.reply_limit_bytes");
  expect(row).toMatchObject({ outcome: "error", errorKind: "upstream_garbage", attempts: 1 });
});

test("an answer that the gateway fails to write has been paid for all the same", async () => {
  begin();
  const boom = spyOn(CODECS["openai-chat"], "encodeReply").mockImplementation(() => {
    throw new TypeError("a mistake in the codec");
  });
  const { reply, row } = await ask({}).finally(() => boom.mockRestore());
  expect([reply.status, upstream.seen.length]).toEqual([500, 1]);
  expect(row).toMatchObject({
    outcome: "error",
    errorKind: "internal",
    usage: { inputTokens: 3, outputTokens: 2 },
    usageState: "partial",
  });
});
