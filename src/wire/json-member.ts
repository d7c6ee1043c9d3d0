/** Edits of whole members of an object, for a reader that knows where the values of the members stand. */
import { CLOSE_BRACE, COLON, COMMA, QUOTE } from "./json-bytes.ts";
import type { SpliceEdit } from "./json-splice.ts";

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function behindSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(body[at])) at++;
  return at;
}

function beforeSpace(body: Uint8Array, to: number): number {
  let at = to;
  while (isSpace(body[at - 1])) at--;
  return at;
}

/**
 * The offset of the quote that opens the name of a member. `valueStart`: where the member's value begins in valid JSON. The
 * name must not hold a quote, escaped or not.
 */
function memberStart(body: Uint8Array, valueStart: number): number {
  const colon = beforeSpace(body, valueStart) - 1;
  if (body[colon] !== COLON) throw new RangeError("no member has its value here");
  // The closing quote, and then the first one before it.
  const closing = beforeSpace(body, colon) - 1;
  return body.lastIndexOf(QUOTE, closing - 1);
}

/** Puts another member in the place of one. */
export function replaceMember(
  body: Uint8Array,
  value: { readonly start: number; readonly end: number },
  replacement: Uint8Array,
): SpliceEdit {
  return { start: memberStart(body, value.start), end: value.end, replacement };
}

const NOTHING = new Uint8Array(0);

/** Takes a member out, with the comma between the member and a neighbour. */
export function removeMember(
  body: Uint8Array,
  value: { readonly start: number; readonly end: number },
): SpliceEdit {
  const start = memberStart(body, value.start);
  const next = behindSpace(body, value.end);
  if (body[next] === COMMA) return { start, end: behindSpace(body, next + 1), replacement: NOTHING };
  const before = beforeSpace(body, start) - 1;
  if (body[before] === COMMA) return { start: before, end: value.end, replacement: NOTHING };
  return { start, end: value.end, replacement: NOTHING };
}

/** Puts a member before all others. `insertAt`: behind the object's opening brace. */
export function insertMember(body: Uint8Array, insertAt: number, member: Uint8Array): SpliceEdit {
  const isEmpty = body[behindSpace(body, insertAt)] === CLOSE_BRACE;
  if (isEmpty) return { start: insertAt, end: insertAt, replacement: member };
  const replacement = new Uint8Array(member.length + 1);
  replacement.set(member);
  replacement[member.length] = COMMA;
  return { start: insertAt, end: insertAt, replacement };
}
