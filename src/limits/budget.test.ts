import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../core/errors.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import {
  ask,
  LimitsFolder,
  makeKey,
  makeTeam,
  NO_LIMITS,
  ROW,
  refused,
  reserved,
  START_MS,
} from "./fixtures/limits-under-test.ts";
import { Limiter } from "./limiter.ts";

const DAY_MS = 86_400_000;

describe("a budget", () => {
  test("is granted on disk in portions of a hundredth, before a request may begin", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const limiter = folder.limiter([key]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 30 })));
    expect(folder.windows()).toEqual([{ name: "ci", period: "day", spent: 0, granted: 100 }]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 70 })));
    expect(folder.windows()).toMatchObject([{ granted: 100 }]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1 })));
    expect(folder.windows()).toMatchObject([{ granted: 200 }]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 5_000 })));
    expect(folder.windows()).toMatchObject([{ granted: 5_101 }]);
  });

  test("is told of once it is used, with what is spent, and whether that is why a request was refused", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 }, "ci", "research");
    const limiter = folder.limiter([key], [makeTeam({ budgetPerMonthNanoUsd: 5_000 })]);
    expect(limiter.budgets()).toEqual([]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 900 })));
    const told = () =>
      limiter.budgets().map((budget) => [budget.scope, budget.spentNanoUsd, budget.hasRefused]);
    refused(limiter.reserve(key, ask({ costNanoUsd: 200 })));
    // Too large for the whole budget: the budget need not be spent for that.
    refused(limiter.reserve(key, ask({ costNanoUsd: 1_001 })));
    expect(told()).toEqual([
      ["team", 0, false],
      ["key", 0, false],
    ]);
    folder.commit(first.settle(10, 850, ROW));
    expect(told()).toEqual([
      ["team", 850, false],
      ["key", 850, false],
    ]);
    refused(limiter.reserve(key, ask({ costNanoUsd: 151 })));
    expect(limiter.budgets()[1]).toEqual({
      scope: "key",
      name: "ci",
      model: null,
      period: "day",
      startMs: START_MS - DAY_MS / 2,
      resetsAtMs: START_MS + DAY_MS / 2,
      limitNanoUsd: 1_000,
      spentNanoUsd: 850,
      hasRefused: true,
    });
    folder.clock.atMs = DAY_MS;
    // The key's day is over; the team's month goes on, or is over as well.
    expect(told().filter(([scope]) => scope === "key")).toEqual([]);
  });

  test("refuses what does not fit, and says when it begins anew", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000, budgetPerWeekNanoUsd: 5_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 700 })));
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 301 })))).toEqual({
      scope: "key",
      name: "ci",
      model: null,
      limit: "budget",
      period: "day",
      limitValue: 1_000,
      remaining: 300,
      retryAfterMs: DAY_MS / 2,
      isNeverPossible: false,
    });
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 1_001 })))).toMatchObject({
      isNeverPossible: true,
    });
    folder.commit(first.settle(10, 100, ROW));
    reserved(limiter.reserve(key, ask({ costNanoUsd: 900 })));
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 1 })))).toMatchObject({ remaining: 0 });
    // What costs nothing needs no room.
    reserved(limiter.reserve(key, ask({ costNanoUsd: 0 })));
    reserved(limiter.reserve(key, ask({ costNanoUsd: null })));
  });

  test("of a request that cost more than it held is spent beyond the limit, and nothing else is", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    const [first, second] = [500, 500].map((costNanoUsd) =>
      reserved(limiter.reserve(key, ask({ costNanoUsd }))),
    );
    folder.commit(first?.settle(1, 800, ROW) ?? []);
    // What the second one holds is granted still.
    expect(folder.windows()).toMatchObject([{ spent: 800, granted: 1_300 }]);
    folder.commit(second?.settle(1, 100, ROW) ?? []);
    expect(folder.windows()).toMatchObject([{ spent: 900, granted: 1_300 }]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 100 })));
    refused(limiter.reserve(key, ask({ costNanoUsd: 1 })));
  });

  test("keeps no more than a portion, or one more such request, when a crowd has left", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 100_000 });
    const limiter = folder.limiter([key]);
    const crowd = Array.from({ length: 20 }, () =>
      reserved(limiter.reserve(key, ask({ costNanoUsd: 4_000 }))),
    );
    expect(folder.windows()).toMatchObject([{ granted: 80_000 }]);
    for (const one of crowd.splice(1)) folder.commit(one.settle(1, 10, ROW));
    expect(folder.windows()).toMatchObject([{ spent: 190, granted: 190 + 4_000 + 4_000 }]);
    folder.commit(crowd[0]?.settle(1, 10, ROW) ?? []);
    expect(folder.windows()).toMatchObject([{ spent: 200, granted: 200 + 4_000 }]);
  });

  test("holds room for a further attempt, or refuses it", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 400 })));
    expect(first.grow(0, 400)).toBeNull();
    expect(first.grow(0, 400)).toMatchObject({ limit: "budget", remaining: 200 });
    refused(limiter.reserve(key, ask({ costNanoUsd: 201 })));
    first.release();
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1_000 })));
  });

  test("begins anew at midnight of its zone, and counts a request for the day of its acceptance", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000, timeZone: "Asia/Tokyo" });
    const limiter = folder.limiter([key]);
    const midnightMs = START_MS + 3 * 3_600_000;
    const late = reserved(limiter.reserve(key, ask({ costNanoUsd: 900, atMs: midnightMs - 1 })));
    folder.clock.atMs = 3 * 3_600_000 + 5;
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1_000, atMs: midnightMs })));
    // It was accepted yesterday, and its body took some time.
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 101, atMs: midnightMs - 1 })))).toMatchObject({
      remaining: 100,
    });
    folder.commit(late.settle(1, 850, ROW));
    expect(folder.windows()).toEqual([
      { name: "ci", period: "day", spent: 850, granted: 900 },
      { name: "ci", period: "day", spent: 0, granted: 1_000 },
    ]);
  });

  test("is the team's as well, for all of its keys together", () => {
    using folder = new LimitsFolder();
    const keys = ["a", "b"].map((name) => makeKey({}, name, "research"));
    const limiter = folder.limiter(keys, [makeTeam({ budgetPerMonthNanoUsd: 1_000 })]);
    const [a, b] = keys;
    reserved(limiter.reserve(a as never, ask({ costNanoUsd: 600 })));
    expect(refused(limiter.reserve(b as never, ask({ costNanoUsd: 401 })))).toMatchObject({
      scope: "team",
      name: "research",
      period: "month",
      remaining: 400,
    });
    expect(limiter.hasBudget(b as never, "gpt-5.5")).toBe(true);
  });

  test("of some models counts these alone", () => {
    using folder = new LimitsFolder();
    const key = makeKey({
      perModel: [{ ...NO_LIMITS, model: "claude-opus-*", budgetPerDayNanoUsd: 1_000 }],
    });
    const limiter = folder.limiter([key]);
    reserved(limiter.reserve(key, ask({ model: "claude-opus-5", costNanoUsd: 1_000 })));
    expect(refused(limiter.reserve(key, ask({ model: "claude-opus-6", costNanoUsd: 1 })))).toMatchObject({
      model: "claude-opus-*",
    });
    reserved(limiter.reserve(key, ask({ costNanoUsd: 5_000 })));
    expect([limiter.hasBudget(key, "gpt-5.5"), limiter.hasBudget(key, "claude-opus-5")]).toEqual([
      false,
      true,
    ]);
  });

  test("a refused request holds nothing in the other budgets", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 5_000, budgetPerMonthNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    refused(limiter.reserve(key, ask({ costNanoUsd: 1_001 })));
    expect(limiter.use(key)).toMatchObject([
      { period: "day", used: 0, reserved: 0, remaining: 5_000 },
      { period: "month", used: 0, reserved: 0, remaining: 1_000, resetsAtMs: Date.UTC(2026, 11, 1) },
    ]);
  });
});

