/** The sums over a group of the ledger's rows, and their form in the tables of the roll-up. */
import { USAGE_KIND_NAMES, type UsageKind } from "../../neutral/usage.ts";
import type { SqlRow, SqlValue } from "../../store/sql.ts";
import { COLUMNS } from "../columns.ts";
import { Percentiles } from "../percentiles.ts";
import { BACKGROUND_ENDPOINT, isBooking } from "../row.ts";

/** No request has more: an upstream that reports more must not make the sums of all others inexact. */
const MAX_COUNTED = 1e12;
/**
 * A sum of costs in a cell, four billion dollars: two of them together are a whole number of 64 bits. Upstreams that lie about
 * tokens reach it, and the sums must stay sums.
 */
const MAX_COST = 4_000_000_000_000_000_000n;
/** Sums of several cells are added in two parts, so that none of the parts is too large. */
const COST_PART = 1_000_000_000n;

/** The kinds of usage that have a column of their own in the tables of the roll-up. The others are in `rare`. */
const PLAIN_KINDS = [
  "inputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
] as const satisfies readonly UsageKind[];

const RARE_KINDS = USAGE_KIND_NAMES.filter((kind) => !PLAIN_KINDS.some((plain) => plain === kind));

const COUNTS = ["requests", "errors", "clientLeft", "unsureUsage", "estimated", "unpriced"] as const;

/** Columns with whole numbers, in the order of `toParams`. */
const NUMBER_COLUMNS = [
  "requests",
  "errors",
  "client_left",
  "unsure_usage",
  "estimated",
  "unpriced",
  "cost_nano_usd",
  ...PLAIN_KINDS.map((kind) => COLUMNS[kind]),
] as const;

/** All columns of a cell but its keys, in the order of `toParams`. */
export const TALLY_COLUMNS: readonly string[] = [...NUMBER_COLUMNS, "rare", "ttfb", "duration"];

const COUNT_COLUMNS = [...NUMBER_COLUMNS, "rare"] as const;

/** The columns of one cell but its latencies, which are most of its bytes. A cost above 2^53 is read as text. */
export const CELL_COUNTS_SQL = COUNT_COLUMNS.map((column) =>
  column === "cost_nano_usd"
    ? `iif(c.${column} NOT BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}, CAST(CAST(c.${column} AS INTEGER) AS TEXT), c.${column}) AS ${column}`
    : `c.${column}`,
).join(", ");
export const CELL_LATENCIES_SQL = "c.ttfb, c.duration";
/** All of one cell. */
export const CELL_SQL = `${CELL_COUNTS_SQL}, ${CELL_LATENCIES_SQL}`;

/** A cell's texts are joined up to this length, and summed up beyond it. */
const MAX_JOINED_CHARS = 400;

/** Adds a cell to one that is there, in an upsert. `HAS_ROOM_SQL` says whether SQL alone can. */
export const ADDED_SQL = TALLY_COLUMNS.map((column) => `${column} = ${addedSql(column)}`).join(", ");
export const HAS_ROOM_SQL = ["rare", "ttfb", "duration"]
  .map((column) => `coalesce(octet_length(${column}), 0) < ${MAX_JOINED_CHARS}`)
  .join(" AND ");

function addedSql(column: string): string {
  const added = `excluded.${column}`;
  if (column === "ttfb" || column === "duration") return `${column} || ${added}`;
  // A sum with a null is null, as is the joined text.
  if (column === "rare") return `coalesce(rare || char(10) || ${added}, rare, ${added})`;
  const sum = `${column} + ${added}`;
  if (column === "cost_nano_usd")
    return `max(min(coalesce(${sum}, ${column}, ${added}), ${MAX_COST}), -${MAX_COST})`;
  if (!PLAIN_KINDS.some((kind) => COLUMNS[kind] === column)) return sum;
  return `min(coalesce(${sum}, ${column}, ${added}), ${Number.MAX_SAFE_INTEGER})`;
}

/**
 * The columns of the sum of several cells, which never throws: `sum` of SQL does beyond 64 bits. SQL adds 64-bit integers exactly; a sum of costs can be above 2^53, and so is
 * read as text.
 */
export const SUM_COUNTS_SQL = COUNT_COLUMNS.map((column) => {
  if (column === "rare") return "group_concat(c.rare, char(10)) AS rare";
  const sum = `sum(c.${column})`;
  if (PLAIN_KINDS.some((kind) => COLUMNS[kind] === column))
    return `iif(max(c.${column}) IS NULL, NULL, CAST(min(total(c.${column}), ${Number.MAX_SAFE_INTEGER}) AS INTEGER)) AS ${column}`;
  if (column !== "cost_nano_usd") return `${sum} AS ${column}`;
  const cost = `CAST(c.${column} AS INTEGER)`;
  return `sum(${cost} / ${COST_PART}) || ':' || sum(${cost} % ${COST_PART}) AS ${column}`;
}).join(", ");
export const SUM_LATENCIES_SQL = "group_concat(c.ttfb, '') AS ttfb, group_concat(c.duration, '') AS duration";

