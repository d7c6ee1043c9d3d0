/** How a row of the ledger stands in SQL: one table of fields and columns for writing and reading. */
import type { SqlRow, SqlValue } from "../store/sql.ts";
import type { LedgerRow } from "./row.ts";

/** Column of each field, in the order of the table. */
export const COLUMNS: Readonly<Record<keyof LedgerRow, string>> = {
  id: "id",
  atMs: "at_ms",
  key: "key",
  dialect: "dialect",
  endpoint: "endpoint",
  clientRequestId: "client_request_id",
  modelAsked: "model_asked",
  upstream: "upstream",
  upstreamDialect: "upstream_dialect",
  modelUsed: "model_used",
  modelReported: "model_reported",
  credential: "credential",
  isStream: "is_stream",
  status: "status",
  outcome: "outcome",
  errorKind: "error_kind",
  stopReason: "stop_reason",
  attempts: "attempts",
  attemptLog: "attempt_log",
  ttfbMs: "ttfb_ms",
  durationMs: "duration_ms",
  requestBytes: "request_bytes",
  replyBytes: "reply_bytes",
  inputTokens: "input_tokens",
  cacheReadTokens: "cache_read_tokens",
  cacheWriteTokens: "cache_write_tokens",
  cacheWrite1hTokens: "cache_write_1h_tokens",
  outputTokens: "output_tokens",
  reasoningTokens: "reasoning_tokens",
  usageState: "usage_state",
  costNanoUsd: "cost_nano_usd",
  drops: "drops",
  cache: "cache",
  upstreamRequestId: "upstream_request_id",
  clientAddress: "client_address",
  userAgent: "user_agent",
};

const FIELDS = Object.keys(COLUMNS) as (keyof LedgerRow)[];

/** The columns' names, comma separated. */
export const COLUMN_LIST = Object.values(COLUMNS).join(", ");

/** A row that is there already stays as it is; every other conflict is an error (`OR IGNORE` would hide it). */
export const INSERT_ROW = `INSERT INTO requests (${COLUMN_LIST}) VALUES (${FIELDS.map(() => "?").join(", ")}) ON CONFLICT (id) DO NOTHING`;

/** The values of a row, in the order of `COLUMN_LIST`. Written out because it runs once a request. */
export function rowParams(row: LedgerRow): SqlValue[] {
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
    row.inputTokens,
    row.cacheReadTokens,
    row.cacheWriteTokens,
    row.cacheWrite1hTokens,
    row.outputTokens,
    row.reasoningTokens,
    row.usageState,
    row.costNanoUsd,
    row.drops,
    row.cache,
    row.upstreamRequestId,
    row.clientAddress,
    row.userAgent,
  ];
}

/** The row that `columns` holds. */
export function readRow(columns: SqlRow): LedgerRow {
  const row: Record<string, unknown> = {};
  for (const field of FIELDS) row[field] = columns[COLUMNS[field]] ?? null;
  row.isStream = columns.is_stream === 1;
  return row as unknown as LedgerRow;
}
