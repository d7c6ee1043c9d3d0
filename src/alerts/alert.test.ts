import { expect, test } from "bun:test";
import { ALERT_EVENTS } from "../config/alerts/schema-alerts.ts";
import {
  type BudgetFacts,
  budgetAlert,
  credentialAlert,
  diskAlert,
  ledgerAlert,
  rejectedAlert,
  unavailableAlert,
  unpricedAlert,
} from "./alert.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");
const BUDGET: BudgetFacts = {
  scope: "key",
  name: "ci",
  model: null,
  period: "month",
  startMs: Date.parse("2026-11-01T00:00:00Z"),
  resetsAtMs: Date.parse("2026-12-01T00:00:00Z"),
  limitNanoUsd: 50_000_000_000,
  spentNanoUsd: 0,
  hasRefused: false,
};

test("a budget is told of from 80 % on, and again when it is empty", () => {
  const types = [0, 39_999_999_999, 40_000_000_000, 49_999_999_999, 50_000_000_000, 51_000_000_000].map(
    (spentNanoUsd) => budgetAlert({ ...BUDGET, spentNanoUsd })?.type ?? null,
  );
  expect(types).toEqual([null, null, "budget.low", "budget.low", "budget.empty", "budget.empty"]);
  expect(budgetAlert({ ...BUDGET, spentNanoUsd: 40_000_000_000, hasRefused: true })?.type).toBe(
    "budget.empty",
  );
  expect(budgetAlert({ ...BUDGET, spentNanoUsd: 39_999_999_999, hasRefused: true })).toBeNull();
  // Nothing may be spent: the budget is empty from the start.
  expect(budgetAlert({ ...BUDGET, limitNanoUsd: 0 })?.type).toBe("budget.empty");
});

test("a budget's alert says what was spent, of what, and until when", () => {
  const alert = budgetAlert({ ...BUDGET, spentNanoUsd: 40_100_000_001 });
  expect(alert?.text).toBe(
    "Key ci has spent 40.100000001 of 50.00 dollars of its budget for this month. A new month begins at 2026-12-01T00:00:00.000Z.",
  );
  expect(alert?.data).toEqual({
    scope: "key",
    name: "ci",
    model: null,
    period: "month",
    starts_at: "2026-11-01T00:00:00.000Z",
    resets_at: "2026-12-01T00:00:00.000Z",
    limit_usd: "50.00",
    spent_usd: "40.100000001",
  });
  expect(alert?.quietUntilMs).toBe(BUDGET.resetsAtMs);
  const team = budgetAlert({
    ...BUDGET,
    scope: "team",
    name: "research",
    model: "claude-*",
    spentNanoUsd: 50_000_000_000,
  });
  expect(team?.text).toStartWith(
    "Team research has spent 50.00 of 50.00 dollars of its budget for this month for claude-·; req",
  );
});

test("each budget, window, threshold and limit is a subject of its own", () => {
  const full = { ...BUDGET, spentNanoUsd: 50_000_000_000 };
  const all = [
    full,
    { ...full, spentNanoUsd: 40_000_000_000 },
    { ...full, scope: "team" as const },
    { ...full, name: "me" },
    { ...full, model: "gpt-*" },
    { ...full, period: "day" as const },
    { ...full, startMs: BUDGET.resetsAtMs },
    { ...full, limitNanoUsd: 49_000_000_000 },
  ];
  expect(new Set(all.map((budget) => budgetAlert(budget)?.about)).size).toBe(all.length);
  expect(budgetAlert({ ...full, spentNanoUsd: 50_000_000_001 })?.about).toBe(
    budgetAlert(full)?.about as string,
  );
});

const STATE = { state: "cooling", reason: "rate limit", untilMs: NOW + 60_000, sinceMs: NOW - 5, models: [] };
const CREDENTIAL = { ...STATE, id: "openai/main", upstream: "openai", refusals: 0 };

test("a credential needs a person when its state does not end by itself", () => {
  const told = (state: string, untilMs: number | null) =>
    credentialAlert({ ...CREDENTIAL, state, untilMs, reason: "the key was refused" }, NOW)?.text ?? null;
  expect(told("invalid", null)).toBe(
    "Credential openai/main is invalid and needs a person: the key was refused. To repair: replace its key, or repair its account.",
  );
  expect(told("exhausted", null)).toContain("add credit or raise its limit at the provider");
  expect([
    told("exhausted", NOW + 1),
    told("cooling", NOW + 1),
    told("ready", null),
    told("off", null),
  ]).toEqual([null, null, null, null]);
});

