/** Pieces of a text, and their replacement. */
import type { Span } from "../toml/positions.ts";

export interface Splice extends Span {
  readonly text: string;
}

/** The text with all splices made. They do not overlap. */
export function splice(text: string, splices: readonly Splice[]): string {
  const inOrder = splices.toSorted((a, b) => b.start - a.start || b.end - a.end).reverse();
  let spliced = "";
  let from = 0;
  for (const one of inOrder) {
    spliced += text.slice(from, one.start) + one.text;
    from = one.end;
  }
  return spliced + text.slice(from);
}

/** The line break that most lines of the text have. */
export function newlineOf(text: string): string {
  const all = text.split("\n").length - 1;
  return (text.match(/\r\n/g)?.length ?? 0) * 2 > all ? "\r\n" : "\n";
}

export function lineStart(text: string, at: number): number {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return start === 0 && text.startsWith("\ufeff") ? 1 : start;
}

/** Behind the line break, or the end of the text. */
export function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}

/** The spaces that the line begins with. */
export function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at), at))?.[0] ?? "";
}
