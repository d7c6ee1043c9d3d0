/** `clewline prices apply`: gives rows from before their model had a price their cost. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findConfigFile } from "../../config/file.ts";
import { loadConfig } from "../../config/load.ts";
import { usdText } from "../../core/money.ts";
import { CostFiller, type RowMoney } from "../../ledger/cost-filler.ts";
import { makeMoveReader } from "../../ledger/older-rows.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { openStoreForChanges, storeFile } from "../../ledger/store-file.ts";
import { costOfAnswer, rowCostOf } from "../../prices/answer-cost.ts";
import { loadPrices } from "../../prices/price-files.ts";
import { billedPlace, makeSnapshot, type Snapshot } from "../../snapshot.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { UsageError } from "../command.ts";
import { type FolderFlags, parseTime, reportDataFailure, reportNoLedger } from "../ledger-reader.ts";
import { toJsonLine } from "../table.ts";
import { whenUnlocked } from "../write-store.ts";

export interface ApplyFlags extends FolderFlags {
  readonly since: string | undefined;
  readonly "dry-run": boolean;
  readonly json: boolean;
}

/** A few milliseconds of a lock that a gateway's commits wait for. */
const STEP_ROWS = 250;
/** The gateway has the database for itself twice as long as this command. */
const PAUSE_FACTOR = 2;
const SHOWN_MODELS = 10;

export async function apply(flags: ApplyFlags, io: CliIo): Promise<number> {
  if (flags.since === undefined)
    throw new UsageError("apply needs --since WHEN, as in --since 7d or --since 2026-11-01");
  const sinceMs = parseTime("since", flags.since, io.clock.nowMs());
  try {
    const file = findConfigFile(flags, io.env, io.cwd);
    const { config } = await loadConfig({
      file,
      env: io.env,
      flags: {},
      cwd: io.cwd,
      needsSecrets: false,
    });
    const named = flags["data-dir"];
    const dataDir = named === undefined ? config.server.dataDir : resolve(io.cwd, named);
    if (!existsSync(storeFile(dataDir))) return reportNoLedger("prices", dataDir, io);
    const { list, problem } = await loadPrices(dataDir);
    if (problem !== null) {
      io.err(`clewline prices: ${problem}; repair or remove it, so that the right prices are applied\n`);
      return EXIT.failed;
    }
    const pricing = new Pricing(makeSnapshot(config, { prices: list }));
    const isMoving = await run(dataDir, sinceMs, pricing, flags["dry-run"], io);
    io.out(flags.json ? toJsonLine(pricing.toJson()) : pricing.toText(flags["dry-run"]));
    if (isMoving)
      io.err("clewline prices: rows of an older version are still being moved; apply again when they are\n");
    return EXIT.ok;
  } catch (error) {
    return reportDataFailure("prices", error, io);
  }
}

/** Returns whether some rows are in the older table yet, which have no place for a cost. */
async function run(
  dataDir: string,
  sinceMs: number,
  pricing: Pricing,
  isDry: boolean,
  io: CliIo,
): Promise<boolean> {
  const sql = await whenUnlocked(io, () => openStoreForChanges(dataDir));
  try {
    const filler = new CostFiller(sql, sinceMs);
    for (let isDone = false; !isDone; ) {
      const startMs = io.clock.monotonicMs();
      const before = pricing.counts;
      const step = await whenUnlocked(io, () => {
        pricing.counts = before;
        return filler.step(STEP_ROWS, (row) => {
          const money = pricing.moneyOf(row);
          return isDry ? null : money;
        });
      });
      isDone = step.isDone;
      await pause(PAUSE_FACTOR * (io.clock.monotonicMs() - startMs));
    }
    return makeMoveReader(sql)() !== null;
  } finally {
    sql.close();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Counts {
  readonly rows: number;
  readonly nanoUsd: bigint;
  /** Rows by model. */
  readonly unpriced: ReadonlyMap<string, number>;
}

/** Prices rows, and counts what it did. */
class Pricing {
  readonly #snapshot: Snapshot;
  counts: Counts = { rows: 0, nanoUsd: 0n, unpriced: new Map() };

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** null: the row used nothing that is known, or it has no price. */
  moneyOf(row: LedgerRow): RowMoney | null {
    const { upstream, credential, modelUsed, modelReported, usage, atMs } = row;
    const place = billedPlace(this.#snapshot.upstreams.get(upstream ?? ""), credential);
    const answer = { usage, model: modelReported };
    const cost = costOfAnswer(this.#snapshot.prices, { upstream, place, modelUsed }, answer, atMs);
    if (cost === null) return null;
    const { rows, nanoUsd, unpriced } = this.counts;
    if (cost.nanoUsd === null) {
      const name = `${upstream}/${modelUsed ?? ""}`;
      this.counts = { rows, nanoUsd, unpriced: new Map(unpriced).set(name, (unpriced.get(name) ?? 0) + 1) };
      return null;
    }
    this.counts = { rows: rows + 1, nanoUsd: nanoUsd + BigInt(cost.nanoUsd), unpriced };
    // The row has the sum of its calls: of several, nobody knows any more which one was long.
    return { ...rowCostOf(cost, row.attempts > 1 ? ["calls"] : []), costNanoUsd: cost.nanoUsd };
  }

  get #unpriced(): readonly (readonly [model: string, rows: number])[] {
    return [...this.counts.unpriced].sort(([, a], [, b]) => b - a);
  }

  toJson(): Record<string, unknown> {
    const { rows, nanoUsd } = this.counts;
    return { rows, cost_nano_usd: nanoUsd.toString(), unpriced: Object.fromEntries(this.#unpriced) };
  }

  toText(isDry: boolean): string {
    const { rows, nanoUsd } = this.counts;
    const filled = isDry ? "rows would get a cost" : "rows got a cost";
    const lines = [`${rows} ${filled}, ${usdText(nanoUsd)} dollars in all`];
    const unpriced = this.#unpriced;
    if (unpriced.length > 0) {
      const total = unpriced.reduce((sum, [, count]) => sum + count, 0);
      lines.push(`${total} rows have no price; give their models one with [[prices]]:`);
      for (const [model, count] of unpriced.slice(0, SHOWN_MODELS)) lines.push(`  ${model}: ${count}`);
      if (unpriced.length > SHOWN_MODELS) lines.push(`  and ${unpriced.length - SHOWN_MODELS} more models`);
    }
    return `${lines.join("\n")}\n`;
  }
}
