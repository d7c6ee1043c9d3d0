/**
 * How a row of the ledger maps to columns, for writing and for reading. Readers see the columns of the view `requests`.
 * The row itself has three parts: a fact, the columns of the table `entries`, and one JSON text for what is rarely
 * there.
 */
import { USAGE_KIND_NAMES, type Usage } from "../neutral/usage.ts";
import type { SqlRow, SqlValue } from "../store/sql.ts";
import { type Combination, combinationOf, FACT_COLUMNS, type Fact } from "./facts.ts";
import { EPOCH_MS, KEYS_A_MS, printId } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";

type OwnField = Exclude<keyof LedgerRow, "usage">;

/** A row's fields but for its usage. */
const OWN_FIELDS = [
  "id",
  "atMs",
  "key",
  "team",
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
  "priceVersion",
  "costGaps",
  "drops",
  "cache",
  "upstreamRequestId",
  "clientAddress",
  "userAgent",
  "endUser",
  "tags",
  "savedNanoUsd",
] as const satisfies readonly OwnField[];

const USAGE_MEMBERS = [
  ...USAGE_KIND_NAMES,
  "serviceTier",
  "region",
] as const satisfies readonly (keyof Usage)[];

const NAMES = [...OWN_FIELDS, ...USAGE_MEMBERS] as const;

/** The column of each field and of each member of its usage: the name in snake case. */
export const COLUMNS = Object.fromEntries(NAMES.map((name) => [name, snakeCase(name)])) as Readonly<
  Record<OwnField | keyof Usage, string>
>;

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]|\d+/g, (start) => `_${start.toLowerCase()}`);
}

/** The columns of the table `entries` that every row has, in the order of `plainParams`. */
const ENTRY_COLUMNS = [
  "ttfb_ms",
  "duration_ms",
  "request_bytes",
  "reply_bytes",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "upstream_request_id",
  "client_address",
  "user_agent",
  "client_request_id",
  "cost_nano_usd",
] as const;

/**
 * Most rows have no more than these columns: each null less to bind takes 0.2 µs off a row. A row that the table has
 * already stays as it is: the caller looks at the number of changes.
 */
export const INSERT_PLAIN = insertSql(["seq", "fact", ...ENTRY_COLUMNS]);
export const INSERT_CHARGED = insertSql(["seq", "fact", ...ENTRY_COLUMNS, "charge_set"]);
export const INSERT_WITH_REST = insertSql(["seq", "fact", ...ENTRY_COLUMNS, "charge_set", "rest"]);
export const INSERT_WHOLE = insertSql([
  "seq",
  "fact",
  ...ENTRY_COLUMNS,
  "charge_set",
  "end_user",
  "tags",
  "id",
  "at_ms",
  "rest",
]);

function insertSql(columns: readonly string[]): string {
  const values = columns.map(() => "?").join(", ");
  return `INSERT INTO entries (${columns.join(", ")}) VALUES (${values}) ON CONFLICT DO NOTHING`;
}

/** The values of `INSERT_PLAIN`. Written out: in a loop the usage alone takes 0.12 µs a row. */
export function plainParams(row: LedgerRow, key: number, fact: Fact | null): SqlValue[] {
  const { usage } = row;
  return [
    key,
    fact === null ? null : fact.fact,
    row.ttfbMs,
    row.durationMs,
    row.requestBytes,
    row.replyBytes,
    usage.inputTokens,
    usage.cacheReadTokens,
    usage.cacheWriteTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    row.upstreamRequestId,
    row.clientAddress,
    row.userAgent,
    row.clientRequestId,
    row.costNanoUsd,
  ];
}

/**
 * The columns that neither the fact nor the table has, as JSON; null: there are none. Written out as a text: OpenAI
 * reports audio tokens of 0 with each answer, and an object with its entries takes 1.3 µs longer.
 */