describe("a reload", () => {
  test("with a smaller budget refuses until there is room, and gives no granted room away", () => {
    using folder = new LimitsFolder();
    const limiter = folder.limiter([makeKey({ budgetPerDayNanoUsd: 100_000 })]);
    const key = makeKey({ budgetPerDayNanoUsd: 700 });
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 600 })));
    limiter.replace([key], []);
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 101 })))).toMatchObject({ remaining: 100 });
    folder.commit(first.settle(1, 50, ROW));
    reserved(limiter.reserve(key, ask({ costNanoUsd: 650 })));
    refused(limiter.reserve(key, ask({ costNanoUsd: 1 })));
  });

  test("without the budget gives all of it back", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 100_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 600 })));
    limiter.replace([makeKey({ concurrency: 5 })], []);
    expect(folder.windows()).toMatchObject([{ spent: 0, granted: 0 }]);
    expect(first.settle(1, 250, ROW)).toEqual([]);
  });

  test("that brings a budget back has it counted in the ledger, once, however long the count is", async () => {
    let steps = 0;
    using folder = new LimitsFolder({ spentBefore: () => (++steps % 3 === 0 ? 800 : null) });
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const earlier = folder.limiter([key]);
    while (steps < 3) {
      expect(() => earlier.reserve(key, ask({ costNanoUsd: 1 }))).toThrow("is being counted");
      await Bun.sleep(1);
    }
    earlier.replace([], []);
    earlier.close();
    const limiter = folder.limiter([key]);
    while (steps < 6) {
      expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow("is being counted");
      await Bun.sleep(1);
    }
    reserved(limiter.reserve(key, ask({ costNanoUsd: 200 }))).release();
    limiter.close();
    const next = folder.limiter([key]);
    reserved(next.reserve(key, ask({ costNanoUsd: 200 })));
    expect(steps).toBe(6);
  });

  test("of a gateway that has not used the day yet keeps what another gateway has spent of it", () => {
    using folder = new LimitsFolder();
    const team = { budgetPerDayNanoUsd: 1_000 };
    const key = makeKey({}, "ci", "research");
    const [one, other] = [folder.limiter([key]), folder.limiter([key])];
    for (const limiter of [one, other]) limiter.replace([key], [makeTeam(team)]);
    folder.clock.atMs = DAY_MS;
    const atMs = START_MS + DAY_MS;
    const first = reserved(one.reserve(key, ask({ costNanoUsd: 900, atMs })));
    folder.commit(first.settle(1, 900, ROW));
    other.replace([key], [makeTeam({ ...team, budgetPerMonthNanoUsd: 5_000 })]);
    expect(refused(other.reserve(key, ask({ costNanoUsd: 200, atMs })))).toMatchObject({ period: "day" });
  });

  test("that takes a key away leaves its running requests as they are", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 100_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 600 })));
    limiter.replace([], []);
    expect(folder.windows()).toMatchObject([{ spent: 0, granted: 600 }]);
    folder.commit(first.settle(1, 250, ROW));
    limiter.close();
    expect(folder.windows()).toMatchObject([{ spent: 250, granted: 250 }]);
  });

  test("with a new budget counts running requests in it, also beyond it", () => {
    using folder = new LimitsFolder();
    const limiter = folder.limiter([makeKey({ requestsPerMinute: 100 })]);
    const key = makeKey({ concurrency: 2, budgetPerDayNanoUsd: 1_000 });
    const [first, second] = [600, 700].map((costNanoUsd) =>
      reserved(limiter.reserve(key, ask({ costNanoUsd }))),
    );
    limiter.replace([key], []);
    expect(folder.windows()).toMatchObject([{ granted: 1_300 }]);
    expect(refused(limiter.reserve(key, ask()))).toMatchObject({ limit: "concurrency" });
    folder.commit(first?.settle(1, 500, ROW) ?? []);
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 1 })))).toMatchObject({ remaining: 0 });
    folder.commit(second?.settle(1, 450, ROW) ?? []);
    expect(folder.windows()).toMatchObject([{ spent: 950, granted: 1_300 }]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 50 })));
    refused(limiter.reserve(key, ask({ costNanoUsd: 1 })));
  });
});

