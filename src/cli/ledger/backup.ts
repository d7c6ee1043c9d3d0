/** `clewline backup TO`: a copy of the ledger, also of a running gateway. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { copyBytes, freeBytesFor } from "../../ledger/backup.ts";
import { storeFile } from "../../ledger/store-file.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { makeCommand, UsageError } from "../command.ts";
import { findDataDir, reportDataFailure, reportNoLedger } from "../ledger-reader.ts";

/** A copy needs a little more than the pages in use, and a full disk would stop the gateway. */
const SPACE_FACTOR = 1.1;
const LOOK_MS = 200;
const MB = 1024 * 1024;

export const backup = makeCommand(
  {
    name: "backup",
    usage: ["TO [--config FILE] [--data-dir DIR]"],
    about: `Copies the ledger's database to a new file, whether the gateway runs or not: rows, sums of usage, states of credentials,
budgets and client keys of one moment. The copy is checked before it gets its name.`,
    positionals: { TO: "the new file, which only you can read" },
    flags: {
      config: { value: "FILE", help: "the configuration that says where the data is" },
      "data-dir": { value: "DIR", help: "the data folder itself; no configuration is read then" },
    },
    notes: `To restore: stop the gateway, move ledger.db, ledger.db-wal and ledger.db-shm of the data folder away, copy the backup
there as ledger.db, and start the gateway. See docs/usage.md.`,
  },
  async ({ flags, positionals }, io) => {
    const [to, ...rest] = positionals;
    if (to === undefined) throw new UsageError("TO is missing; name the new file, as in ledger-backup.db");
    if (rest.length > 0) throw new UsageError(`${rest[0]} is one argument too many; give one new file`);
    const refuse = (fault: string): number => {
      io.err(`clewline backup: ${fault}\n`);
      return EXIT.failed;
    };
    try {
      const dataDir = await findDataDir(flags, io);
      if (!existsSync(storeFile(dataDir))) return reportNoLedger("backup", dataDir, io);
      const file = resolve(io.cwd, to);
      if (existsSync(file)) return refuse(`${file} is there already; give a name that is free`);
      const bytes = copyBytes(dataDir);
      const freeBytes = freeBytesFor(file);
      if (freeBytes < bytes * SPACE_FACTOR) {
        const needed = `${megabytes(bytes * SPACE_FACTOR)} MB, and its disk has ${megabytes(freeBytes)} MB free`;
        return refuse(`${file} needs ${needed}; free space, or choose another disk`);
      }
      const failure = await copy(dataDir, file, bytes, io);
      if (failure !== null) return refuse(`${file} could not be made: ${failure}`);
      io.out(`${file}: ${megabytes(statSync(file).size)} MB, checked\n`);
      return EXIT.ok;
    } catch (error) {
      return reportDataFailure("backup", error, io);
    }
  },
);

function megabytes(bytes: number): number {
  return Math.ceil(bytes / MB);
}

/** Returns the reason why there is no copy; null: there is one. */
async function copy(dataDir: string, file: string, bytes: number, io: CliIo): Promise<string | null> {
  const part = `${file}.part`;
  try {
    // The engine would make the file readable for others.
    closeSync(openSync(part, "w", 0o600));
    const failure = await run([...(io.ownCommand ?? []), "copy-ledger", dataDir, part], io, () => {
      const done = statSync(part, { throwIfNoEntry: false })?.size ?? 0;
      io.progress?.(
        done < bytes
          ? `${megabytes(done)} of about ${megabytes(bytes)} MB`
          : `${megabytes(done)} MB copied, now checking`,
      );
    });
    if (failure !== null) return failure;
    syncAndName(part, file);
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    io.progress?.("");
    rmSync(part, { force: true });
    rmSync(`${part}-journal`, { force: true });
  }
}

/** The name comes last: a file of this name is a whole copy, also after a power cut. */
function syncAndName(part: string, file: string): void {
  const fd = openSync(part, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, file);
}

/** Runs the copying process to its end, or until this one is asked to end. */
async function run(command: readonly string[], io: CliIo, look: () => void): Promise<string | null> {
  const [program = "", ...args] = command;
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors = `${errors}${chunk}`.slice(0, 2000);
  });
  const looks = setInterval(look, LOOK_MS);
  let isStopped = false;
  void io.stopped.then(() => {
    isStopped = true;
    child.kill("SIGKILL");
  });
  try {
    return await new Promise<string | null>((ended) => {
      child.once("error", (error) => ended(error.message));
      child.once("close", (code, signal) => {
        if (code === 0) ended(null);
        else if (isStopped) ended("it was ended");
        else
          ended(
            errors.trim() === "" ? `the copying process ended with ${signal ?? `exit code ${code}`}` : errors,
          );
      });
    });
  } finally {
    clearInterval(looks);
  }
}
