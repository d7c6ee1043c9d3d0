// A key with a budget: what a request may cost is taken before it is sent, and what it cost stands in its row.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { type RawUpstream, replyHead, sendWhole, startRawUpstream } from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING } from "../../../test/kit/recordings.ts";
import type { KeyLimits } from "../../config/client-keys.ts";
import { ENDPOINTS, makeRoute, type Route, routeTo } from "../../dialects/endpoint.ts";
import { PriceBook } from "../../prices/price-book.ts";
import { NO_PRICES } from "../../prices/price-list.ts";
import { type ConfigUnderTest, clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
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
/** A token of input costs 2,000 nano-dollars, one of output 8,000. */
const PRICES = new PriceBook(NO_PRICES, [
  { upstream: null, model: "gpt-4.1", prices: [{ rates: { input: 2, output: 8 } }] },
]);
/** What the recorded answer costs. */
const COST = RECORDING.inputTokens * 2_000 + RECORDING.outputTokens * 8_000;

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

function start(limits: Partial<KeyLimits>, more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
    key: { limits: { ...NO_LIMITS, ...limits } },
    ...more,
  });
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
}

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  await gateway.close();
  await upstream.close();
});

const PATH = "/v1/chat/completions";
const CHAT = makeRoute("chat.completions", PATH);
const question = (more: object = {}): string =>
  JSON.stringify({ model: "gpt-4.1", messages: [], max_tokens: 100, ...more });
const ask = (more: object = {}, route: Route = CHAT): Promise<Response> =>
  handle(gateway, route, clientUnderTest(PATH, question(more)), gateway.tester);
/** The most that `question` can cost. */
const most = (more: object = {}): number => Math.ceil(question(more).length / 3) * 2_000 + 100 * 8_000;

const money = () => {
  const { used = -1, reserved = -1 } =
    gateway.limiter.use(gateway.tester).find(({ limit }) => limit === "budget") ?? {};
  return { used, reserved };
};

async function errorOf(reply: Response) {
  return ((await reply.json()) as { error: { message: string; code: string } }).error;
}

test("the most that a request may cost is held while it runs, and its row's cost is spent", async () => {
  start({ budgetPerDayNanoUsd: 10_000_000 });
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await answerWell(request);
  };
  const reply = ask();
  while (upstream.seen.length === 0) await Bun.sleep(1);
  expect(money()).toEqual({ used: 0, reserved: most() });
  resolve();
  await (await reply).text();
  const [row] = await gateway.rows();
  expect(row?.costNanoUsd).toBe(COST);
  expect(money()).toEqual({ used: COST, reserved: 0 });
});

test("a request that runs when its key gets its first budget is charged to it", async () => {
  const budget = { ...NO_LIMITS, budgetPerDayNanoUsd: 10_000_000 };
  const configWith = (limits: KeyLimits | null): ConfigUnderTest => ({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
    key: { limits },
  });
  start({}, configWith(null));
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await answerWell(request);
  };
  const reply = ask();
  while (upstream.seen.length === 0) await Bun.sleep(1);
  gateway.reconfigure(configWith(budget));
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
  expect(money()).toEqual({ used: 0, reserved: 0 });
  resolve();
  await (await reply).text();
  await gateway.rows();
  expect(money()).toEqual({ used: COST, reserved: 0 });
});

test("an empty budget: 429 that tells size, rest and time, and asks not to come back", async () => {
  start({ budgetPerDayNanoUsd: 1_000_000 });
  expect((await ask()).status).toBe(200);
  const reply = await ask();
  expect(reply.status).toBe(429);
  expect(reply.headers.get("x-should-retry")).toBe("false");
  expect(Number(reply.headers.get("retry-after"))).toBeLessThanOrEqual(86_400);
  const { code, message } = await errorOf(reply);
  expect(code).toBe("insufficient_quota");
  expect(message).toMatch(
    /^the budget of this key, 0\.001 dollars a day, has 0\.000686 dollars left, and this request may cost 0\.000\d+; it begins anew at \d{4}-\d\d-\d\dT00:00:00\.000Z$/,
  );
  expect(upstream.seen.length).toBe(1);
  expect((await gateway.rows()).map(({ outcome, errorKind }) => [outcome, errorKind])).toEqual([
    ["ok", null],
    ["refused", "budget_exhausted"],
  ]);
  // A smaller request still fits.
  expect((await ask({ max_tokens: 10 })).status).toBe(200);
});

test("a request that costs more than the whole budget is told to be smaller", async () => {
  start({ budgetPerMonthNanoUsd: 500_000 });
  const reply = await ask();
  expect([reply.status, reply.headers.get("retry-after")]).toEqual([400, null]);
  expect((await errorOf(reply)).message).toMatch(
    /^the budget of this key, 0\.0005 dollars a month, is smaller than the 0\.000\d+ dollars that this request may cost; send a shorter/,
  );
});