describe("a budget of some models", () => {
  const OPUS = { ...ROW, modelAsked: "fast", upstream: "up", modelUsed: "claude-opus-5" };
  const ofModels = (folder: LimitsFolder) => {
    const perModel = [{ ...NO_LIMITS, model: "claude-*", budgetPerDayNanoUsd: 1_000 }];
    const keys = [makeKey({ budgetPerDayNanoUsd: 5_000, perModel })];
    const namesOf = (model: string) => (model === "fast" ? ["up/claude-opus-5", "up/gpt-5.5"] : []);
    const { clock } = folder;
    const limiter = new Limiter({ namesOf, clock, store: folder.store(), keys, teams: [] });
    return (model: string, costNanoUsd: number) =>
      limiter.reserve(keys[0] as (typeof keys)[0], ask({ model, costNanoUsd }));
  };

  test("is held for every model that may answer, and charged for the one that did", () => {
    using folder = new LimitsFolder();
    const reserve = ofModels(folder);
    const other = reserved(reserve("fast", 700));
    expect(refused(reserve("fast", 700))).toMatchObject({ model: "claude-*", limit: "budget" });
    folder.commit(other.settle(1, 600, { ...OPUS, modelUsed: "gpt-5.5" }));
    folder.commit(reserved(reserve("fast", 700)).settle(1, 650, OPUS));
    expect(refused(reserve("fast", 400))).toMatchObject({ model: "claude-*", remaining: 350 });
    reserved(reserve("gpt-5.5", 400));
    expect(folder.windows()).toMatchObject([{ spent: 1_250 }, { spent: 650 }]);
  });

  test("is charged for a model that answered unasked", () => {
    using folder = new LimitsFolder();
    const reserve = ofModels(folder);
    const request = reserved(reserve("gpt-5.5", 700));
    folder.commit(request.settle(1, 600, { ...ROW, upstream: "up", modelReported: "claude-opus-5" }));
    expect(refused(reserve("claude-opus-5", 500))).toMatchObject({ model: "claude-*", remaining: 400 });
    expect(folder.windows()).toMatchObject([{ spent: 600 }, { spent: 600 }]);
  });
});

