// A background response ends in a row of its own, whoever asks about it and whatever becomes of it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { digestOf, type Principal } from "../../auth/keys.ts";
import type { KeyLimits } from "../../config/client-keys.ts";
import { CREDENTIAL_DEFAULTS } from "../../config/fixtures/defaults.ts";
import { makeRoute, type Route } from "../../dialects/endpoint.ts";
import { PriceBook } from "../../prices/price-book.ts";
import { NO_PRICES } from "../../prices/price-list.ts";
import { makeBackgroundStore } from "../../store/background.ts";
import { clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import type { Gateway } from "../gateway.ts";
import { handle } from "../handle.ts";
import { BackgroundWatch } from "./background-watch.ts";
import type { PendingResponse } from "./pending.ts";

/** A token of input costs 2,000 nano-dollars, one of output 8,000. */
const PRICES = new PriceBook(NO_PRICES, [
  { upstream: null, model: "gpt-5", prices: [{ rates: { input: 2, output: 8 } }] },
]);
const LIMITS: KeyLimits = {
  requestsPerMinute: 100,
  tokensPerMinute: 100_000,
  concurrency: 2,
  budgetPerDayNanoUsd: 1_000_000_000,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
};
const HOUR_MS = 3_600_000;

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** The watch's clock stands still but for `aheadMs`, and is later than that of the requests. */
let startMs = 0;
let aheadMs = 0;
/** How the provider answers a question about the response. */
let stored: (request: Arrived) => void | Promise<void>;

function start(
  limits: KeyLimits | null = LIMITS,
  ofCredential: Partial<typeof CREDENTIAL_DEFAULTS> = {},
): void {
  const main = {
    ...CREDENTIAL_DEFAULTS,
    name: "main",
    apiKey: "sk-main-0123",
    scope: "credential" as const,
    ...ofCredential,
  };
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1`, credentials: [main] }],
    key: { limits },
  });
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
  gateway.background = makeWatch();
}

/** The gateway with a clock that a test sets. */
function makeWatch(): BackgroundWatch {
  const nowMs = () => startMs + aheadMs;
  const view: Gateway = Object.create(gateway, { clock: { value: { nowMs, monotonicMs: nowMs } } });
  return new BackgroundWatch(
    () => view,
    makeBackgroundStore(() => gateway.openStore()),
  );
}

const response = (status: string, more: object = {}) =>
  JSON.stringify({
    id: "resp_1",
    object: "response",
    created_at: 1_790_000_000,
    status,
    background: true,
    model: "gpt-5-2026",
    output: [],
    usage: null,
    error: null,
    ...more,
  });
const USAGE = { input_tokens: 100, output_tokens: 50, total_tokens: 150 };
const COST = 100 * 2_000 + 50 * 8_000;
const completed = response("completed", { usage: USAGE });

beforeEach(async () => {
  startMs = Date.now() + 60_000;
  aheadMs = 0;
  stored = (request) => sendWhole(request, response("in_progress"));
  upstream = await startRawUpstream((request) =>
    request.method === "POST" && !request.target.endsWith("/cancel")
      ? sendWhole(request, response("queued"))
      : stored(request),
  );
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  await gateway.close();
  await upstream.close();
});

const BODY = JSON.stringify({
  model: "gpt-5",
  input: "go",
  background: true,
  max_output_tokens: 1_000,
  user: "u-1",
});
const RESPONSES = makeRoute("responses", "/v1/responses");
const STORED: Route = { ...makeRoute("responses.stored", "/v1/responses/resp_1"), stateId: "resp_1" };
const CANCEL: Route = { ...STORED, path: "/v1/responses/resp_1/cancel" };

const begin = (body = BODY, search = "") =>
  handle(gateway, RESPONSES, clientUnderTest(`/v1/responses${search}`, body), gateway.tester);
const look = async (ms: number): Promise<void> => {
  aheadMs += ms;
  await gateway.background.look();
};
const polls = (): Arrived[] => upstream.seen.filter(({ method }) => method === "GET");
async function endRows() {
  return (await gateway.rows()).filter(({ endpoint }) => endpoint === "responses.background");
}
function held(limit: string) {
  const use = gateway.limiter.use(gateway.tester).find((one) => one.limit === limit);
  return { used: use?.used, reserved: use?.reserved };
}
function spentOnDisk(): number {
  const sql = gateway.openStore();
  try {
    return Number(sql.prepare("SELECT sum(spent_nano_usd) AS spent FROM budgets").get()?.spent);
  } finally {
    sql.close();
  }
}
const BOOKED = Math.ceil(BODY.length / 3);
const MOST = BOOKED * 2_000 + 1_000 * 8_000;

test("the request's row has no usage, and its room is held until the usage is fetched; then a second row has it", async () => {
  start();
  const reply = await begin();
  expect(await reply.json()).toMatchObject({ status: "queued" });
  expect(await gateway.rows()).toMatchObject([
    { endpoint: "responses", outcome: "ok", stopReason: "queued", usageState: "unknown", costNanoUsd: null },
  ]);
  expect([held("budget"), held("concurrency").reserved]).toEqual([{ used: 0, reserved: MOST }, 1]);
  await look(1_999);
  expect(polls()).toHaveLength(0);
  await look(1);
  expect(polls()).toHaveLength(1);
  expect(held("budget")).toEqual({ used: 0, reserved: MOST });
  stored = (request) => sendWhole(request, completed);
  await look(HOUR_MS);
  expect(await endRows()).toMatchObject([
    {
      key: "tester",
      dialect: "openai-responses",
      outcome: "ok",
      status: 200,
      stopReason: "completed",
      upstream: "up",
      credential: "main",
      modelAsked: "gpt-5",
      modelUsed: "gpt-5",
      modelReported: "gpt-5-2026",
      usage: { inputTokens: 100, outputTokens: 50 },
      usageState: "final",
      costNanoUsd: COST,
      upstreamRequestId: "resp_1",
      endUser: "u-1",
      requestBytes: 0,
    },
  ]);
  expect([held("budget"), held("concurrency").reserved]).toEqual([{ used: COST, reserved: 0 }, 0]);
  expect(gateway.background.size).toBe(0);
  await look(24 * HOUR_MS);
  expect([polls().length, (await endRows()).length]).toEqual([2, 1]);
});

test("the provider is asked with the credential and the query of the request", async () => {
  start(null);
  await begin(BODY, "?api-version=2026-11-01&callback=x");
  await look(2_000);
  const [poll] = polls() as [Arrived];
  expect([poll.method, poll.target]).toEqual(["GET", "/v1/responses/resp_1?api-version=2026-11-01"]);
  expect(poll.headers.get("authorization")).toBe("Bearer sk-main-0123");
});

test("the pauses grow up to five minutes", async () => {
  start(null);
  await begin();
  const pauses: number[] = [];
  let sinceMs = 0;
  while (pauses.length < 16) {
    const before = polls().length;
    await look(500);
    sinceMs += 500;
    if (polls().length === before) continue;
    pauses.push(sinceMs);
    sinceMs = 0;
  }
  expect(pauses.slice(0, 4)).toEqual([2_000, 3_000, 4_500, 7_000]);
  for (const [i, pause] of pauses.entries())
    if (i > 0) expect(pause).toBeGreaterThanOrEqual(pauses[i - 1] as number);
  expect(pauses.at(-1)).toBeWithin(300_000, 301_000);
});

test("a client that asks for the response itself ends the wait, and nothing is booked twice", async () => {
  start();
  await begin();
  stored = (request) => sendWhole(request, completed);
  const asked = () => handle(gateway, STORED, clientUnderTest("/v1/responses/resp_1", null), gateway.tester);
  await (await asked()).text();
  await (await asked()).text();
  await look(HOUR_MS);
  expect(polls()).toHaveLength(2);
  expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
  expect(held("budget")).toEqual({ used: COST, reserved: 0 });
});

test("a client that looks too early ends nothing", async () => {
  start();
  await begin();
  await (await handle(gateway, STORED, clientUnderTest("/v1/responses/resp_1", null), gateway.tester)).text();
  expect(gateway.background.size).toBe(1);
  expect(await endRows()).toEqual([]);
});

describe("how it ends", () => {
  test.each([
    [
      "incomplete",
      response("incomplete", { usage: USAGE, incomplete_details: { reason: "max_output_tokens" } }),
      { outcome: "ok", stopReason: "max_output_tokens", usageState: "final", costNanoUsd: COST },
    ],
    [
      "failed with usage",
      response("failed", { usage: USAGE, error: { code: "server_error", message: "x" } }),
      {
        outcome: "error",
        errorKind: "upstream_error",
        stopReason: "failed",
        usageState: "final",
        costNanoUsd: COST,
      },
    ],
    [
      "failed",
      response("failed", { error: { code: "server_error", message: "x" } }),
      {
        outcome: "error",
        stopReason: "failed",
        usageState: "estimated",
        usage: expect.objectContaining({ inputTokens: BOOKED, outputTokens: null }),
        costNanoUsd: BOOKED * 2_000,
      },
    ],
    [
      "cancelled in the midst",
      response("cancelled", {
        output: [{ type: "message", content: [{ type: "output_text", text: "x".repeat(291) }] }],
      }),
      {
        outcome: "client_left",
        stopReason: "cancelled",
        usageState: "estimated",
        usage: expect.objectContaining({ inputTokens: BOOKED, outputTokens: 97 }),
      },
    ],
    [
      "completed without usage",
      response("completed", {
        output: [{ type: "message", content: [{ type: "output_text", text: "x".repeat(291) }] }],
      }),
      {
        outcome: "ok",
        usageState: "estimated",
        usage: expect.objectContaining({ inputTokens: BOOKED, outputTokens: 97 }),
      },
    ],
  ])("%s", async (_, body, row) => {
    start();
    await begin();
    stored = (request) => sendWhole(request, body);
    await look(2_000);
    const [found] = await endRows();
    expect(found).toMatchObject(row as object);
    expect(held("budget")).toEqual({ used: found?.costNanoUsd ?? -1, reserved: 0 });
    expect(gateway.background.size).toBe(0);
  });

  const GONE = {
    outcome: "upstream_cut",
    errorKind: "upstream_cut",
    usageState: "estimated",
    usage: expect.objectContaining({ inputTokens: BOOKED, outputTokens: 1_000 }),
    costNanoUsd: MOST,
  };

  test.each([404, 401, 403])(
    "gone: the provider answers %p five times; the most that it may be is booked",
    async (status) => {
      start();
      await begin();
      stored = (request) => sendWhole(request, '{"error":{"message":"no"}}', undefined, `${status} No`);
      for (let i = 0; i < 4; i++) await look(HOUR_MS);
      expect(gateway.background.size).toBe(1);
      await look(HOUR_MS);
      expect(await endRows()).toMatchObject([GONE]);
      expect(held("budget")).toEqual({ used: MOST, reserved: 0 });
      expect(gateway.logged.join()).toContain("cannot be fetched");
    },
  );

  test("a response that is found again after misses is waited for", async () => {
    start();
    await begin();
    let count = 0;
    stored = (request) =>
      ++count % 4 === 0
        ? sendWhole(request, response("in_progress"))
        : sendWhole(request, "{}", undefined, "404 Not Found");
    for (let i = 0; i < 12; i++) await look(HOUR_MS);
    expect(gateway.background.size).toBe(1);
  });

  test("too old: after a day the most that it may be is booked", async () => {
    start();
    await begin();
    await look(23 * HOUR_MS);
    expect(gateway.background.size).toBe(1);
    await look(HOUR_MS);
    expect(await endRows()).toMatchObject([GONE]);
  });

  test("its credential is not configured any more", async () => {
    start();
    await begin();
    gateway.reconfigure({
      upstreams: [
        { name: "up", family: "openai", baseUrl: `${upstream.url}/v1`, keys: { other: "sk-other" } },
      ],
      key: { limits: LIMITS },
    });
    gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
    await look(2_000);
    expect(polls()).toHaveLength(0);
    expect(await endRows()).toMatchObject([GONE]);
  });
});

test.each([
  ["an error of the server", (request: Arrived) => sendWhole(request, "{}", undefined, "500 Oops")],
  ["a limit", (request: Arrived) => sendWhole(request, "{}", undefined, "429 Slow Down")],
  ["garbage", (request: Arrived) => sendWhole(request, "<html>")],
  ["half a response", (request: Arrived) => sendWhole(request, completed.slice(0, 40))],
  ["no reply", (request: Arrived) => request.rst()],
])("%s says nothing about it, and it is asked for again", async (_, answer) => {
  start();
  await begin();
  stored = answer;
  for (let i = 0; i < 8; i++) await look(HOUR_MS);
  expect([gateway.background.size, held("budget").reserved]).toEqual([1, MOST]);
  stored = (request) => sendWhole(request, completed);
  await look(HOUR_MS);
  expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
});

test("a client that cancels gets the provider's reply, and the response ends with what it shows", async () => {
  start();
  await begin();
  stored = (request) => sendWhole(request, response("cancelled", { usage: USAGE }));
  const client = clientUnderTest(CANCEL.path, "");
  await (await handle(gateway, CANCEL, client, gateway.tester)).text();
  expect(await endRows()).toMatchObject([
    { stopReason: "cancelled", usageState: "final", costNanoUsd: COST },
  ]);
  expect(gateway.background.size).toBe(0);
});

describe("a stream of a background response", () => {
  const sse = (type: string, body: string) =>
    `event: ${type}\ndata: {"type":"${type}","response":${body}}\n\n`;
  const created = sse("response.created", response("queued"));
  const delta =
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"word"}\n\n';
  const STREAM_BODY = JSON.stringify({ ...JSON.parse(BODY), stream: true });

  test("that ends well has its usage in its own row", async () => {
    start();
    upstream.answer = async (request) => {
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await request.send(chunkOf(created + delta + sse("response.completed", completed)));
      await request.send("0\r\n\r\n");
    };
    await (await begin(STREAM_BODY)).text();
    expect(await gateway.rows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
    expect([gateway.background.size, held("budget")]).toEqual([0, { used: COST, reserved: 0 }]);
  });

  test("that breaks off goes on at the provider, and is waited for", async () => {
    start();
    const whole = upstream.answer;
    upstream.answer = async (request) => {
      if (request.method === "GET") return whole(request);
      await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await request.send(chunkOf(created + delta));
      await request.untilRead();
      request.fin();
    };
    await (await begin(STREAM_BODY)).text();
    expect(await gateway.rows()).toMatchObject([{ outcome: "upstream_cut", usageState: "unknown" }]);
    stored = (request) => sendWhole(request, completed);
    await look(2_000);
    expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
    expect(held("budget")).toEqual({ used: COST, reserved: 0 });
  });
});

test("a stream that was read and is cancelled then is booked with what it showed", async () => {
  start();
  const whole = upstream.answer;
  const piece = `data: {"type":"response.output_text.delta","delta":"${"x".repeat(291)}"}\n\n`;
  upstream.answer = async (request) => {
    if (request.method === "GET") return whole(request);
    await request.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
    await request.send(
      chunkOf(`data: {"type":"response.created","response":${response("queued")}}\n\n${piece}`),
    );
  };
  const reader = (await begin(JSON.stringify({ ...JSON.parse(BODY), stream: true }))).body?.getReader();
  for (let text = ""; !text.includes("xxx"); )
    text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  expect(gateway.background.size).toBe(1);
  stored = (request) => sendWhole(request, response("cancelled"));
  await look(HOUR_MS);
  expect(await endRows()).toMatchObject([
    { stopReason: "cancelled", usageState: "estimated", usage: { outputTokens: 97 } },
  ]);
});

test("one whose client leaves before its id is known is booked with the most that it may be", async () => {
  start();
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await sendWhole(request, response("queued"));
  };
  const client = clientUnderTest("/v1/responses", BODY);
  const reply = handle(gateway, RESPONSES, client, gateway.tester);
  while (upstream.seen.length === 0) await Bun.sleep(1);
  // The gateway listens for the client once the call takes long.
  await Bun.sleep(300);
  client.leave();
  expect((await reply).status).toBe(499);
  resolve();
  expect(await gateway.rows()).toMatchObject([
    {
      outcome: "client_left",
      usageState: "estimated",
      usage: { inputTokens: BOOKED, outputTokens: 1_000 },
      costNanoUsd: MOST,
    },
  ]);
  expect(held("budget")).toEqual({ used: MOST, reserved: 0 });
});

test("two requests that get one response count as two, and it is booked once", async () => {
  start();
  await begin();
  await begin();
  expect([held("requests_per_minute").used, held("concurrency").reserved]).toEqual([2, 1]);
  expect(held("budget")).toEqual({ used: 0, reserved: MOST });
  stored = (request) => sendWhole(request, completed);
  await look(2_000);
  expect(await endRows()).toHaveLength(1);
  expect(held("budget")).toEqual({ used: COST, reserved: 0 });
});

test("usage that a reply has while the response is made is counted at its end alone", async () => {
  start();
  const running = response("in_progress", { usage: { ...USAGE, output_tokens: 10, total_tokens: 110 } });
  upstream.answer = (request) => (request.method === "GET" ? stored(request) : sendWhole(request, running));
  await (await begin()).text();
  expect(await gateway.rows()).toMatchObject([{ usageState: "unknown", costNanoUsd: null }]);
  stored = (request) => sendWhole(request, completed);
  await look(2_000);
  expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
  expect([held("budget"), spentOnDisk()]).toEqual([{ used: COST, reserved: 0 }, COST]);
});

test("what an attempt before it cost is in the row of its request, and charged with its own cost", async () => {
  start();
  upstream.answer = (request) => {
    if (request.method === "GET") return stored(request);
    const failed = response("failed", { usage: USAGE, error: { code: "server_error", message: "x" } });
    return sendWhole(request, request.n === 1 ? failed : response("queued"));
  };
  await (await begin()).text();
  expect(await gateway.rows()).toMatchObject([{ attempts: 2, stopReason: "queued", costNanoUsd: COST }]);
  stored = (request) => sendWhole(request, completed);
  await look(2_000);
  expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
  expect([held("budget"), spentOnDisk()]).toEqual([{ used: 2 * COST, reserved: 0 }, 2 * COST]);
  expect(held("tokens_per_minute").used).toBe(2 * 150);
});

describe("after a restart", () => {
  test("the next process goes on with it, holds its room again, and books it once", async () => {
    start();
    await begin();
    await look(2_000);
    gateway.background.stop();
    expect(held("budget")).toEqual({ used: 0, reserved: 0 });
    gateway.background = makeWatch();
    gateway.background.start();
    expect([gateway.background.size, held("budget").reserved]).toEqual([1, MOST]);
    stored = (request) => sendWhole(request, completed);
    await look(HOUR_MS);
    expect(await endRows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
    expect(held("budget")).toEqual({ used: COST, reserved: 0 });
    const third = makeWatch();
    third.start();
    expect(third.size).toBe(0);
    third.stop();
    third.close();
  });

  test("the next process goes on with one that a request of the drain began", async () => {
    start();
    gateway.background.stop();
    await begin();
    expect(held("budget")).toEqual({ used: 0, reserved: 0 });
    gateway.background = makeWatch();
    gateway.background.start();
    expect([gateway.background.size, held("budget").reserved]).toEqual([1, MOST]);
  });

  test("a row that was stored and perhaps committed is committed once", async () => {
    start();
    await begin();
    const store = makeBackgroundStore(() => gateway.openStore());
    stored = (request) => sendWhole(request, completed);
    const [before] = store.load();
    await look(2_000);
    const [row] = await endRows();
    // The crash came after the commit, and before the response was forgotten.
    store.save({
      ...(before as NonNullable<typeof before>),
      detail: { ...(before?.detail as object), row, hasEnded: true },
    });
    const next = makeWatch();
    next.start();
    expect(await endRows()).toEqual([row as NonNullable<typeof row>]);
    expect([next.size, store.load(), spentOnDisk()]).toEqual([0, [], COST]);
    next.stop();
    next.close();
    store.close();
  });

  test("a key that is gone by then is charged nothing, and the row is there all the same", async () => {
    start();
    await begin();
    gateway.background.stop();
    gateway.snapshot = { ...gateway.snapshot, keys: new Map() };
    gateway.background = makeWatch();
    gateway.background.start();
    stored = (request) => sendWhole(request, completed);
    await look(HOUR_MS);
    expect(await endRows()).toMatchObject([{ key: "tester", costNanoUsd: COST }]);
  });

  test("what was stored and cannot be read is told, and costs no other response", async () => {
    start();
    await begin();
    const store = makeBackgroundStore(() => gateway.openStore());
    store.save({ upstream: "up", id: "resp_0", detail: { nonsense: true } });
    store.close();
    const next = makeWatch();
    next.start();
    expect(next.size).toBe(1);
    expect(gateway.logged.join()).toContain("cannot be read");
    next.stop();
    next.close();
  });
});

test("the credential's own limits hold it until it has ended, and then count what it cost", async () => {
  // One response may cost $0.008.
  start(null, { budgetUsdPerDay: "0.01", tokensPerMinute: 2_000 });
  const left = () => gateway.pool.list()[0]?.limits.map(({ remaining }) => remaining);
  await (await begin()).text();
  expect([(await begin()).status, left()]).toEqual([429, [1_000 - BOOKED, 10_000_000 - MOST]]);
  stored = (request) => sendWhole(request, completed);
  await look(HOUR_MS);
  await endRows();
  expect(left()).toEqual([2_000 - 150, 10_000_000 - COST]);
  expect(spentOnDisk()).toBe(COST);
  expect((await begin()).status).toBe(200);
});

test("after a restart it holds its room in its credential's budget again, and is charged at its end", async () => {
  start(null, { budgetUsdPerDay: "0.01" });
  const left = () => gateway.pool.list()[0]?.limits.map(({ remaining }) => remaining);
  await (await begin()).text();
  gateway.background.stop();
  expect(left()).toEqual([10_000_000]);
  gateway.background = makeWatch();
  gateway.background.start();
  expect([left(), (await begin()).status]).toEqual([[10_000_000 - MOST], 429]);
  stored = (request) => sendWhole(request, completed);
  await look(HOUR_MS);
  await endRows();
  expect([left(), spentOnDisk()]).toEqual([[10_000_000 - COST], COST]);
});

describe("of several keys", () => {
  const BOB = "key-of-bob-0123456789";
  let ids = 0;

  function startForTwo(): void {
    gateway = new GatewayUnderTest({
      upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
      otherKeys: { [BOB]: {} },
    });
    gateway.background = makeWatch();
    upstream.answer = (request) =>
      request.method === "POST"
        ? sendWhole(request, response("queued", { id: `resp_${++ids}` }))
        : stored(request);
  }
  const bob = () => gateway.snapshot.keys.get(digestOf(BOB)) as Principal;
  const beginAs = async (who: Principal): Promise<void> => {
    await (await handle(gateway, RESPONSES, clientUnderTest("/v1/responses", BODY), who)).text();
  };

  test("A61 one that has as many as are waited for takes another one's place, never another key's", async () => {
    startForTwo();
    await beginAs(gateway.tester);
    const [first] = makeBackgroundStore(() => gateway.openStore()).load();
    const pending = first?.detail as PendingResponse;
    for (let n = 1; n < 10_000; n++) gateway.background.begin({ ...pending, id: `more_${n}` }, null, null);
    expect([gateway.background.size, await endRows()]).toEqual([10_000, []]);
    await beginAs(bob());
    const ended = await endRows();
    expect(ended.map(({ key, upstreamRequestId }) => [key, upstreamRequestId])).toEqual([
      ["tester", pending.row.upstreamRequestId],
    ]);
    expect(gateway.background.size).toBe(10_000);
    stored = (request) => sendWhole(request, completed);
    await look(HOUR_MS);
    expect((await endRows()).filter(({ key }) => key === BOB)).toMatchObject([
      { outcome: "ok", usageState: "final" },
    ]);
  });

  test("A61 each is asked for in its turn, and nothing is asked for twice at once", async () => {
    startForTwo();
    for (let n = 0; n < 20; n++) await beginAs(gateway.tester);
    await beginAs(bob());
    const looks = [look(HOUR_MS), gateway.background.look(), gateway.background.look()];
    await Promise.all(looks);
    const asked = polls().map(({ target }) => target);
    expect([asked.length, new Set(asked).size]).toEqual([21, 21]);
    // Four are asked for at once.
    expect(asked.indexOf(`/v1/responses/resp_${ids}`)).toBeLessThan(4);
  });
});

test("other responses are not waited for", async () => {
  start();
  upstream.answer = (request) =>
    sendWhole(request, response("completed", { background: false, usage: USAGE }));
  await (await begin()).text();
  expect(gateway.background.size).toBe(0);
  expect(await gateway.rows()).toMatchObject([{ usageState: "final", costNanoUsd: COST }]);
});
