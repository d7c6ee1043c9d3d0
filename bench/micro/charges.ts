/**
 * What charges of budgets add to a commit of the ledger, in CPU: one row a commit, as at low load, and sixteen.
 *
 *     node_modules/.bin/bun bench/micro/charges.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";
import { BudgetTable, type BudgetWindow, type Charge } from "../../src/store/budgets.ts";

const COMMITS = 3_000;
const ROUNDS = 9;
const PERIODS = ["day", "week", "month"] as const;

const heard = { charged: () => undefined };

class Measured {
  readonly #folder = mkdtempSync(join(tmpdir(), "clewline-charges-"));
  readonly #ids = new RequestIds(makeIds());
  readonly #writer = makeLedgerWriter(openStore(this.#folder), this.#ids, systemClock);
  readonly #charges: readonly Charge[];
  readonly #rows: number;
  leastUs = Number.POSITIVE_INFINITY;

  constructor(windows: number, rows: number) {
    const sql = openStore(this.#folder);
    const table = new BudgetTable(sql);
    this.#charges = PERIODS.slice(0, windows).map((period): Charge => {
      const window: BudgetWindow = {
        scope: "key",
        name: "ci",
        model: "",
        period,
        startMs: 0,
        endMs: 1e15,
      };
      table.begin(window, 0);
      return { window, nanoUsd: 100, grantNanoUsd: 0, holder: heard };
    });
    sql.close();
    this.#rows = rows;
  }

  round(): void {
    const commits = Array.from({ length: COMMITS }, () =>
      Array.from({ length: this.#rows }, () => {
        const atMs = Date.now();
        return sampleRow({ id: this.#ids.ulid(atMs), atMs, costNanoUsd: 100 });
      }),
    );
    const charges = Array.from({ length: this.#rows }, () => this.#charges);
    const before = process.cpuUsage();
    for (const rows of commits) this.#writer.write(rows, 0, rows.length, [], charges);
    const { user, system } = process.cpuUsage(before);
    this.leastUs = Math.min(this.leastUs, (user + system) / COMMITS);
  }

  close(): void {
    this.#writer.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

for (const rows of [1, 16]) {
  const measured = [0, 1, 3].map((windows) => ({ windows, of: new Measured(windows, rows) }));
  for (let round = 0; round < ROUNDS; round++) for (const { of } of measured) of.round();
  for (const { windows, of } of measured) {
    console.log(`${rows} rows a commit, ${windows} windows: ${of.leastUs.toFixed(1)} µs a commit`);
    of.close();
  }
}
