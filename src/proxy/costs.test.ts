/** The cost in the row: each attempt and each part of an answer at its own price. */
import { afterEach, expect, test } from "bun:test";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import type { EndpointName } from "../dialects/index.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { makeUsage, type Usage } from "../neutral/usage.ts";
import { LimitCounter } from "../pool/credential-limits.ts";
import { BudgetsUnderTest } from "../pool/fixtures/budgets-under-test.ts";
import { ownNeed } from "../pool/fixtures/need.ts";
import { specOf } from "../pool/fixtures/pool-under-test.ts";
import { limitsOf } from "../pool/limits-of.ts";
import type { ListedModel, PriceList } from "../prices/price-list.ts";
import { accept } from "./accepted.ts";
import type { AnswerFacts } from "./attempt/answer-facts.ts";
import { type AttemptRecord, Exchange } from "./exchange.ts";
import { clientUnderTest, GatewayUnderTest } from "./fixtures/gateway-under-test.ts";
import { settle } from "./settle.ts";

const model = (id: string, ...prices: ListedModel["prices"]): ListedModel => ({ id, names: [id], prices });

const LIST: PriceList = {
  format: 1,
  version: "2026-11-29",
  sources: [],
  providers: [
    {
      id: "one",
      name: "One",
      addresses: ["api.one.example"],
      models: [
        model("big", {
          rates: { input: 2, output: 8 },
          steps: [{ above: 1000, rates: { input: 4 } }],
          tiers: { flex: { rates: { input: 1, output: 4 } } },
          uplifts: { eu: 1.1, us: 1.5 },
        }),
        model("half", { rates: { input: 0.0005, output: 0 } }),
        model("dated", { rates: { input: 1 } }, { since: "2026-11-01", rates: { input: 3 } }),
        model("no-output", { rates: { input: 1 } }),
      ],
    },
    { id: "two", name: "Two", addresses: ["two.example"], models: [model("big", { rates: { input: 10 } })] },
  ],
};

let gateway: GatewayUnderTest;
afterEach(() => gateway.close());

function begin(endpoint: EndpointName = "chat.completions", nowMs?: number): Exchange {
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "one", family: "openai", baseUrl: "https://api.one.example/v1" },
      { name: "europe", family: "openai", baseUrl: "https://eu.api.one.example/v1" },
      { name: "two", family: "openai", baseUrl: "https://two.example/v1" },
      { name: "own", family: "openai", baseUrl: "https://llm.internal.example/v1" },
    ],
    prices: LIST,
  });
  const client = clientUnderTest("/x", "{}");
  const accepted = accept(gateway, makeRoute(endpoint, `/v1/${endpoint}`), client, {
    name: "tester",
    team: null,
    strict: false,
  } as Exchange["principal"]);
  return new Exchange(nowMs === undefined ? accepted : { ...accepted, atMs: nowMs }, {
    requestBytes: 2,
    modelAsked: "m",
    clientFraming: "json",
    amendment: null,
    isStrict: false,
    endUser: null,
    outputLimit: null,
  } as ConstructorParameters<typeof Exchange>[1]);
}

function attempt(exchange: Exchange, upstream: string, modelUsed: string | null): void {
  const record: AttemptRecord = {
    upstream,
    place: gateway.snapshot.upstreams.get(upstream)?.place ?? null,
    upstreamDialect: "openai-chat",
    credential: "main",
    modelUsed,
    mayFallBack: false,
    mayBeBilled: true,
    access: null,
    isStream: false,
    dropped: [],
    upstreamRequestId: null,
  };
  exchange.beginAttempt(record);
}

function factsOf(usage: Partial<Usage>, more: Partial<AnswerFacts> = {}): AnswerFacts {
  return {
    usage: makeUsage(usage),
    uncountedBytes: 0,
    model: null,
    stateIds: [],
    pendingId: null,
    stopReason: "stop",
    isRefusal: false,
    isCutShort: false,
    ...more,
  };
}

async function settled(exchange: Exchange, facts: AnswerFacts | null): Promise<LedgerRow> {
  const ending = {
    status: 200,
    outcome: "ok",
    errorKind: null,
    facts,
    replyBytes: 0,
    firstByteMs: null,
    isHeadSent: false,
  } as const;
  await new Promise((resolve) => settle(gateway, exchange, ending, resolve));
  const [row] = await gateway.rows();
  return row as LedgerRow;
}

/** The row's cost, the name in its price's version, and its gaps. */
function money({ costNanoUsd, priceVersion, costGaps }: LedgerRow): unknown[] {
  return [costNanoUsd, priceVersion?.split("#")[0] ?? null, costGaps];
}

