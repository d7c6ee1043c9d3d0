import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Tap } from "../dialects/dialect.ts";
import { ENDPOINTS, makeRoute } from "../dialects/endpoint.ts";
import type { EndpointName } from "../dialects/index.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { Exchange } from "./exchange.ts";
import { clientUnderTest, GatewayUnderTest } from "./fixtures/gateway-under-test.ts";

let gateway: GatewayUnderTest;
beforeEach(() => {
  gateway = new GatewayUnderTest({ upstreams: [{ name: "up", family: "openai" }] });
});
afterEach(() => gateway.close());

const begin = (endpoint: EndpointName = "chat.completions", headers: Record<string, string> = {}): Exchange =>
  new Exchange(gateway, makeRoute(endpoint, `/v1/${endpoint}`), clientUnderTest("/x", "{}", headers), {
    name: "tester",
    strict: false,
  });

async function settled(exchange: Exchange): Promise<LedgerRow> {
  await exchange.settle(gateway).committed;
  const row = (await gateway.rows()).find(({ id }) => id === exchange.id);
  if (row === undefined) throw new Error("the row is not in the ledger");
  return row;
}

/** A tap that has read a whole Chat answer. */
function readTap(): Tap {
  const tap = DIALECTS["openai-chat"].makeTap({
    framing: "json",
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 65_536,
  });
  tap.push(
    new TextEncoder().encode(
      JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion",
        model: "gpt-5-2026",
        choices: [{ index: 0, finish_reason: "length", message: { role: "assistant", content: "hi" } }],
        usage: {
          prompt_tokens: 30,
          completion_tokens: 20,
          total_tokens: 50,
          prompt_tokens_details: { cached_tokens: 10 },
          completion_tokens_details: { reasoning_tokens: 5 },
        },
      }),
    ),
  );
  return tap;
}

test("all exchanges have the same fields in the same order, whatever happens to them", async () => {
  const shapes = new Set<string>();
  for (const { name } of ENDPOINTS) {
    const exchange = begin(name);
    shapes.add(Object.keys(exchange).join());
    exchange.modelAsked = "m";
    exchange.upstream = "up";
    exchange.credential = "main";
    exchange.firstByteMs = gateway.clock.monotonicMs();
    exchange.tap = readTap();
    exchange.errorKind = "internal";
    exchange.noteAttempt("up", "main", 200, "ok", 1);
    shapes.add(Object.keys(exchange).join());
    await exchange.settle(gateway).committed;
    shapes.add(Object.keys(exchange).join());
  }
  expect(shapes.size).toBe(1);
});

test("it is settled once: a second time is a mistake, and writes nothing", async () => {
  const exchange = begin();
  expect(exchange.isSettled).toBe(false);
  await exchange.settle(gateway).committed;
  expect(exchange.isSettled).toBe(true);
  expect(() => exchange.settle(gateway)).toThrow("an exchange is settled once");
  expect((await gateway.rows()).length).toBe(1);
  expect(gateway.metrics.inFlight).toBe(0);
});

test("it counts as in flight from its beginning to its end", async () => {
  const [one, two] = [begin(), begin()];
  expect(gateway.metrics.inFlight).toBe(2);
  await one.settle(gateway).committed;
  expect(gateway.metrics.inFlight).toBe(1);
  await two.settle(gateway).committed;
  expect(gateway.metrics.inFlight).toBe(0);
});

test("a whole answer's row says who asked what of whom, and what it took", async () => {
  const exchange = begin("chat.completions", { "x-request-id": "their-id-1", "user-agent": "OpenAI/JS 6" });
  exchange.modelAsked = "best";
  exchange.upstream = "up";
  exchange.upstreamDialect = "openai-chat";
  exchange.credential = "main";
  exchange.modelUsed = "gpt-5";
  exchange.attempts = 2;
  exchange.noteAttempt("up", "main", 503, "overload", 12.6);
  exchange.status = 200;
  exchange.outcome = "ok";
  exchange.requestBytes = 11;
  exchange.replyBytes = 22;
  exchange.firstByteMs = exchange.startedMs + 7;
  exchange.upstreamRequestId = "req_1";
  exchange.tap = readTap();
  const row = await settled(exchange);
  expect(row).toMatchObject({
    id: exchange.id,
    atMs: exchange.atMs,
    key: "tester",
    dialect: "openai-chat",
    endpoint: "chat.completions",
    clientRequestId: "their-id-1",
    modelAsked: "best",
    upstream: "up",
    upstreamDialect: "openai-chat",
    modelUsed: "gpt-5",
    modelReported: "gpt-5-2026",
    credential: "main",
    isStream: false,
    status: 200,
    outcome: "ok",
    errorKind: null,
    stopReason: "length",
    attempts: 2,
    requestBytes: 11,
    replyBytes: 22,
    cacheReadTokens: 10,
    reasoningTokens: 5,
    outputTokens: 20,
    usageState: "final",
    upstreamRequestId: "req_1",
    clientAddress: "203.0.113.9",
    userAgent: "OpenAI/JS 6",
  });
  expect(row.ttfbMs).toBeCloseTo(7, 3);
  expect(row.durationMs).toBeGreaterThanOrEqual(0);
  expect(JSON.parse(row.attemptLog as string)).toEqual([
    { upstream: "up", credential: "main", status: 503, signal: "overload", ms: 13 },
  ]);
});

