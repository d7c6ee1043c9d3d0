/** The data folder at a start: whether the gateway can write its database there. */
import type { Clock } from "../core/clock.ts";
import { type Sql, StoreError, type StoreFault } from "../store/sql.ts";
import { openStore } from "./store-file.ts";

/** The data folder cannot be used; the message names it, the reason and the repair. */
export class DataFolderError extends Error {
  readonly fault: StoreFault;

  constructor(dataDir: string, error: StoreError) {
    super(`the data folder ${dataDir} cannot be used: ${error.message}${repairOf(error)}`, {
      cause: error,
    });
    this.name = "DataFolderError";
    this.fault = error.fault;
  }
}

export interface DataFolderOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Moves a damaged database out of the way. */
  readonly setAside: () => void;
}

/** A gateway that writes holds the lock for milliseconds; whoever holds it longer does not let it go soon. */
const LOCK_WAIT_MS = 3_000;
const LOCK_POLL_MS = 50;
/** A file that is damaged so many times in a row is set aside, as the ledger does. */
const DAMAGED_TRIES = 2;

/** Opens the database for writing, and proves that it can be written. Rejects with `DataFolderError`. */
export async function openDataFolder({ dataDir, clock, setAside }: DataFolderOptions): Promise<Sql> {
  const untilMs = clock.monotonicMs() + LOCK_WAIT_MS;
  for (let damaged = 0; ; ) {
    try {
      if (damaged === DAMAGED_TRIES) setAside();
      return openWritten(dataDir);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault === "corrupt" && damaged < DAMAGED_TRIES) damaged++;
      else if (error.fault === "locked" && clock.monotonicMs() < untilMs) await pause();
      else throw new DataFolderError(dataDir, error);
    }
  }
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, LOCK_POLL_MS));
}

/** Opening alone proves little: SQLite opens a file that it may only read, and on a full disk. */
function openWritten(dataDir: string): Sql {
  const sql = openStore(dataDir);
  try {
    sql.transaction(() => sql.prepare("UPDATE migrations SET name = name WHERE version = 0").run());
    return sql;
  } catch (error) {
    sql.close();
    throw error;
  }
}

const OTHER_FOLDER = "name another folder with server.data_dir or --data-dir";

const REPAIRS: Readonly<Record<StoreFault, string>> = {
  locked: `end the program that holds its database, or ${OTHER_FOLDER}`,
  full: `free space on its disk, or ${OTHER_FOLDER}`,
  corrupt: `move the damaged ledger.db away, or ${OTHER_FOLDER}`,
  rejected: OTHER_FOLDER,
  unavailable: `make it a folder that this user may write, or ${OTHER_FOLDER}`,
};

function repairOf({ fault, cause }: StoreError): string {
  // Without a cause of the engine or the system, the message is about the schema and has a repair of its own.
  return fault === "unavailable" && cause === undefined ? `, or ${OTHER_FOLDER}` : `; ${REPAIRS[fault]}`;
}