test("an answer costs what its target's price says", async () => {
  const exchange = begin();
  attempt(exchange, "one", "big");
  const row = await settled(exchange, factsOf({ inputTokens: 100, outputTokens: 10 }));
  expect(money(row)).toEqual([100 * 2000 + 10 * 8000, "one/big", null]);
  expect(gateway.unpriced.after(0)).toEqual([]);
});

test("a failed attempt that was billed costs what its own target's price says", async () => {
  const exchange = begin();
  attempt(exchange, "two", "big");
  const failed = factsOf({ inputTokens: 7 });
  exchange.keepUsage(failed, gateway.snapshot.prices, false);
  const note = { credential: "main", status: null, signal: "upstream_cut", ms: 5 };
  exchange.noteAttempt({ upstream: "two", ...note });
  exchange.waited(1);
  attempt(exchange, "one", "half");
  exchange.noteAttempt({ upstream: "one", ...note });
  attempt(exchange, "one", "big");
  const row = await settled(exchange, factsOf({ inputTokens: 100, outputTokens: 10 }));
  expect(money(row)).toEqual([7 * 10_000 + 100 * 2000 + 10 * 8000, "one/big", null]);
  expect(row.usage).toMatchObject({ inputTokens: 107, outputTokens: 10 });
  // Budgets of some models count by this.
  const models = JSON.parse(row.attemptLog ?? "[]").map((one: object) =>
    "billed_model" in one ? one.billed_model : null,
  );
  expect(models).toEqual(["two/big", null, null]);
});

test("a failed attempt without a price is missing in the cost, and named", async () => {
  const exchange = begin();
  attempt(exchange, "own", "llama");
  const failed = factsOf({ inputTokens: 7 });
  exchange.keepUsage(failed, gateway.snapshot.prices, false);
  attempt(exchange, "one", "big");
  expect(money(await settled(exchange, factsOf({ inputTokens: 1 })))).toEqual([2000, "one/big", '["price"]']);
});

test("what passed uncounted has a cost too, also behind the parts of an answer", async () => {
  const left = begin();
  attempt(left, "one", "big");
  const half = factsOf({ inputTokens: 100, outputTokens: 1 }, { uncountedBytes: 30 });
  const row = await settled(left, half);
  expect([row.usageState, row.usage.outputTokens]).toEqual(["estimated", 11]);
  expect(money(row)).toEqual([100 * 2000 + 11 * 8000, "one/big", null]);
  const several = begin();
  attempt(several, "one", "big");
  const parts = [makeUsage({ inputTokens: 100, outputTokens: 1 }), makeUsage({ inputTokens: 50 })];
  const sum = { inputTokens: 150, outputTokens: 1 };
  const last = await settled(several, factsOf(sum, { partUsages: parts, uncountedBytes: 30 }));
  expect(money(last)).toEqual([150 * 2000 + 11 * 8000, "one/big", null]);
});

test("each part of an answer is a call of its own: its prompt alone makes it long, and it is rounded alone", async () => {
  const parts = [
    makeUsage({ inputTokens: 600, outputTokens: 1 }),
    makeUsage({ inputTokens: 700, outputTokens: 2 }),
  ];
  const long = begin();
  attempt(long, "one", "big");
  const row = await settled(long, factsOf({ inputTokens: 1300, outputTokens: 3 }, { partUsages: parts }));
  expect(money(row)).toEqual([1300 * 2000 + 3 * 8000, "one/big", null]);
  await gateway.close();
  const half = begin();
  attempt(half, "one", "half");
  const one = makeUsage({ inputTokens: 1, outputTokens: 0 });
  const rounded = await settled(
    half,
    factsOf({ inputTokens: 2, outputTokens: 0 }, { partUsages: [one, one] }),
  );
  expect(rounded.costNanoUsd).toBe(2);
});

test("the tier of the reply, the region of the host and the region of the reply count", async () => {
  const cases: readonly [upstream: string, usage: Partial<Usage>, nanoUsd: number][] = [
    ["one", { serviceTier: "flex" }, 1_000_000],
    ["europe", {}, 2_200_000],
    ["one", { region: "us" }, 3_000_000],
    ["europe", { region: "us" }, 3_000_000],
    ["one", { region: "global" }, 2_000_000],
    ["europe", { region: "elsewhere" }, 2_200_000],
  ];
  for (const [upstream, usage, nanoUsd] of cases) {
    const exchange = begin();
    attempt(exchange, upstream, "big");
    const row = await settled(exchange, factsOf({ inputTokens: 1000, ...usage }));
    expect([upstream, usage, row.costNanoUsd]).toEqual([upstream, usage, nanoUsd]);
    await gateway.close();
  }
});

