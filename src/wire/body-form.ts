/** Tells the form of a body by its first bytes, for replies whose content-type says another one. */

const SKIPPED = /^(?:\ufeff|\s)+/;
/** A field of an event stream, or a comment (WHATWG HTML, 9.2.5). */
const EVENT_LINE = /^(?:data|event|id|retry)?:/;
const LOOKED_AT_BYTES = 64;

/** `json`: it begins an object or an array. `events`: it begins as an event stream. null: as something else. */
export function bodyForm(bytes: Uint8Array): "json" | "events" | null {
  const text = new TextDecoder().decode(bytes.subarray(0, LOOKED_AT_BYTES)).replace(SKIPPED, "");
  if (text.startsWith("{") || text.startsWith("[")) return "json";
  return EVENT_LINE.test(text) ? "events" : null;
}
