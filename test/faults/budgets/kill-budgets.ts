/**
 * Kills a gateway with budgets under load, again and again, on one data folder, and holds the ledger against the
 * simulator's own bill: what a crash leaves unknown is spent, never freed.
 * `bun test/faults/budgets/kill-budgets.ts --kills 100 [--seed 1]` prints the reckoning.
 */
import { parseArgs } from "node:util";
import { systemClock } from "../../../src/core/clock.ts";
import { makeIds } from "../../../src/core/ids.ts";
import { priceOf } from "../../../src/simulator/answer/billed.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/server/simulator.ts";
import { costsByPayer, readUsage, settledBill } from "../../kit/bill.ts";
import { type Gateway, killProgram, runGateway, startGateway } from "../../kit/gateway.ts";
import { ask, WAYS } from "../asking.ts";
import { type Chance, chanceFrom } from "../seeded.ts";
import {
  type Account,
  accountsOf,
  faultsOfAccounts,
  faultsOfRows,
  isLost,
  renderAccounts,
  type Sent,
} from "./accounts.ts";
import { type BudgetKey, type Budgets, budgetsToml, makeBudgets } from "./keys.ts";
import { type BudgetRecords, type BudgetWindow, readRecords } from "./records.ts";
import { anyRequest, type BilledRequest, billedRequest } from "./requests.ts";

export interface Reckoning {
  readonly kills: number;
  /** Restarts after which the gateway served again, and those after which SQLite found the database sound. */
  readonly opened: number;
  readonly sound: number;
  readonly asked: number;
  readonly complete: number;
  readonly completeStreams: number;
  readonly completeTranslated: number;
  /** Answers that were under way at a kill, clients that left, and refusals for a limit. */
  readonly broken: number;
  readonly left: number;
  readonly refused: number;
  readonly rows: number;
  readonly lostRows: number;
  /** One for each key, then the team and the credentials. */
  readonly accounts: readonly Account[];
  /** What must not be, a line each; empty when all is well. */
  readonly faults: readonly string[];
}

const CLIENTS_PER_KEY = 4;
const MAX_TOKENS = 220;
/** How long a client that was refused waits before it asks again. */
const REFUSED_PAUSE_MS = 15;
/** An end that no load brings about comes after this time. */
const LOAD_LIMIT_MS = 5_000;

export async function killBudgets(kills: number, seed: number): Promise<Reckoning> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const budgets = makeBudgets(kills, Date.now());
  const toml = budgetsToml(simulator.url, budgets);
  const run = new BudgetRun(simulator, budgets, chanceFrom(seed), await startGateway({ toml }));
  try {
    for (let kill = 1; kill <= kills; kill++) {
      await run.loadAndEnd("SIGKILL");
      await run.killAtStart();
      await run.restart();
    }
    return await run.reckon(kills);
  } finally {
    await run.close();
    await simulator.close();
  }
}

class BudgetRun {
  readonly #simulator: Simulator;
  readonly #budgets: Budgets;
  readonly #chance: Chance;
  #gateway: Gateway;
  readonly #sent: Sent[] = [];
  readonly #faults: string[] = [];
  #count = 0;
  #opened = 0;
  #sound = 0;

  constructor(simulator: Simulator, budgets: Budgets, chance: Chance, gateway: Gateway) {
    this.#simulator = simulator;
    this.#budgets = budgets;
    this.#chance = chance;
    this.#gateway = gateway;
  }

  close(): Promise<void> {
    return this.#gateway.kill();
  }

