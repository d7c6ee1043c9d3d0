/** Hours, days, weeks and months of a time zone. Weeks begin on Monday. */
import { momentIn, wallTimeIn, type Zone } from "../../core/time-zone.ts";

export const PERIODS = ["hour", "day", "week", "month"] as const;
export type PeriodName = (typeof PERIODS)[number];

export interface Period {
  /** `2026-11-23T14:00+01:00`, `2026-11-23`, the Monday of a week, or `2026-11`. */
  readonly name: string;
  /** When it begins by the calendar, Unix milliseconds. */
  readonly calendarMs: number;
  /** The first and the last period may be cut by the range of a report. */
  readonly startMs: number;
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** The periods that touch a range of time, in their order; at most `max` and one more. */
export function periodsBetween(
  period: PeriodName,
  zone: Zone,
  range: { readonly sinceMs: number; readonly untilMs: number },
  max: number,
): Period[] {
  const periods: Period[] = [];
  let startMs = startOf(period, zone, range.sinceMs);
  while (startMs < range.untilMs && periods.length <= max) {
    const endMs = endOf(period, zone, startMs);
    periods.push({
      name: nameOf(period, zone, startMs),
      calendarMs: startMs,
      startMs: Math.max(startMs, range.sinceMs),
      endMs: Math.min(endMs, range.untilMs),
    });
    startMs = endMs;
  }
  return periods;
}

function startOf(period: PeriodName, zone: Zone, atMs: number): number {
  if (period === "hour") {
    const offsetMs = zone(atMs);
    return Math.floor((atMs + offsetMs) / HOUR_MS) * HOUR_MS - offsetMs;
  }
  const { year, month, day } = wallTimeIn(zone, atMs);
  if (period === "month") return midnight(zone, year, month, 1);
  const daysBack = period === "day" ? 0 : (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return midnight(zone, year, month, day - daysBack);
}

function endOf(period: PeriodName, zone: Zone, startMs: number): number {
  if (period === "hour") return startMs + HOUR_MS;
  const { year, month, day } = dateOf(zone, startMs);
  if (period === "month") return midnight(zone, year, month + 1, 1);
  return midnight(zone, year, month, day + (period === "day" ? 1 : 7));
}

function nameOf(period: PeriodName, zone: Zone, startMs: number): string {
  const offsetMs = zone(startMs);
  const { year, month, day } = dateOf(zone, startMs);
  const date = new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);
  if (period === "month") return date.slice(0, 7);
  if (period !== "hour") return date;
  const time = new Date(startMs + offsetMs).toISOString().slice(0, 16);
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const offset =
    offsetMs === 0 ? "Z" : `${offsetMs < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  return time + offset;
}

/** Where a day begins at 1 o'clock, because the clocks go forward at midnight, midnight is an hour before. */
function dateOf(zone: Zone, startMs: number): { year: number; month: number; day: number } {
  return wallTimeIn(zone, startMs + 2 * HOUR_MS);
}

function midnight(zone: Zone, year: number, month: number, day: number): number {
  return momentIn(zone, { year, month, day, hour: 0, minute: 0, second: 0 });
}
