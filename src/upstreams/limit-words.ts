/**
 * Finds the end of a limit in the words of an error message, English or Chinese. A duration or a moment
 * counts only where a word in front of it, or behind it, says that the limit ends then: "try again in 7.66s",
 * "resets at 3pm (UTC)", "请在 30 秒后重试". A limit's own length ("3 requests per 1 minute") does not.
 */

import { momentIn, type WallTime, wallTimeIn, type Zone, zoneOf } from "../core/time-zone.ts";
import { endOfNumber, endOfWallTime } from "./reset-time.ts";

/** Words in front of an end. What follows them holds no digit and no word that makes a rate of it. */
const ANNOUNCED =
  /(?:\b(?:try|retry\w*|again|wait\w*|resets?|resett?ing|refresh\w*|renew\w*|replenish\w*|available|regain\w* access|resum\w*|recover\w*|cool(?:ing|s)?[- ]?down|unblock\w*|lift\w*|back|expir\w*|until)|等待|请等|剩余|还需|重试|重置|恢复|冷却|刷新|解除|解封|将在|将于|直到|请在|请于|等到)(?:(?!\b(?:per|every|each|within|last|past)\b|周期|每)\D)*$|\breached\|$/i;
/** Words behind an end. */
const THEN = /^\s*(?:之后|以后|后|再试|再次)/;
const THEN_RESET = /^[^。！？\n\d]{0,8}?(?:后|重置|恢复|刷新|解除|解封|重试|再试|可用)/;
const RATE = /(?:\b(?:per|every|each|within)\s+|每\s*)$/i;
const MAX_CONTEXT = 60;
const SENTENCE_END = /[.!?]\s|[。！？\n]/g;

const SECOND_MS = 1_000;
const UNITS: readonly (readonly [pattern: RegExp, unitMs: number])[] = [
  [/^(?:ms|msecs?|millis\w*|毫秒)$/i, 1],
  [/^(?:s|secs?|seconds?|秒钟?)$/i, SECOND_MS],
  [/^(?:m|mins?|minutes?|分钟?)$/i, 60 * SECOND_MS],
  [/^(?:h|hrs?|hours?|个?小时|个钟头)$/i, 3_600 * SECOND_MS],
  [/^(?:d|days?|天|日)$/i, 86_400 * SECOND_MS],
  [/^(?:w|weeks?|周|个?星期)$/i, 604_800 * SECOND_MS],
];
const UNIT =
  "(?:(?:ms|msecs?|milli(?:second)?s?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])|毫秒|秒钟?|分钟?|个?小时|个钟头|天|周|个?星期)";
const AMOUNT = "(?:\\d{1,3}(?:,\\d{3})+|\\d{1,12})(?:\\.\\d{1,12})?|半|[一二两三四五六七八九十]";
const PART = `(?:${AMOUNT})[\\s-]?${UNIT}`;
const DURATION = new RegExp(
  `(?<![\\d.])${PART}(?:\\s{0,2}(?:,|and|又|零)?\\s{0,2}(?:and\\s)?${PART})*`,
  "gi",
);
const DURATION_PART = new RegExp(`(${AMOUNT})[\\s-]?(${UNIT})`, "gi");
const CHINESE_NUMBERS = "零一二三四五六七八九十";

const ZONE =
  "(?:[,\\s]{0,3}\\(?\\s?(Z(?![a-z])|(?:UTC|GMT)(?:\\s?[+-]\\d{1,2}(?::?\\d{2})?)?|[+-]\\d{2}:?\\d{2}|[A-Z][a-z]+\\/[A-Za-z_]+(?:\\/[A-Za-z_]+)?|(?:P|M|C|E)[SD]?T(?![a-z])|CES?T(?![a-z])|BST|IST|JST|KST|Pacific|北京时间)\\)?)?";
const CLOCK = "(\\d{1,2})(?:[:：](\\d{2}))?(?:[:：](\\d{2})(?:\\.\\d+)?)?\\s?(am|pm)?";
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const MONTH = `(${MONTHS.join("|")})[a-z]{0,6}\\.?`;
const AT_CLOCK = `(?:(?:T|,|\\s)\\s?(?:at\\s)?${CLOCK})?`;

