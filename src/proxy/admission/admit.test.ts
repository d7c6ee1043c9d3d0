// A key with limits: what a request takes of them before it is sent, and what is left after each way to end.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import {
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING, RESPONSES } from "../../../test/kit/recordings.ts";
import type { KeyLimits } from "../../config/client-keys.ts";
import { makeRoute, type Route } from "../../dialects/endpoint.ts";
import type { EndpointName } from "../../dialects/index.ts";
import type { ClientUnderTest, ConfigUnderTest } from "../fixtures/gateway-under-test.ts";
import { clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const NO_LIMITS: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
};
const WIDE: KeyLimits = {
  ...NO_LIMITS,
  requestsPerMinute: 100,
  tokensPerMinute: 100_000,
  concurrency: 10,
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

function start(limits: Partial<KeyLimits>, more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
    key: { limits: { ...NO_LIMITS, ...limits } },
    ...more,
  });
}

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

const CHAT_PATH = "/v1/chat/completions";
const question = (more: object = {}): string => JSON.stringify({ model: "gpt-4.1", messages: [], ...more });

function ask(client: ClientUnderTest, endpoint: EndpointName = "chat.completions", path = CHAT_PATH) {
  return handle(gateway, makeRoute(endpoint, path), client, gateway.tester);
}
const chat = (more: object = {}) => ask(clientUnderTest(CHAT_PATH, question(more)));

/** What a limit has counted, with what running requests hold. */
function taken(limit: string): number | undefined {
  const use = gateway.limiter.use(gateway.tester).find((one) => one.limit === limit);
  return use === undefined ? undefined : use.used + use.reserved;
}

async function errorOf(reply: Response): Promise<{ message: string; code: string }> {
  return ((await reply.json()) as { error: { message: string; code: string } }).error;
}

/** Holds the upstream's answer until it is called. */
function held(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await answerWell(request);
  };
  return resolve;
}

describe("a request takes, until its facts are known,", () => {
  // The body's bytes divided by three, and the answer.
  test.each([
    ["the assumed answer where it names no maximum", {}, 4_096],
    ["its own maximum", { max_tokens: 100 }, 100],
    ["the newer name of its maximum", { max_completion_tokens: 200 }, 200],
    ["a maximum for each of its answers", { max_tokens: 100, n: 3 }, 300],
    ["no more than the model can write", { max_tokens: 900_000 }, 32_768],
  ])("%s", async (_, more, output) => {
    start(WIDE);
    const answer = held();
    const body = question(more);
    const reply = ask(clientUnderTest(CHAT_PATH, body));
    while (upstream.seen.length === 0) await Bun.sleep(1);
    expect(taken("tokens_per_minute")).toBe(Math.ceil(body.length / 3) + output);
    expect(taken("concurrency")).toBe(1);
    answer();
    await (await reply).text();
    expect(taken("tokens_per_minute")).toBe(RECORDING.inputTokens + RECORDING.outputTokens);
    expect(taken("concurrency")).toBe(0);
  });

  test("the maximum that the operator sets, over the client's own", async () => {
    const fixed = { ...NO_VALUES, maxOutputTokens: 50 };
    start(WIDE, { models: [{ name: "short", targets: ["up/gpt-4.1"], fixed }] });
    const answer = held();
    const body = JSON.stringify({ model: "short", messages: [], max_tokens: 9_000 });
    const reply = ask(clientUnderTest(CHAT_PATH, body));
    while (upstream.seen.length === 0) await Bun.sleep(1);
    expect(taken("tokens_per_minute")).toBe(Math.ceil(body.length / 3) + 50);
    answer();
    await (await reply).text();
  });
});

const NO_VALUES = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};

test.each([
  [{}, 200_000],
  [{ "anthropic-beta": "context-1m-2025-08-07" }, 400_000],
])(
  "a long prompt takes no more than the context, with a beta for a longer one as well: %j",
  async (headers, input) => {
    start({ tokensPerMinute: 10 }, { server: { bodyLimitBytes: 2_000_000 } });
    const path = "/v1/messages";
    const body = JSON.stringify({ model: "claude-sonnet-4-5", max_tokens: 1, messages: [] }).padEnd(
      1_200_000,
    );
    const reply = await ask(clientUnderTest(path, body, headers), "messages", path);
    expect(reply.status).toBe(400);
    expect((await errorOf(reply)).message).toContain(`this request alone may take ${input + 1};`);
  },
);

