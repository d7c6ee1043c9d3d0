/** No client has a complete answer that is not in the ledger, at whatever moment the process is killed. */
import { expect, test } from "bun:test";
import { IS_FULL } from "../kit/gateway.ts";
import { killFollowers } from "./kill-followers.ts";
import { killNine, renderCounts } from "./kill-nine.ts";

const KILLS = IS_FULL ? 100 : 10;

test(
  `${KILLS} kills under load lose no answer that a client has seen whole`,
  async () => {
    const counts = await killNine(KILLS, 20_261_123);
    console.log(renderCounts(counts));
    expect(counts.missing).toEqual([]);
    expect(counts.misjudged).toEqual([]);
    expect(counts.duplicates).toBe(0);
    expect(counts.opened).toBe(KILLS);
    expect(counts.sound).toBe(KILLS);
    // Kills that hit nothing would prove nothing.
    expect(counts.complete).toBeGreaterThan(KILLS * 10);
    expect(counts.completeStreams).toBeGreaterThan(KILLS);
    expect(counts.completeTranslated).toBeGreaterThan(KILLS * 3);
    expect(counts.completeAtKill).toBeGreaterThanOrEqual(KILLS / 2);
    expect(counts.broken).toBeGreaterThan(0);
  },
  IS_FULL ? 480_000 : 60_000,
);

test(
  `${KILLS} kills while many clients share calls lose no answer that one of them has seen whole`,
  async () => {
    const counts = await killFollowers(KILLS, 20_261_129);
    console.log(counts);
    expect(counts.missing).toEqual([]);
    expect(counts.misjudged).toEqual([]);
    expect(counts.complete).toBeGreaterThan(KILLS * 20);
    expect(counts.completeShared).toBeGreaterThan(KILLS * 10);
    expect(counts.completeAtKill).toBeGreaterThan(KILLS);
    expect(counts.broken).toBeGreaterThan(KILLS);
    expect(counts.failures).toBeGreaterThan(0);
  },
  IS_FULL ? 480_000 : 120_000,
);
