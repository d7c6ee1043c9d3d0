import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Tap } from "../dialects/dialect.ts";
import { ENDPOINTS, makeRoute } from "../dialects/endpoint.ts";
import { DIALECTS, type EndpointName } from "../dialects/index.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { NO_USAGE } from "../neutral/usage.ts";
import { accept } from "./accepted.ts";
import { type Asked, type AttemptRecord, Exchange } from "./exchange.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "./fixtures/gateway-under-test.ts";
import { type Ending, settle, settleFailure } from "./settle.ts";

let gateway: GatewayUnderTest;
beforeEach(() => {
  gateway = new GatewayUnderTest({ upstreams: [{ name: "up", family: "openai" }] });
});
afterEach(() => gateway.close());

const ASKED: Asked = {
  requestBytes: 11,
  modelAsked: "best",
  clientFraming: "json",
  amendment: null,
  isStrict: false,
  endUser: null,
  outputLimit: null,
  isBackground: false,
};

const OK: Ending = {
  status: 200,
  outcome: "ok",
  errorKind: null,
  facts: null,
  replyBytes: 0,
  firstByteMs: null,
  isHeadSent: false,
};

const ATTEMPT: AttemptRecord = {
  upstream: "up",
  place: null,
  upstreamDialect: "openai-chat",
  credential: "main",
  modelUsed: "gpt-5",
  mayFallBack: false,
  mayBeBilled: true,
  access: null,
  isStream: false,
  dropped: [],
  upstreamRequestId: null,
};

const begin = (
  endpoint: EndpointName = "chat.completions",
  headers: Record<string, string> = {},
  asked: Partial<Asked> = {},
): Exchange => {
  const client = clientUnderTest("/x", "{}", headers);
  const accepted = accept(gateway, makeRoute(endpoint, `/v1/${endpoint}`), client, TESTER);
  return new Exchange(accepted, { ...ASKED, ...asked });
};

const end = (exchange: Exchange, ending: Partial<Ending> = {}): Promise<unknown> =>
  new Promise((resolve) => settle(gateway, exchange, { ...OK, ...ending }, resolve));

async function settled(exchange: Exchange, ending: Partial<Ending> = {}): Promise<LedgerRow> {
  expect(await end(exchange, ending)).toBeNull();
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
    exchange.beginAttempt({ ...ATTEMPT });
    exchange.noteAttempt({ upstream: "up", credential: "main", status: 200, signal: "ok", ms: 1 });
    exchange.keepUsage(
      { usage: { ...NO_USAGE, inputTokens: 1 }, model: null },
      gateway.snapshot.prices,
      false,
    );
    shapes.add(Object.keys(exchange).join());
    await end(exchange, { facts: readTap() });
    shapes.add(Object.keys(exchange).join());
  }
  expect(shapes.size).toBe(1);
});

test("it is settled once: a second time is a mistake, and writes nothing", async () => {
  const exchange = begin();
  expect(exchange.isSettled).toBe(false);
  await end(exchange);
  expect(exchange.isSettled).toBe(true);
  expect(() => settle(gateway, exchange, OK, () => undefined)).toThrow("an exchange is settled once");
  expect(() => settleFailure(gateway, exchange, OK, () => undefined)).toThrow("an exchange is settled once");
  expect((await gateway.rows()).length).toBe(1);
  expect(gateway.metrics.inFlight).toBe(0);
});

test("it counts as in flight from its beginning to its end", async () => {
  const [one, two] = [begin(), begin()];
  expect(gateway.metrics.inFlight).toBe(2);
  await end(one);
  expect(gateway.metrics.inFlight).toBe(1);
  await end(two);
  expect(gateway.metrics.inFlight).toBe(0);
});

test("a whole answer's row says who asked what of whom, and what it took", async () => {
  const exchange = begin("chat.completions", { "x-request-id": "their-id-1", "user-agent": "OpenAI/JS 6" });
  exchange.beginAttempt({ ...ATTEMPT, credential: "spare" });
  exchange.noteAttempt({ upstream: "up", credential: "spare", status: 503, signal: "overload", ms: 13 });
  exchange.beginAttempt({ ...ATTEMPT, upstreamRequestId: "req_1" });
  const row = await settled(exchange, {
    facts: readTap(),
    replyBytes: 22,
    firstByteMs: exchange.startedMs + 7,
  });
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
    usage: { cacheReadTokens: 10, reasoningTokens: 5, outputTokens: 20 },
    usageState: "final",
    upstreamRequestId: "req_1",
    clientAddress: "203.0.113.9",
    userAgent: "OpenAI/JS 6",
  });
  expect(row.ttfbMs).toBeCloseTo(7, 3);
  expect(row.durationMs).toBeGreaterThanOrEqual(0);
  expect(JSON.parse(row.attemptLog as string)).toEqual([
    { upstream: "up", credential: "spare", status: 503, signal: "overload", ms: 13 },
  ]);
});

test("what is not known is null, never 0", async () => {
  const row = await settled(begin(), { status: 502, outcome: "error", errorKind: "internal" });
  expect(row).toMatchObject({
    outcome: "error",
    upstream: null,
    upstreamDialect: null,
    usage: { inputTokens: null, outputTokens: null, cacheReadTokens: null },
    ttfbMs: null,
    attemptLog: null,
    usageState: "unknown",
    costNanoUsd: null,
    clientRequestId: null,
  });
});