describe("a limit without room", () => {
  test("of requests: refused until the minute has passed, with a row and without an upstream", async () => {
    start({ requestsPerMinute: 2 });
    expect([(await chat()).status, (await chat()).status]).toEqual([200, 200]);
    const reply = await chat();
    expect(reply.status).toBe(429);
    expect(Number(reply.headers.get("retry-after"))).toBeWithin(59, 62);
    expect(reply.headers.get("x-should-retry")).toBeNull();
    expect(await errorOf(reply)).toMatchObject({
      code: "rate_limit_exceeded",
      message: expect.stringMatching(
        /^this key is limited to 2 requests a minute; 0 are left; try again in \d+s$/,
      ),
    });
    expect(upstream.seen.length).toBe(2);
    const rows = await gateway.rows();
    expect(rows.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
      ["ok", 1],
      ["ok", 1],
      ["refused", 0],
    ]);
  });

  test("of tokens: the message tells what is left and what the request may take", async () => {
    start({ tokensPerMinute: 1_000 });
    await (await chat({ max_tokens: 10 })).text();
    const body = question({ max_tokens: 900 });
    const left = 1_000 - RECORDING.inputTokens - RECORDING.outputTokens;
    const reply = await chat({ max_tokens: 900 });
    // 55 tokens are used, and 919 fit into the rest.
    expect([reply.status, left]).toEqual([200, 945]);
    await reply.text();
    const refused = await chat({ max_tokens: 900 });
    expect(refused.status).toBe(429);
    const { message } = await errorOf(refused);
    expect(message).toStartWith(
      `this key is limited to 1000 tokens a minute; ${left - 55} are left, and this request may take ${Math.ceil(body.length / 3) + 900}; try again in `,
    );
  });

  test("of requests at once: refused while the others run, and no longer", async () => {
    start({ concurrency: 1 });
    const answer = held();
    const first = chat();
    while (upstream.seen.length === 0) await Bun.sleep(1);
    const second = await chat();
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    expect((await errorOf(second)).message).toBe(
      "this key is limited to 1 request at once; so many are running; try again in 1s",
    );
    answer();
    await (await first).text();
    expect((await chat()).status).toBe(200);
  });

  test("a request that is larger than the whole limit is told so, and not to come back", async () => {
    start({ tokensPerMinute: 1_000 });
    const reply = await chat({ max_tokens: 5_000 });
    expect(reply.status).toBe(400);
    expect(reply.headers.get("retry-after")).toBeNull();
    expect((await errorOf(reply)).message).toMatch(
      /^this key is limited to 1000 tokens a minute, and this request alone may take \d+; send a shorter request/,
    );
  });

  test("of some models: named, and without effect on others", async () => {
    start({ perModel: [{ ...NO_LIMITS, model: "gpt-4*", requestsPerMinute: 1 }] });
    expect((await chat()).status).toBe(200);
    const reply = await chat();
    expect(reply.status).toBe(429);
    expect((await errorOf(reply)).message).toStartWith(
      'this key is limited to 1 request a minute for models "gpt-4*"; ',
    );
    expect((await chat({ model: "up/gpt-4.1" })).status).toBe(429);
    expect((await chat({ model: "gpt-5" })).status).toBe(200);
  });

  test.each(
    ["gpt-4.1", "up/*gpt-4.1"].flatMap((pattern) =>
      [
        "gpt-4.1",
        "up/gpt-4.1",
        "openai/gpt-4.1",
        "up/openai/gpt-4.1",
        "GPT-4.1",
        "models/gpt-4.1",
        "gpt-4.1-search",
        "quick",
        "quick-search",
      ].map((model) => [pattern, model] as const),
    ),
  )("of %s: holds for %s as well", async (pattern, model) => {
    start(
      { perModel: [{ ...NO_LIMITS, model: pattern, tokensPerMinute: 1 }] },
      { models: [{ name: "quick", targets: ["up/gpt-4.1"] }] },
    );
    expect((await chat({ model })).status).toBe(400);
  });
});

