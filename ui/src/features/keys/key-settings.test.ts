import { expect, test } from "bun:test";
import { changedSettings, shownValue } from "./key-settings.ts";

test("only what was changed is sent, and an emptied field takes its setting away", () => {
  const before = {
    requests_per_minute: 60,
    models: ["a", "b*"],
    budget_usd_per_day: "5.00",
    team: "t",
    report: true,
  };
  expect(changedSettings({}, before)).toEqual({});
  expect(changedSettings({ requests_per_minute: "60", models: "a, b*" }, before)).toEqual({});
  expect(
    changedSettings(
      { requests_per_minute: " 90 ", models: "a,\n c ,", budget_usd_per_day: "", team: " " },
      before,
    ),
  ).toEqual({ requests_per_minute: 90, models: ["a", "c"], budget_usd_per_day: null, team: null });
});

test("what is no number goes to the gateway as it is, which says what is wrong with it", () => {
  expect(changedSettings({ concurrency: "many" }, {})).toEqual({ concurrency: "many" });
});

test("dollars stay text, so that none of their digits is lost", () => {
  expect(changedSettings({ budget_usd_per_day: "0.000000001" }, {})).toEqual({
    budget_usd_per_day: "0.000000001",
  });
});

test("a switch is on, or not there", () => {
  expect(changedSettings({ capture: "true" }, {})).toEqual({ capture: true });
  expect(changedSettings({ capture: "" }, { capture: true })).toEqual({ capture: null });
  expect(changedSettings({ capture: "true" }, { capture: true })).toEqual({});
});

test("a setting is shown as it is typed", () => {
  expect([shownValue(undefined), shownValue(null), shownValue(7), shownValue(["a", "b"])]).toEqual([
    "",
    "",
    "7",
    "a, b",
  ]);
});