export function restOf(row: LedgerRow, fact: Fact | null): string | null {
  const { usage } = row;
  let json = isWholeFact(row, fact) ? "" : restOfFact(row, fact);
  if (row.attemptLog !== null) json += member("attempt_log", row.attemptLog);
  if (row.costGaps !== null) json += member("cost_gaps", row.costGaps);
  if (row.drops !== null) json += member("drops", row.drops);
  if (row.cache !== null) json += member("cache", row.cache);
  if (row.savedNanoUsd !== null) json += `,"saved_nano_usd":${row.savedNanoUsd}`;
  if (usage.cacheWrite1hTokens !== null) json += `,"cache_write_1h_tokens":${usage.cacheWrite1hTokens}`;
  if (usage.inputAudioTokens !== null) json += `,"input_audio_tokens":${usage.inputAudioTokens}`;
  if (usage.inputImageTokens !== null) json += `,"input_image_tokens":${usage.inputImageTokens}`;
  if (usage.outputAudioTokens !== null) json += `,"output_audio_tokens":${usage.outputAudioTokens}`;
  if (usage.outputImageTokens !== null) json += `,"output_image_tokens":${usage.outputImageTokens}`;
  if (usage.webSearches !== null) json += `,"web_searches":${usage.webSearches}`;
  if (usage.cacheReadAudioTokens !== null) json += `,"cache_read_audio_tokens":${usage.cacheReadAudioTokens}`;
  if (usage.cacheReadImageTokens !== null) json += `,"cache_read_image_tokens":${usage.cacheReadImageTokens}`;
  if (usage.region !== null) json += member("region", usage.region);
  return json === "" ? null : `{${json.slice(1)}}`;
}

function member(column: string, value: SqlValue): string {
  return `,"${column}":${JSON.stringify(value)}`;
}

function isWholeFact(row: LedgerRow, fact: Fact | null): boolean {
  return (
    fact !== null &&
    fact.model_asked === row.modelAsked &&
    fact.model_used === row.modelUsed &&
    fact.model_reported === row.modelReported &&
    fact.stop_reason === row.stopReason &&
    fact.service_tier === row.usage.serviceTier &&
    fact.price_version === row.priceVersion
  );
}

/** What the fact does not say of the row's combination, as members of JSON with a comma before each. */
function restOfFact(row: LedgerRow, fact: Fact | null): string {
  const combination: Combination = combinationOf(row);
  let json = "";
  for (const column of FACT_COLUMNS) {
    const value = combination[column];
    if (value !== (fact?.[column] ?? null)) json += member(column, value);
  }
  return json;
}

/** `FROM` of the two maps below. */
export const ENTRIES_AND_FACTS = "entries e LEFT JOIN facts f ON f.fact = e.fact";

/**
 * The sum of the costs of rows `e`; 0: there are none. `sum` of SQL throws beyond 64 bits, which a thousand rows reach whose
 * upstream lies. Below nine million dollars `total` is exact.
 */
export const SUM_COST_SQL = "total(e.cost_nano_usd)";

const ENTRY_OWN_SQL: Readonly<Record<string, string>> = {
  id: "e.id",
  at_ms: `coalesce(e.at_ms, e.seq / ${KEYS_A_MS} + ${EPOCH_MS})`,
  ...Object.fromEntries([...ENTRY_COLUMNS, "end_user", "tags"].map((column) => [column, `e.${column}`])),
};

/** The columns that the table itself has. */
export const ENTRY_OWN_COLUMNS = Object.keys(ENTRY_OWN_SQL);

/** The SQL of each column that is not in `rest` alone. A fact's column may be in `rest` too: `withRest` adds it. */
export const PLAIN_SQL: Readonly<Record<string, string>> = {
  ...ENTRY_OWN_SQL,
  ...Object.fromEntries(FACT_COLUMNS.map((column) => [column, `f.${column}`])),
};

/** The whole SQL of each column but `id`, which is printed from `seq` when `e.id` is null. */
export const ENTRY_SQL: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(COLUMNS).map((column) => [column, entrySql(column)]),
);

function entrySql(column: string): string {
  const own = ENTRY_OWN_SQL[column];
  if (own !== undefined) return own;
  const rest = `e.rest ->> '${column}'`;
  return column in PLAIN_SQL ? `coalesce(${PLAIN_SQL[column]}, ${rest})` : rest;
}

/** The row with the columns of its `rest`. SQL would read the text once for each column. */
export function withRest(columns: SqlRow): SqlRow {
  return typeof columns.rest === "string" ? Object.assign(columns, JSON.parse(columns.rest)) : columns;
}

/** The row that `columns` holds. Without an id they hold `seq`, and the number of the database prints the id. */
export function readRow(columns: SqlRow, number: string): LedgerRow {
  const read = (names: readonly (OwnField | keyof Usage)[]): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const name of names) values[name] = columns[COLUMNS[name]] ?? null;
    return values;
  };
  const row = read(OWN_FIELDS);
  row.id ??= printId(Number(columns.seq), number);
  row.isStream = columns.is_stream === 1;
  row.usage = read(USAGE_MEMBERS);
  return row as unknown as LedgerRow;
}
