/** Limits and the ledger together: what a killed process leaves, and what a new budget begins with. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TeamConfig } from "../config/client-keys.ts";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { correctLost } from "../ledger/added-rows.ts";
import { sampleRow } from "../ledger/fixtures/row.ts";
import { readRows } from "../ledger/queries.ts";
import { RequestIds } from "../ledger/request-ids.ts";
import { SpentCounter } from "../ledger/spent-before.ts";
import { openStore } from "../ledger/store-file.ts";
import { makeLedgerWriter } from "../ledger/writer.ts";
import type { BudgetedCredential } from "../limits/budgeted-credential.ts";
import {
  ask,
  makeKey,
  makeTeam,
  NO_LIMITS,
  refused,
  reserved,
  SetClock,
  START_MS,
} from "../limits/fixtures/limits-under-test.ts";
import type { LimitedKey } from "../limits/limited-key.ts";
import { Limiter } from "../limits/limiter.ts";
import type { Reservation } from "../limits/reservation.ts";
import { makeBackgroundStore } from "../store/background.ts";
import type { BudgetWindow } from "../store/budgets.ts";
import { makeBudgetStore } from "./make-limiter.ts";

const DAY_MS = 86_400_000;

interface Process {
  readonly limiter: Limiter;
  /** The process is gone: its locks are, and nothing is given back. */
  readonly kill: () => void;
}

