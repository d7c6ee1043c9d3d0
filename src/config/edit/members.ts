/** Adds and removes members of a list or table in brackets. Comments and the order of the others stay. */
import type { Span } from "../toml/positions.ts";
import { indentAt, lineEnd, lineStart, newlineOf, type Splice } from "./splice.ts";

/** A list or table in brackets, with its members. */
export interface Brackets {
  readonly text: string;
  readonly all: Span;
  readonly members: readonly Span[];
}

/** The splices that add a member before member `at`, or behind the last one. */
export function addMember(brackets: Brackets, at: number, member: string): readonly Splice[] {
  const { text, all, members } = brackets;
  const next = members[at];
  if (next !== undefined) {
    if (!standsAlone(text, next)) return [put(next.start, `${member}, `)];
    return [put(lineStart(text, next.start), `${indentAt(text, next.start)}${member},${newlineOf(text)}`)];
  }
  const last = members.at(-1);
  if (last === undefined) {
    const isBlank = text.slice(all.start + 1, all.end - 1).trim() === "";
    if (!isBlank) return [put(all.start + 1, ` ${member}`)];
    const spaced = text[all.start] === "{" ? ` ${member} ` : member;
    return [{ start: all.start + 1, end: all.end - 1, text: spaced }];
  }
  const comma = commaAfter(text, last);
  if (!standsAlone(text, last)) return [put(last.end, `, ${member}`)];
  const line = put(
    lineBreak(text, comma ?? last.end),
    `${newlineOf(text)}${indentAt(text, last.start)}${member},`,
  );
  return comma === null ? [put(last.end, ","), line] : [line];
}

/** The splices that take a member away. */
export function removeMember({ text, members }: Brackets, at: number): readonly Splice[] {
  const member = members[at] as Span;
  const comma = commaAfter(text, member);
  const before = members[at - 1];
  const next = members[at + 1];
  // A table has no comma behind its last member.
  const orphan =
    next === undefined && comma === null && before !== undefined ? commaAfter(text, before) : null;
  const alsoOrphan = orphan === null ? [] : [cut(orphan - 1, orphan)];
  if (standsAlone(text, member))
    return [...alsoOrphan, cut(lineStart(text, member.start), lineEnd(text, comma ?? member.end))];
  if (next !== undefined && isBlank(text, comma ?? member.end, next.start))
    return [cut(member.start, next.start)];
  if (before !== undefined && orphan !== null && isBlank(text, orphan, member.start))
    return [cut(before.end, member.end)];
  return [...alsoOrphan, cut(member.start, comma ?? member.end)];
}

function put(at: number, text: string): Splice {
  return { start: at, end: at, text };
}

function cut(start: number, end: number): Splice {
  return { start, end, text: "" };
}

/** Where the comma behind a member ends; null: there is none. */
function commaAfter(text: string, { end }: Span): number | null {
  const found = /(?:[ \t\r\n]|#[^\n]*\n)*,/y;
  found.lastIndex = end;
  return found.exec(text) === null ? null : found.lastIndex;
}

/** The end of the line, before its line break. */
function lineBreak(text: string, at: number): number {
  return at + (/\r?\n|$/.exec(text.slice(at))?.index ?? 0);
}

/** The member has its lines for itself, but for a comma and a comment. */
function standsAlone(text: string, member: Span): boolean {
  const before = text.slice(lineStart(text, member.start), member.start);
  const comma = commaAfter(text, member) ?? member.end;
  const after = text.slice(member.end, comma).includes("\n")
    ? "x"
    : text.slice(comma, lineBreak(text, comma));
  return (
    before.trim() === "" && /^[ \t]*(#.*)?$/.test(after) && lineEnd(text, comma) > lineBreak(text, comma)
  );
}

/** Spaces alone, on one line. */
function isBlank(text: string, from: number, to: number): boolean {
  return /^[ \t]*$/.test(text.slice(from, to));
}
