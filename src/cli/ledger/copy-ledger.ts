/** `clewline copy-ledger DATA_DIR FILE`: the work of `clewline backup`, which shows how far it has come. */
import { copyStore } from "../../ledger/backup.ts";
import { StoreError } from "../../store/sql.ts";
import { type Command, EXIT } from "../cli.ts";

/** Internal. */
export const copyLedger: Command = async ([dataDir, file], io) => {
  if (dataDir === undefined || file === undefined) {
    io.err("clewline copy-ledger: it is for clewline backup; use that\n");
    return EXIT.usage;
  }
  try {
    copyStore(dataDir, file);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    io.err(error.message);
    return EXIT.failed;
  }
};
