/** The sections of a TOML text: a header with the lines below it, and the comments that are about it. */
import type { Path } from "../problem.ts";
import type { Outline, Span, Statement } from "../toml/positions.ts";
import { lineEnd, lineStart } from "./splice.ts";

export interface Section {
  /** null: the lines before the first header. */
  readonly header: Statement | null;
  readonly path: Path;
  readonly entries: readonly Statement[];
  /**
   * Whole lines. The comments right above the header belong to the section, except those at the top of the file; so do
   * comments right below its last key, unless they stand right above the next header.
   */
  readonly lines: Span;
}

/** The sections of a text in its order; the first has no header. */
export function sectionsOf(text: string, { statements }: Outline): readonly Section[] {
  const groups: { header: Statement | null; entries: Statement[] }[] = [{ header: null, entries: [] }];
  for (const statement of statements) {
    if (statement.kind === "entry") groups.at(-1)?.entries.push(statement);
    else groups.push({ header: statement, entries: [] });
  }
  const starts = groups.map(({ header }) => (header === null ? 0 : commentsAbove(text, header.start)));
  return groups.map(({ header, entries }, index) => {
    const start = starts[index] as number;
    const limit = starts[index + 1] ?? text.length;
    const last = entries.at(-1) ?? header;
    const end = last === null ? start : commentsBelow(text, lineEnd(text, last.end), limit);
    return { header, path: header?.path ?? [], entries, lines: { start, end } };
  });
}

const COMMENT_LINE = /^[ \t]*#/;

/** The start of the comment lines right above a line; the line itself when they reach up to the top of the file. */
function commentsAbove(text: string, at: number): number {
  const own = lineStart(text, at);
  let start = own;
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (above === start || !COMMENT_LINE.test(text.slice(above, start))) return start;
    start = above;
  }
  return own;
}

function commentsBelow(text: string, from: number, limit: number): number {
  let end = from;
  while (end < limit && COMMENT_LINE.test(text.slice(end, lineEnd(text, end)))) end = lineEnd(text, end);
  return end;
}

/** Whether the path is at or below the other one. */
export function isWithin(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === path[index]);
}
