import { expect, test } from "bun:test";
import { systemClock } from "../../core/clock.ts";
import { Reach } from "./reach.ts";

test("an upstream is away from its first failure to its first reply, and a change is told once", () => {
  const reach = new Reach({ ...systemClock, nowMs: () => 7 });
  let changes = 0;
  reach.onChange = () => (changes += 1);
  reach.reached("up");
  expect([reach.list(), changes]).toEqual([[], 0]);
  expect([reach.failed("up", "refused"), reach.failed("up", "refused")]).toEqual([true, false]);
  expect(reach.find("up")).toEqual({ upstream: "up", reason: "refused", sinceMs: 7 });
  expect([reach.find("other"), changes]).toEqual([null, 1]);
  reach.failed("up", "unknown name");
  expect([reach.list().map(({ reason }) => reason), changes]).toEqual([["unknown name"], 2]);
  reach.reached("up");
  reach.failed("up", "refused");
  reach.forget(() => false);
  reach.forget((upstream) => upstream === "other");
  expect([reach.list().length, changes]).toEqual([1, 4]);
  reach.forget((upstream) => upstream === "up");
  expect([reach.list(), changes]).toEqual([[], 5]);
});
