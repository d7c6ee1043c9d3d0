/**
 * What the sums of usage cost a row: `node_modules/.bin/bun bench/micro/roll-up.ts [KEYS]`. Adds 400,000 rows in the steps of the
 * gateway, and prints the CPU of a row and the longest step. Rows of one key are one combination; with many
 * keys each row is of another one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import { Roller } from "../../src/ledger/roll-up/roller.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";
import type { Sql } from "../../src/store/sql.ts";

const ROWS = 400_000;
const ROWS_A_COMMIT = 1000;
const START_MS = Date.UTC(2026, 10, 1);
const MS_A_ROW = 5;

const keys = Number(process.argv[2] ?? 1);
const dataDir = mkdtempSync(join(tmpdir(), "clewline-roll-up-"));
const sql = openStore(dataDir);
const ids = new RequestIds(makeIds());
const writer = makeLedgerWriter(sql, ids, systemClock);
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

let longestMs = 0;
/** A step is one transaction. */
function timed(store: Sql): Sql {
  return {
    exec: (text) => store.exec(text),
    prepare: (text) => store.prepare(text),
    transaction: (work) => {
      const startMs = performance.now();
      const result = store.transaction(work);
      longestMs = Math.max(longestMs, performance.now() - startMs);
      return result;
    },
    isCurrent: () => store.isCurrent(),
    close: () => store.close(),
  };
}

const readMark = sql.prepare("SELECT mark FROM usage_mark");
const lastKey = Number(sql.prepare("SELECT max(seq) AS seq FROM entries").get()?.seq);
const roller = new Roller({
  open: () => timed(openStore(dataDir)),
  clock: { nowMs: () => START_MS + 2 * ROWS * MS_A_ROW, monotonicMs: systemClock.monotonicMs },
  log: silentLog,
  lookMs: 1,
});
const startCpu = process.cpuUsage();
roller.start();
while (Number(readMark.get()?.mark) <= lastKey) await Bun.sleep(5);
const { user, system } = process.cpuUsage(startCpu);
roller.stop();
console.log(
  `${keys} combinations: ${((user + system) / ROWS).toFixed(2)} µs of CPU a row, longest step ${longestMs.toFixed(1)} ms`,
);
sql.close();
rmSync(dataDir, { recursive: true });
