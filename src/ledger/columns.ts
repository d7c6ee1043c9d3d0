/** How a row of the ledger maps to the columns of its table, for writing and for reading. */
import { USAGE_KIND_NAMES, type Usage } from "../neutral/usage.ts";
import type { SqlRow, SqlValue } from "../store/sql.ts";
import type { LedgerRow } from "./row.ts";

type OwnField = Exclude<keyof LedgerRow, "usage">;

/** A row's fields but for its usage. */
const OWN_FIELDS = [
  "id",
  "atMs",
  "key",
  "dialect",
  "endpoint",
  "clientRequestId",
  "modelAsked",
  "upstream",
  "upstreamDialect",
  "modelUsed",
  "modelReported",
  "credential",
  "isStream",
  "status",
  "outcome",
  "errorKind",
  "stopReason",
  "attempts",
  "attemptLog",
  "ttfbMs",
  "durationMs",
  "requestBytes",
  "replyBytes",
  "usageState",
  "costNanoUsd",
  "drops",
  "cache",
  "upstreamRequestId",
  "clientAddress",
  "userAgent",
] as const satisfies readonly OwnField[];

const USAGE_MEMBERS = [...USAGE_KIND_NAMES, "serviceTier"] as const satisfies readonly (keyof Usage)[];

const NAMES = [...OWN_FIELDS, ...USAGE_MEMBERS] as const;

/** The column of each field and of each member of its usage: the name in snake case. */
export const COLUMNS = Object.fromEntries(NAMES.map((name) => [name, snakeCase(name)])) as Readonly<
  Record<OwnField | keyof Usage, string>
>;

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]|\d+/g, (start) => `_${start.toLowerCase()}`);
}

/** All columns, separated by commas. */
export const COLUMN_LIST = Object.values(COLUMNS).join(", ");

/**
 * A row that the table has already stays as it is; every other conflict is an error (`OR IGNORE` would hide
 * it).
 */
export const INSERT_ROW = `INSERT INTO requests (${COLUMN_LIST}) VALUES (${NAMES.map(() => "?").join(", ")}) ON CONFLICT (id) DO NOTHING`;

/**
 * The values of a row, in the order of `COLUMN_LIST`. Written out: in a loop the usage alone takes 0.12 µs a
 * row.
 */
export function rowParams(row: LedgerRow): SqlValue[] {
  const { usage } = row;
  return [
    row.id,
    row.atMs,
    row.key,
    row.dialect,
    row.endpoint,
    row.clientRequestId,
    row.modelAsked,
    row.upstream,
    row.upstreamDialect,
    row.modelUsed,
    row.modelReported,
    row.credential,
    row.isStream ? 1 : 0,
    row.status,
    row.outcome,
    row.errorKind,
    row.stopReason,
    row.attempts,
    row.attemptLog,
    row.ttfbMs,
    row.durationMs,
    row.requestBytes,
    row.replyBytes,
    row.usageState,
    row.costNanoUsd,
    row.drops,
    row.cache,
    row.upstreamRequestId,
    row.clientAddress,
    row.userAgent,
    usage.inputTokens,
    usage.cacheReadTokens,
    usage.cacheWriteTokens,
    usage.cacheWrite1hTokens,
    usage.inputAudioTokens,
    usage.inputImageTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    usage.outputAudioTokens,
    usage.outputImageTokens,
    usage.webSearches,
    usage.serviceTier,
  ];
}

/** The row that `columns` holds. */
export function readRow(columns: SqlRow): LedgerRow {
  const read = (names: readonly (OwnField | keyof Usage)[]): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const name of names) values[name] = columns[COLUMNS[name]] ?? null;
    return values;
  };
  const row = read(OWN_FIELDS);
  row.isStream = columns.is_stream === 1;
  row.usage = read(USAGE_MEMBERS);
  return row as unknown as LedgerRow;
}
