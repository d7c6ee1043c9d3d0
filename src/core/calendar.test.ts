import { expect, test } from "bun:test";
import fc from "fast-check";
import { PERIODS, type Period, type Stretch, stretchAt } from "./calendar.ts";
import { type Zone, zoneOfPlace } from "./time-zone.ts";

const at = (text: string): number => Date.parse(text);
const inZone = (period: Period, name: string, atMs: number): Stretch =>
  stretchAt(period, zoneOfPlace(name) as Zone, atMs);

test.each([
  ["day", "UTC", "2026-11-29T12:00:00Z", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"],
  ["day", "Asia/Kolkata", "2026-11-29T20:00:00Z", "2026-11-29T18:30:00Z", "2026-11-30T18:30:00Z"],
  // A Sunday belongs to the week that began on Monday, also over the end of a month and of a year.
  ["week", "UTC", "2026-11-29T23:59:59.999Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"],
  ["week", "UTC", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"],
  ["month", "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
  ["month", "America/New_York", "2026-12-31T23:00:00Z", "2026-12-01T05:00:00Z", "2027-01-01T05:00:00Z"],
  // Summer time begins: 23 hours. It ends: 25 hours.
  ["day", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
  ["day", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
  ["week", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"],
  ["month", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"],
  // Midnight is left out: the day begins at one o'clock.
  ["day", "America/Santiago", "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"],
  ["day", "America/Santiago", "2026-09-06T03:59:59.999Z", "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z"],
  // The hour before midnight comes twice.
  ["day", "America/Santiago", "2026-04-05T03:30:00Z", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"],
  // Midnight comes twice: the day begins at the first one.
  ["day", "America/Havana", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
  // A date was left out, at the date line.
  ["day", "Pacific/Apia", "2011-12-30T09:59:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"],
  ["day", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
  // A name of hours in the IANA list counts to the other side; a short one may have summer time.
  ["day", "Etc/GMT+5", "2026-07-01T12:00:00Z", "2026-07-01T05:00:00Z", "2026-07-02T05:00:00Z"],
  ["day", "CET", "2026-07-01T12:00:00Z", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"],
  // Half an hour of summer time.
  ["day", "Australia/Lord_Howe", "2026-10-04T00:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"],
] as const)("the %s in %s at %s", (period, zone, moment, start, end) => {
  const { startMs, endMs } = inZone(period, zone, at(moment));
  expect([new Date(startMs).toISOString(), new Date(endMs).toISOString()]).toEqual([
    new Date(at(start)).toISOString(),
    new Date(at(end)).toISOString(),
  ]);
});

test("every moment is in its stretch, and neighbours touch", () => {
  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/Santiago",
    "America/Havana",
    "Asia/Kolkata",
    "Africa/Cairo",
  ];
  const moments = fc.integer({ min: at("2000-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });
  fc.assert(
    fc.property(fc.constantFrom(...PERIODS), fc.constantFrom(...zones), moments, (period, zone, atMs) => {
      const stretch = inZone(period, zone, atMs);
      expect(stretch.startMs).toBeLessThanOrEqual(atMs);
      expect(stretch.endMs).toBeGreaterThan(atMs);
      expect(inZone(period, zone, stretch.startMs)).toEqual(stretch);
      expect(inZone(period, zone, stretch.endMs).startMs).toBe(stretch.endMs);
      expect(inZone(period, zone, stretch.startMs - 1).endMs).toBe(stretch.startMs);
    }),
  );
});
