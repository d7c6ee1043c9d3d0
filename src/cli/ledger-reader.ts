/** What the commands that read the ledger share: their common flags, and the way to the database. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import { openStoreReader, storeFile } from "../ledger/store-file.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import type { CliIo } from "./cli.ts";

/** A flag whose value cannot be used; the text says what would do. */
export class UsageError extends Error {}

/** Whether the user wrote something wrong: ours, or what `parseArgs` throws. */
export function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

/** For `parseArgs`. */
export const READER_FLAGS = {
  config: { type: "string" },
  "data-dir": { type: "string" },
  since: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

export const READER_HELP = `  --since WHEN     accepted since then: 90m, 12h, 7d, or a date (UTC) such as 2026-11-01
  --json           one JSON object a line
  --config FILE    the configuration that says where the data is
  --data-dir DIR   the data folder itself; no configuration is read then
  --help           this text
`;

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Unix milliseconds of `7d` (ago) or of a date or time, in UTC unless it names an offset. */
export function parseSince(text: string, nowMs: number): number {
  const ago = /^(\d{1,9})([smhdw])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNITS_MS[ago[2] ?? ""] ?? 0);
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const atMs = date === null ? Number.NaN : Date.parse(`${date[1]}T${date[2] ?? "00:00"}${date[3] ?? "Z"}`);
  // Date.parse would take the 31st of February for a day in March.
  if (
    Number.isNaN(atMs) ||
    (date?.[2] === undefined && new Date(atMs).toISOString().slice(0, 10) !== date?.[1])
  ) {
    throw new UsageError(
      `--since ${text}: give 90m, 12h or 7d, or a date such as 2026-11-01 or 2026-11-01T08:30`,
    );
  }
  return atMs;
}

interface ReaderFlags {
  readonly config?: string | undefined;
  readonly "data-dir"?: string | undefined;
}

async function findDataDir(flags: ReaderFlags, io: CliIo): Promise<string> {
  if (flags["data-dir"] !== undefined) return resolve(io.cwd, flags["data-dir"]);
  const file = findConfigFile(flags.config === undefined ? {} : { config: flags.config }, io.env, io.cwd);
  const { config } = await loadConfig({ file, env: io.env, flags: {}, cwd: io.cwd, needsSecrets: false });
  return config.server.dataDir;
}

/**
 * Runs `report` on the ledger of this machine, also while a gateway writes it. Failures become their text on standard error
 * and their exit code.
 */
export async function withLedger(
  name: string,
  flags: ReaderFlags,
  io: CliIo,
  report: (sql: Sql) => void,
): Promise<number> {
  const fail = (text: string, code: number): number => {
    io.err(`clewline ${name}: ${text}\n`);
    return code;
  };
  let sql: Sql | null = null;
  try {
    const dataDir = await findDataDir(flags, io);
    if (!existsSync(storeFile(dataDir))) {
      return fail(
        `there is no ledger in ${dataDir} yet: the gateway makes it when it starts. If it runs with another folder, name it with --config or --data-dir.`,
        1,
      );
    }
    sql = openStoreReader(dataDir);
    report(sql);
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) {
      return fail(
        `the configuration is wrong (with --data-dir none is read).\n${renderProblems(error.problems)}`,
        78,
      );
    }
    if (error instanceof StoreError) return fail(`the ledger cannot be read: ${error.message}`, 1);
    throw error;
  } finally {
    sql?.close();
  }
}
