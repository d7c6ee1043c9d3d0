import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALERT_EVENTS } from "../config/alerts/schema-alerts.ts";
import type { AlertsConfig } from "../config/config.ts";
import { makeIds } from "../core/ids.ts";
import { openStore, storeFile } from "../ledger/store-file.ts";
import { makeAlertStore } from "../store/alerts.ts";
import { openSqlite } from "../store/sqlite.ts";
import { stopServers } from "../transport/fixtures/file-servers.ts";
import type { BudgetFacts, CredentialFacts } from "./alert.ts";
import { Alerts } from "./alerts.ts";
import { makeChannel } from "./fixtures/channels.ts";
import { type Receiver, startReceiver } from "./fixtures/receiver.ts";
import { sendUnderTest } from "./fixtures/send-under-test.ts";
import type { AlertFacts } from "./watch.ts";

const START = Date.parse("2026-11-29T10:00:00Z");
const HOUR_MS = 3_600_000;

let dir = "";
let receiver: Receiver;
/** What the gateway is like now. */
let world: {
  ledgerFailure: string | null;
  freeBytes: number | null;
  rejected: string[];
  credentials: CredentialFacts[];
  budgets: BudgetFacts[];
  unpriced: string[];
};
/** Alerts by `type result`, and by `channel type result`. */
let counts: Map<string, number>;
let lines: string[];
/** The fields of all log lines. */
let fields: string[];
let nowMs = START;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "clewline-alerts-"));
  receiver = await startReceiver();
  world = { ledgerFailure: null, freeBytes: null, rejected: [], credentials: [], budgets: [], unpriced: [] };
  counts = new Map();
  lines = [];
  fields = [];
  nowMs = START;
});
afterEach(() => {
  stopServers();
  rmSync(dir, { recursive: true, force: true });
});

function settings(changes: Partial<AlertsConfig> = {}): AlertsConfig {
  return {
    webhook: receiver.url,
    secret: null,
    format: "event",
    events: ALERT_EVENTS,
    allowPrivate: true,
    diskFreeBytes: 1_000,
    channels: [],
    ...changes,
  };
}

function start(changes: Partial<AlertsConfig> = {}): Alerts {
  const facts: AlertFacts = {
    ledgerFailure: () => world.ledgerFailure,
    freeBytes: () => world.freeBytes,
    rejected: () => world.rejected,
    credentials: () => world.credentials,
    budgets: () => world.budgets,
    unpriced: () => world.unpriced.splice(0),
  };
  const note = (said: unknown, message: string) => {
    lines.push(message);
    fields.push(JSON.stringify(said));
  };
  return new Alerts({
    settings: settings(changes),
    facts,
    store: makeAlertStore(() => openStore(dir)),
    send: sendUnderTest({ timeoutMs: 5_000 }),
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs - START },
    ids: makeIds(),
    log: { debug: note, info: note, warn: note, error: note },
    count: (channel, type, result) => {
      for (const key of [`${type} ${result}`, `${channel} ${type} ${result}`])
        counts.set(key, (counts.get(key) ?? 0) + 1);
    },
  });
}

/** Looks once a step, for so long. */
async function pass(alerts: Alerts, ms: number, stepMs = 5_000): Promise<void> {
  for (const untilMs = nowMs + ms; nowMs < untilMs; ) {
    nowMs += stepMs;
    await alerts.look();
  }
}