test("a day that ended long ago is forgotten at a start, unless something of it is open", () => {
  using folder = new LimitsFolder();
  const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
  const store = folder.store();
  const killed = new Limiter({ namesOf: () => [], clock: folder.clock, store, keys: [key], teams: [] });
  for (let day = 0; day < 3; day++) {
    folder.clock.atMs = day * DAY_MS;
    const request = reserved(killed.reserve(key, ask({ costNanoUsd: 10, atMs: folder.clock.nowMs() })));
    if (day !== 1) folder.commit(request.settle(1, 10, ROW));
  }
  store.close();
  folder.clock.atMs = 20 * DAY_MS;
  folder.limiter([key]).start();
  expect(folder.windows()).toMatchObject([{ spent: 0, granted: 10 }]);
});

describe("a stop", () => {
  test("gives back what is granted and not spent", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 60 })));
    folder.commit(first.settle(1, 20, ROW));
    limiter.close();
    expect(folder.windows()).toMatchObject([{ spent: 20, granted: 20 }]);
    const next = folder.limiter([key]);
    expect(next.use(key)).toMatchObject([{ used: 20, remaining: 9_980 }]);
  });

  test("waits for another process that is writing", async () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const limiter = folder.limiter([key]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 60 }))).release();
    const script = `const { Database } = require("bun:sqlite");
      const sql = new Database(${JSON.stringify(join(folder.path, "ledger.db"))});
      sql.run("BEGIN IMMEDIATE");
      console.log("locked");
      setTimeout(() => { sql.run("COMMIT"); }, 100);`;
    const other = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const reader = other.stdout.getReader();
    await reader.read();
    limiter.close();
    await other.exited;
    expect(folder.windows()).toMatchObject([{ spent: 0, granted: 0 }]);
  });

  test("keeps what a request holds that never ended", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const limiter = folder.limiter([key]);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 60 })));
    limiter.close();
    expect(folder.windows()).toMatchObject([{ spent: 0, granted: 60 }]);
  });
});

describe("two processes", () => {
  test("never get the same room", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const limiters = [folder.limiter([key]), folder.limiter([key])];
    let held = 0;
    for (let i = 0; i < 100; i++) {
      const found = limiters[i % 2]?.reserve(key, ask({ costNanoUsd: 37 }));
      if (found !== undefined && !("limit" in found)) held += 37;
    }
    // Each may hold a part of a portion that is smaller than a request.
    expect(held).toBe(999);
  });

  test("know of each other when a reload lowers the limit", () => {
    using folder = new LimitsFolder();
    const before = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const [one, other] = [folder.limiter([before]), folder.limiter([before])];
    const first = reserved(one.reserve(before, ask({ costNanoUsd: 300 })));
    folder.commit(reserved(other.reserve(before, ask({ costNanoUsd: 400 }))).settle(1, 400, ROW));
    const key = makeKey({ budgetPerDayNanoUsd: 500 });
    for (const limiter of [one, other]) limiter.replace([key], []);
    first.release();
    expect(refused(one.reserve(key, ask({ costNanoUsd: 101 })))).toMatchObject({ remaining: 100 });
    reserved(one.reserve(key, ask({ costNanoUsd: 100 })));
  });

  test("what one gives back the other finds within a second", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const [one, other] = [folder.limiter([key]), folder.limiter([key])];
    const first = reserved(one.reserve(key, ask({ costNanoUsd: 1_000 })));
    refused(other.reserve(key, ask({ costNanoUsd: 100 })));
    first.release();
    one.close();
    refused(other.reserve(key, ask({ costNanoUsd: 100 })));
    folder.clock.atMs = 1_000;
    reserved(other.reserve(key, ask({ costNanoUsd: 100 })));
  });
});

