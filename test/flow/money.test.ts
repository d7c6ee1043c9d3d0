/**
 * Money from end to end: what the simulator bills is what the ledger says that the requests cost, request by
 * request and in sum, to the nano-dollar. The two share no code: the simulator counts what it generated.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import type { BillView } from "../../src/simulator/server/bill.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { ask, WAYS } from "../faults/asking.ts";
import { type CostRow, readRows } from "../faults/budgets/records.ts";
import { billedRequest, UPSTREAM_MODELS } from "../faults/budgets/requests.ts";
import { billedTo, costsByPayer, readUsage, settledBill, simulatedToml } from "../kit/bill.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, until } from "../kit/gateway.ts";
import type { DialectName } from "../kit/recordings.ts";

const DIALECTS = Object.keys(UPSTREAM_MODELS) as DialectName[];

/** What the simulated model does; some of it shows in one dialect only. */
const WORDS: readonly string[] = [
  "",
  "count=40",
  "thinks",
  "cites",
  "refuses",
  "length",
  "cache-min=8",
  "pauses=2,cites",
  "continues=2",
  "gzip",
  "split,by=7",
  "compat=usage-twice",
  "compat=flat-cache",
  "compat=usage-in-finish",
  "compat=late-usage",
  "compat=usage-chunk",
  // The first attempt fails, and nothing was generated for it.
  "overload,times=1",
];

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({ toml: simulatedToml(simulator.url) + KEYS_TOML });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

interface Outcome {
  readonly payer: string;
  readonly what: string;
  readonly requestId: string | null;
  readonly status: number;
}

