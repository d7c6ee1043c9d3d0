/**
 * Reads the end of a limit from a value that a provider gives for it: a number, a date, a duration such as
 * `6m0s`; and calendar resets. Results are milliseconds since the epoch; null when the value cannot be read.
 */
import { momentIn, nextMidnight, UTC, type WallTime, type Zone, zoneOf } from "../core/time-zone.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** Most servers that write dates without a zone are in China. */
const BEIJING: Zone = () => 8 * 3_600 * SECOND_MS;
/**
 * A limit counts as no shorter and no longer than this, so that a wrong clock or header parks no credential
 * for a year.
 */
export const MIN_WAIT_MS = SECOND_MS;
export const MAX_WAIT_MS = 31 * DAY_MS;

/** The reset time, moved into the range of 1 second to 31 days from now. */
export function clampUntil(untilMs: number, nowMs: number): number {
  return Math.min(Math.max(untilMs, nowMs + MIN_WAIT_MS), nowMs + MAX_WAIT_MS);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3_600 * SECOND_MS,
  d: DAY_MS,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/;
const DURATION_PART = /(?<!\d)(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g;

/** `46.07s`, `6m0s`, `20ms`, `10h17m5.7s` in milliseconds. */
export function parseDurationMs(text: string): number | null {
  if (text.length > 64 || !DURATION.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    totalMs += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return totalMs;
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const HTTP_DATE = /^[A-Za-z]{3,9}, ?\d.* GMT$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/i;
const ISO_DURATION = /^PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/;
/** `2026-08-24 00:09:21`, with or without a zone behind it. */
const PLAIN_DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(.*)$/;

/** From here on a plain number is a moment in seconds since the epoch. */
const FIRST_EPOCH_S = 1e9;
/** From here on a plain number is a moment in milliseconds since the epoch. */
const FIRST_EPOCH_MS = 1e12;

/**
 * A plain number: a wait, or a moment when the number is so large that only a moment makes sense. `unitMs` is
 * the unit of the wait.
 */
export function endOfNumber(value: number, nowMs: number, unitMs = SECOND_MS): number | null {
  if (!Number.isFinite(value)) return null;
  if (value >= FIRST_EPOCH_MS) return value;
  // As milliseconds, a number of this size is a wait of days.
  return value >= FIRST_EPOCH_S && unitMs >= SECOND_MS ? value * SECOND_MS : nowMs + value * unitMs;
}

/**
 * The value of a header or a member, in any of the forms that servers use: a number (see `endOfNumber`), a
 * duration, a moment in RFC 3339 or as an HTTP date (RFC 9110, 5.6.7), a date without a zone.
 */
export function endOfText(text: string, nowMs: number, unitMs = SECOND_MS): number | null {
  const value = text.trim();
  if (NUMBER.test(value)) return endOfNumber(Number(value), nowMs, unitMs);
  const durationMs = parseDurationMs(value) ?? isoDurationMs(value);
  if (durationMs !== null) return nowMs + durationMs;
  if (HTTP_DATE.test(value) || RFC3339.test(value)) return finite(Date.parse(value));
  return plainDate(value, nowMs);
}

function isoDurationMs(text: string): number | null {
  const match = ISO_DURATION.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
  ];
  return ((hours * 60 + minutes) * 60 + seconds) * SECOND_MS;
}

function plainDate(text: string, nowMs: number): number | null {
  const match = PLAIN_DATE.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const zoneName = match[7]?.trim() ?? "";
  const zone = zoneName === "" ? null : zoneOf(zoneName);
  if (zoneName !== "" && zone === null) return null;
  return endOfWallTime({ year, month, day, hour, minute, second }, zone, nowMs);
}

/**
 * The moment of a time on the wall. Without a zone it is the earlier of Beijing's and UTC's, the two that
 * servers use, that is not over: asking once too early costs a request, waiting too long costs hours.
 */
export function endOfWallTime(wall: WallTime, zone: Zone | null, nowMs: number): number | null {
  if (!isWallTime(wall)) return null;
  if (zone !== null) return finite(momentIn(zone, wall));
  const earlierMs = momentIn(BEIJING, wall);
  return earlierMs > nowMs ? earlierMs : momentIn(UTC, wall);
}

function isWallTime({ month, day, hour, minute, second }: WallTime): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 24 && minute <= 59 && second <= 60;
}

/** The first of the next month, 00:00 UTC. Monthly spend limits start again then. */
export function nextMonthUtc(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}

/** The next midnight in Los Angeles, where Google's daily quotas start again. */
export function nextPacificMidnight(nowMs: number): number {
  return nextMidnight(zoneOf("America/Los_Angeles") ?? UTC, nowMs);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
