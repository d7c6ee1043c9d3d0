/**
 * What the sums of usage cost a row: `node_modules/.bin/bun bench/micro/roll-up.ts [KEYS]`. Adds 100,000 rows, 500 a step as the
 * gateway does, and prints the CPU of a row and the longest step. Rows of one key are one combination; with many keys each row
 * is of another one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../src/core/ids.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import { RollUp } from "../../src/ledger/roll-up/roll-up.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";

const ROWS = 100_000;
const ROWS_A_COMMIT = 1000;
const ROWS_A_STEP = 500;
const START_MS = Date.UTC(2026, 10, 1);
const MS_A_ROW = 5;

const keys = Number(process.argv[2] ?? 1);
const dataDir = mkdtempSync(join(tmpdir(), "clewline-roll-up-"));
const sql = openStore(dataDir);
const ids = new RequestIds(makeIds());
const writer = makeLedgerWriter(sql, ids);
for (let from = 0; from < ROWS; from += ROWS_A_COMMIT) {
  const rows = Array.from({ length: ROWS_A_COMMIT }, (_, i) => {
    const index = from + i;
    const atMs = START_MS + index * MS_A_ROW;
    const change = {
      key: `key-${(index * 7919) % keys}`,
      costNanoUsd: 12_345,
      durationMs: 5 + (index % 1000),
    };
    return sampleRow({ id: ids.ulid(atMs), atMs, ...change });
  });
  writer.write(rows, 0, rows.length, []);
}

const rollUp = new RollUp(sql);
const startCpu = process.cpuUsage();
let longestMs = 0;
for (let isBehind = true; isBehind; ) {
  const startMs = performance.now();
  isBehind = rollUp.step(ROWS_A_STEP, START_MS + 2 * ROWS * MS_A_ROW).isBehind;
  longestMs = Math.max(longestMs, performance.now() - startMs);
}
const { user, system } = process.cpuUsage(startCpu);
console.log(
  `${keys} combinations: ${((user + system) / ROWS).toFixed(2)} µs of CPU a row, longest step ${longestMs.toFixed(1)} ms`,
);
sql.close();
rmSync(dataDir, { recursive: true });
