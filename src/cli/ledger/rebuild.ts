/** `clewline usage rebuild`: makes the sums of usage anew, also while a gateway writes the ledger. */
import { existsSync } from "node:fs";
import { timeOfKey } from "../../ledger/request-ids.ts";
import { MarkStore } from "../../ledger/roll-up/mark.ts";
import { beginRebuild, isRebuilding } from "../../ledger/roll-up/rebuild.ts";
import { RollUp } from "../../ledger/roll-up/roll-up.ts";
import { openStore, storeFile } from "../../ledger/store-file.ts";
import type { Sql } from "../../store/sql.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { type FolderFlags, findDataDir, reportDataFailure, reportNoLedger } from "../ledger-reader.ts";
import { whenUnlocked } from "../write-store.ts";

/** A gateway may have to wait for a step: it takes some milliseconds. */
const STEP_ROWS = 500;
/** A gateway gets the lock in between. */
const PAUSE_MS = 2;
const PROGRESS_EVERY = 50;

export async function rebuild(flags: FolderFlags, io: CliIo): Promise<number> {
  let sql: Sql | null = null;
  try {
    const dataDir = await findDataDir(flags, io);
    if (!existsSync(storeFile(dataDir))) return reportNoLedger("usage", dataDir, io);
    const opened = await whenUnlocked(io, () => openStore(dataDir));
    sql = opened;
    const begin = await whenUnlocked(io, () => beginRebuild(opened));
    if (begin === "empty") {
      io.out("The ledger has no rows, so there is nothing to sum up.\n");
      return EXIT.ok;
    }
    if (begin === "resumed") io.err("going on with the rebuild that was begun before\n");
    const rows = await rollUp(opened, io);
    io.out(`The sums are made anew from ${rows} rows.\n`);
    return EXIT.ok;
  } catch (error) {
    return reportDataFailure("usage", error, io);
  } finally {
    sql?.close();
  }
}

/** Takes steps until the roll-up is up to date; returns the rows that this process has added. */
async function rollUp(sql: Sql, io: CliIo): Promise<number> {
  const steps = new RollUp(sql);
  const marks = new MarkStore(sql);
  let rows = 0;
  for (let count = 1; ; count++) {
    const step = await whenUnlocked(io, () => steps.step(STEP_ROWS, io.clock.nowMs()));
    rows += step.rows;
    if (!step.isBehind) break;
    if (count % PROGRESS_EVERY === 0) {
      const mark = marks.read();
      const day = mark.mark === 0 ? "" : `, ${new Date(timeOfKey(mark.mark)).toISOString().slice(0, 10)}`;
      io.progress?.(isRebuilding(mark) ? `${rows} rows${day}` : "summing up days");
    }
    await pause(PAUSE_MS);
  }
  io.progress?.("");
  return rows;
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