/** A form of a moment. `read` gets the groups of the pattern; null: they are no moment. */
interface MomentForm {
  readonly pattern: RegExp;
  readonly read: (groups: readonly (string | undefined)[], nowMs: number) => number | null;
}

const MOMENTS: readonly MomentForm[] = [
  {
    // 2026-12-31 18:00 UTC, 2026-12-31T18:00:00Z, 2026-12-01 at 00:00 UTC
    pattern: new RegExp(`(?<!\\d)(\\d{4})[-/](\\d{1,2})[-/](\\d{1,2})${AT_CLOCK}${ZONE}`, "gi"),
    read: ([year, month, day, ...rest], nowMs) =>
      dated(Number(year), Number(month), Number(day), rest, nowMs),
  },
  {
    // 2026年12月31日 18:00
    pattern: new RegExp(
      `(?:(\\d{4})\\s?年\\s?)?(\\d{1,2})\\s?月\\s?(\\d{1,2})\\s?[日号]\\s?(?:(\\d{1,2})[:：时点](\\d{2})?(?:[:：分](\\d{2}))?)?()${ZONE}`,
      "g",
    ),
    read: ([year, month, day, ...rest], nowMs) =>
      dated(yearOf(year), Number(month), Number(day), rest, nowMs),
  },
  {
    // Apr 10 at 7am (America/Chicago), May 23rd, 2026 6:04 PM
    pattern: new RegExp(`\\b${MONTH}\\s(\\d{1,2})(?:st|nd|rd|th)?(?:,?\\s(\\d{4}))?${AT_CLOCK}${ZONE}`, "gi"),
    read: ([month, day, year, ...rest], nowMs) =>
      dated(yearOf(year), monthOf(month), Number(day), rest, nowMs),
  },
  {
    // Mon, 01 Dec 2026 00:00:00 GMT
    pattern: new RegExp(`(?<!\\d)(\\d{1,2})\\s${MONTH}\\s(\\d{4})${AT_CLOCK}${ZONE}`, "gi"),
    read: ([day, month, year, ...rest], nowMs) =>
      dated(yearOf(year), monthOf(month), Number(day), rest, nowMs),
  },
  {
    // 3pm (America/Santiago), 14:30 (UTC): without a zone nobody knows when that is
    pattern: new RegExp(`(?<![\\d:.-])${CLOCK}${ZONE}`, "gi"),
    read: (groups, nowMs) => nextClock(groups, nowMs),
  },
  {
    pattern: new RegExp(`\\bmidnight${ZONE}`, "gi"),
    read: ([zone], nowMs) => nextClock(["0", "00", undefined, undefined, zone], nowMs),
  },
  {
    // usage limit reached|1762952400
    pattern: /(?<![\d.])(\d{10}|\d{13})(?![\d.])/g,
    read: ([number], nowMs) => endOfNumber(Number(number), nowMs),
  },
];

function isNeverRepeated(): boolean {
  return false;
}

/** Each try searches the request, so a message gets no more of them; what is left could only repeat it. */
const MAX_TRIES = 16;

/** Words of a message that announce a time. */
interface Announced {
  readonly at: number;
  readonly words: string;
  /** null: they are no time. */
  readonly endMs: number | null;
}

/**
 * The first end that the message announces and that is not over; null: it announces none. `isRepeated`: the message only
 * repeats these words of the request.
 */
export function endInWords(
  message: string,
  nowMs: number,
  isRepeated: (words: string) => boolean = isNeverRepeated,
): number | null {
  const first = announcedIn(message, nowMs)
    .filter(({ endMs }) => endMs !== null && endMs >= nowMs)
    .sort((one, other) => one.at - other.at)
    .slice(0, MAX_TRIES)
    .find(({ words }) => !isRepeated(words));
  return first?.endMs ?? bareNumber(message, nowMs, isRepeated);
}

