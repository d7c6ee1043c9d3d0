// What one attempt leaves behind, whichever way it ends: its usage on the record, its verdict on the credential
// and the upstream, and no call that runs on.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT, MESSAGES } from "../../../test/kit/recordings.ts";
import { GatewayError } from "../../core/errors.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const ROUTE = makeRoute("chat.completions", "/v1/chat/completions");
const JSON_TYPE = { "content-type": "application/json" };
const EVENTS_TYPE = { "content-type": "text/event-stream" };

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeEach(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "openai", family: "openai", baseUrl: upstream.url },
      { name: "claude", family: "anthropic", baseUrl: upstream.url },
    ],
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

function clientOf(model: string, more: object = {}) {
  const messages = [{ role: "user", content: "go" }];
  return clientUnderTest("/v1/chat/completions", JSON.stringify({ model, messages, ...more }));
}

const ask = (model: string, more: object = {}): Promise<Response> =>
  handle(gateway, ROUTE, clientOf(model, more), TESTER);

const lastRow = async () => (await gateway.rows()).at(-1);

/** Content, and then nothing for the time being. */
async function beginStream(request: Arrived): Promise<void> {
  await request.send(replyHead("200 OK", EVENTS_TYPE, "chunked"));
  await request.send(chunkOf(CHAT.frames.slice(0, 3).join("")));
}

test("usage that a stream stated before it failed is added to that of the answer", async () => {
  const [start = ""] = MESSAGES.frames;
  const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  upstream.answer = (request) =>
    sendStream(
      request,
      upstream.seen.length === 1
        ? [start, `event: error\ndata: ${JSON.stringify(error)}\n\n`]
        : MESSAGES.frames,
    );
  const reply = await ask("claude/claude-haiku-4-5", { stream: true });
  expect(await reply.text()).toEndWith("data: [DONE]\n\n");
  expect(await lastRow()).toMatchObject({
    outcome: "ok",
    attempts: 2,
    usage: {
      inputTokens: 2 * MESSAGES.inputTokens,
      outputTokens: 1 + MESSAGES.outputTokens,
    },
    usageState: "partial",
  });
});

describe("a client that leaves", () => {
  test("while the body is read ends the call and the request", async () => {
    const { promise: isReading, resolve } = Promise.withResolvers<void>();
    upstream.answer = async (request) => {
      await request.send(replyHead("200 OK", JSON_TYPE, 1_000));
      await request.send('{"id":');
      // Long enough for the gateway to listen for the client.
      await Bun.sleep(250);
      resolve();
    };
    const client = clientOf("openai/gpt-4.1");
    const reply = handle(gateway, ROUTE, client, TESTER);
    await isReading;
    client.leave();
    expect((await reply).status).toBe(499);
    await upstream.seen[0]?.closed;
    expect(await lastRow()).toMatchObject({ outcome: "client_left", status: 499, attempts: 1 });
  });

  test("because the gateway shuts down has not left by itself", async () => {
    upstream.answer = beginStream;
    const reader = ((await ask("openai/gpt-4.1", { stream: true })).body as ReadableStream).getReader();
    await reader.read();
    gateway.isDraining = true;
    await reader.cancel();
    expect(await lastRow()).toMatchObject({ outcome: "error", errorKind: "shutting_down", status: 200 });
  });

  test("nor has one that still waits for its answer then", async () => {
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    upstream.answer = () => resolve();
    const client = clientOf("openai/gpt-4.1");
    const reply = handle(gateway, ROUTE, client, TESTER);
    await isAsked;
    // Long enough for the gateway to listen for the client.
    await Bun.sleep(250);
    gateway.isDraining = true;
    client.leave();
    await reply;
    expect(await lastRow()).toMatchObject({ outcome: "error", errorKind: "shutting_down", status: 503 });
  });
});

test("an error that does not end is not read to its end", async () => {
  upstream.answer = async (request) => {
    await request.send(replyHead("400 Bad Request", JSON_TYPE, "chunked"));
    await request.send(chunkOf(`{"error":"${"x".repeat(70_000)}`));
  };
  const reply = await ask("openai/gpt-4.1");
  expect(reply.status).toBe(400);
  await upstream.seen[0]?.closed;
});

