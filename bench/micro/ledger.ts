/**
 * The cost of a row of the ledger: CPU per row for append, commit and wake-up, for several counts of rows a
 * turn.
 *
 *     node_modules/.bin/bun bench/micro/ledger.ts [rows, default 60000]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { makeLedger } from "../../src/ledger/ledger.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openStore, storeFile } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";

const ROUNDS = 3;
const rows = Number(process.argv[2] ?? 60_000);
const ids = new RequestIds(makeIds());

function makeRow(): LedgerRow {
  const atMs = Date.now();
  return sampleRow({ id: ids.ulid(atMs), atMs });
}

interface Figure {
  cpuUs: number;
  longestTurnMs: number;
  walMiB: number;
  bytesPerRow: number;
}

async function measure(rowsPerTurn: number): Promise<Figure> {
  const dataDir = mkdtempSync(join(tmpdir(), "clewline-bench-"));
  const ledger = makeLedger({
    openWriter: () => makeLedgerWriter(openStore(dataDir), ids, systemClock),
    clock: systemClock,
    log: silentLog,
    onFailure: "refuse",
    queueRows: 10_000,
  });
  let longestTurnMs = 0;
  let bytesBefore = 0;
  let before = process.cpuUsage();
  // The first tenth warms up.
  for (let done = -rows / 10; done < rows; done += rowsPerTurn) {
    if (done >= 0 && done < rowsPerTurn) {
      before = process.cpuUsage();
      longestTurnMs = 0;
      bytesBefore = statSync(storeFile(dataDir)).size;
    }
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      let left = rowsPerTurn;
      const settled = (): void => {
        if (--left === 0) resolve();
      };
      for (let i = 0; i < rowsPerTurn; i++) ledger.append(makeRow(), undefined, settled);
    });
    longestTurnMs = Math.max(longestTurnMs, performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(before);
  const walMiB = statSync(`${storeFile(dataDir)}-wal`).size / 1024 / 1024;
  await ledger.close();
  const bytesPerRow = (statSync(storeFile(dataDir)).size - bytesBefore) / rows;
  rmSync(dataDir, { recursive: true });
  return { cpuUs: (user + system) / rows, longestTurnMs, walMiB, bytesPerRow };
}

console.log("rows/turn   CPU µs/row (best of 3)   longest turn ms   WAL MiB   bytes/row");
for (const rowsPerTurn of [1, 4, 16, 64]) {
  let best: Figure | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const figure = await measure(rowsPerTurn);
    if (best === null || figure.cpuUs < best.cpuUs) best = figure;
  }
  if (best === null) continue;
  console.log(
    [
      String(rowsPerTurn).padStart(9),
      best.cpuUs.toFixed(2).padStart(24),
      best.longestTurnMs.toFixed(1).padStart(17),
      best.walMiB.toFixed(1).padStart(9),
      best.bytesPerRow.toFixed(0).padStart(11),
    ].join(" "),
  );
}