/** Asks once in each way, of each upstream, for each word. */
async function askAll(): Promise<Outcome[]> {
  const cases = WAYS.flatMap((way) =>
    DIALECTS.flatMap((served) => WORDS.map((words) => ({ way, served, words }))),
  );
  const outcomes: Outcome[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < cases.length; n = next++) {
      const { way, served, words } = cases[n] as (typeof cases)[number];
      const payer = `mixed-${n}`;
      const request = billedRequest({ payer, way, served, words, maxTokens: 400 });
      const { status, requestId } = await ask(gateway.url, way, { request });
      outcomes.push({ payer, what: `${way.name} of ${served}, ${words}`, requestId, status });
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return outcomes;
}

const requestOf = async (path: string, body: object): Promise<Response> => {
  const headers = { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" };
  const response = await fetch(gateway.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  await response.bytes();
  return response;
};

async function rowOf(requestId: string | null): Promise<CostRow> {
  let row: CostRow | undefined;
  await until(`row ${requestId}`, () => {
    row = readRows(gateway.folder).find(({ id }) => id === requestId);
    return row !== undefined;
  });
  return row as CostRow;
}

const billOf = async (payer: string): Promise<number | undefined> =>
  costsByPayer((await settledBill(simulator)).lines).get(payer);

describe("the bill and the ledger", () => {
  let outcomes: readonly Outcome[];
  let bill: BillView;
  let rows: ReadonlyMap<string, CostRow>;

  beforeAll(async () => {
    outcomes = await askAll();
    bill = await settledBill(simulator);
    rows = new Map(readRows(gateway.folder).map((row) => [row.id, row]));
  });

  test("agree on each request that the provider has answered", () => {
    const costs = costsByPayer(bill.lines);
    const served = outcomes.filter(({ status }) => status === 200);
    // Some words ask for what a dialect cannot carry; most are served.
    expect(served.length).toBeGreaterThan(outcomes.length * 0.9);
    const differing = served
      .map(({ payer, what, requestId }) => ({
        what,
        billed: costs.get(payer) ?? null,
        recorded: rows.get(requestId ?? "")?.cost_nano_usd ?? null,
      }))
      .filter(({ billed, recorded }) => billed !== recorded);
    expect(differing).toEqual([]);
  });

  test("agree on the sum, to the nano-dollar", () => {
    const sum = [...rows.values()].reduce((total, row) => total + (row.cost_nano_usd ?? 0), 0);
    expect(sum).toBe(bill.nanoUsd);
    expect(sum).toBeGreaterThan(outcomes.length * 10_000);
  });

  test.each(["none", "key", "model", "upstream", "dialect", "endpoint", "credential", "hour,key,model"])(
    "agree on the sum of the usage by %s",
    async (by) => {
      const { exitCode, out, err } = await gateway.command("usage", "--by", by, "--json");
      expect([exitCode, err]).toEqual([0, ""]);
      const sum = readUsage(out).reduce((total, { nanoUsd }) => total + nanoUsd, 0);
      expect(sum).toBe((await settledBill(simulator)).nanoUsd);
    },
  );

  test("speak of cache, searches and reasoning, or they would show nothing", () => {
    const total = (kind: "cacheRead" | "searches" | "output"): number =>
      bill.lines.reduce((sum, line) => sum + line[kind], 0);
    expect(total("cacheRead")).toBeGreaterThan(0);
    expect(total("searches")).toBeGreaterThan(0);
    expect(bill.lines.some(({ answers }) => answers > 1)).toBe(true);
  });

  test.each([
    [
      "several choices of Chat",
      "choices",
      "/v1/chat/completions",
      {
        model: "chat/house-1",
        n: 3,
        messages: [{ role: "user", content: `Hello ${billedTo("choices")}` }],
      },
    ],
    [
      "several candidates of Gemini",
      "candidates",
      "/v1beta/models/gemini%2Fgemini-3-flash:generateContent",
      {
        contents: [{ role: "user", parts: [{ text: `Hello ${billedTo("candidates")}` }] }],
        generationConfig: { candidateCount: 2 },
      },
    ],
    [
      "embeddings",
      "vectors",
      "/v1/embeddings",
      { model: "chat/text-embedding-3-small", input: [`Hello ${billedTo("vectors")}`, "World"] },
    ],
  ])("agree on %s", async (_, payer, path, body) => {
    const response = await requestOf(path, body);
    expect(response.status).toBe(200);
    const { cost_nano_usd } = await rowOf(response.headers.get("x-request-id"));
    expect(cost_nano_usd).toBe((await billOf(payer)) ?? null);
    expect(cost_nano_usd).toBeGreaterThan(0);
  });

  test("agree on cache marks that are kept for five minutes and for an hour", async () => {
    const marked = (text: string, ttl: "5m" | "1h"): object => ({
      type: "text",
      text: text.repeat(80),
      cache_control: { type: "ephemeral", ttl },
    });
    const body = {
      model: "anthropic/claude-haiku-4-5~cache-min=16",
      max_tokens: 200,
      system: [marked("Rules of the house. ", "1h")],
      messages: [
        {
          role: "user",
          content: [marked("A long story. ", "5m"), { type: "text", text: `Go on. ${billedTo("marks")}` }],
        },
      ],
    };
    let recorded = 0;
    for (let time = 0; time < 2; time++) {
      const response = await requestOf("/v1/messages", body);
      expect(response.status).toBe(200);
      recorded += (await rowOf(response.headers.get("x-request-id"))).cost_nano_usd ?? 0;
    }
    const [line] = (await settledBill(simulator)).lines.filter(({ marker }) => marker === "marks");
    expect(line).toMatchObject({ answers: 2 });
    for (const kind of ["cacheRead", "cacheWrite5m", "cacheWrite1h"] as const)
      expect(line?.[kind]).toBeGreaterThan(0);
    expect(recorded).toBe(line?.nanoUsd as number);
  });

  test("a count of tokens costs nothing on either side", async () => {
    const before = (await settledBill(simulator)).nanoUsd;
    const messages = [{ role: "user", content: "Hello" }];
    const response = await requestOf("/v1/messages/count_tokens", {
      model: "anthropic/claude-haiku-4-5",
      messages,
    });
    expect(response.status).toBe(200);
    const { cost_nano_usd } = await rowOf(response.headers.get("x-request-id"));
    expect(cost_nano_usd ?? 0).toBe(0);
    expect((await settledBill(simulator)).nanoUsd).toBe(before);
  });
});

describe("when the provider fails,", () => {
  interface Fault {
    readonly words: string;
    readonly isStream: boolean;
  }
  interface Reckoned {
    readonly what: string;
    readonly billed: number;
    readonly recorded: number | null;
    readonly usage: string;
  }

  /** Asks for the fault in each way, and of each of these upstreams. */
  async function reckon(faults: readonly Fault[], upstreams: readonly DialectName[]): Promise<Reckoned[]> {
    const cases = faults.flatMap(({ words, isStream }) =>
      WAYS.filter((way) => way.isStream === isStream).flatMap((way) =>
        upstreams.map((served) => ({ way, served, words })),
      ),
    );
    const asked = await Promise.all(
      cases.map(async ({ way, served, words }, index) => {
        const payer = `failing-${words.replaceAll(/\W/g, "-")}-${way.isStream}-${index}`;
        const request = billedRequest({ payer, way, served, words, maxTokens: 400 });
        await ask(gateway.url, way, { request, headers: { "x-request-id": payer } });
        return { payer, what: `${way.name} of ${served}, ${words}` };
      }),
    );
    const costs = costsByPayer((await settledBill(simulator)).lines);
    let found = new Map<string | null, CostRow>();
    await until("each request has its row", () => {
      found = new Map(readRows(gateway.folder).map((row) => [row.client_request_id, row]));
      return asked.every(({ payer }) => found.has(payer));
    });
    return asked.map(({ payer, what }) => ({
      what,
      billed: costs.get(payer) ?? 0,
      recorded: found.get(payer)?.cost_nano_usd ?? null,
      usage: found.get(payer)?.usage_state ?? "",
    }));
  }

  test("what it did not generate costs nothing", async () => {
    const words = ["overload", "status=500", "html", "garbage", "empty", "cut,before-headers"];
    const faults = words.flatMap((one) => [
      { words: one, isStream: false },
      { words: one, isStream: true },
    ]);
    const reckoned = await reckon(faults, DIALECTS);
    expect(reckoned.filter(({ billed, recorded }) => billed !== 0 || recorded !== null)).toEqual([]);
  });

  test("what it generated and did not count is estimated, and not below the bill", async () => {
    const faults = [
      { words: "cut", isStream: false },
      { words: "error-mid,after=6", isStream: true },
      { words: "cut,after=8", isStream: true },
      { words: "compat=no-usage", isStream: false },
      { words: "no-done", isStream: true },
    ];
    // Of these two, all that is generated passes; others think without a word, which nobody can see.
    const reckoned = await reckon(faults, ["openai-chat", "anthropic-messages"]);
    expect(reckoned.filter(({ billed, recorded }) => (recorded ?? 0) < billed)).toEqual([]);
    expect(reckoned.some(({ usage }) => usage === "estimated")).toBe(true);
  });

  test("text that comes with a count of the prompt alone is estimated too", async () => {
    const reckoned = await reckon([{ words: "error-mid,after=8", isStream: true }], ["gemini"]);
    expect(reckoned.filter(({ usage }) => usage !== "estimated")).toEqual([]);
  });
});
