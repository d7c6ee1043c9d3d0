/**
 * A data folder with one or two gateways' limits and ledgers on it, and beside them the truth: what each request really
 * cost. Every step says when a budget is spent and held above its limit.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBudgetStore } from "../../src/app/make-limiter.ts";
import type { KeyLimits, LimitSet, TeamConfig } from "../../src/config/client-keys.ts";
import { type Period, stretchAt } from "../../src/core/calendar.ts";
import type { Clock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { makeGlob } from "../../src/core/glob.ts";
import { makeIds } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import { UTC, zoneOfPlace } from "../../src/core/time-zone.ts";
import { correctLost } from "../../src/ledger/added-rows.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { readRows } from "../../src/ledger/queries.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { SpentCounter } from "../../src/ledger/spent-before.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { type LedgerWriter, makeLedgerWriter } from "../../src/ledger/writer.ts";
import type { LimitedKey } from "../../src/limits/limited-key.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { Reservation } from "../../src/limits/reservation.ts";
import {
  type BudgetWindow,
  type Charge,
  readOpenBudgets,
  readPresentBudgets,
} from "../../src/store/budgets.ts";
import type { Sql } from "../../src/store/sql.ts";

/** Some minutes before the end of a day, a week and a month. */
const START_MS = Date.UTC(2026, 10, 30, 23, 50);

/** In memory where the system has such a folder: a case opens and closes a database many times. */
export const FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const PATTERN = "claude-*";
const UPSTREAM = "up";
/** A name of the configuration that stands for one or the other. */
const EITHER = "fast";
const USED = ["gpt-5.5", "claude-opus-5"] as const;
export const MODELS = [...USED, EITHER] as const;

function namesOf(model: string): readonly string[] {
  return model === EITHER ? USED.map((used) => `${UPSTREAM}/${used}`) : [];
}

/** The budgets of a configuration, in nano-dollars. */
export interface Budgets {
  readonly day: number | null;
  readonly week: number | null;
  readonly month: number | null;
}

export interface Limits {
  readonly timeZone: string;
  /** Of the two keys, which are in one team. */
  readonly keys: readonly [Budgets, Budgets];
  /** Of the first key, for `PATTERN`. */
  readonly ofModels: Budgets;
  readonly team: Budgets;
}

const NO_RATES = { requestsPerMinute: null, tokensPerMinute: null, concurrency: null };

function limitSet({ day, week, month }: Budgets): LimitSet {
  return { ...NO_RATES, budgetPerDayNanoUsd: day, budgetPerWeekNanoUsd: week, budgetPerMonthNanoUsd: month };
}

function keysOf({ keys, ofModels, timeZone }: Limits): LimitedKey[] {
  return keys.map((budgets, i) => {
    const perModel = i === 0 ? [{ model: PATTERN, ...limitSet(ofModels) }] : [];
    const limits: KeyLimits = { ...limitSet(budgets), timeZone, perModel };
    return { name: `key${i}`, team: "team", limits };
  });
}

function teamsOf({ team }: Limits): TeamConfig[] {
  return [{ ...limitSet(team), name: "team", timeZone: "UTC" }];
}

/** One budget of the configuration. */
interface Rule {
  readonly id: string;
  readonly scope: "key" | "team";
  readonly name: string;
  readonly model: string;
  readonly period: Period;
  readonly timeZone: string;
  readonly limit: number;
  readonly counts: (key: string, model: string) => boolean;
}

function rulesOf(limits: Limits): Rule[] {
  const rules: Rule[] = [];
  const add = (budgets: Budgets, rule: Omit<Rule, "id" | "period" | "limit">): void => {
    for (const period of ["day", "week", "month"] as const) {
      const limit = budgets[period];
      const id = JSON.stringify([rule.scope, rule.name, rule.model, period, rule.timeZone]);
      if (limit !== null) rules.push({ ...rule, id, period, limit });
    }
  };
  const { timeZone } = limits;
  for (const [i, budgets] of limits.keys.entries()) {
    const name = `key${i}`;
    add(budgets, { scope: "key", name, model: "", timeZone, counts: (key) => key === name });
  }
  const matches = makeGlob(PATTERN);
  add(limits.ofModels, {
    scope: "key",
    name: "key0",
    model: PATTERN,
    timeZone,
    counts: (key, model) => key === "key0" && (model === EITHER || matches(model)),
  });
  add(limits.team, { scope: "team", name: "team", model: "", timeZone: "UTC", counts: () => true });
  return rules;
}

