import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { systemClock } from "../core/clock.ts";
import { makeWatchdog, TICK_MS, type Watchdog, Watched } from "./watchdog.ts";

let watchdog: Watchdog;
afterEach(() => watchdog.stop());

/** A clock that jumps with every look. */
function jumpingClock(stepMs: number) {
  let nowMs = 0;
  return { nowMs: () => 0, monotonicMs: () => (nowMs += stepMs) };
}

class Looked extends Watched {
  override readonly check: (nowMs: number) => void;

  constructor(check: (nowMs: number) => void) {
    super();
    this.check = check;
  }
}

/** Waits for the end of the next tick, whose checks run one after the other. */
async function nextTick(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const once = new Looked(() => {
    watchdog.delete(once);
    resolve();
  });
  watchdog.add(once);
  await promise;
}

test("everything watched is looked at on every tick, with the clock's time, which is also nowMs", async () => {
  // Not the real time, and no standstill.
  watchdog = makeWatchdog(jumpingClock(900));
  const startMs = watchdog.nowMs;
  const seen: number[] = [];
  watchdog.add(new Looked((nowMs) => void seen.push(nowMs)));
  await nextTick();
  await nextTick();
  expect(seen.length).toBeGreaterThanOrEqual(2);
  expect(seen[0]).toBe(startMs + 900);
  expect(watchdog.nowMs).toBe(seen.at(-1) as number);
});

test("behind a standstill one tick has no looks, and a process that is always late looks on every second tick", async () => {
  watchdog = makeWatchdog(jumpingClock(3_600_000));
  const startMs = watchdog.nowMs;
  const seen: number[] = [];
  watchdog.add(new Looked((nowMs) => void seen.push((nowMs - startMs) / 3_600_000)));
  while (seen.length < 3) await nextTick();
  expect(seen).toEqual([2, 4, 6]);
});

test("adding twice is watching once, and what was taken out is not looked at again", async () => {
  watchdog = makeWatchdog(systemClock);
  let looks = 0;
  const watched = new Looked(() => void looks++);
  watchdog.add(watched);
  watchdog.add(watched);
  await nextTick();
  expect(looks).toBe(1);
  watchdog.delete(watched);
  watchdog.delete(watched);
  await nextTick();
  expect(looks).toBe(1);
  watchdog.add(watched);
  await nextTick();
  expect(looks).toBe(2);
});

test("one that takes out itself and the next one does not disturb the tick", async () => {
  watchdog = makeWatchdog(systemClock);
  const looked: string[] = [];
  const next = new Looked(() => void looked.push("next"));
  const first = new Looked(() => {
    looked.push("first");
    watchdog.delete(first);
    watchdog.delete(next);
  });
  watchdog.add(new Looked(() => void looked.push("last")));
  watchdog.add(next);
  watchdog.add(first);
  await nextTick();
  expect(looked).toEqual(["first", "last"]);
});

test("one that is added in a tick is looked at from the next tick on", async () => {
  watchdog = makeWatchdog(systemClock);
  const looked: string[] = [];
  const added = new Looked(() => void looked.push("added"));
  watchdog.add(
    new Looked(() => {
      looked.push("adds");
      watchdog.add(added);
    }),
  );
  await nextTick();
  expect(looked).toEqual(["adds"]);
  await nextTick();
  expect(looked).toEqual(["adds", "added", "adds"]);
});

test("one that is taken out and added again in a tick is looked at once in this tick", async () => {
  watchdog = makeWatchdog(systemClock);
  const looked: string[] = [];
  const moved = new Looked(() => {
    looked.push("moved");
    watchdog.delete(moved);
    watchdog.add(moved);
  });
  watchdog.add(new Looked(() => void looked.push("last")));
  watchdog.add(moved);
  await nextTick();
  expect(looked).toEqual(["moved", "last"]);
});

test("a check that throws keeps no other from its check, and its exception is reported", () => {
  // In a process of its own, because the test runner takes every uncaught exception for a failed test.
  const script = `
    import { makeWatchdog, Watched } from "./watchdog.ts";
    class Looked extends Watched { constructor(check) { super(); this.check = check; } }
    process.on("uncaughtException", (cause) => console.log("reported", cause.message));
    const watchdog = makeWatchdog({ nowMs: () => 0, monotonicMs: () => 0 });
    watchdog.add(new Looked(() => {
      console.log("looked");
      setTimeout(() => watchdog.stop(), 0);
    }));
    watchdog.add(new Looked(() => { throw new Error("broken"); }));
    setTimeout(() => undefined, ${TICK_MS * 2});
  `;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { cwd: import.meta.dir });
  expect(stdout.toString().split("\n").slice(0, 2)).toEqual(["looked", "reported broken"]);
});

test("whatever a tick adds and takes out, it looks once at each one that was there and still is", async () => {
  watchdog = makeWatchdog(systemClock);
  const who = fc.nat(49);
  const step = fc.record({ isAdded: fc.boolean(), who });
  const steps = fc.array(fc.array(step, { maxLength: 3 }), { minLength: 50, maxLength: 50 });
  const property = fc.asyncProperty(steps, fc.array(who), async (stepsOf, absent) => {
    const due = new Set<Watched>();
    const wrong: number[] = [];
    const all = stepsOf.map((ownSteps, index): Watched => {
      const watched = new Looked(() => {
        if (!due.delete(watched)) wrong.push(index);
        for (const { isAdded, who } of ownSteps) {
          const other = all[who] as Watched;
          if (isAdded) watchdog.add(other);
          else watchdog.delete(other);
          if (!isAdded) due.delete(other);
        }
      });
      return watched;
    });
    for (const watched of all) {
      watchdog.add(watched);
      due.add(watched);
    }
    for (const index of absent) {
      watchdog.delete(all[index] as Watched);
      due.delete(all[index] as Watched);
    }
    await nextTick();
    for (const watched of all) watchdog.delete(watched);
    expect({ wrong, missed: due.size }).toEqual({ wrong: [], missed: 0 });
  });
  await fc.assert(property, { numRuns: 12 });
});

test("after stop nothing is looked at", async () => {
  watchdog = makeWatchdog(systemClock);
  let looks = 0;
  watchdog.add(new Looked(() => void looks++));
  watchdog.stop();
  await Bun.sleep(TICK_MS * 2);
  expect(looks).toBe(0);
});
