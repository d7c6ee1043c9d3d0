// The ends of a request's life that need no upstream to go wrong: who is refused, who leaves early, and what
// is on the record then.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING } from "../../test/kit/recordings.ts";
import { makeRoute, type Route } from "../dialects/endpoint.ts";
import { DIALECTS, type EndpointName } from "../dialects/index.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "./fixtures/gateway-under-test.ts";
import { handle } from "./handle.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const STORED: Route = { ...makeRoute("responses.stored", "/v1/responses/resp_1"), stateId: "resp_1" };
const { makeTap: makeChatTap } = DIALECTS["openai-chat"];
const STREAM_BODY = JSON.stringify({ model: "gpt-5", messages: [], stream: true });
const BODY = JSON.stringify({ model: "gpt-5", messages: [] });

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeEach(async () => {
  upstream = await startRawUpstream((request) => sendWhole(request, "{}"));
  gateway = new GatewayUnderTest({ upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url }] });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

test("a gateway that drains takes nothing new, and says when to try again", async () => {
  gateway.isDraining = true;
  const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", BODY), TESTER);
  expect(reply.status).toBe(503);
  expect(reply.headers.get("retry-after")).toBe("1");
  expect(await gateway.rows()).toEqual([]);
});

test("a client that leaves while it sends its body has left; it has not made a bad request", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      client.leave();
      controller.error(new Error("the connection is gone"));
    },
  });
  const client = clientUnderTest("/v1/chat/completions", body);
  await handle(gateway, CHAT, client, TESTER);
  expect(await gateway.rows()).toMatchObject([{ outcome: "client_left", status: 499, attempts: 0 }]);
});

test.each(["", "{", "[]", '"text"', "{}", '{"model":7}', `${BODY}x`])(
  "the body %j is refused in the dialect, with a row and without an upstream",
  async (body) => {
    const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", body), TESTER);
    expect(reply.status).toBe(400);
    const { error } = (await reply.json()) as { error: { message: string; type: string } };
    expect(error.type).toBe("invalid_request_error");
    expect(await gateway.rows()).toMatchObject([
      { id: reply.headers.get("x-request-id"), outcome: "refused", status: 400, upstream: null, attempts: 0 },
    ]);
    expect(upstream.seen).toEqual([]);
  },
);

describe("the row names", () => {
  const ask = (endpoint: EndpointName, path: string, body: object, headers: Record<string, string> = {}) =>
    handle(gateway, makeRoute(endpoint, path), clientUnderTest(path, JSON.stringify(body), headers), TESTER);

  test.each([
    ["chat.completions", "/v1/chat/completions", { user: "u-1" }, "u-1"],
    ["responses", "/v1/responses", { user: "u-2" }, "u-2"],
    ["messages", "/v1/messages", { metadata: { user_id: "u-3" } }, "u-3"],
    // Neither names a person: one is for abuse, the other for a cache.
    ["chat.completions", "/v1/chat/completions", { safety_identifier: "s", prompt_cache_key: "p" }, null],
    ["responses", "/v1/responses", { safety_identifier: "s", prompt_cache_key: "p" }, null],
    ["chat.completions", "/v1/chat/completions", { user: `\u0007${"x".repeat(5_000)}` }, "x".repeat(128)],
    ["chat.completions", "/v1/chat/completions", { user: ["u"] }, null],
  ] as const)("the client's user: %s %s %j", async (endpoint, path, more, user) => {
    await ask(endpoint, path, { model: "gpt-5", ...more });
    expect(await gateway.rows()).toMatchObject([{ endUser: user, tags: null }]);
  });

  test("the client's tags, which no upstream gets", async () => {
    const headers = { "x-clewline-tags": "team=a, nightly" };
    await ask("chat.completions", "/v1/chat/completions", { model: "gpt-5" }, headers);
    expect(await gateway.rows()).toMatchObject([{ tags: '["team=a","nightly"]' }]);
    expect(upstream.seen).toHaveLength(1);
    expect(upstream.seen[0]?.head).not.toMatch(/clewline-tags|nightly/);
  });

  test("both of a request that was refused", async () => {
    const headers = { "x-clewline-tags": "t" };
    await ask("chat.completions", "/v1/chat/completions", { model: "none/of/ours", user: "u" }, headers);
    expect(await gateway.rows()).toMatchObject([{ endUser: "u", tags: '["t"]' }]);
  });
});

