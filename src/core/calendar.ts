/** The days, weeks and months of a time zone, as stretches of time. */
import { wallTimeIn, type Zone } from "./time-zone.ts";

export const PERIODS = ["day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];

/** One day, week or month, in Unix milliseconds. */
export interface Stretch {
  readonly startMs: number;
  /** The first millisecond after it. */
  readonly endMs: number;
}

const DAY_MS = 86_400_000;

/**
 * The day, week or month of a zone that holds a moment. Weeks begin on Monday. Neighbours touch: a day of 23 or 25 hours
 * is one day.
 */
export function stretchAt(period: Period, zone: Zone, atMs: number): Stretch {
  const { year, month, day } = wallTimeIn(zone, atMs);
  const today = Date.UTC(year, month - 1, day);
  switch (period) {
    case "day":
      return { startMs: startOf(zone, today), endMs: startOf(zone, today + DAY_MS) };
    case "week": {
      const monday = today - ((new Date(today).getUTCDay() + 6) % 7) * DAY_MS;
      return { startMs: startOf(zone, monday), endMs: startOf(zone, monday + 7 * DAY_MS) };
    }
    case "month":
      return {
        startMs: startOf(zone, Date.UTC(year, month - 1, 1)),
        endMs: startOf(zone, Date.UTC(year, month, 1)),
      };
  }
}

/**
 * The first moment of a date, which is given as its midnight in UTC. A clock change at midnight may leave that midnight
 * out, or have it twice; a zone that crosses the date line leaves a whole date out.
 */
function startOf(zone: Zone, dateMs: number): number {
  const offsets = [zone(dateMs - DAY_MS), zone(dateMs), zone(dateMs + DAY_MS)];
  const candidates = offsets.map((offset) => dateMs - offset).toSorted((a, b) => a - b);
  const isReached = (atMs: number): boolean => dateIn(zone, atMs) >= dateMs;
  return candidates.find((atMs) => isReached(atMs) && !isReached(atMs - 1)) ?? dateMs - zone(dateMs);
}

function dateIn(zone: Zone, atMs: number): number {
  const { year, month, day } = wallTimeIn(zone, atMs);
  return Date.UTC(year, month - 1, day);
}
