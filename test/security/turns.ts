/** How long one turn of the event loop takes, in CPU of the whole process. */
import { setImmediate } from "node:timers/promises";

/** The CPU of the longest turn until the work is done. */
export async function longestTurnMs(begin: () => Promise<unknown>): Promise<number> {
  Bun.gc(true);
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  let before = process.cpuUsage();
  const work = begin();
  work.then(done, done);
  let longestMs = 0;
  do {
    await setImmediate();
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
    before = process.cpuUsage();
  } while (!isDone);
  await work;
  return longestMs;
}