test("a credential that no call can prove wrong needs a person once it was refused often", () => {
  const told = (refusals: number) =>
    credentialAlert({ ...CREDENTIAL, reason: "unconfirmed: the key was refused", refusals }, NOW);
  expect(told(4)).toBeNull();
  expect(told(5)?.text).toStartWith(
    "Credential openai/main was refused 5 times in a row and needs a person: unconf",
  );
  expect(told(6)?.about).toBe(told(5)?.about as string);
});

test("an upstream without a usable credential is told of with its first end, unless that is soon", () => {
  const alert = unavailableAlert("openai", null, [CREDENTIAL, { ...CREDENTIAL, untilMs: NOW + 40_000 }], NOW);
  expect(alert?.text).toBe(
    "No credential of openai can be used before 2026-11-29T10:00:40.000Z, when the first is tried again (cooling: rate limit).",
  );
  expect(alert?.data).toMatchObject({
    credentials: 2,
    model: null,
    available_at: "2026-11-29T10:00:40.000Z",
  });
  expect(unavailableAlert("openai", "gpt-5", [{ ...CREDENTIAL, untilMs: NOW + 29_000 }], NOW)).toBeNull();
  const broken = unavailableAlert(
    "openai",
    "gpt-5",
    [{ ...CREDENTIAL, untilMs: null, state: "invalid" }],
    NOW,
  );
  expect(broken?.text).toStartWith(
    "No credential of openai for gpt-5 can be used until a person repairs one",
  );
});

test("the name of a model mentions nobody and makes no link in a chat", () => {
  const { text, data } = unpricedAlert("local/<!channel> @all [x](https://evil.test) `*|\u202e\n", NOW);
  expect(text).toStartWith("Requests of local/·!channel· ·all ·x·(https://evil.test) ····· have no price");
  expect(data.model).toContain("<!channel>");
});

test("docs/alerts.md has each event, and each member of its data", async () => {
  const page = await Bun.file(new URL("../../docs/alerts.md", import.meta.url).pathname).text();
  const alerts = [
    budgetAlert({ ...BUDGET, spentNanoUsd: 50_000_000_000 }),
    budgetAlert({ ...BUDGET, spentNanoUsd: 45_000_000_000 }),
    credentialAlert({ ...CREDENTIAL, state: "invalid", untilMs: null }, NOW),
    unavailableAlert("openai", null, [CREDENTIAL], NOW),
    unpricedAlert("local/x", NOW),
    ledgerAlert("it is locked", NOW),
    diskAlert(1, 2, NOW),
    rejectedAlert(["one"], NOW),
  ].filter((alert) => alert !== null);
  expect(alerts.map(({ type }) => type).sort()).toEqual([...ALERT_EVENTS].sort());
  for (const { type, data } of alerts) {
    const rows = page.split("\n").filter((line) => line.startsWith("|") && line.includes(`\`${type}\``));
    expect([type, rows.length]).toEqual([type, 2]);
    for (const name of Object.keys(data))
      expect([type, rows[1]]).toEqual([type, expect.stringContaining(`\`${name}\``)]);
  }
});

test("a text is bounded, however long a name or a reason is", () => {
  const long = "x".repeat(10_000);
  const texts = [
    unpricedAlert(long, NOW).text,
    credentialAlert({ ...CREDENTIAL, state: "invalid", untilMs: null, reason: long }, NOW)?.text ?? "",
    unavailableAlert(long, long, [{ ...CREDENTIAL, reason: long }], NOW)?.text ?? "",
    ledgerAlert(long, NOW).text,
    rejectedAlert([long, long], NOW).text,
  ];
  for (const text of texts) expect(text.length).toBeLessThan(700);
});

test("the other events say what is wrong", () => {
  expect(ledgerAlert("the disk that holds the ledger is full", NOW).text).toBe(
    "Requests cannot be recorded: the disk that holds the ledger is full.",
  );
  expect(diskAlert(10_485_760, 1_073_741_824, NOW).text).toBe(
    "The disk of the ledger has 10 MiB left, less than 1024 MiB. A full disk stops the record of requests.",
  );
  const rejected = rejectedAlert(["clewline.toml:3:1 server.port: is wrong", "another"], NOW);
  expect(rejected.text).toBe(
    "The changed configuration is not in effect: clewline.toml:3:1 server.port: is wrong (and 1 more).",
  );
  expect(rejected.data.problems).toEqual(["clewline.toml:3:1 server.port: is wrong", "another"]);
});