describe("usage", () => {
  test("of an answer that broke off is partial", async () => {
    const row = await settled(begin(), { outcome: "upstream_cut", facts: readTap() });
    expect(row.usageState).toBe("partial");
  });

  test("of failed attempts is added to that of the answer, and makes the sum partial", async () => {
    const exchange = begin();
    exchange.beginAttempt({ ...ATTEMPT });
    exchange.keepUsage(
      { usage: { ...NO_USAGE, inputTokens: 30, outputTokens: 4 }, model: null },
      gateway.snapshot.prices,
      false,
    );
    exchange.beginAttempt({ ...ATTEMPT, upstream: "other" });
    exchange.keepUsage(
      { usage: { ...NO_USAGE, inputTokens: 30, cacheWriteTokens: 2 }, model: null },
      gateway.snapshot.prices,
      false,
    );
    exchange.beginAttempt({ ...ATTEMPT, upstream: "third" });
    expect(await settled(exchange, { facts: readTap() })).toMatchObject({
      upstream: "third",
      usage: {
        inputTokens: 90,
        cacheReadTokens: 10,
        cacheWriteTokens: 2,
        outputTokens: 24,
        reasoningTokens: 5,
      },
      usageState: "partial",
    });
  });

  test("of failed attempts is kept when no answer follows", async () => {
    const exchange = begin();
    exchange.beginAttempt({ ...ATTEMPT, mayBeBilled: false });
    exchange.keepUsage(
      { usage: { ...NO_USAGE, inputTokens: 30 }, model: null },
      gateway.snapshot.prices,
      false,
    );
    expect(await settled(exchange, { status: 502, outcome: "error" })).toMatchObject({
      usage: { inputTokens: 30, outputTokens: null },
      usageState: "partial",
    });
  });

  test.each(ENDPOINTS.filter(({ isBilled }) => !isBilled).map(({ name }) => name))(
    "of %s is of no work done now, and not counted",
    async (endpoint) => {
      const exchange = begin(endpoint);
      exchange.keepUsage(
        { usage: { ...NO_USAGE, inputTokens: 30 }, model: null },
        gateway.snapshot.prices,
        false,
      );
      expect(await settled(exchange, { facts: readTap() })).toMatchObject({
        usage: { inputTokens: null, outputTokens: null },
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
  const long = "m".repeat(1_000_000);
  const exchange = begin("chat.completions", {}, { modelAsked: long });
  exchange.beginAttempt({ ...ATTEMPT, modelUsed: long, upstreamRequestId: long });
  for (let i = 0; i < 10_000; i += 1) {
    exchange.noteAttempt({ upstream: "up", credential: "main", status: 503, signal: "overload", ms: 1 });
  }
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
  exchange.beginAttempt({ ...ATTEMPT });
  exchange.attempt.isStream = true;
  exchange.attempt.upstreamRequestId = "req_1";
  exchange.beginAttempt({ ...ATTEMPT, upstream: "other", credential: "spare", modelUsed: null });
  expect(await settled(exchange)).toMatchObject({
    attempts: 2,
    upstream: "other",
    credential: "spare",
    modelUsed: null,
    isStream: false,
    upstreamRequestId: null,
    usage: { outputTokens: null },
  });
});

test("a request that was refused before any attempt is a stream if the client asked for one", async () => {
  const refused = { status: 404, outcome: "refused", errorKind: "model_not_found" } as const;
  const asking = (clientFraming: "json" | "sse") => begin("chat.completions", {}, { clientFraming });
  expect(await settled(asking("sse"), refused)).toMatchObject({ isStream: true, attempts: 0 });
  expect(await settled(asking("json"), refused)).toMatchObject({ isStream: false });
});

describe("a row that cannot be committed", () => {
  beforeEach(() => {
    // Closed, the ledger refuses every row, as a full queue does.
    return gateway.ledger.close();
  });

  test("costs the client its answer", async () => {
    expect(await end(begin())).toMatchObject({ kind: "ledger_unavailable" });
  });

  test("changes nothing for a client that gets an error anyway", async () => {
    const failed = { ...OK, status: 502, outcome: "error" } as const;
    await new Promise<void>((resolve) => settleFailure(gateway, begin(), failed, resolve));
    expect(gateway.metrics.inFlight).toBe(0);
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
  exchange.beginAttempt({ ...ATTEMPT });
  await end(exchange, { facts: tap });
  expect(gateway.findState("resp_1")).toMatchObject([{ upstream: "up", credential: "main" }]);
  expect(gateway.findState("resp_2")).toEqual([]);
});

test("the metrics count it under its names", async () => {
  const exchange = begin();
  exchange.beginAttempt({ ...ATTEMPT });
  await end(exchange, { facts: readTap(), firstByteMs: exchange.startedMs });
  expect([...gateway.metrics.requests.series()]).toEqual([
    { labels: { dialect: "openai-chat", upstream: "up", outcome: "ok" }, value: 1 },
  ]);
  expect(
    [...gateway.metrics.tokens.series()].map(({ labels, value }) => [labels.kind, value]),
  ).toContainEqual(["output", 20]);
  expect([...gateway.metrics.duration.series()][0]?.count).toBe(1);
  expect([...gateway.metrics.firstByte.series()][0]?.count).toBe(1);
});