/** A data folder in which gateways come and go. */
class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "clewline-limiter-"));
  readonly clock = new SetClock();
  readonly ids = new RequestIds(makeIds());
  readonly logged: string[] = [];

  /** A started gateway's limiter, and its store. */
  process(
    keys: readonly LimitedKey[],
    teams: readonly TeamConfig[] = [],
    credentials: readonly BudgetedCredential[] = [],
  ): Process {
    const keep = (_fields: object, message: string): void => void this.logged.push(message);
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
    const parts = { dataDir: this.path, keys, teams, requestIds: this.ids, clock: this.clock, log };
    const store = makeBudgetStore(parts);
    const limiter = new Limiter({ namesOf: () => [], clock: this.clock, store, keys, teams, credentials });
    limiter.start();
    return { limiter, kill: () => store.close() };
  }

  /** Settles a request, and commits its row. */
  settle(
    reservation: Reservation,
    nanoUsd: number,
    row: Parameters<typeof sampleRow>[0] | object = {},
  ): void {
    const whole = { key: "ci", costNanoUsd: nanoUsd, ...row };
    const charges = reservation.settle(1, nanoUsd, sampleRow({ id: "", ...whole }));
    this.write(whole, charges);
  }

  write(row: object, charges: ReturnType<Reservation["settle"]> = []): void {
    const writer = makeLedgerWriter(openStore(this.path), this.ids, systemClock);
    const atMs = this.clock.nowMs();
    writer.write([sampleRow({ id: this.ids.ulid(atMs), atMs, ...row })], 0, 1, [], [charges]);
    writer.close();
  }

  /** What is in the database: the windows, and the rows that no request ended in. */
  found() {
    const sql = openStore(this.path);
    const windows = sql
      .prepare("SELECT * FROM budgets ORDER BY scope, name, model, period, start_ms")
      .all()
      .map((row) => [
        `${row.scope} ${row.name}${row.model === "" ? "" : ` ${row.model}`} ${row.period}`,
        Number(row.spent_nano_usd),
        Number(row.granted_nano_usd),
      ]);
    const added = [...readRows(sql)]
      .filter(({ endpoint }) => endpoint === "lost" || endpoint === "correction")
      .map(({ id, endpoint, key, team, modelAsked, atMs, costNanoUsd }) => ({
        id,
        endpoint,
        key,
        team,
        modelAsked,
        atMs,
        costNanoUsd,
      }));
    sql.close();
    return { windows, added };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

describe("what a killed process left open", () => {
  test("is spent at the next start, with a row, and nothing stays granted", () => {
    using folder = new Folder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const first = folder.process([key]);
    folder.settle(reserved(first.limiter.reserve(key, ask({ costNanoUsd: 500 }))), 120);
    reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 })));
    first.kill();
    const next = folder.process([key]);
    expect(folder.found()).toEqual({
      windows: [["key ci day", 600, 600]],
      added: [
        {
          id: expect.any(String),
          endpoint: "lost",
          key: "ci",
          team: null,
          modelAsked: null,
          atMs: START_MS,
          costNanoUsd: 480,
        },
      ],
    });
    expect(folder.logged.join()).toContain("booked as lost");
    expect(next.limiter.use(key)).toMatchObject([{ used: 600, reserved: 0 }]);
    next.kill();
    folder.process([key]).limiter.close();
    expect(folder.found().added.length).toBe(1);
  });

  test("costs no more than what is open in each of the key's budgets, and of the team the rest is lost", () => {
    using folder = new Folder();
    const key = makeKey(
      { budgetPerDayNanoUsd: 10_000, budgetPerWeekNanoUsd: 100_000, budgetPerMonthNanoUsd: 1_000_000 },
      "ci",
      "research",
    );
    const teams = [makeTeam({ budgetPerMonthNanoUsd: 50_000 })];
    const first = folder.process([key], teams);
    reserved(first.limiter.reserve(key, ask({ costNanoUsd: 90 })));
    first.kill();
    folder.process([key], teams).limiter.close();
    const { windows, added } = folder.found();
    expect(added).toMatchObject([
      { key: "ci", team: "research", costNanoUsd: 100 },
      { key: "", team: "research", costNanoUsd: 400 },
    ]);
    expect(windows).toEqual([
      ["key ci day", 100, 100],
      ["key ci month", 100, 100],
      ["key ci week", 100, 100],
      ["team research month", 500, 500],
    ]);
  });

  test("of a team that its keys have not lost is a row of the team", () => {
    using folder = new Folder();
    const keys = ["a", "b"].map((name) => makeKey({}, name, "research"));
    const teams = [makeTeam({ budgetPerMonthNanoUsd: 50_000 })];
    const first = folder.process(keys, teams);
    reserved(first.limiter.reserve(keys[0] as LimitedKey, ask({ costNanoUsd: 600 })));
    first.kill();
    folder.process(keys, teams).limiter.close();
    expect(folder.found()).toMatchObject({
      windows: [["team research month", 600, 600]],
      added: [{ key: "", team: "research", costNanoUsd: 600 }],
    });
  });

  test("of some models is a row of their pattern, and is not lost twice", () => {
    using folder = new Folder();
    const key = makeKey({
      budgetPerDayNanoUsd: 10_000,
      perModel: [{ ...NO_LIMITS, model: "claude-*", budgetPerDayNanoUsd: 1_000 }],
    });
    const first = folder.process([key]);
    reserved(first.limiter.reserve(key, ask({ model: "claude-opus-5", costNanoUsd: 300 })));
    reserved(first.limiter.reserve(key, ask({ costNanoUsd: 400 })));
    first.kill();
    folder.process([key]).limiter.close();
    expect(folder.found()).toMatchObject({
      windows: [
        ["key ci day", 700, 700],
        ["key ci claude-* day", 300, 300],
      ],
      added: [
        { modelAsked: "claude-*", costNanoUsd: 300 },
        { modelAsked: null, costNanoUsd: 400 },
      ],
    });
  });

  test("belongs to the day in which it may have been spent", () => {
    using folder = new Folder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000, budgetPerMonthNanoUsd: 100_000 });
    const first = folder.process([key]);
    reserved(first.limiter.reserve(key, ask({ costNanoUsd: 90 })));
    first.kill();
    folder.clock.atMs = DAY_MS;
    const next = folder.process([key]);
    expect(folder.found().added).toMatchObject([{ atMs: START_MS + DAY_MS / 2 - 1, costNanoUsd: 100 }]);
    reserved(next.limiter.reserve(key, ask({ costNanoUsd: 10_000, atMs: START_MS + DAY_MS })));
  });

  describe("and a background response goes on with", () => {
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 }, "ci", "research");
    const teams = [makeTeam({ budgetPerMonthNanoUsd: 100_000 })];
    const id = "01J00000000000000000000000";
    const row = sampleRow({ id, atMs: START_MS, key: "ci", team: "research" });
    const store = (folder: Folder, detail: object): void => {
      const responses = makeBackgroundStore(() => openStore(folder.path));
      const held = { tokens: 1, costNanoUsd: 450 };
      responses.save({ upstream: "openai", id: "resp_1", detail: { held, row, nextMs: 0, ...detail } });
      responses.close();
    };

    test("is not lost, and what others held is", () => {
      using folder = new Folder();
      const first = folder.process([key], teams);
      reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 })));
      reserved(first.limiter.reserve(key, ask({ costNanoUsd: 300 })));
      store(folder, {});
      first.kill();
      folder.process([key], teams);
      expect(folder.found()).toMatchObject({
        windows: [
          ["key ci day", 300, 300],
          ["team research month", 550, 550],
        ],
        added: [
          { key: "ci", costNanoUsd: 300 },
          { key: "", costNanoUsd: 250 },
        ],
      });
    });

    test("is given back when nothing is lost, until the response holds it anew", () => {
      using folder = new Folder();
      const first = folder.process([key]);
      reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 })));
      store(folder, { held: { tokens: 1, costNanoUsd: 400 }, earlier: { tokens: 1, costNanoUsd: 50 } });
      first.kill();
      folder.process([key]);
      expect(folder.found()).toEqual({ windows: [["key ci day", 0, 0]], added: [] });
    });

    test.each([
      ["a response that holds nothing", { held: null }],
      ["a response of another key", { row: { ...row, key: "other", team: null } }],
      ["a response of another day", { row: { ...row, atMs: START_MS - DAY_MS } }],
      ["what cannot be read", { row: null }],
    ])("is lost all the same but for it: %s", (_what, detail) => {
      using folder = new Folder();
      const first = folder.process([key]);
      reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 })));
      store(folder, detail);
      first.kill();
      folder.process([key]);
      expect(folder.found().added).toMatchObject([{ costNanoUsd: 450 }]);
    });

    test("is lost all the same when the row of the response is in the ledger, which has its charges", () => {
      using folder = new Folder();
      const first = folder.process([key]);
      folder.settle(reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 }))), 200, row);
      reserved(first.limiter.reserve(key, ask({ costNanoUsd: 450 })));
      store(folder, { row: { ...row, costNanoUsd: 200 }, hasEnded: true });
      first.kill();
      folder.process([key]);
      expect(folder.found().windows).toEqual([["key ci day", 650, 650]]);
    });
  });

  test("is left alone while another process runs: it may be the other's", () => {
    using folder = new Folder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const running = folder.process([key]);
    const held = reserved(running.limiter.reserve(key, ask({ costNanoUsd: 500 })));
    const second = folder.process([key]);
    expect(folder.found()).toEqual({ windows: [["key ci day", 0, 500]], added: [] });
    folder.settle(held, 80);
    running.limiter.close();
    second.limiter.close();
    expect(folder.found()).toEqual({ windows: [["key ci day", 80, 80]], added: [] });
  });
});

