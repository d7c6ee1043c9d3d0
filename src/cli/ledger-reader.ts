/** Shared by the commands that read the data folder: their flags, and the way to the database. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { dataDirOfBroken } from "../config/change/broken-data-dir.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, renderProblem, renderProblems } from "../config/problem.ts";
import { momentIn, UTC, wallTimeIn, type Zone } from "../core/time-zone.ts";
import { openStoreReader, storeFile } from "../ledger/store-file.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { UsageError } from "./command.ts";

export const READER_FLAGS = {
  since: { value: "WHEN", help: "accepted since then: 90m, 12h, 7d, or a date (UTC) such as 2026-11-01" },
  until: { value: "WHEN", help: "accepted before then, in the same forms" },
  json: { help: "one JSON object a line" },
  csv: { help: "comma-separated values, with a line of names" },
  config: { value: "FILE", help: "the configuration that says where the data is" },
  "data-dir": { value: "DIR", help: "the data folder itself; no configuration is read then" },
} as const;

/** Milliseconds of the units of `90m`, `12h`, `7d`. */
export const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Unix milliseconds of `7d` (ago), or of a date or time, which is one of the zone unless it names an offset. `flag` is
 * the name of the flag that has the text.
 */
export function parseTime(flag: string, text: string, nowMs: number, zone: Zone = UTC): number {
  const ago = /^(\d{1,9})([smhdw])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNITS_MS[ago[2] ?? ""] ?? 0);
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const wallMs = date === null ? Number.NaN : Date.parse(`${date[1]}T${date[2] ?? "00:00"}${date[3] ?? "Z"}`);
  // Date.parse would take the 31st of February for a day in March.
  if (
    Number.isNaN(wallMs) ||
    (date?.[3] === undefined && new Date(wallMs).toISOString().slice(0, 10) !== date?.[1])
  ) {
    throw new UsageError(
      `--${flag} ${text} is not a time; give 90m, 12h or 7d, or a date such as 2026-11-01 or 2026-11-01T08:30`,
    );
  }
  if (date?.[3] !== undefined) return wallMs;
  return momentIn(zone, wallTimeIn(UTC, wallMs)) + (wallMs % 1000);
}

/** How a command finds its data folder. */
export interface FolderFlags {
  readonly config: string | undefined;
  readonly "data-dir": string | undefined;
}

/** The data folder that a command is about. Throws `ConfigError`. */
export async function findDataDir(flags: FolderFlags, io: CliIo): Promise<string> {
  if (flags["data-dir"] !== undefined) return resolve(io.cwd, flags["data-dir"]);
  const file = findConfigFile(flags, io.env, io.cwd);
  const options = { file, env: io.env, flags: {}, cwd: io.cwd } as const;
  try {
    return (await loadConfig({ ...options, needsSecrets: false })).config.server.dataDir;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return await dataDirDespite(error, file, io);
  }
}

/** The data folder although the configuration is not valid, which is said: a gateway serves on with the one before. */
export async function dataDirDespite(
  { problems }: ConfigError,
  file: string | null,
  io: CliIo,
): Promise<string> {
  const dataDir = await dataDirOfBroken({ file, env: io.env, cwd: io.cwd });
  const [first] = problems;
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : "";
  io.err(
    `the configuration is not valid now (${first === undefined ? "" : renderProblem(first)}${more}; see clewline check); this is what is in ${dataDir}\n`,
  );
  return dataDir;
}

/**
 * Runs `report` on the ledger of this machine, also while a gateway writes it; returns its exit code. Failures become
 * their text on standard error and their exit code.
 */
export async function withLedger(
  name: string,
  flags: FolderFlags,
  io: CliIo,
  report: (sql: Sql) => number | undefined,
): Promise<number> {
  let sql: Sql | null = null;
  try {
    const dataDir = await findDataDir(flags, io);
    if (!existsSync(storeFile(dataDir))) return reportNoLedger(name, dataDir, io);
    sql = openStoreReader(dataDir);
    return report(sql) ?? EXIT.ok;
  } catch (error) {
    return reportDataFailure(name, error, io);
  } finally {
    sql?.close();
  }
}

/** Says that the folder has no database yet; returns the exit code. */
export function reportNoLedger(name: string, dataDir: string, io: CliIo): number {
  io.err(
    `clewline ${name}: there is no ledger in ${dataDir} yet, because the gateway makes it when it starts; if the gateway uses another folder, name that folder with --config or --data-dir\n`,
  );
  return EXIT.failed;
}

/**
 * Reports a wrong configuration or a database that cannot be used; returns the exit code. Throws any other
 * error again.
 */
export function reportDataFailure(name: string, error: unknown, io: CliIo): number {
  if (error instanceof ConfigError) {
    const hint = "the configuration is invalid; with --data-dir none is read";
    io.err(`clewline ${name}: ${hint}\n${renderProblems(error.problems)}`);
    return EXIT.config;
  }
  if (!(error instanceof StoreError)) throw error;
  io.err(`clewline ${name}: the ledger cannot be used: ${error.message}\n`);
  return EXIT.failed;
}
