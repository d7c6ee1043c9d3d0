import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../core/clock.ts";
import { makeWatchdog, TICK_MS, type Watchdog, type Watched } from "./watchdog.ts";

let watchdog: Watchdog;
afterEach(() => watchdog.stop());

/** A clock that jumps by an hour with every look, so that what is given on is told from the real time. */
function jumpingClock() {
  let nowMs = 0;
  return { nowMs: () => 0, monotonicMs: () => (nowMs += 3_600_000) };
}

const nextTick = (): Promise<void> =>
  new Promise((resolve) => {
    const once: Watched = {
      check: () => {
        watchdog.delete(once);
        resolve();
      },
    };
    watchdog.add(once);
  });

test("everything watched is looked at on every tick, with the clock's time, which is also nowMs", async () => {
  watchdog = makeWatchdog(jumpingClock());
  const startMs = watchdog.nowMs;
  const seen: number[] = [];
  watchdog.add({ check: (nowMs) => void seen.push(nowMs) });
  await nextTick();
  await nextTick();
  expect(seen.length).toBeGreaterThanOrEqual(2);
  expect(seen[0]).toBe(startMs + 3_600_000);
  expect(watchdog.nowMs).toBe(seen.at(-1) as number);
});

test("adding twice is watching once, and what was taken out is not looked at again", async () => {
  watchdog = makeWatchdog(systemClock);
  let looks = 0;
  const watched: Watched = { check: () => void looks++ };
  watchdog.add(watched);
  watchdog.add(watched);
  await nextTick();
  expect(looks).toBe(1);
  watchdog.delete(watched);
  watchdog.delete(watched);
  await nextTick();
  expect(looks).toBe(1);
});

test("one that takes out itself and the next one does not disturb the tick", async () => {
  watchdog = makeWatchdog(systemClock);
  const looked: string[] = [];
  const next: Watched = { check: () => void looked.push("next") };
  const first: Watched = {
    check: () => {
      looked.push("first");
      watchdog.delete(first);
      watchdog.delete(next);
    },
  };
  watchdog.add(first);
  watchdog.add(next);
  watchdog.add({ check: () => void looked.push("last") });
  await nextTick();
  expect(looked).toEqual(["first", "last"]);
});

test("after stop nothing is looked at", async () => {
  watchdog = makeWatchdog(systemClock);
  let looks = 0;
  watchdog.add({ check: () => void looks++ });
  watchdog.stop();
  await Bun.sleep(TICK_MS * 2);
  expect(looks).toBe(0);
});