describe("a correction", () => {
  test("takes a lost cost out of all of its budgets, once; the running gateway finds the room", () => {
    using folder = new Folder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000, budgetPerMonthNanoUsd: 5_000 });
    const first = folder.process([key]);
    reserved(first.limiter.reserve(key, ask({ costNanoUsd: 900 })));
    first.kill();
    const next = folder.process([key]);
    expect(refused(next.limiter.reserve(key, ask({ costNanoUsd: 101 })))).toMatchObject({ remaining: 100 });
    const [lost] = folder.found().added;
    const sql = openStore(folder.path);
    const id = String(lost?.id);
    expect(correctLost(sql, folder.ids, folder.clock, id)).toEqual({
      kind: "corrected",
      id: `${id}-correction`,
      key: "ci",
      nanoUsd: 900,
    });
    expect(correctLost(sql, folder.ids, folder.clock, id)).toEqual({ kind: "corrected_before" });
    expect(correctLost(sql, folder.ids, folder.clock, `${id}-correction`)).toEqual({ kind: "not_lost" });
    expect(correctLost(sql, folder.ids, folder.clock, "01JABCDEFGHJKMNPQRSTVWXYZ0")).toEqual({
      kind: "not_found",
    });
    sql.close();
    folder.clock.atMs = 1_000;
    reserved(next.limiter.reserve(key, ask({ costNanoUsd: 1_000 })));
    const { windows, added } = folder.found();
    expect(windows).toEqual([
      ["key ci day", 0, 1_000],
      ["key ci month", 0, 1_000],
    ]);
    expect(added).toMatchObject([{ costNanoUsd: 900 }, { endpoint: "correction", costNanoUsd: -900 }]);
  });
});