test("an upstream's good answer without a body is a whole answer", async () => {
  upstream.answer = (request) => request.send("HTTP/1.1 204 No Content\r\n\r\n");
  const reply = await handle(gateway, STORED, clientUnderTest("/v1/responses/resp_1", null), TESTER);
  expect(reply.status).toBe(204);
  expect(upstream.seen.length).toBe(1);
  expect(await gateway.rows()).toMatchObject([
    { outcome: "ok", status: 204, attempts: 1, usage: { inputTokens: null } },
  ]);
});

test("a client that leaves between the head and the body of its reply has its row, and ends the call", async () => {
  upstream.answer = async (request) => {
    // Long enough for the gateway to listen for the client.
    await Bun.sleep(250);
    await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
  };
  // Events for a client that wants JSON: so large a request is read in steps before the body is.
  const messages = [{ role: "user", content: "x".repeat(300_000) }];
  const client = clientUnderTest("/v1/chat/completions", JSON.stringify({ model: "gpt-5", messages }));
  const { transport } = gateway;
  const send = spyOn(transport, "send");
  send.mockImplementation((request) => {
    send.mockRestore();
    const call = transport.send(request);
    const awaitHead = call.awaitHead.bind(call);
    spyOn(call, "awaitHead").mockImplementation((waiter) =>
      awaitHead({
        replied: (head) => {
          waiter.replied(head);
          setImmediate(client.leave);
        },
        failed: (cause) => waiter.failed(cause),
      }),
    );
    return call;
  });
  expect((await handle(gateway, CHAT, client, TESTER)).status).toBe(499);
  expect(await gateway.rows()).toMatchObject([{ outcome: "client_left", status: 499, attempts: 1 }]);
  await upstream.seen[0]?.closed;
});

describe("an exception of the gateway's own costs one request", () => {
  /** A tap that throws in some places. */
  function breakTap(...members: readonly ("push" | "end" | "cut" | "renderFailure")[]): void {
    const boom = (): never => {
      throw new TypeError("a mistake in the tap");
    };
    spyOn(DIALECTS["openai-chat"], "makeTap").mockImplementation((options) =>
      Object.assign(makeChatTap(options), Object.fromEntries(members.map((member) => [member, boom]))),
    );
  }

  afterEach(async () => {
    spyOn(DIALECTS["openai-chat"], "makeTap").mockRestore();
    expect(upstream.seen.length).toBe(1);
    expect(await gateway.rows()).toMatchObject([{ outcome: "error", errorKind: "internal", attempts: 1 }]);
    expect(gateway.logged.join("\n")).toContain("TypeError: a mistake in the tap");
  });

  test("in a whole answer, whose upstream is not asked again", async () => {
    breakTap("push");
    const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", BODY), TESTER);
    expect(reply.status).toBe(500);
  });

  test.each(["push", "end"] as const)("in %s of a stream, whose client is told", async (member) => {
    breakTap(member);
    upstream.answer = (request) => sendStream(request, RECORDING.frames);
    const client = clientUnderTest("/v1/chat/completions", STREAM_BODY);
    const reply = await handle(gateway, CHAT, client, TESTER);
    const text = await reply.text();
    expect(text).toContain("an internal error");
    expect(text).not.toContain('"finish_reason":"stop"');
  });

  test("at a cut, whose client is told", async () => {
    breakTap("cut");
    upstream.answer = async (request) => {
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await request.send(chunkOf(RECORDING.frames.slice(0, 2).join("")));
      request.fin();
    };
    const client = clientUnderTest("/v1/chat/completions", STREAM_BODY);
    const reply = await handle(gateway, CHAT, client, TESTER);
    expect(await reply.text()).toContain("an internal error");
  });

  test("and breaks the connection when the error cannot be told either", async () => {
    breakTap("end", "renderFailure");
    upstream.answer = (request) => sendStream(request, RECORDING.frames);
    const client = clientUnderTest("/v1/chat/completions", STREAM_BODY);
    const reply = await handle(gateway, CHAT, client, TESTER);
    await expect(reply.text()).rejects.toThrow();
  });
});
