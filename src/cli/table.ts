/** Plain-text tables for people: fixed columns, right-aligned numbers, no control characters. */

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Longest cell in characters; a longer text is cut and ends in an ellipsis. */
  readonly maxChars: number;
  /** Smallest width, for tables that are printed while their rows are read. */
  readonly minChars?: number;
}

/** Characters that a terminal would obey, or that would reverse the direction of a line. */
const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/** Makes text from outside safe to print: control characters become `\x1b` and the like. */
function escapeControls(text: string): string {
  return text.replace(CONTROL, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** One JSON object in one line, with the same characters escaped as JSON does. */
export function toJsonLine(value: unknown): string {
  const json = JSON.stringify(value).replace(
    CONTROL,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return `${json}\n`;
}

function cell(text: string, column: Column, width: number): string {
  const chars = [...escapeControls(text)];
  const shown = chars.length > width ? `${chars.slice(0, width - 1).join("")}…` : chars.join("");
  const padding = " ".repeat(Math.max(0, width - chars.length));
  return column.align === "right" ? padding + shown : shown + padding;
}

/** The widths of the columns for rows that are all known: each column is as wide as its content needs. */
export function columnWidths(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map((column, i) => {
    const lengths = rows.map((row) => [...escapeControls(row[i] ?? "")].length);
    const needed = lengths.reduce((a, b) => Math.max(a, b), column.title.length);
    return Math.max(column.minChars ?? 0, Math.min(column.maxChars, needed));
  });
}

/** One line of a table, without the newline. */
export function tableLine(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
): string {
  const parts = columns.map((column, i) => cell(cells[i] ?? "", column, widths[i] ?? column.maxChars));
  return parts.join(" ").trimEnd();
}

/** A duration in at most six characters: `0.4ms`, `850ms`, `12.3s`, `4m10s`; `-` when unknown. */
export function formatMs(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 6000) return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
  return `${Math.floor(seconds / 3600)}h${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
}

/** A count in at most seven characters; `-` when unknown. */
export function formatCount(count: number | null): string {
  if (count === null) return "-";
  if (count < 1_000_000) return String(count);
  for (const [size, letter] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
  ] as const) {
    if (count >= size) return `${(count / size).toFixed(2)}${letter}`;
  }
  return String(count);
}
