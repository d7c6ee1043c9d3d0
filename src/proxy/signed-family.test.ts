// A family that signs requests, renews tokens, has the model in its path and answers in binary frames, end to
// end over sockets.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { awsMessage, textHeader } from "../../test/kit/aws-event-stream.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../test/kit/raw-upstream.ts";
import { MESSAGES } from "../../test/kit/recordings.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import { makeModelLists } from "../models/model-lists.ts";
import { signatureOf, signedFamily } from "../upstreams/fixtures/signed-family.ts";
import { FAMILIES } from "../upstreams/index.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "./fixtures/gateway-under-test.ts";
import { handle } from "./handle.ts";

const KEY = "signing-key-0123456789";
const MODEL = "claude-haiku-4-5";
const EVENT_STREAM = "application/vnd.amazon.eventstream";
const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: MODEL,
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** How good requests are answered. */
let answer: (request: Arrived) => Promise<void> | void;
/** How requests for a token are answered. */
let giveToken: (request: Arrived) => Promise<void> | void;
let tokensGiven: number;
let lifetimeS: number;

beforeEach(async () => {
  tokensGiven = 0;
  lifetimeS = 3_600;
  answer = (request) => sendWhole(request, JSON.stringify(MESSAGE));
  giveToken = (request) => {
    tokensGiven += 1;
    return sendWhole(request, JSON.stringify({ token: `token-number-${tokensGiven}`, lifetimeS }));
  };
  upstream = await startRawUpstream((request) =>
    request.target === "/token" ? giveToken(request) : answerSigned(request),
  );
  const secret = (id: string) => JSON.stringify({ id, key: KEY, tokenUrl: `${upstream.url}/token` });
  gateway = new GatewayUnderTest({
    upstreams: [
      {
        name: "signed",
        family: "anthropic",
        baseUrl: `${upstream.url}/base`,
        keys: { main: secret("main") },
      },
    ],
    families: { ...FAMILIES, anthropic: signedFamily },
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  expect(gateway.logged.join("\n")).not.toContain(KEY);
  await gateway.close();
  await upstream.close();
});

/**
 * As a provider does it: what is not signed as it was sent, or comes without the newest token, is refused.
 */
async function answerSigned(request: Arrived): Promise<void> {
  const { headers, method, target, body } = request;
  const url = `${upstream.url}${target}`;
  const expected = await signatureOf({ method, url, body }, KEY, headers.get("x-signed-at") ?? "");
  const isGood =
    headers.get("x-signature") === expected &&
    headers.get("authorization") === `Bearer token-number-${tokensGiven}` &&
    Math.abs(Number(headers.get("x-signed-at")) - Date.now()) < 60_000;
  if (isGood) {
    await answer(request);
    return;
  }
  const error = { type: "authentication_error", message: `not signed: ${headers.get("authorization")}` };
  await sendWhole(request, JSON.stringify({ type: "error", error }), undefined, "401 Unauthorized");
}

const PATHS = { "anthropic-messages": "/v1/messages", "openai-chat": "/v1/chat/completions" } as const;

async function ask(
  dialect: keyof typeof PATHS,
  more: object = {},
): Promise<{ reply: Response; text: string }> {
  const endpoint = dialect === "openai-chat" ? "chat.completions" : "messages";
  const messages = [{ role: "user", content: "go" }];
  const body = JSON.stringify({ model: MODEL, max_tokens: 100, messages, ...more });
  const path = PATHS[dialect];
  const headers = { "x-signature": "the client's own", "anthropic-version": "2023-06-01" };
  const client = clientUnderTest(path, body, headers);
  const reply = await handle(gateway, makeRoute(endpoint, path), client, TESTER);
  return { reply, text: await reply.text() };
}

/** The events of the recorded stream, a binary frame each. */
const FRAMES = MESSAGES.frames.map((frame) => {
  const data = /^data: (.*)$/m.exec(String(frame))?.[1] ?? "";
  const headers = [textHeader(":message-type", "event"), textHeader(":event-type", "chunk")];
  return awsMessage(headers, data);
});

const toModels = (): readonly string[] =>
  upstream.seen.filter(({ target }) => target !== "/token").map(({ target }) => target);

describe("a whole answer", () => {
  test("is relayed as it is, from the path that names the model", async () => {
    const { reply, text } = await ask("anthropic-messages");
    expect([reply.status, text]).toEqual([200, JSON.stringify(MESSAGE)]);
    expect(toModels()).toEqual([`/base/model/${MODEL}/invoke`]);
    expect((await gateway.rows())[0]).toMatchObject({
      status: 200,
      outcome: "ok",
      usage: { inputTokens: 3 },
    });
  });

  test("is translated for a client of another dialect", async () => {
    const { reply, text } = await ask("openai-chat");
    expect(reply.status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { content: "hi" } }],
    });
    expect(toModels()).toEqual([`/base/model/${MODEL}/invoke`]);
  });
});

