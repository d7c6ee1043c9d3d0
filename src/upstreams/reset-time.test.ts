import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  clampUntil,
  endOfText,
  MAX_WAIT_MS,
  MIN_WAIT_MS,
  nextMonthUtc,
  nextPacificMidnight,
  parseDurationMs,
} from "./reset-time.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");

test.each([
  ["46.07s", 46_070],
  ["6m0s", 360_000],
  ["20ms", 20],
  ["10h17m5.7s", 37_025_700],
  ["2m59.56s", 179_560],
  ["1d2h", 93_600_000],
  ["1s", 1_000],
  ["1h", 3_600_000],
  ["", null],
  ["s", null],
  ["5", null],
  ["-5s", null],
  ["5 s", null],
  ["5x", null],
  ["1.2.3s", null],
  ["5s later", null],
])("the duration %p is %p ms", (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

test.each([
  ["30", NOW + 30_000],
  [" 30 ", NOW + 30_000],
  ["0", NOW],
  ["-5", NOW - 5_000],
  ["1.5", NOW + 1_500],
  ["999999999", NOW + 999_999_999_000],
  // From a thousand million on a number is a moment: seconds, or milliseconds, since the epoch.
  ["1000000000", 1e12],
  [String(NOW / 1_000 + 60), NOW + 60_000],
  [String(NOW + 60_000), NOW + 60_000],
  ["PT1M30S", NOW + 90_000],
  ["2026-11-23T10:00:20Z", NOW + 20_000],
  ["2026-11-23T11:00:20.5+01:00", NOW + 20_500],
  ["2026-11-23 10:00:20 UTC", NOW + 20_000],
  // Without a zone: in Beijing that is over, so it is UTC.
  ["2026-11-23 10:00:20", NOW + 20_000],
  ["2026-11-23 18:00:20", NOW + 20_000],
  ["2026-13-45T10:00:00Z", null],
  ["2026-11-23 99:00:00", null],
  ["Mon, 23 Nov 2026 10:01:30 GMT", NOW + 90_000],
  ["Monday, 23-Nov-26 10:01:30 GMT", NOW + 90_000],
  ["Sun, 22 Nov 2026 10:00:00 GMT", NOW - 86_400_000],
  ["20s", NOW + 20_000],
  ["1e9", null],
  ["soon", null],
  ["", null],
  ["Mon, 99 Nov 2026 10:01:30 GMT", null],
  ["30, 60", null],
  ["Infinity", null],
])("the value %p", (text, untilMs) => {
  expect(endOfText(text, NOW)).toBe(untilMs);
});

test("H-140 a number in milliseconds", () => {
  expect(endOfText("2500", NOW, 1)).toBe(NOW + 2_500);
  expect(endOfText("1000000000", NOW, 1)).toBe(NOW + 1e9);
  expect(endOfText(String(NOW + 5), NOW, 1)).toBe(NOW + 5);
});

test.each([
  ["2026-11-23T10:00:00Z", "2026-12-01T00:00:00Z"],
  ["2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"],
  ["2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"],
])("the month of %s ends at %s", (now, end) => {
  expect(nextMonthUtc(Date.parse(now))).toBe(Date.parse(end));
});

test.each([
  ["winter", "2026-11-23T10:00:00Z", "2026-11-24T08:00:00Z"],
  ["still yesterday there", "2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z"],
  ["exactly midnight", "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"],
  ["summer", "2026-07-01T12:00:00Z", "2026-07-02T07:00:00Z"],
  ["before clocks go forward", "2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z"],
  ["before clocks go back", "2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z"],
  ["end of the year", "2026-12-31T20:00:00Z", "2027-01-01T08:00:00Z"],
])("midnight in Los Angeles, %s", (_, now, midnight) => {
  expect(nextPacificMidnight(Date.parse(now))).toBe(Date.parse(midnight));
});

test("the next midnight in Los Angeles is within 25 hours, at minute zero, and ends a day there", () => {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: "America/Los_Angeles" });
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) }), (nowMs) => {
      const midnightMs = nextPacificMidnight(nowMs);
      expect(midnightMs).toBeGreaterThan(nowMs);
      expect(midnightMs - nowMs).toBeLessThanOrEqual(25 * 3_600_000);
      expect(midnightMs % 3_600_000).toBe(0);
      expect(day.format(midnightMs - 1)).toBe(day.format(nowMs));
      expect(day.format(midnightMs)).not.toBe(day.format(nowMs));
    }),
  );
});

test("H-140 whatever a header holds, a wait is between a second and 31 days, or not there", () => {
  const header = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc
      .array(fc.tuple(fc.nat(), fc.constantFrom("ms", "s", "m", "h", "d")))
      .map((parts) => parts.flat().join("")),
  );
  fc.assert(
    fc.property(header, (text) => {
      const untilMs = endOfText(text, NOW);
      if (untilMs === null) return;
      const clampedMs = clampUntil(untilMs, NOW);
      expect(clampedMs).toBeGreaterThanOrEqual(NOW + MIN_WAIT_MS);
      expect(clampedMs).toBeLessThanOrEqual(NOW + MAX_WAIT_MS);
    }),
  );
});

test("a duration is the sum of its parts", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(59), fc.nat(59), fc.nat(999), (hours, minutes, seconds, millis) => {
      const durationMs = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis;
      expect(parseDurationMs(`${hours}h${minutes}m${seconds}s${millis}ms`)).toBeCloseTo(durationMs, 6);
    }),
  );
});
