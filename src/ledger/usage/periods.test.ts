import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Zone, zoneOfPlace } from "../../core/time-zone.ts";
import { type NamedPeriod, PERIODS, type PeriodName, periodsBetween } from "./periods.ts";

const at = (text: string): number => Date.parse(text);

function between(period: PeriodName, zone: string, since: string, until: string): NamedPeriod[] {
  const range = { sinceMs: at(since), untilMs: at(until) };
  return periodsBetween(period, zoneOfPlace(zone) as Zone, range, 1_000);
}

test("a day without a midnight begins at one o'clock, and the hour before belongs to the day before", () => {
  const days = between("day", "America/Santiago", "2026-09-06T03:30:00Z", "2026-09-06T05:00:00Z");
  expect(days.map(({ name, startMs }) => [name, new Date(startMs).toISOString()])).toEqual([
    ["2026-09-05", "2026-09-06T03:30:00.000Z"],
    ["2026-09-06", "2026-09-06T04:00:00.000Z"],
  ]);
});

test("clocks that move by half an hour cut an hour short, and the hours behind it are whole", () => {
  const hours = between("hour", "Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z");
  expect(hours.map(({ name, startMs, endMs }) => [name, (endMs - startMs) / 60_000])).toEqual([
    ["2026-10-04T01:00+10:30", 60],
    ["2026-10-04T02:00+11:00", 30],
    ["2026-10-04T03:00+11:00", 60],
  ]);
});

test("periods touch, cover the range, and have names that differ", () => {
  const zones = ["UTC", "Europe/Berlin", "America/Santiago", "America/Havana", "Australia/Lord_Howe"];
  const starts = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2030-01-01T00:00:00Z") });
  const lengths = fc.integer({ min: 1, max: 200 * 3_600_000 });
  const names = fc.constantFrom(...PERIODS);
  fc.assert(
    fc.property(names, fc.constantFrom(...zones), starts, lengths, (period, place, sinceMs, length) => {
      const untilMs = sinceMs + length;
      const periods = periodsBetween(period, zoneOfPlace(place) as Zone, { sinceMs, untilMs }, 1_000);
      expect(periods[0]?.startMs).toBe(sinceMs);
      expect(periods.at(-1)?.endMs).toBe(untilMs);
      for (const [i, { startMs, endMs }] of periods.entries()) {
        expect(startMs).toBeLessThan(endMs);
        expect(periods[i + 1]?.startMs ?? untilMs).toBe(endMs);
      }
      expect(new Set(periods.map(({ name }) => name)).size).toBe(periods.length);
    }),
  );
});
