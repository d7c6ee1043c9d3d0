/**
 * A background response costs what the simulator bills, once, whoever asks for its end and whatever happens to the
 * gateway meanwhile.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { zoneFarFromMidnight } from "../faults/budgets/keys.ts";
import { type BudgetRecords, readRecords } from "../faults/budgets/records.ts";
import { billedTo, settledBill, simulatedToml } from "../kit/bill.ts";
import { CLIENT_KEY, type Gateway, runGateway, startGateway, until } from "../kit/gateway.ts";

const KEY_TOML = `[[keys]]\nname = "worker"\nkey = "${CLIENT_KEY}"\nbudget_usd_per_day = "1.00"\ntime_zone = "${zoneFarFromMidnight(Date.now())}"\n`;

let simulator: Simulator;
let gateway: Gateway;
/** The provider's time stands still, so that nothing ends there; null: it goes on. */
let heldMs: number | null;

beforeEach(async () => {
  heldMs = null;
  const clock = { ...systemClock, nowMs: () => heldMs ?? systemClock.nowMs() };
  simulator = await startSimulator({ clock, ids: makeIds() });
  gateway = await startGateway({ toml: simulatedToml(simulator.url) + KEY_TOML });
});

afterEach(async () => {
  await gateway.close();
  await simulator.close();
});

async function call(path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(gateway.url + path, {
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

/** Begins one that does not end before `goOn`. */
async function beginHeld(): Promise<void> {
  heldMs = systemClock.nowMs();
  await begin();
}

function goOn(): void {
  heldMs = null;
}

/** Begins one, and returns its id at the provider. */
async function begin(): Promise<string> {
  const { id, status } = await call("/v1/responses", {
    model: "responses/gpt-5.4",
    input: `Think about it. ${billedTo("background")}`,
    max_output_tokens: 2_000,
    background: true,
  });
  expect(status).toBe("queued");
  return String(id);
}

const reserved = async (): Promise<number> => {
  const { limits } = (await call("/v1/key")) as { limits: { reserved_nano_usd: number }[] };
  return limits.reduce((sum, limit) => sum + limit.reserved_nano_usd, 0);
};

const costOf = ({ rows }: BudgetRecords): number =>
  rows.reduce((sum, row) => sum + (row.cost_nano_usd ?? 0), 0);

async function billed(): Promise<number> {
  const { nanoUsd, lines } = await settledBill(simulator);
  expect(lines).toHaveLength(1);
  expect(nanoUsd).toBeGreaterThan(0);
  return nanoUsd;
}

/** The rows with a cost, once the end is booked and nothing is reserved. */
async function booked(): Promise<BudgetRecords> {
  // The reservation ends when its row is made, and the row is committed a moment later.
  await until("the end is booked", async () => {
    const isFree = (await reserved()) === 0;
    return isFree && costOf(readRecords(gateway.folder)) > 0;
  });
  return readRecords(gateway.folder);
}

async function restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { folder, configFile } = gateway;
  gateway.signal(signal);
  await gateway.exited;
  gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
}

test("its room is held until its usage is known, and its cost is the bill", async () => {
  await beginHeld();
  expect(await reserved()).toBeGreaterThan(0);
  goOn();
  const records = await booked();
  expect(records.rows.filter(({ cost_nano_usd }) => cost_nano_usd !== null)).toHaveLength(1);
  expect(costOf(records)).toBe(await billed());
  expect(records.windows).toMatchObject([{ spent_nano_usd: await billed() }]);
});

test("a client that asks for it until it is there is not charged twice", async () => {
  const id = await begin();
  await until("it is complete", async () => (await call(`/v1/responses/${id}`)).status === "completed");
  await call(`/v1/responses/${id}`);
  expect(costOf(await booked())).toBe(await billed());
});

test("a clean restart goes on with it: one row, and nothing is lost", async () => {
  await beginHeld();
  await restart("SIGTERM");
  goOn();
  await until("the end is booked", () => costOf(readRecords(gateway.folder)) > 0);
  const records = await booked();
  expect(records.rows.filter(({ endpoint }) => endpoint === "lost")).toEqual([]);
  expect(costOf(records)).toBe(await billed());
  expect(records.windows).toMatchObject([{ spent_nano_usd: await billed() }]);
});

test("a kill loses nothing of it: the next process holds its room, and its cost is the bill", async () => {
  await beginHeld();
  // It holds more than a hundredth of the budget, so that nothing else is open.
  await restart("SIGKILL");
  expect(await reserved()).toBeGreaterThan(0);
  goOn();
  await until("the end is booked", () => costOf(readRecords(gateway.folder)) > 0);
  const records = await booked();
  expect(records.rows.filter(({ endpoint }) => endpoint === "lost")).toEqual([]);
  expect(costOf(records)).toBe(await billed());
  expect(records.windows).toMatchObject([{ spent_nano_usd: costOf(records) }]);
});

test("a second kill, and a third after its end, lose nothing of it either", async () => {
  await beginHeld();
  await restart("SIGKILL");
  await restart("SIGKILL");
  goOn();
  const lostOf = ({ rows }: BudgetRecords) => rows.filter(({ endpoint }) => endpoint === "lost");
  await until("the end is booked", () => {
    const records = readRecords(gateway.folder);
    return records.rows.some((row) => row.endpoint === "responses.background" && row.cost_nano_usd !== null);
  });
  await restart("SIGKILL");
  const records = await booked();
  const lostNanoUsd = lostOf(records).reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0);
  expect(costOf(records)).toBe((await billed()) + lostNanoUsd);
  // Each kill leaves a portion open at most, a hundredth of the budget.
  expect(lostNanoUsd).toBeLessThanOrEqual(3 * 10_000_000);
  expect(records.windows).toMatchObject([
    { spent_nano_usd: costOf(records), granted_nano_usd: costOf(records) },
  ]);
});