test.each([
  ["models", ["openai/gpt-4.1"], "gpt-4.1"],
  ["models", ["gpt-4.1"], "up/gpt-4.1"],
  ["fallbacks", [{ model: "gpt-4.1" }], "gpt-4*"],
])(
  "limits of some models hold for a request that may fall back on one: %s %j, %s",
  async (member, value, model) => {
    start({ perModel: [{ ...NO_LIMITS, model, tokensPerMinute: 1 }] });
    expect((await chat({ model: "gpt-5", [member]: value })).status).toBe(400);
    expect((await chat({ model: "gpt-5", [member]: ["gpt-5-mini"] })).status).toBe(200);
  },
);

test("a key with limits of some models has to name the model, but for what nobody is charged for", async () => {
  start({ perModel: [{ ...NO_LIMITS, model: "gpt-5*", tokensPerMinute: 1 }] });
  const body = JSON.stringify({ prompt: { id: "pmpt_1" } });
  const reply = await ask(clientUnderTest("/v1/responses", body), "responses", "/v1/responses");
  expect([reply.status, upstream.seen.length]).toEqual([400, 0]);
  expect((await errorOf(reply)).message).toStartWith('the field "model" is missing');
  const route: Route = { ...makeRoute("responses.stored", "/v1/responses/resp_1"), stateId: "resp_1" };
  upstream.answer = (request) => sendWhole(request, RESPONSES.whole);
  const looked = await handle(gateway, route, clientUnderTest("/v1/responses/resp_1", null), gateway.tester);
  expect(looked.status).toBe(200);
});

test("routes that nobody is charged for count as requests, and take no tokens", async () => {
  start({ requestsPerMinute: 2, tokensPerMinute: 10 });
  const path = "/v1/messages/count_tokens";
  const count = () =>
    ask(
      clientUnderTest(path, JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "x" }] })),
      "messages.count_tokens",
      path,
    );
  expect([(await count()).status, (await count()).status]).toEqual([200, 200]);
  expect(taken("tokens_per_minute")).toBe(0);
  expect((await count()).status).toBe(429);
});

test("embeddings have no answer, so they take their input alone", async () => {
  start({ tokensPerMinute: 100 });
  const path = "/v1/embeddings";
  const body = JSON.stringify({ model: "text-embedding-3-small", input: "x".repeat(200) });
  upstream.answer = (request) =>
    sendWhole(request, '{"object":"list","data":[],"usage":{"prompt_tokens":50,"total_tokens":50}}');
  expect((await ask(clientUnderTest(path, body), "embeddings", path)).status).toBe(200);
  expect(taken("tokens_per_minute")).toBe(50);
  expect((await ask(clientUnderTest(path, body), "embeddings", path)).status).toBe(429);
});

test("a stored answer that is asked for counts as a request, and takes no tokens", async () => {
  start({ requestsPerMinute: 1, tokensPerMinute: 10 });
  const route: Route = { ...makeRoute("responses.stored", "/v1/responses/resp_1"), stateId: "resp_1" };
  upstream.answer = (request) => sendWhole(request, RESPONSES.whole);
  const look = () => handle(gateway, route, clientUnderTest("/v1/responses/resp_1", null), gateway.tester);
  expect((await look()).status).toBe(200);
  expect(taken("tokens_per_minute")).toBe(0);
  expect((await look()).status).toBe(429);
});

