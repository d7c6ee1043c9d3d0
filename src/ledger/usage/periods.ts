/** Hours, days, weeks and months of a time zone, with the names that reports give them. */
import { PERIODS as CALENDAR_PERIODS, type Period, stretchAt } from "../../core/calendar.ts";
import type { Zone } from "../../core/time-zone.ts";

export const PERIODS = ["hour", ...CALENDAR_PERIODS] as const;
export type PeriodName = (typeof PERIODS)[number];

export interface NamedPeriod {
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
): NamedPeriod[] {
  const periods: NamedPeriod[] = [];
  for (let atMs = range.sinceMs; atMs < range.untilMs && periods.length <= max; ) {
    const { startMs, endMs } = period === "hour" ? hourAt(zone, atMs) : stretchAt(period, zone, atMs);
    // A zone that moves its clocks by half an hour cuts one hour short.
    const fromMs = Math.max(startMs, atMs);
    periods.push({
      name: period === "hour" ? hourName(zone, fromMs) : dateName(period, zone, startMs),
      calendarMs: startMs,
      startMs: fromMs,
      endMs: Math.min(endMs, range.untilMs),
    });
    atMs = endMs;
  }
  return periods;
}

function hourAt(zone: Zone, atMs: number): { readonly startMs: number; readonly endMs: number } {
  const offsetMs = zone(atMs);
  const startMs = Math.floor((atMs + offsetMs) / HOUR_MS) * HOUR_MS - offsetMs;
  return { startMs, endMs: startMs + HOUR_MS };
}

function dateName(period: Period, zone: Zone, startMs: number): string {
  const wall = new Date(startMs + zone(startMs)).toISOString();
  return wall.slice(0, period === "month" ? 7 : 10);
}

function hourName(zone: Zone, atMs: number): string {
  const offsetMs = zone(atMs);
  const hour = `${new Date(atMs + offsetMs).toISOString().slice(0, 13)}:00`;
  if (offsetMs === 0) return `${hour}Z`;
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `${hour}${offsetMs < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
