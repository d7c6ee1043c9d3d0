/** The spans of time that the roll-up has sums of. Each one is made of those before it. */

export const HOUR_MS = 3_600_000;
export const DAY_HOURS = 24;
const WEEK_DAYS = 7;
/** Hours are counted from 1970 in UTC, and the week of its first hour began on the Monday before. */
const FIRST_MONDAY_DAY = -3;

/** `level` is the number in the tables. A span begins at `firstHour` and every `hours` from there. */
interface SpanTraits {
  readonly level: number;
  readonly hours: number;
  readonly firstHour: number;
}

export const SPANS = {
  hour: { level: 0, hours: 1, firstHour: 0 },
  day: { level: 1, hours: DAY_HOURS, firstHour: 0 },
  week: { level: 2, hours: WEEK_DAYS * DAY_HOURS, firstHour: FIRST_MONDAY_DAY * DAY_HOURS },
} as const satisfies Readonly<Record<string, SpanTraits>>;

export type SpanName = keyof typeof SPANS;

/** The hour, in its number. */
export const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS);
/** The number of the day that holds an hour. */
export const dayOf = (hour: number): number => Math.floor(hour / DAY_HOURS);
/** The first hour of the span that holds an hour. */
export function startOf(span: SpanName, hour: number): number {
  const { hours, firstHour } = SPANS[span];
  return Math.floor((hour - firstHour) / hours) * hours + firstHour;
}
/** The first hour of the next span, unless the hour begins one itself. */
export function nextStartOf(span: SpanName, hour: number): number {
  return startOf(span, hour + SPANS[span].hours - 1);
}
/** The last day of the week that holds a day. */
export function lastDayOfWeek(day: number): number {
  return dayOf(startOf("week", day * DAY_HOURS)) + WEEK_DAYS - 1;
}