describe("a database that fails", () => {
  /** A folder whose database fails when it is told to. */
  function failing() {
    const state = { fault: null as StoreError | null, opened: 0 };
    const folder: LimitsFolder = new LimitsFolder({
      open: (): Sql => {
        state.opened++;
        if (state.fault !== null) throw state.fault;
        const sql = folder.open();
        return {
          ...sql,
          exec: (text) => sql.exec(text),
          prepare: (text) => sql.prepare(text),
          isCurrent: () => sql.isCurrent(),
          close: () => sql.close(),
          transaction(work) {
            if (state.fault !== null) throw state.fault;
            return sql.transaction(work);
          },
        };
      },
    });
    return { state, folder };
  }

  test.each(["full", "unavailable", "corrupt", "rejected"] as const)(
    "(%s) refuses keys with budgets alone, tries again each second, and recovers by itself",
    (fault) => {
      const { state, folder } = failing();
      using _ = folder;
      const [key, free] = [makeKey({ budgetPerDayNanoUsd: 10_000 }), makeKey({ concurrency: 5 }, "free")];
      const limiter = folder.limiter([key, free]);
      reserved(limiter.reserve(key, ask({ costNanoUsd: 60 })));
      state.fault = new StoreError(fault, "injected");
      // What is granted may be used.
      reserved(limiter.reserve(key, ask({ costNanoUsd: 40 })));
      for (let i = 0; i < 100; i++) {
        expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow(GatewayError);
      }
      expect(state.opened).toBe(1);
      reserved(limiter.reserve(free, ask({ costNanoUsd: 1 })));
      folder.clock.atMs = 1_000;
      expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow("cannot be kept now");
      state.fault = null;
      folder.clock.atMs = 2_000;
      reserved(limiter.reserve(key, ask({ costNanoUsd: 1 })));
      expect(folder.logged.map(({ level }) => level)).toEqual(["error", "info"]);
    },
  );

  test("(locked) refuses for as long as the lock is held", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 10_000 });
    const limiter = folder.limiter([key]);
    const other = folder.open();
    other.exec("BEGIN IMMEDIATE");
    expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow(GatewayError);
    other.exec("COMMIT");
    other.close();
    folder.clock.atMs = 10;
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1 })));
    expect(folder.logged).toEqual([]);
  });

  test("a file that is deleted in use gets what is known", () => {
    using folder = new LimitsFolder();
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    const first = reserved(limiter.reserve(key, ask({ costNanoUsd: 500 })));
    folder.commit(first.settle(1, 400, ROW));
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(folder.path, `ledger.db${suffix}`), { force: true });
    reserved(limiter.reserve(key, ask({ costNanoUsd: 300 })));
    expect(folder.windows()).toMatchObject([{ spent: 400, granted: 700 }]);
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 301 })))).toMatchObject({ remaining: 300 });
  });
});

describe("a budget that is new", () => {
  test("begins with what the ledger has, and waits until it is counted", async () => {
    let steps = 0;
    using folder = new LimitsFolder({ spentBefore: () => (++steps < 4 ? null : 800) });
    const key = makeKey({ budgetPerMonthNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    for (let i = 0; i < 10; i++) {
      expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow("is being counted");
    }
    // A crowd of requests does not make the count faster.
    expect(steps).toBe(1);
    while (steps < 4) await Bun.sleep(1);
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 201 })))).toMatchObject({ remaining: 200 });
    limiter.close();
  });

  test("that a reload brings is counted to its end as well, and once", async () => {
    let steps = 0;
    using folder = new LimitsFolder({ spentBefore: () => (++steps % 4 === 0 ? 800 : null) });
    const limiter = folder.limiter([makeKey({ requestsPerMinute: 100 })]);
    const key = makeKey({ budgetPerMonthNanoUsd: 1_000 });
    const running = reserved(limiter.reserve(key, ask({ costNanoUsd: 50 })));
    limiter.replace([key], []);
    expect(() => limiter.reserve(key, ask({ costNanoUsd: 1 }))).toThrow("is being counted");
    while (steps < 4) await Bun.sleep(1);
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1 })));
    // It began before the budget was known, and is charged at its end.
    folder.commit(running.settle(1, 40, ROW));
    expect(refused(limiter.reserve(key, ask({ costNanoUsd: 160 })))).toMatchObject({ remaining: 159 });
    expect(steps).toBe(4);
    limiter.close();
  });

  test("needs no count for a day that begins later", () => {
    using folder = new LimitsFolder({
      spentBefore: () => {
        throw new Error("counted");
      },
    });
    const key = makeKey({ budgetPerDayNanoUsd: 1_000 });
    const limiter = folder.limiter([key]);
    folder.clock.atMs = DAY_MS;
    reserved(limiter.reserve(key, ask({ costNanoUsd: 1_000, atMs: START_MS + DAY_MS })));
  });
});
