import type { RatioSummary, Spread } from "./ratio.ts";

/** The limit of a figure: of its value, or of its ratio to the peer. */
export interface Goal {
  readonly of: "value" | "ratio";
  readonly atMost: number;
}

/** What stands beside Clewline in a figure. */
export const PEERS = ["nginx", "splice", "relay"] as const;
export type Peer = (typeof PEERS)[number];

/** One measured figure; a smaller value is better, except for rates, which have no goal. */
export interface Figure extends Readonly<Partial<Record<Peer, number | undefined>>> {
  readonly name: string;
  readonly unit: string;
  /** undefined: another program is measured. */
  readonly clewline?: number | undefined;
  /** The older build. */
  readonly before?: number | undefined;
  /** A bare program of the same runtime. */
  readonly bare?: number | undefined;
  /** To the peer. Of the rounds' own ratios, not of the medians: both runs of a round meet the same load. */
  readonly ratio?: Spread | undefined;
  readonly ratioBefore?: Spread | undefined;
  readonly goal?: Goal | undefined;
}

/** One figure of two builds; a smaller value is better. */
export interface Comparison {
  readonly row: string;
  readonly figure: string;
  readonly unit: string;
  /** Medians over the rounds. */
  readonly base: number;
  readonly ours: number;
  readonly summary: RatioSummary;
}

/** The measurements of one work. */
export interface WorkResult {
  readonly work: string;
  readonly figures: readonly Figure[];
  /** Errors of the measurement; a work with errors has reached no goal. */
  readonly errors: readonly string[];
  readonly notes: readonly string[];
  /** The unchanged reports of the load program, by target. */
  readonly rounds: Readonly<Record<string, readonly object[]>>;
}

/** Whether a figure reached its goal; undefined when it has none. */
export function isReached(figure: Figure, result: WorkResult): boolean | undefined {
  if (figure.goal === undefined) return undefined;
  const value = figure.goal.of === "ratio" ? figure.ratio?.median : figure.clewline;
  return result.errors.length === 0 && value !== undefined && value <= figure.goal.atMost;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [lower = Number.NaN, upper = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}

/** Columns that stay when they are empty. */
const ALWAYS_SHOWN = ["work", "figure", "clewline", "ratio", "target", "reached?"];

/** The results as a Markdown table. A short run judges nothing: its figures are too few. */
export function renderTable(results: readonly WorkResult[], judge: boolean): string {
  const heads = [
    "work",
    "figure",
    ...["before", "clewline", "bare", ...PEERS],
    ...["ratio before", "ratio", "target", "reached?"],
  ];
  const cells = results.flatMap((result) =>
    result.figures.map((figure) => cellsOf(figure, result, judge ? isReached(figure, result) : undefined)),
  );
  const rows = [heads, ...cells];
  return renderRows(rows.map((row) => row.filter((_, column) => !isUnused(rows, column))));
}

/** Two builds side by side, as a Markdown table. */
export function renderComparisons(comparisons: readonly Comparison[]): string {
  const rows = [["row", "figure", "before", "now", "ratio", "quartiles", "verdict"]];
  for (const { row, figure, unit, base, ours, summary } of comparisons)
    rows.push([
      row,
      `${figure}, ${unit}`,
      round(base),
      round(ours),
      summary.median.toFixed(3),
      `${summary.lowerQuartile.toFixed(3)} to ${summary.upperQuartile.toFixed(3)}`,
      summary.verdict === "worse" ? "WORSE" : summary.verdict,
    ]);
  return renderRows(rows);
}

function renderRows(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  return lines.join("\n");
}

function cellsOf(figure: Figure, { work }: WorkResult, reached: boolean | undefined): readonly string[] {
  const { name, unit, goal } = figure;
  const shown = (value: number | undefined): string => (value === undefined ? "" : round(value));
  const peer =
    goal?.of === "ratio"
      ? ` × ${PEERS.find((one) => figure[one] !== undefined) ?? (figure.bare === undefined ? "nginx" : "bare")}`
      : "";
  return [
    work,
    unit === "" ? name : `${name}, ${unit}`,
    shown(figure.before),
    shown(figure.clewline),
    shown(figure.bare),
    ...PEERS.map((one) => shown(figure[one])),
    describeSpread(figure.ratioBefore),
    describeSpread(figure.ratio),
    goal === undefined ? "" : `≤ ${goal.atMost}${peer}`,
    reached === undefined ? "" : reached ? "yes" : "NO",
  ];
}

/** The median, and the quartiles behind it. */
function describeSpread(spread: Spread | undefined): string {
  if (spread === undefined) return "";
  const [middle, lower, upper] = [spread.median, spread.lowerQuartile, spread.upperQuartile].map((value) =>
    value.toFixed(2),
  );
  return lower === upper ? `${middle}` : `${middle} (${lower} to ${upper})`;
}

/** Whether a column belongs to something that was not measured. */
function isUnused(rows: readonly (readonly string[])[], column: number): boolean {
  const [heads = [], ...others] = rows;
  return !ALWAYS_SHOWN.includes(heads[column] ?? "") && others.every((row) => row[column] === "");
}

function round(value: number): string {
  return value >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}