  /** Ends the gateway in the midst of its work; returns its exit code. */
  async loadAndEnd(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const gateway = this.#gateway;
    let left = this.#chance.whole(1, 120);
    let hasEnded = false;
    const endNow = (): void => {
      hasEnded = true;
      gateway.signal(signal);
    };
    const onComplete = (): void => {
      left -= 1;
      if (left === 0) setTimeout(endNow, this.#chance.next() * 15);
    };
    const onLimit = setTimeout(endNow, LOAD_LIMIT_MS);
    const client = async (key: BudgetKey): Promise<void> => {
      while (!hasEnded) {
        const sent = await this.#ask(key, onComplete);
        this.#sent.push(sent);
        if (sent.status >= 400) await Bun.sleep(REFUSED_PAUSE_MS);
      }
    };
    const clients = this.#budgets.keys.flatMap((key) => Array.from({ length: CLIENTS_PER_KEY }, () => key));
    await Promise.all(clients.map(client));
    clearTimeout(onLimit);
    return await gateway.exited;
  }

  /** Now and then the next start is killed too, perhaps while it books what this kill has left open. */
  async killAtStart(): Promise<void> {
    if (this.#chance.next() < 0.6) return;
    const { folder, configFile } = this.#gateway;
    await killProgram(["serve", "--config", configFile], folder, this.#chance.whole(50, 500));
  }

  async restart(): Promise<void> {
    const { folder, configFile } = this.#gateway;
    this.#gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
    this.#opened += 1;
    this.#sound += Number(readRecords(folder, Date.now()).isSound);
  }

  async #ask(key: BudgetKey, onComplete: () => void): Promise<Sent> {
    const chance = this.#chance;
    this.#count += 1;
    const request = anyRequest(chance, {
      payer: `${key.name}-${this.#count}`,
      words: wordsFrom(chance),
      maxTokens: MAX_TOKENS,
      text: "Tell me of the labyrinth. ".repeat(chance.whole(1, 12)),
    });
    const leaving = new AbortController();
    const leavesAfterMs = chance.next() < 0.15 ? chance.whole(1, 60) : null;
    const onLeave =
      leavesAfterMs === null ? undefined : setTimeout(() => leaving.abort("has seen enough"), leavesAfterMs);
    const asked = await ask(this.#gateway.url, request.way, {
      request,
      key: key.secret,
      // Also when no head came, the row can be found.
      headers: { "x-request-id": request.payer },
      signal: leaving.signal,
      onComplete,
    });
    clearTimeout(onLeave);
    return { ...asked, key, request, hasLeft: asked.fault !== null && leaving.signal.aborted };
  }

  /** Compares the ledger with the bill, after a clean stop under load and after the start that follows it. */
  async reckon(kills: number): Promise<Reckoning> {
    const exitCode = await this.loadAndEnd("SIGTERM");
    if (exitCode !== 0) this.#faults.push(`a clean stop ended with ${exitCode}`);
    const bill = await settledBill(this.#simulator);
    const stopped = readRecords(this.#gateway.folder);
    const accounts = accountsOf(this.#budgets, this.#sent, costsByPayer(bill.lines), stopped);
    this.#faults.push(
      ...faultsOfAccounts(accounts),
      ...faultsOfRows(this.#sent, stopped.rows, costsByPayer(bill.lines)),
    );
    await this.restart();
    this.#findFreed(stopped);
    await this.#findOtherSums(stopped);
    await this.#findReserved();
    const complete = this.#sent.filter(({ completeAtMs }) => completeAtMs !== null);
    return {
      kills,
      opened: this.#opened - 1,
      sound: this.#sound - 1,
      asked: this.#sent.length,
      complete: complete.length,
      completeStreams: complete.filter(({ request }) => request.way.isStream).length,
      completeTranslated: complete.filter(({ request }) => request.isTranslated).length,
      broken: this.#sent.filter(({ fault, hasLeft }) => fault !== null && !hasLeft).length,
      left: this.#sent.filter(({ hasLeft }) => hasLeft).length,
      refused: this.#sent.filter(({ status }) => status === 429 || status === 402).length,
      rows: stopped.rows.length,
      lostRows: stopped.rows.filter(isLost).length,
      accounts,
      faults: this.#faults,
    };
  }

  /** A clean restart must free nothing that was spent, and lose nothing either. */
  #findFreed(stopped: BudgetRecords): void {
    const started = readRecords(this.#gateway.folder);
    if (started.rows.length !== stopped.rows.length)
      this.#faults.push(`a clean restart made ${started.rows.length - stopped.rows.length} rows`);
    for (const { name, spent_nano_usd: before } of stopped.windows) {
      const now = started.windows.find((window) => window.name === name)?.spent_nano_usd;
      if (now !== before)
        this.#faults.push(`${name}: spent ${before} before a clean restart, ${now} after it`);
    }
  }

  /** The sums of usage, made while the gateway was killed again and again, are those of the rows. */
  async #findOtherSums({ rows }: BudgetRecords): Promise<void> {
    const { exitCode, out, err } = await this.#gateway.command("usage", "--by", "key", "--json");
    if (exitCode !== 0) this.#faults.push(`clewline usage ended with ${exitCode}: ${err}`);
    const sums = new Map(readUsage(out).map(({ key, nanoUsd }) => [key ?? "", nanoUsd]));
    for (const key of new Set(rows.map((row) => row.key))) {
      const cost = rows.reduce((sum, row) => sum + (row.key === key ? (row.cost_nano_usd ?? 0) : 0), 0);
      if (sums.get(key) !== cost)
        this.#faults.push(`the usage of "${key}" is ${sums.get(key)}, and its rows cost ${cost}`);
    }
  }

  /** Nothing is reserved any more: a request that asks for nearly all of the room that is left is served. */
  async #findReserved(): Promise<void> {
    for (const key of this.#budgets.keys) {
      const room = roomOf(this.#budgets, key, readRecords(this.#gateway.folder).windows);
      const request = wideRequest(`${key.name}-last`, room * 0.9);
      const { status, text } = await ask(this.#gateway.url, request.way, { request, key: key.secret });
      const isRefused = status === 429 || status === 402;
      if (request.mostNanoUsd <= room * 0.95 ? status !== 200 : request.mostNanoUsd > room && !isRefused)
        this.#faults.push(
          `${key.name}: at most ${request.mostNanoUsd}, with room for ${room}: ${status} ${text.slice(0, 300)}`,
        );
    }
  }
}

/** Slow streams and held answers, so that kills and leaving clients meet answers under way; and a provider that fails. */
function wordsFrom(chance: Chance): string {
  const throwOf = chance.next();
  if (throwOf < 0.4) return "slow,ms=2";
  if (throwOf < 0.55) return "stall,after=0,ms=20";
  // Far more words than the request's maximum: the provider bills beyond what could be reserved.
  if (throwOf < 0.6) return "count=300,slow,ms=1";
  // Answers that break off early, and some that come only with a second attempt or not at all.
  if (throwOf < 0.63) return "cut,after=4";
  if (throwOf < 0.65) return "error-mid,after=4";
  return throwOf < 0.67 ? `overload,times=${chance.whole(1, 4)}` : "";
}

/** What is left of the budgets of a key and its team; infinite without any. */
function roomOf({ team }: Budgets, key: BudgetKey, windows: readonly BudgetWindow[]): number {
  const left = (name: string, budget: number): number =>
    Math.max(0, budget - (windows.find((window) => window.name === name)?.spent_nano_usd ?? 0));
  return Math.min(
    key.budgetNanoUsd === null ? Number.POSITIVE_INFINITY : left(key.name, key.budgetNanoUsd),
    key.team === null ? Number.POSITIVE_INFINITY : left(team.name, team.budgetNanoUsd),
  );
}

/** A request that may cost as much as `mostNanoUsd`, or the smallest one where that is too little. */
function wideRequest(payer: string, mostNanoUsd: number): BilledRequest {
  const way = WAYS[0];
  if (way === undefined) throw new Error("there is no way to ask");
  const wishes = { payer, way, served: "openai-chat" } as const;
  const { mostNanoUsd: least } = billedRequest({ ...wishes, maxTokens: 0 });
  const { output } = priceOf("house-1");
  const fitting = Number.isFinite(mostNanoUsd) ? Math.floor((mostNanoUsd - least) / output) : 100;
  return billedRequest({ ...wishes, maxTokens: Math.max(20, fitting) });
}

/** The reckoning, a line each. */
export function renderReckoning(reckoning: Reckoning): string {
  const { accounts, faults } = reckoning;
  return [
    `kills                         ${reckoning.kills}`,
    `database opened, and sound    ${reckoning.opened}, ${reckoning.sound}`,
    `requests asked                ${reckoning.asked}`,
    `complete answers seen         ${reckoning.complete} (${reckoning.completeStreams} streams, ${reckoning.completeTranslated} translated)`,
    `answers cut by a kill         ${reckoning.broken}`,
    `clients that left             ${reckoning.left}`,
    `refused for a limit           ${reckoning.refused}`,
    `rows in the ledger            ${reckoning.rows} (${reckoning.lostRows} of kind lost)`,
    "",
    renderAccounts(accounts),
    `faults                        ${faults.length}`,
    ...faults.slice(0, 40).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { kills: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
  });
  const startedMs = performance.now();
  const reckoning = await killBudgets(Number(values.kills), Number(values.seed));
  process.stdout.write(renderReckoning(reckoning));
  process.stdout.write(
    `seconds                       ${((performance.now() - startedMs) / 1000).toFixed(1)}\n`,
  );
  process.exit(reckoning.faults.length === 0 ? 0 : 1);
}