describe("after every end nothing stays reserved:", () => {
  const used = RECORDING.inputTokens + RECORDING.outputTokens;
  /** What nobody counted is booked by its bytes. */
  const booked = (more: object): number => Math.ceil(question(more).length / 3);
  const STREAM = { stream: true, stream_options: { include_usage: true } };
  const broken = async (request: Parameters<typeof answerWell>[0]): Promise<void> => {
    await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
    await request.send(chunkOf(RECORDING.frames.slice(0, 3).join("")));
    await request.untilRead();
    request.fin();
  };

  test.each([
    ["a whole answer", {}, answerWell, used, 1],
    ["a stream", STREAM, answerWell, used, 1],
    ["an answer without usage", {}, (r) => sendWhole(r, '{"object":"chat.completion"}'), booked({}), 1],
    [
      "a stream that breaks off",
      STREAM,
      broken,
      booked(STREAM) + Math.ceil(Buffer.byteLength("The clew leads — ") / 3),
      1,
    ],
    [
      "a refusal by the upstream",
      {},
      (r) => sendWhole(r, '{"error":{}}', undefined, "400 Bad Request"),
      0,
      1,
    ],
    ["no connection", {}, (r) => r.rst(), 0, 1],
    ["garbage in a stream", STREAM, (r) => sendStream(r, ["<html>"]), 0, 1],
  ] as [string, object, RawUpstream["answer"], number, number][])(
    "%s",
    async (_, more, answer, tokens, requests) => {
      start(WIDE);
      upstream.answer = answer;
      await (await chat(more)).text();
      await gateway.rows();
      expect([taken("concurrency"), taken("requests_per_minute")]).toEqual([0, requests]);
      expect(taken("tokens_per_minute")).toBe(tokens);
    },
  );

  test("a request that never got an attempt has not been one", async () => {
    start(WIDE, { upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url, keys: {} }] });
    expect((await chat()).status).toBe(503);
    expect([taken("concurrency"), taken("requests_per_minute"), taken("tokens_per_minute")]).toEqual([
      0, 0, 0,
    ]);
  });

  test("a body that is none, and a model that nobody serves", async () => {
    start(WIDE, {
      upstreams: [
        { name: "up", family: "openai", baseUrl: upstream.url },
        { name: "other", family: "gemini", baseUrl: upstream.url },
      ],
    });
    expect((await ask(clientUnderTest(CHAT_PATH, "{"))).status).toBe(400);
    expect((await chat({ model: "nobody" })).status).toBe(404);
    expect([taken("concurrency"), taken("requests_per_minute")]).toEqual([0, 0]);
  });

  test("a client that leaves before its answer, and one that leaves its stream", async () => {
    start(WIDE);
    const answer = held();
    const waiting = clientUnderTest(CHAT_PATH, question());
    const reply = ask(waiting);
    while (upstream.seen.length === 0) await Bun.sleep(1);
    // The gateway listens for the client once the call takes long.
    await Bun.sleep(300);
    waiting.leave();
    expect((await reply).status).toBe(499);
    answer();
    upstream.answer = async (request) => {
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await request.send(chunkOf(RECORDING.frames.slice(0, 3).join("")));
    };
    const stream = await chat(STREAM);
    const reader = stream.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const rows = await gateway.rows();
    expect(rows.map(({ outcome }) => outcome)).toEqual(["client_left", "client_left"]);
    expect([taken("concurrency"), taken("requests_per_minute")]).toEqual([0, 2]);
  });

  test("a gateway that stops under a stream", async () => {
    start(WIDE);
    upstream.answer = async (request) => {
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await request.send(chunkOf(RECORDING.frames.slice(0, 3).join("")));
    };
    const reader = (await chat(STREAM)).body?.getReader();
    await reader?.read();
    gateway.isDraining = true;
    await reader?.cancel();
    expect(await gateway.rows()).toMatchObject([{ outcome: "error", errorKind: "shutting_down" }]);
    expect(taken("concurrency")).toBe(0);
  });

  test("an exception in the gateway", async () => {
    start(WIDE);
    gateway.breaker.allows = () => {
      throw new TypeError("made for the test");
    };
    expect((await chat()).status).toBe(500);
    expect([taken("concurrency"), taken("requests_per_minute")]).toEqual([0, 0]);
  });

  test("an exception while its row is made", async () => {
    start(WIDE);
    const client = clientUnderTest(CHAT_PATH, question());
    const address = (): never => {
      throw new TypeError("made for the test");
    };
    expect((await ask({ ...client, address })).status).toBe(500);
    expect([taken("concurrency"), taken("tokens_per_minute")]).toEqual([0, 0]);
  });

  test.each([
    ["an answer kept alive with white space", { keepaliveIntervalS: 1 }, {}],
    ["a stream that opened before its answer", { pingIntervalMs: 50 }, STREAM],
  ])("%s", async (_, server, more) => {
    start(WIDE, { server });
    const answer = held();
    const reply = await chat(more);
    expect([reply.status, taken("concurrency")]).toEqual([200, 1]);
    answer();
    expect(await reply.text()).toContain("total_tokens");
    expect([taken("concurrency"), taken("tokens_per_minute")]).toEqual([0, used]);
  });
});

