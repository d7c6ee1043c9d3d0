/**
 * Reads the end of a limit as providers write it: dates, seconds, durations such as `6m0s`, and calendar
 * resets. Results are milliseconds since the epoch; null when the text cannot be read.
 */

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
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
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g;

/** `46.07s`, `6m0s`, `20ms`, `10h17m5.7s` in milliseconds. */
export function parseDurationMs(text: string): number | null {
  if (text.length > 64 || !DURATION.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    totalMs += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return totalMs;
}

const SECONDS = /^-?\d+(?:\.\d+)?$/;
const HTTP_DATE = /^[A-Za-z]{3,9}, ?\d.* GMT$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** `retry-after`: seconds or an HTTP date (RFC 9110, 10.2.3). Some servers send fractions and durations. */
export function parseRetryAfter(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const value = text.trim();
  if (SECONDS.test(value)) return nowMs + Number(value) * SECOND_MS;
  if (HTTP_DATE.test(value)) return finite(Date.parse(value));
  return parseWait(value, nowMs);
}

/** `retry-after-ms`: milliseconds from now. */
export function parseWaitMs(text: string | null, nowMs: number): number | null {
  return text !== null && SECONDS.test(text.trim()) ? nowMs + Number(text) : null;
}

/** A duration from now (`x-ratelimit-reset-tokens`, `retryDelay`). */
export function parseWait(text: string | null, nowMs: number): number | null {
  const durationMs = text === null ? null : parseDurationMs(text.trim());
  return durationMs === null ? null : nowMs + durationMs;
}

/** A moment in RFC 3339 (`anthropic-ratelimit-tokens-reset`). */
export function parseMoment(text: string | null): number | null {
  return text !== null && RFC3339.test(text.trim()) ? finite(Date.parse(text.trim())) : null;
}

/** A moment in seconds since the epoch (`anthropic-ratelimit-unified-reset`). */
export function parseEpochSeconds(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text.trim()) ? Number(text) * SECOND_MS : null;
}

/** The first of the next month, 00:00 UTC. Monthly spend limits start again then. */
export function nextMonthUtc(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}

let pacificFormat: Intl.DateTimeFormat | null = null;

/** Made on first use, because its calendar data takes six megabytes. */
function formatOfPacific(): Intl.DateTimeFormat {
  pacificFormat ??= new Intl.DateTimeFormat("en-US", {
    timeZone: "America/Los_Angeles",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
  });
  return pacificFormat;
}

function pacific(atMs: number): { year: number; month: number; day: number; hour: number } {
  const parts = new Map(
    formatOfPacific()
      .formatToParts(atMs)
      .map(({ type, value }) => [type as string, Number(value)]),
  );
  const part = (name: string): number => parts.get(name) as number;
  return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour") };
}

/** The next midnight in Los Angeles, where Google's daily quotas start again. */
export function nextPacificMidnight(nowMs: number): number {
  const { year, month, day } = pacific(nowMs);
  // Los Angeles is 7 or 8 hours behind UTC. Clocks change at 2:00, so each day has exactly one midnight.
  const summer = Date.UTC(year, month - 1, day + 1, 7);
  return pacific(summer).hour === 0 ? summer : Date.UTC(year, month - 1, day + 1, 8);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
