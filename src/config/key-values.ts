/** Values of client keys: from their text in the file to numbers. */

/** In dollars. A budget in nano-dollars is then exact in a number. */
export const MAX_BUDGET_USD = 9_000_000;

/** Before the hexadecimal digits of a `key_hash`. */
export const KEY_HASH_PREFIX = "sha256:";

const NANO_DIGITS = 9;
const DAY_MS = 86_400_000;

/** Decimal text in nano-dollars, exactly; null when the text is no amount with at most nine decimals. */
export function nanoUsdOf(text: string): number | null {
  const [, whole = "", decimals = ""] = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  return whole === "" ? null : Number(whole + decimals.padEnd(NANO_DIGITS, "0"));
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * The moment at which a key ends, in Unix milliseconds: the end of a day in UTC, or an RFC 3339 time (seconds may be
 * left out). null when the text is neither, or no such day exists.
 */
export function parseExpiry(text: string): number | null {
  const startMs = startOfDay(text);
  if (startMs !== null) return startMs + DAY_MS;
  const [, day = "", hour, minute, second = "00"] = TIME.exec(text) ?? [];
  if (startOfDay(day) === null || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return null;
  const atMs = Date.parse(text.replace(" ", "T").toUpperCase());
  return Number.isNaN(atMs) ? null : atMs;
}

/** null when the text is no day of the calendar. */
function startOfDay(text: string): number | null {
  const [, year, month, day] = DAY.exec(text) ?? [];
  if (year === undefined) return null;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(atMs)) return null;
  // Date.parse may take 30 February for a day in March.
  const date = new Date(atMs);
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day) ? atMs : null;
}