describe("a further attempt after one that may be billed", () => {
  const cutOnce: RawUpstream["answer"] = async (request) => {
    if (request.n > 1) return answerWell(request);
    await request.send(replyHead("200 OK", { "content-type": "application/json" }, 1_000));
    await request.send('{"object":');
    await request.untilRead();
    request.fin();
  };

  test("takes room for itself", async () => {
    start(WIDE);
    let most: number | undefined = 0;
    upstream.answer = async (request) => {
      most = taken("tokens_per_minute");
      await cutOnce(request);
    };
    await (await chat({ max_tokens: 1_000 })).text();
    expect(most).toBe(2 * (Math.ceil(question({ max_tokens: 1_000 }).length / 3) + 1_000));
    expect(await gateway.rows()).toMatchObject([{ attempts: 2, outcome: "ok" }]);
    // Nobody counted the attempt that broke off.
    const first = Math.ceil(question({ max_tokens: 1_000 }).length / 3) + Math.ceil('{"object":'.length / 3);
    expect(taken("tokens_per_minute")).toBe(first + RECORDING.inputTokens + RECORDING.outputTokens);
  });

  test("is refused where there is no room for it: the client hears of its limit", async () => {
    start({ tokensPerMinute: 1_500 });
    upstream.answer = cutOnce;
    const reply = await chat({ max_tokens: 1_000 });
    expect(reply.status).toBe(429);
    expect((await errorOf(reply)).code).toBe("rate_limit_exceeded");
    expect(await gateway.rows()).toMatchObject([
      { attempts: 1, outcome: "error", errorKind: "rate_limited" },
    ]);
    expect(upstream.seen.length).toBe(1);
  });

  test("is refused inside a stream that is open already", async () => {
    start({ tokensPerMinute: 1_500 }, { server: { pingIntervalMs: 50 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    upstream.answer = async (request) => {
      await promise;
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      request.fin();
    };
    const reply = await chat({ max_tokens: 1_000, stream: true });
    resolve();
    expect(reply.status).toBe(200);
    const text = await reply.text();
    expect(text).toContain('"code":"rate_limit_exceeded"');
    expect(text).toEndWith("data: [DONE]\n\n");
    expect(taken("concurrency")).toBeUndefined();
    expect(await gateway.rows()).toMatchObject([
      { status: 200, outcome: "error", errorKind: "rate_limited" },
    ]);
  });

  test("needs none after a connection that was never made, or a refusal", async () => {
    start(
      { tokensPerMinute: 1_500 },
      {
        upstreams: [
          { name: "gone", family: "openai", baseUrl: "http://127.0.0.1:1/v1" },
          { name: "up", family: "openai", baseUrl: `${upstream.url}/v1`, keys: { a: "sk-a", b: "sk-b" } },
        ],
        models: [{ name: "both", targets: ["gone/gpt-4.1", "up/gpt-4.1"] }],
      },
    );
    upstream.answer = (request) =>
      request.n > 1
        ? answerWell(request)
        : sendWhole(
            request,
            '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}',
            undefined,
            "429 Too Many Requests",
          );
    expect((await chat({ model: "both", max_tokens: 1_000 })).status).toBe(200);
    expect(await gateway.rows()).toMatchObject([{ attempts: 3, outcome: "ok" }]);
  });
});
