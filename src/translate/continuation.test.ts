// Answers in several parts: who leaves between them, and how much of them is kept.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../test/kit/raw-upstream.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import {
  clientUnderTest,
  configUnderTest,
  GatewayUnderTest,
  TESTER,
} from "../proxy/fixtures/gateway-under-test.ts";
import { handle } from "../proxy/handle.ts";
import { PartFolder } from "./continuation.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const PAUSED = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-6",
  content: [{ type: "text", text: "Looking. " }],
  stop_reason: "pause_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};
const sse = (data: Record<string, unknown>): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const FRAMES = [
  sse({ type: "message_start", message: { ...PAUSED, content: [], stop_reason: null } }),
  sse({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  sse({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Looking. " } }),
  sse({ type: "content_block_stop", index: 0 }),
  sse({
    type: "message_delta",
    delta: { stop_reason: "pause_turn", stop_sequence: null },
    usage: PAUSED.usage,
  }),
  sse({ type: "message_stop" }),
];

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
let goOn: (request: Arrived) => Promise<void> | void;

beforeEach(async () => {
  goOn = () => undefined;
  upstream = await startRawUpstream((request) => {
    if (request.body.includes("Looking. ")) return goOn(request);
    return request.body.includes('"stream":true')
      ? sendStream(request, FRAMES)
      : sendWhole(request, JSON.stringify(PAUSED));
  });
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }],
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

const asking = (stream: boolean) =>
  clientUnderTest(
    "/v1/chat/completions",
    JSON.stringify({
      model: "claude/claude-sonnet-4-6",
      stream,
      web_search_options: {},
      messages: [{ role: "user", content: "go" }],
    }),
  );

async function nextPart(): Promise<Arrived> {
  for (;;) {
    const part = upstream.seen[1];
    if (part !== undefined) return part;
    await Bun.sleep(5);
  }
}

test("a client that leaves a stream while its next part is awaited lets the upstream go", async () => {
  const reply = await handle(gateway, CHAT, asking(true), TESTER);
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  const part = await nextPart();
  await reader.cancel();
  await part.closed;
  expect((await gateway.rows())[0]).toMatchObject({ outcome: "client_left", usage: { outputTokens: 2 } });
});

test("a client that leaves while the next part of a whole answer is awaited lets the upstream go", async () => {
  const client = asking(false);
  const reply = handle(gateway, CHAT, client, TESTER);
  const part = await nextPart();
  client.leave();
  await part.closed;
  expect((await reply).status).toBe(499);
  expect((await gateway.rows())[0]).toMatchObject({
    outcome: "client_left",
    status: 499,
    usage: { outputTokens: 2 },
  });
});

test("a part that breaks off behind its last word is gone on with, and what breaks then is told", async () => {
  for (const breaks of [true, false]) {
    upstream.forget();
    upstream.answer = async (request) => {
      if (upstream.seen.length > 1) return request.rst();
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      for (const frame of FRAMES.slice(0, -1)) await request.send(chunkOf(frame));
      if (breaks) request.fin();
      else await request.send(LAST_CHUNK);
    };
    const reply = await handle(gateway, CHAT, asking(true), TESTER);
    const text = await reply.text();
    // A reset of a connection that was kept may say that it was stale: that request is sent once more.
    expect(upstream.seen).toHaveLength(breaks ? 2 : 3);
    expect(text).toContain('"error"');
    expect((await gateway.rows()).at(-1)).toMatchObject({ outcome: "upstream_cut", usageState: "partial" });
  }
});

test("a next part that is refused costs the answer, lets the upstream go, and keeps the usage of each try", async () => {
  const refused: Arrived[] = [];
  goOn = async (request) => {
    refused.push(request);
    await request.send(replyHead("500 Internal Server Error", {}, "chunked"));
  };
  const reply = await handle(gateway, CHAT, asking(false), TESTER);
  expect(reply.status).toBe(502);
  await Promise.all(refused.map(({ closed }) => closed));
  expect(refused).toHaveLength(3);
  expect((await gateway.rows())[0]).toMatchObject({
    attempts: 3,
    usage: { inputTokens: 9, outputTokens: 6 },
    usageState: "partial",
  });
});

test("the parts of a whole answer have one limit together", async () => {
  gateway.snapshot = {
    ...gateway.snapshot,
    config: {
      ...gateway.snapshot.config,
      server: { ...configUnderTest({ upstreams: [] }).server, replyLimitBytes: 1_000 },
    },
  };
  goOn = async (request) => {
    await request.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
    const body = JSON.stringify({ ...PAUSED, stop_reason: "end_turn", padding: "x".repeat(700) });
    await request.send(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  };
  const reply = await handle(gateway, CHAT, asking(false), TESTER);
  expect(reply.status).toBe(502);
  expect((await gateway.rows())[0]).toMatchObject({ usage: { outputTokens: 2 }, usageState: "partial" });
});

test("a part that is too long to be sent back is not gathered any further", () => {
  const folder = new PartFolder(1_000);
  const stop = {
    kind: "pause",
    raw: null,
    sequence: null,
    explanation: null,
    category: null,
    token: null,
  } as const;
  const say = (chars: number): void => {
    folder.add({ type: "open", block: { kind: "text", phase: null } });
    folder.add({ type: "delta", text: "x".repeat(chars) });
    folder.add({ type: "close", seal: null });
  };
  say(400);
  expect(folder.take(stop)?.parts).toEqual([{ type: "text", text: "x".repeat(400) }]);
  say(300);
  say(300);
  expect(folder.take(stop)).toBeNull();
});
