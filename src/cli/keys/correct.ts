/** `clewline keys correct ID...`: takes the cost of a lost row out of the budgets that it counts for. */
import { existsSync } from "node:fs";
import { usdText } from "../../core/money.ts";
import { type Correction, correctLost } from "../../ledger/added-rows.ts";
import { RequestIds } from "../../ledger/request-ids.ts";
import { storeFile } from "../../ledger/store-file.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { UsageError } from "../command.ts";
import { type FolderFlags, findDataDir, reportDataFailure, reportNoLedger } from "../ledger-reader.ts";
import { toJsonLine } from "../table.ts";
import { writeStore } from "../write-store.ts";

interface CorrectFlags extends FolderFlags {
  readonly json: boolean;
}

export async function correct(ids: readonly string[], flags: CorrectFlags, io: CliIo): Promise<number> {
  if (ids.length === 0)
    throw new UsageError("correct needs the id of a lost row; clewline requests lists the rows");
  try {
    const dataDir = await findDataDir(flags, io);
    if (!existsSync(storeFile(dataDir))) return reportNoLedger("keys", dataDir, io);
    let code: number = EXIT.ok;
    for (const id of ids) {
      const found = await writeStore(dataDir, io, (sql) =>
        correctLost(sql, new RequestIds(io.ids), io.clock, id),
      );
      if (found.kind === "corrected") {
        const { key, nanoUsd } = found;
        const owner = key === "" ? "the keys of its team" : `key ${key}`;
        if (flags.json) io.out(toJsonLine({ id, correction: found.id, key, nano_usd: nanoUsd }));
        else io.out(`${id}: $${usdText(nanoUsd)} of ${owner} no longer count as spent\n`);
        continue;
      }
      io.err(`clewline keys: ${id} ${REASONS[found.kind]}\n`);
      code = EXIT.failed;
    }
    return code;
  } catch (error) {
    return reportDataFailure("keys", error, io);
  }
}

const REASONS: Readonly<Record<Exclude<Correction["kind"], "corrected">, string>> = {
  not_found: "is in no row of the ledger; clewline requests lists the rows with their ids",
  not_lost:
    "is no lost row: only a row whose endpoint is lost can be corrected, the cost of a request is a fact",
  corrected_before: "was corrected before; nothing has changed",
};
