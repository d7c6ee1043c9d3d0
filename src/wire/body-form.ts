/** Tells the form of a body by its bytes, for replies whose content-type says another one. */
import { CLOSE_BRACKET, OPEN_BRACE } from "./json-bytes.ts";

const SKIPPED = /^(?:\ufeff|\s)+/;
/** A field of an event stream, or a comment (WHATWG HTML, 9.2.5). */
const EVENT_LINE = /^(?:data|event|id|retry)?:/;
const LOOKED_AT_BYTES = 64;

/** `json`: it begins an object or an array. `events`: it begins as an event stream. null: as something else. */
export function bodyForm(bytes: Uint8Array): "json" | "events" | null {
  // Nearly every body: no text is made for it.
  if (bytes[0] === OPEN_BRACE) return "json";
  const text = new TextDecoder().decode(bytes.subarray(0, LOOKED_AT_BYTES)).replace(SKIPPED, "");
  if (text.startsWith("{") || text.startsWith("[")) return "json";
  return EVENT_LINE.test(text) ? "events" : null;
}

/** Whether a body that has so far begun with these bytes may still turn out to be of a known form. */
export function isFormOpen(bytes: Uint8Array): boolean {
  return bytes.byteLength < LOOKED_AT_BYTES && bodyForm(bytes) === null;
}

const BLANK = 32;
const END_MARK = /(?<!\s)\s*(?:data:\s*)?\[DONE\]$/;

/** A JSON body without the end mark of an event stream, which some servers write behind it. */
export function withoutEndMark(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] as number) <= BLANK) end--;
  if (bytes[end - 1] !== CLOSE_BRACKET) return bytes;
  const tail = new TextDecoder("latin1").decode(bytes.subarray(Math.max(0, end - LOOKED_AT_BYTES), end));
  const mark = END_MARK.exec(tail);
  return mark === null ? bytes : bytes.subarray(0, end - mark[0].length);
}