/** The columns of the ledger's rows that `addRow` reads. */
export const TALLIED_COLUMNS: readonly string[] = [
  "endpoint",
  "outcome",
  "usage_state",
  "upstream",
  "duration_ms",
  "ttfb_ms",
  "cost_nano_usd",
  COLUMNS.savedNanoUsd,
  ...USAGE_KIND_NAMES.map((kind) => COLUMNS[kind]),
];

/** What the texts of a row say about it; the same for all rows of a fact. */
export interface RowTraits {
  /** It books money, and has nothing else to count. */
  readonly isBooking: boolean;
  readonly isRequest: boolean;
  readonly isError: boolean;
  readonly isClientLeft: boolean;
  readonly isUnsure: boolean;
  readonly isEstimated: boolean;
  /** An upstream was asked. */
  readonly isServed: boolean;
}

export function traitsOf(row: SqlRow): RowTraits {
  const isRequest = row.endpoint !== BACKGROUND_ENDPOINT;
  const isClientLeft = row.outcome === "client_left";
  const isServed = (row.upstream ?? null) !== null;
  return {
    isBooking: isBooking(row.endpoint),
    isRequest,
    isError: isRequest && !isClientLeft && row.outcome !== "ok",
    isClientLeft: isRequest && isClientLeft,
    isUnsure: isServed && row.usage_state !== "final",
    isEstimated: row.usage_state === "estimated",
    isServed,
  };
}

/** What most sums have none of, in the column `rare`. An exact amount is a text. */
type Rare = Partial<Record<UsageKind, number>> & { readonly savedNanoUsd?: string };

const PLAIN_COLUMNS = PLAIN_KINDS.map((kind) => [kind, COLUMNS[kind]] as const);
const RARE_COLUMNS = RARE_KINDS.map((kind) => [kind, COLUMNS[kind]] as const);

const NO_SUMS = Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, null])) as Tally["usage"];

/** Sums of requests. The sum of a kind of usage, and of costs, is null when no row has one. */
export class Tally {
  requests = 0;
  /** Requests that ended in an error; requests whose client left are none. */
  errors = 0;
  clientLeft = 0;
  /** Requests that went to an upstream, but whose usage is not the provider's final count. */
  unsureUsage = 0;
  /** Those of them with an estimate. */
  estimated = 0;
  /** Requests with usage and without a cost. */
  unpriced = 0;
  /** Billionths of a dollar that the response cache has saved; null: no row has saved any that is known. */
  savedNanoUsd: bigint | null = null;
  readonly usage: Record<UsageKind, number | null> = { ...NO_SUMS };
  readonly ttfb = new Percentiles();
  readonly duration = new Percentiles();
  /** The sum of costs is `#cost`, and what was beyond 2^53. */
  #cost: number | null = null;
  #beyond = 0n;
  /** A row counts for several groups, which often have the same sum. */
  #params: readonly SqlValue[] | null = null;

  /** Billionths of a dollar; null: no row has a cost. */
  get costNanoUsd(): bigint | null {
    return this.#cost === null ? null : this.#beyond + BigInt(this.#cost);
  }

  /** Adds a row of the ledger, with the columns `TALLIED_COLUMNS`. */
  addRow(row: SqlRow): void {
    this.addRowOf(traitsOf(row), row, true);
  }

  /** Adds a row with these traits. Without `hasRare` the row has none of the columns that `rest` alone holds. */
  addRowOf(traits: RowTraits, row: SqlRow, hasRare: boolean): void {
    const cost = row.cost_nano_usd;
    if (typeof cost === "number") this.#addCost(cost);
    if (traits.isBooking) return;
    if (traits.isRequest) this.requests++;
    if (traits.isClientLeft) this.clientLeft++;
    if (traits.isError) this.errors++;
    if (traits.isUnsure) this.unsureUsage++;
    if (traits.isEstimated) this.estimated++;
    let isUsed = this.#addKinds(PLAIN_COLUMNS, row);
    if (hasRare) {
      if (this.#addKinds(RARE_COLUMNS, row)) isUsed = true;
      const saved = row[COLUMNS.savedNanoUsd];
      if (typeof saved === "number") this.#addSaved(BigInt(saved));
    }
    if (isUsed && traits.isServed && typeof cost !== "number") this.unpriced++;
    if (typeof row.duration_ms === "number" && traits.isRequest) this.duration.add(row.duration_ms);
    if (typeof row.ttfb_ms === "number") this.ttfb.add(row.ttfb_ms);
  }

  #addKinds(columns: readonly (readonly [UsageKind, string])[], row: SqlRow): boolean {
    let isUsed = false;
    for (const [kind, column] of columns) {
      const count = row[column];
      if (typeof count !== "number") continue;
      isUsed = true;
      this.#addUsage(kind, Math.min(count, MAX_COUNTED));
    }
    return isUsed;
  }