test("a team's budget is named without what its other keys have spent", async () => {
  start(
    {},
    {
      key: { team: "research" },
      teams: [
        {
          name: "research",
          timeZone: "UTC",
          budgetPerDayNanoUsd: 1_000_000,
          budgetPerWeekNanoUsd: null,
          budgetPerMonthNanoUsd: null,
        },
      ],
    },
  );
  expect((await ask()).status).toBe(200);
  const reply = await ask();
  expect(reply.status).toBe(429);
  expect((await errorOf(reply)).message).toMatch(
    /^the budget of the team "research" of this key, 0\.001 dollars a day, has not enough left for this request, which may cost 0\.000\d+ dollars; it begins anew at /,
  );
  expect((await gateway.rows())[0]).toMatchObject({ team: "research" });
});

describe("a model without a price", () => {
  test("is refused to a key with a budget, with the repair", async () => {
    start({ budgetPerDayNanoUsd: 10_000_000 });
    const reply = await ask({ model: "own-model" });
    expect(reply.status).toBe(403);
    expect(await errorOf(reply)).toMatchObject({
      code: "model_unpriced",
      message:
        'this key has a budget, and the gateway knows no price of the model "own-model"; add a [[prices]] entry for the model, or set [limits] unpriced = "allow"',
    });
    expect(upstream.seen).toEqual([]);
  });

  test("passes uncounted where the configuration allows that", async () => {
    start({ budgetPerDayNanoUsd: 10_000_000 }, { limits: { unpriced: "allow" } });
    expect((await ask({ model: "own-model" })).status).toBe(200);
    expect(money()).toEqual({ used: 0, reserved: 0 });
  });

  test("is no target where another one has a price", async () => {
    start(
      { budgetPerDayNanoUsd: 10_000_000 },
      { models: [{ name: "best", targets: ["up/own-model", "up/gpt-4.1"] }] },
    );
    expect((await ask({ model: "best" })).status).toBe(200);
    expect(JSON.parse(String(upstream.seen[0]?.body)).model).toBe("gpt-4.1");
  });

  test("is refused where it holds the state that the request continues", async () => {
    start(
      { budgetPerDayNanoUsd: 10_000_000 },
      {
        upstreams: [
          { name: "other", family: "openai", baseUrl: `${upstream.url}/v1` },
          { name: "up", family: "openai", baseUrl: `${upstream.url}/v1` },
        ],
        models: [{ name: "best", targets: ["up/gpt-4.1", "other/own-model"] }],
      },
    );
    gateway.findState = (id) => [{ id, upstream: "other", credential: "main", owner: null, atMs: 0 }];
    const body = JSON.stringify({ model: "best", input: "x", previous_response_id: "resp_1" });
    const reply = await handle(
      gateway,
      makeRoute("responses", "/v1/responses"),
      clientUnderTest("/v1/responses", body),
      gateway.tester,
    );
    expect(reply.status).toBe(403);
    expect(upstream.seen).toEqual([]);
  });

  test("is served to a key that has other limits", async () => {
    start({ requestsPerMinute: 5 });
    expect((await ask({ model: "own-model" })).status).toBe(200);
  });

  test("is counted for a key with a budget", async () => {
    start({ budgetPerDayNanoUsd: 10_000_000 });
    const path = "/v1/messages/count_tokens";
    const body = JSON.stringify({ model: "own-model", messages: [{ role: "user", content: "x" }] });
    const client = clientUnderTest(path, body);
    const reply = await handle(gateway, makeRoute("messages.count_tokens", path), client, gateway.tester);
    expect(reply.status).toBe(200);
  });
});

test("the dearest of the targets is what has to fit", async () => {
  const prices = new PriceBook(NO_PRICES, [
    { upstream: null, model: "cheap", prices: [{ rates: { input: 1, output: 1 } }] },
    { upstream: null, model: "dear", prices: [{ rates: { input: 1, output: 100 } }] },
  ]);
  start({ budgetPerDayNanoUsd: 1_000_000 }, { models: [{ name: "any", targets: ["up/cheap", "up/dear"] }] });
  gateway.snapshot = { ...gateway.snapshot, prices };
  expect((await ask({ model: "up/cheap" })).status).toBe(200);
  expect((await ask({ model: "any" })).status).toBe(400);
});