/** A request, as it really was. */
interface Truth {
  readonly process: number;
  readonly key: string;
  /** As it was asked for, and the one that answered once that is known. */
  model: string;
  readonly atMs: number;
  held: number;
  /** What it cost, once it has ended or its process was killed. */
  cost: number | null;
  /** Its process was killed before its row was committed: then it counts for the budgets of that moment. */
  lostIn: ReadonlySet<string> | null;
  /** It is booked as lost, so that a person can correct it. */
  isBooked: boolean;
}

interface Running {
  readonly reservation: Reservation;
  readonly truth: Truth;
}

interface PendingRow {
  readonly row: LedgerRow;
  readonly charges: readonly Charge[];
  readonly truth: Truth;
}

interface Process {
  readonly limiter: Limiter;
  readonly ids: RequestIds;
  readonly writer: LedgerWriter;
  readonly kill: () => void;
  /** It has opened its store: at a start, or when the first budget came. */
  isPresent: boolean;
  running: Running[];
  pending: PendingRow[];
}

export class World implements Disposable {
  readonly #path = mkdtempSync(join(FOLDER, "clewline-world-"));
  readonly #clock = { atMs: 0, monotonic: 0 };
  readonly #truths: Truth[] = [];
  readonly #processes: (Process | null)[] = [null, null];
  /**
   * A second process was there since one started alone. What a request costs beyond its reservation takes no room from
   * what the other one has been granted.
   */
  #isShared = false;
  #limits: Limits;
  #rules: readonly Rule[];
  /** Requests that were refused, and all that asked; rows with their charges within. */
  readonly counts = { asked: 0, refused: 0, unavailable: 0, lost: 0, within: 0 };