  /** Adds the change of a row that gets another cost: as if the row had been added with it. */
  addChangedCost(row: SqlRow, costNanoUsd: number): void {
    const changed = { ...row, cost_nano_usd: costNanoUsd };
    if (!isBooking(row.endpoint)) this.unpriced += Number(isUnpriced(changed)) - Number(isUnpriced(row));
    if (typeof row.cost_nano_usd === "number") this.#addCost(-row.cost_nano_usd);
    this.#addCost(costNanoUsd);
  }

  /** Adds a cell (`CELL_SQL`). */
  addCell(cell: SqlRow): void {
    this.addCounts(cell);
    this.addLatencies(cell);
  }

  /** Adds those of a cell, or of the sum of some (`SUM_LATENCIES_SQL`). */
  addLatencies({ ttfb, duration }: SqlRow): void {
    if (typeof ttfb === "string") this.ttfb.addText(ttfb);
    if (typeof duration === "string") this.duration.addText(duration);
  }

  /** Adds all else of a cell, or of the sum of some (`SUM_COUNTS_SQL`). */
  addCounts(cell: SqlRow): void {
    this.requests += Number(cell.requests);
    this.errors += Number(cell.errors);
    this.clientLeft += Number(cell.client_left);
    this.unsureUsage += Number(cell.unsure_usage);
    this.estimated += Number(cell.estimated);
    this.unpriced += Number(cell.unpriced);
    const cost = cell.cost_nano_usd;
    if (typeof cost === "number") this.#addCost(cost);
    else if (typeof cost === "string") this.#addBigCost(costIn(cost));
    for (const kind of PLAIN_KINDS) {
      const count = cell[COLUMNS[kind]];
      if (typeof count === "number") this.#addUsage(kind, count);
    }
    if (typeof cell.rare === "string") for (const json of cell.rare.split("\n")) this.#addRare(json);
  }

  add(other: Tally): void {
    for (const count of COUNTS) this[count] += other[count];
    if (other.savedNanoUsd !== null) this.#addSaved(other.savedNanoUsd);
    if (other.#cost !== null) this.#addBigCost(other.#beyond + BigInt(other.#cost));
    for (const kind of USAGE_KIND_NAMES) {
      const count = other.usage[kind];
      if (count !== null) this.#addUsage(kind, count);
    }
    this.ttfb.addAll(other.ttfb);
    this.duration.addAll(other.duration);
  }

  /** The values of `TALLY_COLUMNS`. Nothing may be added any more. */
  toParams(): readonly SqlValue[] {
    this.#params ??= [
      ...COUNTS.map((count) => this[count]),
      // The column takes a whole number as text, too.
      this.#beyond === 0n ? this.#cost : String(bounded(this.costNanoUsd ?? 0n)),
      ...PLAIN_KINDS.map((kind) => this.usage[kind]),
      this.#rare(),
      this.ttfb.toText(),
      this.duration.toText(),
    ];
    return this.#params;
  }

  #rare(): string | null {
    const reported = RARE_KINDS.filter((kind) => this.usage[kind] !== null);
    const saved = this.savedNanoUsd;
    if (reported.length === 0 && saved === null) return null;
    const rare: Rare = Object.fromEntries(reported.map((kind) => [kind, this.usage[kind]]));
    return JSON.stringify(saved === null ? rare : { ...rare, savedNanoUsd: String(saved) });
  }

  #addRare(json: string): void {
    const rare = JSON.parse(json) as Rare;
    for (const kind of RARE_KINDS) {
      const count = rare[kind];
      if (count !== undefined) this.#addUsage(kind, count);
    }
    if (rare.savedNanoUsd !== undefined) this.#addSaved(BigInt(rare.savedNanoUsd));
  }

  #addSaved(nanoUsd: bigint): void {
    this.savedNanoUsd = (this.savedNanoUsd ?? 0n) + nanoUsd;
  }

  #addUsage(kind: UsageKind, count: number): void {
    this.usage[kind] = Math.min((this.usage[kind] ?? 0) + count, Number.MAX_SAFE_INTEGER);
  }

  #addCost(nanoUsd: number): void {
    const sum = (this.#cost ?? 0) + nanoUsd;
    if (Number.isSafeInteger(sum)) this.#cost = sum;
    else this.#addBigCost(BigInt(nanoUsd));
  }

  #addBigCost(nanoUsd: bigint): void {
    this.#beyond += BigInt(this.#cost ?? 0) + nanoUsd;
    this.#cost = 0;
  }
}

/** A whole number, or two parts of a sum. */
function costIn(text: string): bigint {
  const [one = "0", rest] = text.split(":");
  return rest === undefined ? BigInt(one) : BigInt(one) * COST_PART + BigInt(rest);
}

function bounded(nanoUsd: bigint): bigint {
  if (nanoUsd > MAX_COST) return MAX_COST;
  return nanoUsd < -MAX_COST ? -MAX_COST : nanoUsd;
}

function isUnpriced(row: SqlRow): boolean {
  if ((row.cost_nano_usd ?? null) !== null || (row.upstream ?? null) === null) return false;
  return USAGE_KIND_NAMES.some((kind) => typeof row[COLUMNS[kind]] === "number");
}
