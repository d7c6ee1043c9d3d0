/**
 * JSON text that is all brackets or names takes up to seventy times its size once it is parsed, and longer than others: a
 * value has a bound on its lists, objects and members, whoever writes it.
 */

/** A shorter text cannot hold so much that it matters, and is not looked at. */
const FREE_CHARS = 1024 * 1024;
/**
 * A list or an object counts as two, a member as one. The probabilities of 16,000 tokens with twenty alternatives each have
 * 2,400,000.
 */
export const MAX_JSON_WEIGHT = 2_500_000;
/**
 * Entries of lists and members of objects in a client's request that is parsed: texts of a few letters take half a microsecond
 * each, and a list of them may be all of a body. The longest conversations have some tens of thousands.
 */
export const MAX_REQUEST_ENTRIES = 1_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
/** Sets the bit that tells `[` from `{`. */
const CASE_BIT = 0x20;
const OPEN_BRACE = 0x7b;

/**
 * Whether the text has more lists, objects and members than are parsed, or more than `maxEntries` commas between entries and
 * members. Reads each character once.
 */
export function isTooDense(text: string, maxEntries = Number.POSITIVE_INFINITY): boolean {
  if (text.length <= FREE_CHARS) return false;
  let weight = 0;
  let entries = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at === -1) return false;
    } else if (code === COMMA) {
      entries++;
      if (entries > maxEntries) return true;
    } else if (code === COLON) weight++;
    else if ((code | CASE_BIT) === OPEN_BRACE) {
      weight += 2;
      if (weight > MAX_JSON_WEIGHT) return true;
    }
  }
  return weight > MAX_JSON_WEIGHT;
}

/** The place of the quote that ends the string; -1: none does. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((quote - before) % 2 === 1) return quote;
  }
  return -1;
}