function announcedIn(message: string, nowMs: number): readonly Announced[] {
  const found: Announced[] = [];
  for (const match of message.matchAll(DURATION)) {
    const words = announcement(message, match, THEN);
    if (words !== null) found.push({ at: match.index, words, endMs: nowMs + durationMs(match[0]) });
  }
  for (const { pattern, read } of MOMENTS) {
    for (const match of message.matchAll(pattern)) {
      const words = announcement(message, match, THEN_RESET);
      if (words !== null) found.push({ at: match.index, words, endMs: read(match.slice(1), nowMs) });
    }
  }
  return found;
}

/** `retry after 30`, `"retry_after": 30`: seconds without a unit. */
function bareNumber(message: string, nowMs: number, isRepeated: (words: string) => boolean): number | null {
  const match = /\bretry[-_ ]?after["']?\s?[:=]?\s?(\d{1,13}(?:\.\d{1,9})?)(?![\d.:/-])/i.exec(message);
  if (match === null || isRepeated(match[0])) return null;
  const endMs = endOfNumber(Number(match[1]), nowMs);
  return endMs === null || endMs < nowMs ? null : endMs;
}

/** The words that announce the time, with the time; null: none do. */
function announcement(message: string, match: RegExpExecArray, then: RegExp): string | null {
  const end = match.index + match[0].length;
  const before = lastSentence(message.slice(Math.max(0, match.index - MAX_CONTEXT), match.index));
  if (RATE.test(before)) return null;
  const first = ANNOUNCED.exec(before);
  if (first !== null) return first[0] + match[0];
  const last = then.exec(message.slice(end, end + MAX_CONTEXT));
  return last === null ? null : match[0] + last[0];
}

function lastSentence(text: string): string {
  let from = 0;
  for (const { index } of text.matchAll(SENTENCE_END)) from = index + 1;
  return text.slice(from);
}

function durationMs(text: string): number {
  let totalMs = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(DURATION_PART)) {
    totalMs += amountOf(amount) * (UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? 0);
  }
  return totalMs;
}

function amountOf(text: string): number {
  if (text === "半") return 0.5;
  if (text === "两") return 2;
  const chinese = CHINESE_NUMBERS.indexOf(text);
  return chinese >= 0 ? chinese : Number(text.replaceAll(",", ""));
}

function yearOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

function monthOf(text: string | undefined): number {
  return MONTHS.indexOf((text ?? "").toLowerCase()) + 1;
}

/** `rest`: hour, minute, second, am or pm, zone. Without a year, the next such day. */
function dated(
  year: number | null,
  month: number,
  day: number,
  rest: readonly (string | undefined)[],
  nowMs: number,
): number | null {
  const clock = clockOf(rest);
  if (clock === null) return null;
  const zone = zoneIn(rest);
  if (year !== null) return endOfWallTime({ year, month, day, ...clock }, zone, nowMs);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const endMs = endOfWallTime({ year: thisYear, month, day, ...clock }, zone, nowMs);
  return endMs !== null && endMs < nowMs
    ? endOfWallTime({ year: thisYear + 1, month, day, ...clock }, zone, nowMs)
    : endMs;
}

/** The next time that the clock shows this. */
function nextClock(groups: readonly (string | undefined)[], nowMs: number): number | null {
  const [, minute, , half] = groups;
  const zone = zoneIn(groups);
  const clock = clockOf(groups);
  if (zone === null || clock === null || (minute === undefined && half === undefined)) return null;
  const { year, month, day } = wallTimeIn(zone, nowMs);
  const wall: WallTime = { year, month, day, ...clock };
  const endMs = momentIn(zone, wall);
  return endMs > nowMs ? endMs : momentIn(zone, { ...wall, day: day + 1 });
}

function zoneIn(groups: readonly (string | undefined)[]): Zone | null {
  const name = groups[4];
  return name === undefined ? null : zoneOf(name);
}

/** null: the clock shows no such time. */
function clockOf([hourText = "0", minute = "0", second = "0", half]: readonly (string | undefined)[]): Pick<
  WallTime,
  "hour" | "minute" | "second"
> | null {
  const hour = Number(hourText);
  const isHalf = half === undefined || half === "";
  if (hour > (isHalf ? 24 : 12) || Number(minute) > 59) return null;
  const shown = isHalf ? hour : (hour % 12) + (/pm/i.test(half) ? 12 : 0);
  return { hour: shown, minute: Number(minute), second: Number(second) };
}