describe("a stream in binary frames", () => {
  test.each([
    ["frame by frame", FRAMES],
    ["in one piece", [Buffer.concat(FRAMES)]],
    [
      "in pieces of seven bytes",
      Array.from({ length: Math.ceil(Buffer.concat(FRAMES).length / 7) }, (_, i) =>
        Buffer.concat(FRAMES).subarray(i * 7, i * 7 + 7),
      ),
    ],
  ])("%s is relayed as the dialect's events", async (_, pieces) => {
    answer = (request) => sendStream(request, pieces, EVENT_STREAM);
    const { reply, text } = await ask("anthropic-messages", { stream: true });
    expect([reply.status, reply.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(text).toBe(MESSAGES.frames.join(""));
    expect(toModels()).toEqual([`/base/model/${MODEL}/invoke-with-response-stream`]);
    expect((await gateway.rows())[0]).toMatchObject({ outcome: "ok", isStream: true });
  });

  test("is translated for a client of another dialect", async () => {
    answer = (request) => sendStream(request, FRAMES, EVENT_STREAM);
    const { text } = await ask("openai-chat", { stream: true });
    expect(text).toContain('"object":"chat.completion.chunk"');
    expect(text).toEndWith("data: [DONE]\n\n");
    expect((await gateway.rows())[0]).toMatchObject({ outcome: "ok", isStream: true });
  });

  test("with a wrong checksum is no answer", async () => {
    const spoiled = Buffer.from(FRAMES[0] as Buffer);
    spoiled[40] = (spoiled[40] as number) ^ 1;
    answer = (request) => sendStream(request, [spoiled], EVENT_STREAM);
    const { reply, text } = await ask("anthropic-messages", { stream: true });
    expect(reply.status).toBe(500);
    expect(text).toContain("its checksum is wrong");
    expect((await gateway.rows())[0]).toMatchObject({ status: 500, errorKind: "upstream_garbage" });
  });

  test("that ends within a frame is told as cut", async () => {
    answer = async (request) => {
      await request.send(replyHead("200 OK", { "content-type": EVENT_STREAM }, "close"));
      await request.send(Buffer.concat(FRAMES).subarray(0, -5));
      request.fin();
    };
    const { text } = await ask("anthropic-messages", { stream: true });
    expect(text).toContain("event: error");
    expect(text).not.toContain("message_stop");
    expect((await gateway.rows())[0]).toMatchObject({ outcome: "upstream_cut" });
  });

  test("may hold an exception, which fails as the dialect's error does", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "too much" } };
    const frame = awsMessage([textHeader(":message-type", "exception")], JSON.stringify(error));
    answer = (request) => sendStream(request, [frame], EVENT_STREAM);
    const { reply } = await ask("anthropic-messages", { stream: true });
    expect(reply.status).toBe(529);
  });
});