describe("models that a request names for its upstream to fall back on", () => {
  const prices = new PriceBook(NO_PRICES, [
    { upstream: null, model: "cheap", prices: [{ rates: { input: 0, output: 1 } }] },
    { upstream: null, model: "dear", prices: [{ rates: { input: 0, output: 100 } }] },
  ]);
  /** For the answer of the dear one, 10,000,000 nano-dollars, and for no more. */
  const startWith = (budgetPerDayNanoUsd: number): void => {
    start({ budgetPerDayNanoUsd });
    gateway.snapshot = { ...gateway.snapshot, prices };
  };
  const answerBy = (model: string): void => {
    const whole = RECORDING.whole.replace("gpt-4.1-2025", model);
    upstream.answer = (request) => sendWhole(request, whole);
  };

  test("have to fit into the budget as well", async () => {
    startWith(9_999_999);
    expect((await ask({ model: "up/cheap" })).status).toBe(200);
    expect((await ask({ model: "up/cheap", models: ["dear"] })).status).toBe(400);
    expect((await ask({ model: "up/cheap", fallbacks: [{ model: "dear" }] })).status).toBe(400);
    expect((await ask({ model: "up/cheap", models: ["cheap"] })).status).toBe(200);
  });

  test("are charged for when the upstream reports one of them", async () => {
    startWith(20_000_000);
    answerBy("dear");
    await ask({ model: "up/cheap", models: ["dear"] });
    answerBy("cheap");
    await ask({ model: "up/cheap", models: ["dear"] });
    // Without fallbacks the model that was asked for is charged, whatever a server calls itself.
    answerBy("dear");
    await ask({ model: "up/cheap" });
    const costs = (await gateway.rows()).map(({ costNanoUsd }) => costNanoUsd);
    const { outputTokens } = RECORDING;
    expect(costs).toEqual([outputTokens * 100_000, outputTokens * 1_000, outputTokens * 1_000]);
  });

  test("need a price, and have to be clear", async () => {
    startWith(20_000_000);
    expect((await ask({ model: "up/cheap", models: ["own-model"] })).status).toBe(403);
    const unclear = await ask({ model: "up/cheap", models: "dear" });
    expect(unclear.status).toBe(403);
    expect((await errorOf(unclear)).message).toMatch(
      /^this key has limits or may use some models only, and "models"/,
    );
    expect(upstream.seen).toEqual([]);
  });
});

test("of many requests at once only those that fit are sent, and the budget is the sum of the rows", async () => {
  const room = 7;
  start({ budgetPerDayNanoUsd: room * most() + 1 });
  const replies = await Promise.all(Array.from({ length: 60 }, () => ask()));
  const statuses = replies.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBe(room);
  expect(statuses.filter((status) => status === 429).length).toBe(60 - room);
  const rows = await gateway.rows();
  const sum = rows.reduce((total, row) => total + (row.costNanoUsd ?? 0), 0);
  expect(sum).toBe(room * COST);
  expect(money()).toEqual({ used: sum, reserved: 0 });
});

test("what a failed attempt may have cost needs room beside the next one", async () => {
  start({ budgetPerDayNanoUsd: Math.ceil(1.5 * most()) });
  upstream.answer = async (request) => {
    await request.send(replyHead("200 OK", { "content-type": "application/json" }, 1_000));
    await request.send('{"object":');
    await request.untilRead();
    request.fin();
  };
  const reply = await ask();
  expect([reply.status, (await errorOf(reply)).code]).toEqual([429, "insufficient_quota"]);
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ attempts: 1, outcome: "error", errorKind: "budget_exhausted" });
  expect(money()).toEqual({ used: row?.costNanoUsd as number, reserved: 0 });
});

test.each([
  ["openai-responses", "responses", "/v1/responses", { input: "x", max_output_tokens: 100 }, 429],
  ["anthropic-messages", "messages", "/v1/messages", {}, 402],
  [
    "gemini",
    "generateContent",
    "/v1beta/models/",
    { contents: [], generationConfig: { maxOutputTokens: 100 } },
    429,
  ],
] as const)("an empty budget in %s", async (dialect, name, path, body, status) => {
  start({ budgetPerDayNanoUsd: 1_000_000 });
  expect((await ask()).status).toBe(200);
  const endpoint = ENDPOINTS.find((one) => one.name === name);
  if (endpoint === undefined) throw new Error(`no endpoint ${name}`);
  const route =
    dialect === "gemini"
      ? routeTo(endpoint, path, { pathModel: "gpt-4.1", action: name })
      : makeRoute(name, path);
  const reply = await ask(body, route);
  expect([reply.status, reply.headers.get("x-should-retry")]).toEqual([status, "false"]);
  const { error } = (await reply.json()) as { error: Record<string, string> };
  const said = {
    "openai-responses": ["insufficient_quota", "insufficient_quota"],
    "anthropic-messages": ["billing_error", undefined],
    gemini: [undefined, 429],
  }[dialect];
  expect([error.type, error.code] as unknown[]).toEqual(said);
});
