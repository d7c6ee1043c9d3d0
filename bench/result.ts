/** What a figure must not exceed: its own value, or its ratio to what stands beside it. */
export interface Goal {
  readonly of: "value" | "ratio";
  readonly atMost: number;
}

/** One measured figure; a smaller value is better, except for rates, which have no goal. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly clewline: number;
  /** What it is compared with: nginx, or Clewline itself where it only relays. */
  readonly nginx?: number | undefined;
  readonly relay?: number | undefined;
  /** Median of the rounds' own ratios, not the ratio of the medians: a round's two runs stand side by side. */
  readonly ratio?: number | undefined;
  readonly goal?: Goal | undefined;
}

/** What one work measured. */
export interface WorkResult {
  readonly work: string;
  readonly figures: readonly Figure[];
  /** What went wrong; a work with errors has reached nothing. */
  readonly errors: readonly string[];
  readonly notes: readonly string[];
  /** The reports of the load program as they came, by what they are of. */
  readonly rounds: Readonly<Record<string, readonly object[]>>;
}

/** Whether a figure reached its goal; undefined when it has none. */
export function isReached(figure: Figure, result: WorkResult): boolean | undefined {
  if (figure.goal === undefined) return undefined;
  const value = figure.goal.of === "ratio" ? figure.ratio : figure.clewline;
  return result.errors.length === 0 && value !== undefined && value <= figure.goal.atMost;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [lower = Number.NaN, upper = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}

/** The results as a Markdown table. A short run judges nothing: its figures are too few. */
export function renderTable(results: readonly WorkResult[], judge: boolean): string {
  const rows = [["work", "figure", "clewline", "nginx", "relay", "ratio", "target", "reached?"]];
  for (const result of results) {
    for (const figure of result.figures) {
      const reached = judge ? isReached(figure, result) : undefined;
      rows.push([
        result.work,
        figure.unit === "" ? figure.name : `${figure.name}, ${figure.unit}`,
        round(figure.clewline),
        figure.nginx === undefined ? "" : round(figure.nginx),
        figure.relay === undefined ? "" : round(figure.relay),
        figure.ratio === undefined ? "" : figure.ratio.toFixed(2),
        figure.goal === undefined
          ? ""
          : `≤ ${figure.goal.atMost}${figure.goal.of === "ratio" ? ` × ${peerOf(figure)}` : ""}`,
        reached === undefined ? "" : reached ? "yes" : "NO",
      ]);
    }
  }
  const shown = rows.map((row) => row.filter((_, column) => !isUnused(rows, column)));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => row[column]?.length ?? 0)),
  );
  const lines = shown.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  return lines.join("\n");
}

function peerOf(figure: Figure): string {
  return figure.relay === undefined ? "nginx" : "relay";
}

/** Whether a column is one of the peers', none of which stands in all the works. */
function isUnused(rows: readonly (readonly string[])[], column: number): boolean {
  const [heads = [], ...others] = rows;
  return /^(?:nginx|relay)$/.test(heads[column] ?? "") && others.every((row) => row[column] === "");
}

function round(value: number): string {
  return value >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}