test("a count of tokens that does not end is no count, and its upstream is let go", async () => {
  upstream.answer = async (request) => {
    await request.send(replyHead("200 OK", JSON_TYPE, "chunked"));
    await request.send(chunkOf(`{"input_tokens":4}${" ".repeat(70_000)}`));
  };
  const route = makeRoute("responses.input_tokens", "/v1/responses/input_tokens");
  const body = JSON.stringify({ model: "claude/claude-haiku-4-5", input: "go" });
  const client = clientUnderTest("/v1/responses/input_tokens", body);
  expect((await handle(gateway, route, client, TESTER)).status).toBe(502);
  await Promise.all(upstream.seen.map(({ closed }) => closed));
});

test("a stream whose row is not committed keeps the status that its client has", async () => {
  upstream.answer = (request) => sendStream(request, CHAT.frames);
  const append = spyOn(gateway.ledger, "append");
  const failure = new GatewayError("ledger_unavailable", "the disk is full");
  append.mockImplementation((_row, _stateIds, settled) => setImmediate(() => settled(failure)));
  const text = await (await ask("openai/gpt-4.1", { stream: true })).text();
  expect(text).toContain("the disk is full");
  expect(text).not.toContain(CHAT.endMarks[1] as string);
  expect(append.mock.calls.map(([row]) => row)).toMatchObject([
    { status: 200, outcome: "error", errorKind: "ledger_unavailable" },
  ]);
});

describe("the verdict", () => {
  const stateOf = () => gateway.pool.list().find(({ upstream }) => upstream === "openai");

  test("on a good reply without any room left parks the credential for the model", async () => {
    const headers = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s" };
    upstream.answer = (request) => sendWhole(request, CHAT.whole, { ...JSON_TYPE, ...headers });
    expect((await ask("openai/gpt-4.1")).status).toBe(200);
    expect([stateOf()?.state, stateOf()?.models[0]?.state ?? "ready"]).toContain("cooling");
  });

  test("on a rate limit behind content parks the credential", async () => {
    const error = { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" };
    upstream.answer = (request) =>
      sendStream(request, [...CHAT.frames.slice(0, 3), `data: ${JSON.stringify({ error })}\n\n`]);
    await (await ask("openai/gpt-4.1", { stream: true })).text();
    expect([stateOf()?.state, stateOf()?.models[0]?.state ?? "ready"]).toContain("cooling");
  });

  test.each([
    [
      "breaks off",
      async (request: Arrived) => {
        await beginStream(request);
        request.rst();
      },
    ],
    [
      "is overloaded",
      async (request: Arrived) => {
        const error = { message: "The engine is overloaded", type: "server_error" };
        await sendStream(request, [...CHAT.frames.slice(0, 3), `data: ${JSON.stringify({ error })}\n\n`]);
      },
    ],
  ])("on an upstream that %s behind content counts as its failure", async (_, answer) => {
    upstream.answer = answer;
    const failure = spyOn(gateway.breaker, "failure");
    await (await ask("openai/gpt-4.1", { stream: true })).text();
    expect(failure.mock.calls).toEqual([["openai", "gpt-4.1", "tester"]]);
    expect(stateOf()?.state).toBe("ready");
  });
});

describe("the connection's idle time-out is off while the upstream thinks, and on again", () => {
  /** What the gateway made of the client's idle time-out, in order. */
  async function changesOf(more: object, answer: (request: Arrived) => Promise<void>): Promise<string[]> {
    upstream.answer = async (request) => {
      // Long enough for the gateway to see a slow call.
      await Bun.sleep(250);
      await answer(request);
    };
    const changes: string[] = [];
    const client = {
      ...clientOf("openai/gpt-4.1", more),
      suspendIdleTimeout: () => void changes.push("off"),
      restoreIdleTimeout: () => void changes.push("on"),
    };
    await (await handle(gateway, ROUTE, client, TESTER)).text();
    return changes;
  }

  test("behind a whole answer", async () => {
    expect(await changesOf({}, (request) => sendWhole(request, CHAT.whole))).toEqual(["off", "on"]);
  });

  test("behind an error", async () => {
    const error = (request: Arrived) => sendWhole(request, '{"error":{}}', JSON_TYPE, "400 Bad Request");
    expect(await changesOf({}, error)).toEqual(["off", "on"]);
  });

  test("behind a stream", async () => {
    const changes = await changesOf({ stream: true }, (request) => sendStream(request, CHAT.frames));
    expect([changes[0], changes.at(-1)]).toEqual(["off", "on"]);
  });
});