describe("what the ledger has for a new budget", () => {
  const day: BudgetWindow = {
    scope: "key",
    name: "ci",
    model: "",
    period: "day",
    startMs: START_MS - DAY_MS / 2,
    endMs: START_MS + DAY_MS / 2,
  };

  function count(
    folder: Folder,
    window: BudgetWindow,
    stepRows?: number,
  ): { nanoUsd: number; steps: number } {
    const sql = openStore(folder.path);
    const counter = new SpentCounter(stepRows);
    for (let steps = 1; ; steps++) {
      const nanoUsd = counter.spentBefore(sql, window);
      if (nanoUsd === null) continue;
      sql.close();
      return { nanoUsd, steps };
    }
  }

  test("has the cost of a request that ends while the rows are counted", async () => {
    using folder = new Folder();
    const { limiter } = folder.process([makeKey({ concurrency: 9 })]);
    const early = folder.ids.ulid(START_MS);
    const running = reserved(limiter.reserve(makeKey({}), ask()));
    const rows = Array.from({ length: 2_500 }, () =>
      sampleRow({ id: folder.ids.ulid(START_MS), atMs: START_MS, key: "ci", costNanoUsd: 1 }),
    );
    const writer = makeLedgerWriter(openStore(folder.path), folder.ids, folder.clock);
    writer.write(rows, 0, rows.length, []);
    writer.close();
    const key = makeKey({ concurrency: 9, budgetPerDayNanoUsd: 100_000 });
    limiter.replace([key], []);
    expect(() => limiter.reserve(key, ask())).toThrow("is being counted");
    folder.settle(running, 70_000, { id: early });
    const used = (): number => {
      try {
        return limiter.use(key).find(({ limit }) => limit === "budget")?.used ?? -1;
      } catch {
        return 0;
      }
    };
    while (used() === 0) await Bun.sleep(1);
    expect(used()).toBe(72_500);
    limiter.close();
    expect(folder.found().windows).toEqual([["key ci day", 72_500, 72_500]]);
  });

  test("is the sum of the rows of its key or team, its models and its days", () => {
    using folder = new Folder();
    const write = (atMs: number, row: object): void => {
      folder.clock.atMs = atMs;
      folder.write(row);
    };
    write(-DAY_MS / 2 - 1, { key: "ci", costNanoUsd: 1 });
    write(-DAY_MS / 2, { key: "ci", costNanoUsd: 10, modelAsked: "anthropic/claude-OPUS_5" });
    write(0, { key: "other", team: "research", costNanoUsd: 100 });
    write(1, { key: "ci", team: "research", costNanoUsd: 1_000, modelAsked: "claude-opus-5" });
    write(2, { key: "ci", costNanoUsd: null });
    // Its fact is unknown to the table of facts, so the row itself says whose it is.
    write(3, { key: "ci", costNanoUsd: 10_000, modelAsked: "claude-opus%5" });
    const elsewhere = { upstream: "router", modelUsed: "anthropic/claude-haiku-5" };
    write(4, { key: "ci", costNanoUsd: 1_000_000, modelAsked: "quick", ...elsewhere });
    write(DAY_MS / 2, { key: "ci", costNanoUsd: 100_000 });
    expect(count(folder, day).nanoUsd).toBe(1_011_010);
    expect(count(folder, { ...day, scope: "team", name: "research" }).nanoUsd).toBe(1_100);
    expect(count(folder, { ...day, model: "claude-opus*" }).nanoUsd).toBe(11_010);
    expect(count(folder, { ...day, model: "claude-opus_*" }).nanoUsd).toBe(10);
    expect(count(folder, { ...day, model: "claude-opus-5" }).nanoUsd).toBe(1_000);
    for (const model of ["quick", "claude-haiku-*", "anthropic/claude-haiku-*", "router/*"])
      expect(count(folder, { ...day, model }).nanoUsd).toBe(1_000_000);
    expect(count(folder, { ...day, name: "nobody" }).nanoUsd).toBe(0);
    expect(count(folder, day, 2)).toEqual({ nanoUsd: 1_011_010, steps: 4 });
  });
});

