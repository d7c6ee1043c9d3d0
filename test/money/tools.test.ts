/** Answers that call tools, in every dialect, form and translation: the row costs what the simulator bills. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { ask, WAYS } from "../faults/asking.ts";
import { readRows } from "../faults/budgets/records.ts";
import { billedRequest, UPSTREAM_MODELS } from "../faults/budgets/requests.ts";
import { costsByPayer, settledBill, simulatedToml } from "../kit/bill.ts";
import { type Gateway, KEYS_TOML, startGateway, until } from "../kit/gateway.ts";
import type { DialectName } from "../kit/recordings.ts";

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({ toml: simulatedToml(simulator.url) + KEYS_TOML });
});
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
});

const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const NAMED = { name: "get_weather", description: "The weather of a city" };

/** The members that offer the tool, in each dialect. */
const OFFERS: Readonly<Record<DialectName, object>> = {
  "openai-chat": { tools: [{ type: "function", function: { ...NAMED, parameters: SCHEMA } }] },
  "openai-responses": { tools: [{ type: "function", ...NAMED, parameters: SCHEMA, strict: false }] },
  "anthropic-messages": { tools: [{ ...NAMED, input_schema: SCHEMA }] },
  gemini: { tools: [{ functionDeclarations: [{ ...NAMED, parametersJsonSchema: SCHEMA }] }] },
};

const CASES = WAYS.flatMap((way) =>
  (Object.keys(UPSTREAM_MODELS) as DialectName[]).flatMap((served) =>
    ["calls", "calls,thinks", "cache-min=8,calls"].map(
      (words) => [`${way.name} of ${served}, ${words}`, way, served, words] as const,
    ),
  ),
);

test.each(CASES)("%s", async (what, way, served, words) => {
  const payer = `tools-${CASES.findIndex(([name]) => name === what)}`;
  const text = "Use the tool get_weather for Rome, and say nothing else than that.";
  const { path, body } = billedRequest({ payer, way, served, words, maxTokens: 4000, text });
  const request = { path, body: JSON.stringify({ ...JSON.parse(body), ...OFFERS[way.recording.dialect] }) };
  // The second time a part of the prompt comes from a cache, where there is one.
  const ids: (string | null)[] = [];
  for (let time = 0; time < 2; time++) {
    const answer = await ask(gateway.url, way, { request });
    expect([answer.status, answer.text.includes("get_weather")]).toEqual([200, true]);
    ids.push(answer.requestId);
  }
  const billed = costsByPayer((await settledBill(simulator)).lines).get(payer);
  let costs: readonly (number | null)[] = [];
  await until("the rows are in the ledger", () => {
    costs = readRows(gateway.folder)
      .filter(({ id }) => ids.includes(id))
      .map(({ cost_nano_usd }) => cost_nano_usd);
    return costs.length === 2;
  });
  expect(billed).toBeGreaterThan(0);
  expect(costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0)).toBe(billed as number);
});