test("the price in force when the request was accepted counts", async () => {
  for (const [day, nanoUsd] of [
    ["2026-10-31T23:59:59.999Z", 1000],
    ["2026-11-01T00:00:00Z", 3000],
  ] as const) {
    const exchange = begin("chat.completions", Date.parse(day));
    attempt(exchange, "one", "dated");
    expect((await settled(exchange, factsOf({ inputTokens: 1 }))).costNanoUsd).toBe(nanoUsd);
    await gateway.close();
  }
});

test("a model without a price has no cost, which is not 0, and is remembered and counted", async () => {
  const exchange = begin();
  attempt(exchange, "own", "llama");
  const row = await settled(exchange, factsOf({ inputTokens: 5, outputTokens: 6 }));
  expect(money(row)).toEqual([null, null, null]);
  expect(gateway.unpriced.after(exchange.atMs - 1)).toEqual(["own/llama"]);
  expect(gateway.unpriced.after(exchange.atMs)).toEqual([]);
  expect([...gateway.metrics.unpriced.series()]).toEqual([{ labels: { upstream: "own" }, value: 1 }]);
});

test("a name of the upstream's own is priced as the model that the reply names", async () => {
  const exchange = begin();
  attempt(exchange, "one", "my-deployment");
  const row = await settled(exchange, factsOf({ inputTokens: 1, outputTokens: 0 }, { model: "big" }));
  expect(money(row)).toEqual([2000, "one/big", null]);
});

test("what a price lacks is named in the row", async () => {
  const exchange = begin();
  attempt(exchange, "one", "no-output");
  const row = await settled(exchange, factsOf({ inputTokens: 1, outputTokens: 1, serviceTier: "scale" }));
  expect(money(row)).toEqual([1000, "one/no-output", '["tier","output"]']);
});

test("what is not billed, and what was refused, has no cost and is not unpriced", async () => {
  const counted = begin("messages.count_tokens");
  attempt(counted, "one", "big");
  expect(money(await settled(counted, factsOf({ inputTokens: 5 })))).toEqual([null, null, null]);
  await gateway.close();
  const silent = begin();
  attempt(silent, "own", "llama");
  silent.attempt.mayBeBilled = false;
  expect(money(await settled(silent, factsOf({})))).toEqual([null, null, null]);
  expect(gateway.unpriced.after(0)).toEqual([]);
});

test("costs of an upstream are counted", async () => {
  const exchange = begin();
  attempt(exchange, "one", "big");
  await settled(exchange, factsOf({ inputTokens: 100 }));
  expect([...gateway.metrics.cost.series()]).toEqual([{ labels: { upstream: "one" }, value: 200_000 }]);
});

test("each credential's own limits count what its attempt used, and a failed one's at once", async () => {
  const exchange = begin();
  const limits = limitsOf(
    { ...CREDENTIAL_DEFAULTS, tokensPerMinute: 10_000, budgetUsdPerDay: "1" },
    "refuse",
  );
  if (limits === undefined) throw new Error("no limits");
  const specs = ["one", "two"].map((upstream) =>
    specOf("main", { id: `${upstream}/main`, upstream, limits }),
  );
  const budgets = new BudgetsUnderTest(specs, gateway.clock);
  const counters = [
    new LimitCounter(limits, budgets.of("one/main")),
    new LimitCounter(limits, budgets.of("two/main")),
  ] as const;
  const need = { ...ownNeed("one", "big"), inputTokens: 900, outputTokens: 4_000, costNanoUsd: 900_000_000 };
  const used = (): unknown[] =>
    counters.map((counter) =>
      counter
        .list(0, gateway.clock.nowMs(), gateway.clock.monotonicMs())
        .map(({ value, remaining }) => value - remaining),
    );
  exchange.keep(counters[0].take(need, gateway.clock));
  attempt(exchange, "one", "big");
  exchange.keepUsage(factsOf({ inputTokens: 100, outputTokens: 10 }), gateway.snapshot.prices, false);
  expect(used()).toEqual([
    [4_900, 900_000_000],
    [0, 0],
  ]);
  exchange.endFailedHold();
  exchange.keep(counters[1].take(need, gateway.clock));
  attempt(exchange, "two", "big");
  expect(used()).toEqual([
    [110, 280_000],
    [4_900, 900_000_000],
  ]);
  const row = await settled(exchange, factsOf({ inputTokens: 200, outputTokens: 0 }));
  expect(row.costNanoUsd).toBe(2_280_000);
  expect(used()).toEqual([
    [110, 280_000],
    [200, 2_000_000],
  ]);
});