describe("the budgets of a credential", () => {
  const main = (more: Partial<BudgetedCredential> = {}): BudgetedCredential => ({
    id: "up/main",
    timeZone: "UTC",
    budgetPerDayNanoUsd: 10_000,
    budgetPerWeekNanoUsd: null,
    budgetPerMonthNanoUsd: 1_000_000,
    ...more,
  });
  const ofMain = { upstream: "up", credential: "main" };

  test("after a kill, what its requests may have cost is spent, in a row of the credential that a person corrects", () => {
    using folder = new Folder();
    const first = folder.process([], [], [main()]);
    for (const budget of first.limiter.budgetsOfCredential("up/main")) {
      const share = budget.shareAt(START_MS);
      expect(share.hasRoomFor(450)).toBe(true);
      share.reserve(450);
    }
    first.kill();
    folder.process([], [], [main()]).limiter.close();
    const { windows, added } = folder.found();
    // Of the month 10,000 were granted; the same requests were held in the day.
    expect(windows).toEqual([
      ["credential up/main day", 450, 450],
      ["credential up/main month", 450, 450],
    ]);
    const sql = openStore(folder.path);
    const [lost] = [...readRows(sql)];
    expect(lost).toMatchObject({ endpoint: "lost", key: "", team: null, ...ofMain, costNanoUsd: 450 });
    expect(correctLost(sql, folder.ids, folder.clock, String(added[0]?.id))).toMatchObject({
      kind: "corrected",
    });
    sql.close();
    expect(folder.found().windows).toMatchObject([
      ["credential up/main day", 0, 0],
      ["credential up/main month", 0, 0],
    ]);
  });

  test("the same requests count for their key and their credential, and for no other one", () => {
    using folder = new Folder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const all = [main({ budgetPerMonthNanoUsd: null }), main({ id: "up/other" })];
    const first = folder.process([key], [], all);
    const [budget] = first.limiter.budgetsOfCredential("up/main");
    const share = budget?.shareAt(START_MS);
    expect(share?.hasRoomFor(700)).toBe(true);
    share?.reserve(700);
    const reservation = reserved(first.limiter.reserve(key, ask({ costNanoUsd: 700 })));
    const row = sampleRow({ id: "", key: "ci", costNanoUsd: 300, ...ofMain });
    const charges = [
      ...reservation.settle(1, 300, row),
      ...(share === undefined ? [] : [share.settle(700, 300)]),
    ];
    folder.write({ key: "ci", costNanoUsd: 300, ...ofMain }, charges);
    first.limiter.close();
    expect(folder.found().windows).toEqual([
      ["credential up/main day", 300, 300],
      ["key ci day", 300, 300],
    ]);
  });

  test("a background response that a killed process left is no loss of its credential", () => {
    using folder = new Folder();
    const first = folder.process([], [], [main({ budgetPerMonthNanoUsd: null })]);
    const share = first.limiter.budgetsOfCredential("up/main")[0]?.shareAt(START_MS);
    expect(share?.hasRoomFor(450)).toBe(true);
    share?.reserve(450);
    const store = makeBackgroundStore(() => openStore(folder.path));
    const row = sampleRow({ id: folder.ids.ulid(START_MS), atMs: START_MS, key: "ci", ...ofMain });
    const detail = { row, held: null, credentialHeld: { tokens: 0, costNanoUsd: 400 }, nextMs: 0 };
    store.save({ upstream: "up", id: "resp_1", detail });
    store.close();
    first.kill();
    folder.process([], [], [main({ budgetPerMonthNanoUsd: null })]).limiter.close();
    expect(folder.found()).toMatchObject({
      windows: [["credential up/main day", 50, 50]],
      added: [{ costNanoUsd: 50 }],
    });
  });

  test("that is new begins with what the ledger has of it, with the sums of usage or without", () => {
    using folder = new Folder();
    for (const [nanoUsd, place] of [
      [300, ofMain],
      [20, ofMain],
      [5_000, { upstream: "up", credential: "other" }],
      [7_000, { upstream: null, credential: null }],
    ] as const)
      folder.write({ key: "ci", costNanoUsd: nanoUsd, ...place });
    const { limiter } = folder.process([], [], [main()]);
    const spent = limiter
      .budgetsOfCredential("up/main")
      .map((budget) => budget.shareAt(START_MS).spentNanoUsd);
    expect(spent).toEqual([320, 320]);
    limiter.replaceCredentials([]);
    folder.write({ key: "ci", costNanoUsd: 4, ...ofMain });
    limiter.replaceCredentials([main()]);
    expect(limiter.budgetsOfCredential("up/main")[0]?.shareAt(START_MS).spentNanoUsd).toBe(324);
    limiter.close();
  });
});