  /** `template`: an empty database, which is quicker to copy than to make. */
  constructor(template: string, limits: Limits) {
    copyFileSync(template, join(this.#path, "ledger.db"));
    this.#limits = limits;
    this.#rules = rulesOf(limits);
    this.start(0);
  }

  get #nowMs(): number {
    return START_MS + this.#clock.atMs;
  }

  start(i: number): void {
    if (this.#processes[i] !== null) return;
    this.#isShared = this.#processes.some((other) => other !== null);
    const keys = keysOf(this.#limits);
    const teams = teamsOf(this.#limits);
    const clock = this.#newClock();
    const ids = new RequestIds(makeIds());
    const sql = openStore(this.#path);
    const writer = makeLedgerWriter(sql, ids, clock);
    const log = silentLog;
    const store = makeBudgetStore({ dataDir: this.#path, keys, teams, requestIds: ids, clock, log });
    const limiter = new Limiter({ namesOf, clock, store, keys, teams });
    const kill = (): void => {
      store.close();
      sql.close();
    };
    const process = { limiter, ids, writer, kill, isPresent: false, running: [], pending: [] };
    this.#processes[i] = process;
    this.#enter(process);
  }

  /** The first process that is present books what killed ones left. */
  #enter(process: Process): void {
    const hasWindows = this.#hasWindows();
    process.limiter.start();
    if (process.isPresent || (this.#rules.length === 0 && !hasWindows)) return;
    process.isPresent = true;
    const isAlone = this.#processes.every((other) => other === process || other?.isPresent !== true);
    if (isAlone) for (const truth of this.#truths) truth.isBooked = truth.lostIn !== null;
  }

  #newClock(): Clock {
    return { nowMs: () => this.#nowMs, monotonicMs: () => this.#clock.monotonic };
  }

  /** A step of the clock; the monotonic one goes on. */
  step(ms: number): void {
    this.#clock.atMs += ms;
    this.#clock.monotonic += Math.abs(ms);
  }

  ask(i: number, keyNumber: number, model: string, nanoUsd: number): void {
    const process = this.#processes[i] ?? null;
    const key = keysOf(this.#limits)[keyNumber];
    if (process === null || key === undefined) return;
    const atMs = this.#nowMs;
    this.counts.asked++;
    const demand = { model, tokens: 10, costNanoUsd: nanoUsd, atMs };
    const found = this.#orUnavailable(() => process.limiter.reserve(key, demand));
    if (!(found instanceof Reservation)) {
      if (found !== null) this.counts.refused++;
      return;
    }
    const truth: Truth = {
      process: i,
      key: key.name,
      model,
      atMs,
      held: nanoUsd,
      cost: null,
      lostIn: null,
      isBooked: false,
    };
    this.#truths.push(truth);
    process.running.push({ reservation: found, truth });
    this.#mustBeWithin(truth, nanoUsd);
  }

  /** Requests one after the other, each with a commit of its own. */
  burst(i: number, keyNumber: number, model: string, nanoUsd: number): void {
    for (let n = 0; n < 4; n++) {
      this.ask(i, keyNumber, model, nanoUsd);
      this.settle(i, (this.#processes[i]?.running.length ?? 1) - 1, 1);
      this.commit(i);
    }
  }

  grow(i: number, n: number, nanoUsd: number): void {
    const running = this.#pick(i, n);
    if (running === undefined) return;
    const refusal = this.#orUnavailable(() => running.reservation.grow(1, nanoUsd) ?? "grown");
    if (refusal !== "grown") return;
    running.truth.held += nanoUsd;
    this.#mustBeWithin(running.truth, nanoUsd);
  }

  /** Ends a request that cost this part of what it held, perhaps more than all of it. */
  settle(i: number, n: number, part: number): void {
    const running = this.#take(i, n);
    if (running === undefined) return;
    const { reservation, truth } = running;
    const process = this.#processes[i] as Process;
    truth.cost = Math.floor(truth.held * part);
    const modelAsked = truth.model;
    if (modelAsked === EITHER) truth.model = USED[n % USED.length] as string;
    const row = sampleRow({
      id: process.ids.ulid(truth.atMs),
      atMs: truth.atMs,
      key: truth.key,
      team: "team",
      modelAsked,
      upstream: UPSTREAM,
      modelUsed: truth.model,
      modelReported: null,
      costNanoUsd: truth.cost,
    });
    const charges = reservation.settle(5, truth.cost, row);
    process.pending.push({ row, charges, truth });
  }

  release(i: number, n: number): void {
    const running = this.#take(i, n);
    if (running === undefined) return;
    running.reservation.release();
    running.truth.cost = 0;
    running.truth.held = 0;
  }

  commit(i: number): void {
    const process = this.#processes[i] ?? null;
    if (process === null || process.pending.length === 0) return;
    const { pending } = process;
    process.pending = [];
    process.writer.write(
      pending.map(({ row }) => row),
      0,
      pending.length,
      [],
      pending.map(({ charges }) => charges),
    );
  }

  /**
   * Rows are committed at the end of their turn of the event loop, and a reload comes in another turn. Running requests
   * count in a new budget whether there is room or not, which a second gateway would not know.
   */
  reload(limits: Limits): void {
    while ((this.#processes[1]?.running.length ?? 0) > 0) this.settle(1, 0, 0.5);
    for (const i of this.#processes.keys()) this.commit(i);
    this.#limits = limits;
    this.#rules = rulesOf(limits);
    for (const process of this.#processes) {
      if (process === null) continue;
      process.limiter.replace(keysOf(limits), teamsOf(limits));
      this.#enter(process);
    }
  }

  /** The provider bills what was running, at most what was held; rows that were not committed are gone. */
  kill(i: number): void {
    const process = this.#processes[i] ?? null;
    if (process === null) return;
    const lostIn = new Set(this.#rules.map(({ id }) => id));
    for (const { truth } of [...process.running, ...process.pending]) {
      truth.cost = Math.min(truth.cost ?? truth.held, truth.held);
      truth.lostIn = lostIn;
      this.counts.lost++;
    }
    process.kill();
    this.#processes[i] = null;
  }

  stop(i: number): void {
    const process = this.#processes[i] ?? null;
    if (process === null) return;
    while (process.running.length > 0) this.settle(i, 0, 0.5);
    this.commit(i);
    process.writer.close();
    process.limiter.close();
    this.#processes[i] = null;
  }

  /** A person says that nothing was spent of all that is booked as lost. */
  correctAll(): void {
    const sql = openStore(this.#path);
    const ids = new RequestIds(makeIds());
    const lost = [...readRows(sql)].filter(({ endpoint }) => endpoint === "lost");
    for (const { id } of lost) correctLost(sql, ids, this.#newClock(), id);
    sql.close();
    // Only what is booked can be corrected; what is open still counts.
    for (const truth of this.#truths) if (truth.isBooked) truth.cost = 0;
  }

  /** All ends well: nothing is open, and what is spent is what the ledger says. */
  end(): void {
    for (const i of this.#processes.keys()) this.stop(i);
    this.start(0);
    // A look opens the windows, and counts those that were not in use for a time.
    for (const key of keysOf(this.#limits)) this.#processes[0]?.limiter.use(key);
    const sql = openStore(this.#path);
    const rows = sql.prepare("SELECT * FROM budgets").all();
    const open = rows.filter((row) => row.granted_nano_usd !== row.spent_nano_usd);
    if (open.length > 0) throw new Error(`open at the end: ${JSON.stringify(open)}`);
    for (const rule of this.#rules) this.#mustBeOfLedger(sql, rule);
    const within = sql.prepare("SELECT count(*) AS rows FROM entries WHERE charge_set IS NOT NULL").get();
    this.counts.within = Number(within?.rows);
    sql.close();
    this.stop(0);
  }

  [Symbol.dispose](): void {
    for (const i of this.#processes.keys()) this.kill(i);
    rmSync(this.#path, { recursive: true, force: true });
  }

  #hasWindows(): boolean {
    const sql = openStore(this.#path);
    const found = readOpenBudgets(sql).length > 0 || readPresentBudgets(sql, this.#nowMs).length > 0;
    sql.close();
    return found;
  }

  #mustBeOfLedger(sql: Sql, rule: Rule): void {
    const window: BudgetWindow = {
      ...rule,
      ...stretchAt(rule.period, zoneOfPlace(rule.timeZone) ?? UTC, this.#nowMs),
    };
    const found = sql
      .prepare(
        "SELECT spent_nano_usd AS spent FROM budgets WHERE scope = ? AND name = ? AND model = ? AND period = ? AND start_ms = ?",
      )
      .get(window.scope, window.name, window.model, window.period, window.startMs);
    if (found === null) return;
    const counted = new SpentCounter(1_000_000).spentBefore(sql, window);
    if (found.spent !== counted) {
      throw new Error(`${rule.id}: ${found.spent} are spent, and the ledger has ${counted}`);
    }
  }

  /** `nanoUsd` were given to a request just now. */
  #mustBeWithin(truth: Truth, nanoUsd: number): void {
    if (nanoUsd === 0) return;
    for (const rule of this.#rules) {
      if (!rule.counts(truth.key, truth.model)) continue;
      const { startMs, endMs } = stretchAt(rule.period, zoneOfPlace(rule.timeZone) ?? UTC, truth.atMs);
      let sum = 0;
      for (const other of this.#truths) {
        if (other.atMs < startMs || other.atMs >= endMs || !rule.counts(other.key, other.model)) continue;
        if (other.lostIn !== null && !other.lostIn.has(rule.id)) continue;
        const cost = other.cost ?? other.held;
        sum += this.#isShared ? Math.min(cost, other.held) : cost;
      }
      if (sum > rule.limit) throw new Error(`${rule.id}: ${sum} are spent and held of ${rule.limit}`);
    }
  }

  #orUnavailable<Found>(work: () => Found): Found | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.counts.unavailable++;
      return null;
    }
  }

  #pick(i: number, n: number): Running | undefined {
    const running = this.#processes[i]?.running ?? [];
    return running[n % Math.max(1, running.length)];
  }

  #take(i: number, n: number): Running | undefined {
    const found = this.#pick(i, n);
    const process = this.#processes[i] ?? null;
    if (process !== null) process.running = process.running.filter((one) => one !== found);
    return found;
  }
}
