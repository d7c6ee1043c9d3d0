import { expect, test } from "bun:test";
import { zoneOfPlace, zoneOfSetting } from "./time-zone.ts";

const HOUR_MS = 3_600_000;
const WINTER = Date.UTC(2026, 0, 1);
const SUMMER = Date.UTC(2026, 6, 1);

test.each([
  ["CET", 1, 2],
  ["EET", 2, 3],
  ["Europe/Berlin", 1, 2],
  ["Asia/Kolkata", 5.5, 5.5],
  ["UTC", 0, 0],
  ["+08:00", 8, 8],
  ["GMT+8", 8, 8],
  ["PT", -8, -7],
])("%s is %p hours from UTC in winter and %p in summer", (name, winter, summer) => {
  const zone = zoneOfSetting(name);
  expect([WINTER, SUMMER].map((atMs) => (zone?.(atMs) ?? Number.NaN) / HOUR_MS)).toEqual([winter, summer]);
});

test("a report has the days of a budget with the same zone", () => {
  for (const name of ["CET", "EST", "MST", "EET", "GMT", "Asia/Kolkata"]) {
    for (const atMs of [WINTER, SUMMER])
      expect(zoneOfSetting(name)?.(atMs)).toBe(zoneOfPlace(name)?.(atMs) as number);
  }
});

test("words that are no zone have none", () => {
  for (const name of ["", "here", "Mars/Base", "+99", "UTC+15", "+02:75"])
    expect(zoneOfSetting(name)).toBeNull();
});