interface Event {
  readonly type: string;
  readonly id: string;
  readonly timestamp: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function events(): Event[] {
  return receiver.taken.map(({ body }) => JSON.parse(body));
}

function types(): string[] {
  return events().map(({ type }) => type);
}

function budget(changes: Partial<BudgetFacts> = {}): BudgetFacts {
  return {
    scope: "key",
    name: "ci",
    model: null,
    period: "day",
    startMs: START - 10 * HOUR_MS,
    resetsAtMs: START + 14 * HOUR_MS,
    limitNanoUsd: 1_000,
    spentNanoUsd: 0,
    hasRefused: false,
    ...changes,
  };
}

function credential(name: string, changes: Partial<CredentialFacts> = {}): CredentialFacts {
  const state = { state: "ready", reason: "", untilMs: null, sinceMs: START };
  return { ...state, id: `a/${name}`, upstream: "a", refusals: 0, models: [], ...changes };
}

test("an event comes with type, id, time, text and data, and the same id as its header", async () => {
  world.ledgerFailure = "the disk that holds the ledger is full";
  await start().look();
  const [event] = events();
  expect(event).toEqual({
    type: "ledger.unwritable",
    id: expect.stringMatching(/^alert_[0-9A-Z]{26}$/),
    timestamp: "2026-11-29T10:00:00.000Z",
    text: "Requests cannot be recorded: the disk that holds the ledger is full.",
    data: { failure: "the disk that holds the ledger is full" },
  });
  expect(receiver.taken[0]?.headers["webhook-id"]).toBe(event?.id as string);
  expect([...counts]).toEqual([
    ["ledger.unwritable sent", 1],
    ["webhook ledger.unwritable sent", 1],
  ]);
});

test("a budget is told of at 80 % and at 100 %, each once in its window, also over restarts", async () => {
  let alerts = start();
  for (const spentNanoUsd of [799, 800, 900, 1_000, 1_000]) {
    world.budgets = [budget({ spentNanoUsd })];
    await pass(alerts, 10_000);
    alerts.close();
    alerts = start();
  }
  await pass(alerts, 13 * HOUR_MS, 600_000);
  expect(types()).toEqual(["budget.low", "budget.empty"]);
  world.budgets = [
    budget({ spentNanoUsd: 900, startMs: START + 14 * HOUR_MS, resetsAtMs: START + 38 * HOUR_MS }),
  ];
  await pass(alerts, HOUR_MS, 600_000);
  expect(types()).toEqual(["budget.low", "budget.empty", "budget.low"]);
});

test("what was raised and not sent when the process ended is sent after the start, with the same id", async () => {
  receiver.answer = (response) => response.writeHead(503).end();
  world.unpriced = ["local/model"];
  const first = start();
  await first.look();
  // Killed: nothing is closed.
  receiver.answer = (response) => response.end();
  const second = start();
  await second.look();
  const [failed, sent] = receiver.taken;
  expect(sent?.headers["webhook-id"]).toBe(failed?.headers["webhook-id"] as string);
  expect(types()).toEqual(["model.unpriced", "model.unpriced"]);
  await pass(second, HOUR_MS, 60_000);
  second.close();
  await pass(start(), HOUR_MS, 60_000);
  expect(receiver.taken.length).toBe(2);
});

test("a model without a price is told of once a day", async () => {
  const alerts = start();
  for (let hour = 0; hour < 49; hour++) {
    world.unpriced = ["local/model", "local/model"];
    await pass(alerts, HOUR_MS, HOUR_MS);
  }
  expect(types().length).toBe(3);
});

test("a credential that needs a person is told of once for each time that it failed", async () => {
  const invalid = { state: "invalid", reason: "confirmed: 401", untilMs: null };
  world.credentials = [credential("main", invalid), credential("spare")];
  const alerts = start();
  await pass(alerts, 2 * HOUR_MS, 60_000);
  expect(events().map(({ type, data }) => [type, data.credential])).toEqual([
    ["credential.needs_person", "a/main"],
  ]);
  world.credentials = [credential("main", { ...invalid, sinceMs: START + 1 }), credential("spare")];
  await pass(alerts, 10_000);
  expect(types()).toEqual(["credential.needs_person", "credential.needs_person"]);
});

test("an upstream or a model without a credential is told of while it lasts, once an hour", async () => {
  const limited = { state: "cooling", reason: "rate limit", untilMs: START + 3 * HOUR_MS };
  world.credentials = [credential("main", limited), credential("spare")];
  const alerts = start();
  await pass(alerts, 10_000);
  expect(types()).toEqual([]);
  const onModel = { models: [{ ...limited, sinceMs: START, model: "gpt-5" }] };
  world.credentials = [credential("main", limited), credential("spare", onModel)];
  await pass(alerts, 90 * 60_000, 60_000);
  world.credentials = [credential("main", limited), credential("spare", limited)];
  await pass(alerts, 10_000);
  expect(events().map(({ type, data }) => [type, data.upstream, data.model])).toEqual([
    ["credentials.unavailable", "a", "gpt-5"],
    ["credentials.unavailable", "a", "gpt-5"],
    ["credentials.unavailable", "a", null],
  ]);
});

test("a model that no credential may use is no outage", async () => {
  const models = [
    { state: "forbidden", reason: "no access", untilMs: START + HOUR_MS, sinceMs: START, model: "x" },
  ];
  world.credentials = [credential("main", { models })];
  await pass(start(), 10_000);
  expect(types()).toEqual([]);
});

test("free space around the threshold is told of once, and again after it had recovered", async () => {
  const alerts = start();
  for (const freeBytes of [1_000, 999, 1_100, 900, 1_249, 990]) {
    world.freeBytes = freeBytes;
    await pass(alerts, 60_000, 30_000);
  }
  expect(types()).toEqual(["disk.low"]);
  for (const freeBytes of [1_250, 999]) {
    world.freeBytes = freeBytes;
    await pass(alerts, 60_000, 30_000);
  }
  expect(types()).toEqual(["disk.low", "disk.low"]);
  alerts.replace(settings({ diskFreeBytes: 0 }));
  world.freeBytes = 0;
  await pass(alerts, 49 * HOUR_MS, HOUR_MS);
  expect(types().length).toBe(2);
});

test("each rejected configuration is told of, once while it stays", async () => {
  const alerts = start();
  for (const rejected of [["one"], ["one"], ["two"], [], ["two"]]) {
    world.rejected = rejected;
    await pass(alerts, 60_000);
  }
  expect(events().map(({ data }) => data.problems)).toEqual([["one"], ["two"], ["two"]]);
});

test("events that nobody asked for are not told, and without a webhook none is", async () => {
  world.ledgerFailure = "locked";
  world.freeBytes = 1;
  const alerts = start({ events: ["disk.low"] });
  await pass(alerts, 10_000);
  expect(types()).toEqual(["disk.low"]);
  alerts.replace(settings({ webhook: null }));
  await pass(alerts, 10_000);
  alerts.replace(settings());
  await pass(alerts, 10_000);
  expect(types()).toEqual(["disk.low", "ledger.unwritable"]);
});

test("a storm of 1,000 events comes in a few messages, and none is lost", async () => {
  world.unpriced = Array.from({ length: 1_000 }, (_, i) => `local/model-${i}`);
  const alerts = start();
  await pass(alerts, HOUR_MS);
  const messages = events();
  // Ten at once, then one a minute.
  expect(messages.length).toBeLessThanOrEqual(70);
  expect(messages[0]).toMatchObject({
    type: "alerts.batch",
    data: { count: 1_000, more: { "model.unpriced": 975 } },
  });
  expect(messages[0]?.text).toStartWith("1000 alerts:\n- Requests of local/model-0 have no price");
  expect(messages[0]?.text.length).toBeLessThan(2_000);
  const told = messages.flatMap(({ data }) => data.alerts as Event[]);
  expect(new Set(told.map(({ data }) => data.model)).size).toBe(1_000);
  expect(told.length).toBe(1_000);
  for (const { body } of receiver.taken) expect(body.length).toBeLessThan(20_000);
  expect(counts.get("model.unpriced sent")).toBe(1_000);
});

test("more events than may wait are lost and counted, and the next ones are taken again", async () => {
  receiver.answer = (response) => response.writeHead(500).end();
  world.unpriced = Array.from({ length: 1_200 }, (_, i) => `local/model-${i}`);
  const alerts = start();
  await alerts.look();
  expect(counts.get("model.unpriced dropped")).toBe(200);
  expect(lines.filter((line) => line === "too many alerts wait: this one is lost").length).toBe(200);
  receiver.answer = (response) => response.end();
  await pass(alerts, 2 * HOUR_MS);
  expect(counts.get("model.unpriced sent")).toBe(1_000);
});

test("a dead receiver is asked less and less, for a day, and costs no more than log lines", async () => {
  const { url } = await startReceiver();
  stopServers();
  world.ledgerFailure = "locked";
  const alerts = start({ webhook: url });
  await alerts.look();
  world.ledgerFailure = null;
  const tries: number[] = [];
  for (let last = counts.get("ledger.unwritable failed") ?? 0; nowMs < START + 26 * HOUR_MS; nowMs += 1_000) {
    await alerts.look();
    const failed = counts.get("ledger.unwritable failed") ?? 0;
    if (failed > last) tries.push((nowMs - START) / 1_000);
    last = failed;
  }
  expect(tries.slice(0, 6)).toEqual([5, 15, 35, 75, 155, 315]);
  expect(tries.length).toBeLessThan(40);
  expect(Math.max(...tries)).toBeLessThan(24 * 3_600);
  expect(counts.get("ledger.unwritable dropped")).toBe(1);
  expect(lines.filter((line) => line.startsWith("an alert cannot be sent now")).length).toBe(
    tries.length + 1,
  );
  expect(lines.filter((line) => line.includes("could not be sent for a day")).length).toBe(1);
});

test("a receiver's own wait is kept, and a new address is tried at once", async () => {
  receiver.answer = (response) => response.writeHead(429, { "retry-after": "120" }).end();
  world.ledgerFailure = "locked";
  const alerts = start();
  await alerts.look();
  await pass(alerts, 119_000, 1_000);
  expect(receiver.taken.length).toBe(1);
  await pass(alerts, 1_000, 1_000);
  expect(receiver.taken.length).toBe(2);
  const other = await startReceiver();
  alerts.replace(settings({ webhook: other.url }));
  await alerts.look();
  expect(other.taken.length).toBe(1);
});

test("a slow receiver gets one call at a time, and looking goes on", async () => {
  const responses: (() => void)[] = [];
  receiver.answer = (response) => void responses.push(() => response.end());
  world.unpriced = ["local/a"];
  const alerts = start();
  const first = alerts.look();
  world.unpriced = ["local/b"];
  nowMs += 5_000;
  await alerts.look();
  while (responses.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(receiver.taken.length).toBe(1);
  responses[0]?.();
  await first;
  receiver.answer = (response) => response.end();
  await alerts.look();
  expect(events().map(({ data }) => data.model)).toEqual(["local/a", "local/b"]);
});

test("a database that cannot be written keeps no alert back, and gets it later", async () => {
  openStore(dir).close();
  const holder = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
  holder.exec("BEGIN IMMEDIATE");
  world.budgets = [budget({ spentNanoUsd: 1_000 })];
  const alerts = start();
  await pass(alerts, 30_000);
  expect(types()).toEqual(["budget.empty"]);
  expect(lines.filter((line) => line.startsWith("alerts cannot be kept")).length).toBe(1);
  holder.exec("ROLLBACK");
  holder.close();
  await pass(alerts, 5_000);
  alerts.close();
  await pass(start(), 30_000);
  expect(types()).toEqual(["budget.empty"]);
});

test("a fact that cannot be read is told in the log, and what waits is still sent", async () => {
  world.unpriced = ["local/a"];
  receiver.answer = (response) => response.writeHead(500).end();
  const alerts = start();
  await alerts.look();
  receiver.answer = (response) => response.end();
  Object.defineProperty(world, "ledgerFailure", {
    get: () => {
      throw new Error("a mistake");
    },
  });
  await pass(alerts, 5_000);
  expect(lines).toContain("the facts for alerts cannot be read: this is a mistake in the gateway");
  expect(types()).toEqual(["model.unpriced", "model.unpriced"]);
});

test("no payload, log line or row holds the address or the secret", async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  receiver.answer = (response) => response.writeHead(500).end("secret-path");
  world.ledgerFailure = "locked";
  const alerts = start({ secret });
  await pass(alerts, 60_000);
  alerts.close();
  const rows = openStore(dir);
  const stored = JSON.stringify(rows.prepare("SELECT * FROM alerts").all());
  rows.close();
  for (const text of [...lines, ...fields, stored, ...receiver.taken.map(({ body }) => body)]) {
    expect(text).not.toContain("secret-path");
    expect(text).not.toContain(secret.slice(6));
  }
});

/** A second receiver as a channel beside the webhook. */
async function withChannel(changes: Partial<ReturnType<typeof makeChannel>> = {}) {
  const chat = await startReceiver();
  const { setting, ...channel } = makeChannel({ kind: "slack", name: "chat", url: chat.url, ...changes });
  return { chat, channels: [channel] };
}

test("each channel gets the events that it is for, and one that is down keeps none from the others", async () => {
  const { chat, channels } = await withChannel({ events: ["disk.low"] });
  receiver.answer = (response) => response.writeHead(500).end();
  world.ledgerFailure = "locked";
  world.freeBytes = 1;
  const alerts = start({ channels });
  await pass(alerts, 10_000);
  expect(chat.taken.map(({ body }) => JSON.parse(body).text)).toEqual([
    expect.stringContaining("The disk of the ledger has 0 MiB left"),
  ]);
  expect(counts.get("chat disk.low sent")).toBe(1);
  expect(counts.get("webhook disk.low sent")).toBeUndefined();
  expect(alerts.list()).toMatchObject([
    { name: "webhook", waiting: 2, problem: expect.stringContaining("refuses the call with status 500") },
    { name: "chat", kind: "slack", waiting: 0, problem: null, receiver: new URL(chat.url).origin },
  ]);
  expect(JSON.stringify(alerts.list())).not.toContain("secret-path");
  // The log has each alert once, however many channels there are.
  expect(lines.filter((line) => line.startsWith("alert: ")).length).toBe(2);
  receiver.answer = (response) => response.end();
  await pass(alerts, 60_000);
  expect(counts.get("webhook disk.low sent")).toBe(1);
  expect(chat.taken.length).toBe(1);
});

test("each channel waits as long as it says itself, and a wait of one is none of another", async () => {
  const { chat, channels } = await withChannel();
  chat.answer = (response) => response.writeHead(429, { "retry-after": "600" }).end();
  world.unpriced = ["local/a"];
  const alerts = start({ channels });
  await alerts.look();
  world.unpriced = ["local/b"];
  await pass(alerts, 595_000);
  expect([chat.taken.length, receiver.taken.length]).toEqual([1, 2]);
  chat.answer = (response) => response.end();
  await pass(alerts, 10_000);
  expect(chat.taken.length).toBe(3);
});

test("what a channel was told is kept by its name, over restarts and while it is away", async () => {
  const { chat, channels } = await withChannel({ events: ["disk.low"] });
  world.freeBytes = 1;
  let alerts = start({ webhook: null, channels });
  await pass(alerts, 10_000);
  alerts.close();
  alerts = start({ channels });
  await pass(alerts, 10_000);
  alerts.replace(settings({ channels: [] }));
  await pass(alerts, 10_000);
  alerts.replace(settings({ channels }));
  await pass(alerts, 10_000);
  expect(chat.taken.length).toBe(1);
  // The webhook was not told before.
  expect(types()).toEqual(["disk.low"]);
  alerts.close();
});

test("rows of a channel that is no more go once they are old", async () => {
  const { channels } = await withChannel();
  world.unpriced = ["local/a"];
  const first = start({ webhook: null, channels });
  await pass(first, 5_000);
  first.close();
  const count = (): unknown => {
    const sql = openStore(dir);
    const rows = sql.prepare("SELECT about FROM alerts").all();
    sql.close();
    return rows;
  };
  expect(count()).toEqual([{ about: 'chat["model.unpriced","local/a"]' }]);
  let alerts = start();
  await pass(alerts, 5_000);
  alerts.close();
  expect(count()).toEqual([{ about: 'chat["model.unpriced","local/a"]' }]);
  nowMs += 33 * 24 * HOUR_MS;
  alerts = start();
  await pass(alerts, 5_000);
  alerts.close();
  expect(count()).toEqual([]);
});

test("a test goes to one channel alone, past what waits", async () => {
  const { chat, channels } = await withChannel();
  const alerts = start({ channels });
  expect(await alerts.test("chat")).toEqual({ isTaken: true, status: 200 });
  expect(await alerts.test("nobody")).toBeNull();
  expect(chat.taken.map(({ body }) => JSON.parse(body).text)).toEqual([
    "This is a test of Clewline's alerts. Nothing has happened.",
  ]);
  expect(receiver.taken).toEqual([]);
});