test("what is not known is null, never 0", async () => {
  const row = await settled(begin());
  expect(row).toMatchObject({
    outcome: "error",
    upstream: null,
    upstreamDialect: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    ttfbMs: null,
    attemptLog: null,
    usageState: "unknown",
    costNanoUsd: null,
    clientRequestId: null,
  });
});

describe("usage", () => {
  test("of an answer that broke off is partial", async () => {
    const exchange = begin();
    exchange.outcome = "upstream_cut";
    exchange.tap = readTap();
    expect((await settled(exchange)).usageState).toBe("partial");
  });

  test.each(ENDPOINTS.filter(({ isBilled }) => !isBilled).map(({ name }) => name))(
    "of %s is of no work done now, and not counted",
    async (endpoint) => {
      const exchange = begin(endpoint);
      exchange.outcome = "ok";
      exchange.tap = readTap();
      expect(await settled(exchange)).toMatchObject({
        inputTokens: null,
        outputTokens: null,
        usageState: "unknown",
      });
      expect([...gateway.metrics.tokens.series()]).toEqual([]);
    },
  );
});

test.each(["", "a b", "é", "x".repeat(129), "tab\tbed"])(
  "the client's request id %j is not kept",
  async (id) => {
    expect((await settled(begin("messages", { "x-request-id": id }))).clientRequestId).toBeNull();
  },
);

test("a user agent is kept to its first 200 characters", async () => {
  expect((await settled(begin("messages", { "user-agent": "u".repeat(5_000) }))).userAgent).toBe(
    "u".repeat(200),
  );
});

test("what clients and upstreams write is cut to a size that a row can bear", async () => {
  const exchange = begin();
  const long = "m".repeat(1_000_000);
  exchange.modelAsked = long;
  exchange.modelUsed = long;
  exchange.upstreamRequestId = long;
  for (let i = 0; i < 10_000; i += 1) exchange.noteAttempt("up", "main", 503, "overload", 1);
  const row = await settled(exchange);
  for (const text of [row.modelAsked, row.modelUsed, row.upstreamRequestId]) {
    expect(text?.length).toBeWithin(200, 1_000);
    expect(long).toStartWith(text as string);
  }
  expect((row.attemptLog as string).length).toBeLessThan(20_000);
  expect(JSON.parse(row.attemptLog as string)[0]).toMatchObject({ signal: "overload" });
});

test("another attempt forgets what the one before it was", async () => {
  const exchange = begin();
  exchange.beginAttempt("up", "openai-chat", "main", "gpt-5");
  exchange.isStream = true;
  exchange.tap = readTap();
  exchange.upstreamRequestId = "req_1";
  exchange.beginAttempt("other", "openai-chat", "spare", null);
  expect(await settled(exchange)).toMatchObject({
    attempts: 2,
    upstream: "other",
    credential: "spare",
    modelUsed: null,
    isStream: false,
    upstreamRequestId: null,
    outputTokens: null,
  });
});

test("ids of state that the answer made are kept with who made it", async () => {
  const exchange = begin("responses");
  const tap = DIALECTS["openai-responses"].makeTap({
    framing: "json",
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 65_536,
  });
  tap.push(
    new TextEncoder().encode(
      JSON.stringify({
        id: "resp_1",
        object: "response",
        status: "completed",
        store: true,
        model: "m",
        output: [],
      }),
    ),
  );
  exchange.tap = tap;
  exchange.upstream = "up";
  exchange.upstreamDialect = "openai-chat";
  exchange.credential = "main";
  await exchange.settle(gateway).committed;
  expect(gateway.findState("resp_1")).toMatchObject({ upstream: "up", credential: "main" });
  expect(gateway.findState("resp_2")).toBeNull();
});

test("the metrics count it under its names", async () => {
  const exchange = begin();
  exchange.upstream = "up";
  exchange.upstreamDialect = "openai-chat";
  exchange.outcome = "ok";
  exchange.tap = readTap();
  exchange.firstByteMs = exchange.startedMs;
  await exchange.settle(gateway).committed;
  expect([...gateway.metrics.requests.series()]).toEqual([
    { labels: { dialect: "openai-chat", upstream: "up", outcome: "ok" }, value: 1 },
  ]);
  expect(
    [...gateway.metrics.tokens.series()].map(({ labels, value }) => [labels.kind, value]),
  ).toContainEqual(["output", 20]);
  expect([...gateway.metrics.duration.series()][0]?.count).toBe(1);
  expect([...gateway.metrics.firstByte.series()][0]?.count).toBe(1);
});