test("a failed attempt that is billed counts for the budget of its own model, when it ends and in a later count", () => {
  using folder = new Folder();
  const limits = (more: object) =>
    makeKey({ perModel: [{ ...NO_LIMITS, model: "gpt-*", budgetPerDayNanoUsd: 10_000, ...more }] });
  const first = folder.process([limits({})]);
  const row = {
    modelAsked: "fast",
    upstream: "anthropic",
    modelUsed: "claude-haiku",
    modelReported: null,
    attemptLog: JSON.stringify([
      {
        upstream: "openai",
        credential: "main",
        status: null,
        signal: "upstream_cut",
        billed_model: "openai/gpt-5",
      },
      { upstream: "openai", credential: "main", status: 429, signal: "rate" },
    ]),
  };
  const key = limits({});
  const reservation = reserved(first.limiter.reserve(key, ask({ model: "fast", costNanoUsd: 500 })));
  folder.settle(reservation, 300, row);
  folder.settle(reserved(first.limiter.reserve(key, ask({ model: "fast", costNanoUsd: 500 }))), 40, {
    ...row,
    attemptLog: JSON.stringify([{ upstream: "openai", credential: "main", status: 500, signal: "overload" }]),
  });
  first.limiter.close();
  expect(folder.found().windows).toMatchObject([["key ci gpt-* day", 300, 300]]);
  // Another model of the same key: a budget that is new is counted in the ledger.
  const second = folder.process([makeKey({ perModel: [] })]);
  const later = makeKey({ perModel: [{ ...NO_LIMITS, model: "gpt-5", budgetPerMonthNanoUsd: 10_000 }] });
  second.limiter.replace([later], []);
  expect(second.limiter.use(later)).toMatchObject([{ used: 300 }]);
  second.limiter.close();
});