describe("a token", () => {
  test("is got once for many requests at once, and once more when it is over", async () => {
    const waiting: Arrived[] = [];
    const give = giveToken;
    giveToken = (request) => void waiting.push(request);
    const asked = Array.from({ length: 30 }, () => ask("anthropic-messages"));
    while (waiting.length === 0 || gateway.leases < 30) await Bun.sleep(1);
    expect(waiting).toHaveLength(1);
    giveToken = give;
    // Too short for another request, so the next one needs a new token.
    lifetimeS = 0;
    await give(waiting[0] as Arrived);
    const statuses = (await Promise.all(asked)).map(({ reply }) => reply.status);
    expect(statuses).toEqual(Array(30).fill(200));
    expect(tokensGiven).toBe(1);
    expect((await ask("anthropic-messages")).reply.status).toBe(200);
    expect(tokensGiven).toBe(2);
  });

  test("that the provider takes back is renewed for the very request, and costs the credential nothing", async () => {
    expect((await ask("anthropic-messages")).reply.status).toBe(200);
    tokensGiven += 1;
    expect((await ask("anthropic-messages")).reply.status).toBe(200);
    expect(tokensGiven).toBe(3);
    expect(gateway.pool.list()[0]?.state).toBe("ready");
    expect((await gateway.rows()).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  test("that the provider refuses although it is new is the credential's fault", async () => {
    giveToken = (request) => {
      tokensGiven += 2;
      return sendWhole(request, JSON.stringify({ token: "token-number-1", lifetimeS }));
    };
    const refused = await ask("anthropic-messages");
    expect(refused.reply.status).toBe(503);
    expect(refused.text).not.toContain("token-number");
    expect(gateway.pool.list()[0]?.state).toBe("cooling");
    expect(tokensGiven).toBe(2);
  });

  test.each([
    ["refused", 403, "cooling", "unconfirmed: the key was refused", 503],
    ["not given", 500, "ready", "", 529],
  ] as const)(
    "that is %s (%d) is an honest error, and gives the lease back",
    async (_, status, state, reason, told) => {
      giveToken = (request) => sendWhole(request, `{"key":"${KEY}"}`, undefined, `${status} No`);
      const { reply, text } = await ask("anthropic-messages");
      expect(reply.status).toBe(told);
      expect(JSON.parse(text)).toMatchObject({ type: "error" });
      expect(text).not.toContain(KEY);
      const [credential] = gateway.pool.list();
      expect([credential?.state, credential?.reason]).toEqual([state, reason]);
      expect((await gateway.rows())[0]).toMatchObject({ status: told, outcome: "error" });
      expect(toModels()).toEqual([]);
    },
  );

  test("whose server breaks off, or talks without end, is an honest error", async () => {
    giveToken = (request) => request.rst();
    expect((await ask("anthropic-messages")).reply.status).toBeGreaterThanOrEqual(500);
    giveToken = (request) => sendWhole(request, "x".repeat(70_000));
    expect((await ask("anthropic-messages")).reply.status).toBeGreaterThanOrEqual(500);
    const rows = await gateway.rows();
    expect(rows.map(({ outcome }) => outcome)).not.toContain("ok");
  });

  describe("that is refused when a paused answer is to be continued", () => {
    const PAUSED = { ...MESSAGE, stop_reason: "pause_turn" };
    const sse = (data: { type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    const PAUSED_STREAM = [
      { type: "message_start", message: { ...PAUSED, content: [], stop_reason: null } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } },
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "pause_turn", stop_sequence: null },
        usage: PAUSED.usage,
      },
      { type: "message_stop" },
    ].map(sse);

    beforeEach(() => {
      // Too short for another request, so the continuation needs a token of its own.
      lifetimeS = 0;
      const give = giveToken;
      giveToken = (request) =>
        tokensGiven === 0 ? give(request) : sendWhole(request, "{}", undefined, "403 No");
    });

    test("breaks a stream off", async () => {
      answer = (request) => sendStream(request, PAUSED_STREAM);
      const { text } = await ask("openai-chat", { stream: true, web_search_options: {} });
      expect(text).toContain('"error"');
      expect(text).not.toContain('"finish_reason":"stop"');
      expect((await gateway.rows())[0]).toMatchObject({
        outcome: "upstream_cut",
        errorKind: "upstream_cut",
        usage: { outputTokens: 2 },
      });
    });

    test("is an error in place of a whole answer, whose tokens are on the record", async () => {
      answer = (request) => sendWhole(request, JSON.stringify(PAUSED));
      const { reply } = await ask("openai-chat", { web_search_options: {} });
      expect(reply.status).toBe(503);
      expect((await gateway.rows())[0]).toMatchObject({
        outcome: "error",
        usage: { outputTokens: 2 },
        usageState: "partial",
      });
    });
  });

  test("is not waited for by a client that has left, and is there for the next", async () => {
    let give: (() => void) | null = null;
    const given = giveToken;
    giveToken = (request) => {
      give = () => void given(request);
    };
    const body = JSON.stringify({ model: MODEL, max_tokens: 1, messages: [{ role: "user", content: "go" }] });
    const client = clientUnderTest("/v1/messages", body);
    const leaving = handle(gateway, makeRoute("messages", "/v1/messages"), client, TESTER);
    while (give === null) await Bun.sleep(1);
    client.leave();
    await leaving;
    expect(gateway.leases).toBe(0);
    (give as () => void)();
    expect((await ask("anthropic-messages")).reply.status).toBe(200);
    expect(tokensGiven).toBe(1);
    expect((await gateway.rows()).map(({ outcome }) => outcome)).toEqual(["client_left", "ok"]);
  });
});

test("the list of models is asked for in the same way", async () => {
  answer = (request) => sendWhole(request, JSON.stringify({ data: [{ id: "listed" }] }));
  await makeModelLists(gateway).refresh();
  expect(toModels()).toEqual(["/base/foundation-models"]);
  expect(gateway.logged).toEqual([]);
});
