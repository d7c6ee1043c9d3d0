/** An older ledger is moved while requests are served; no kill loses a row of it or doubles one. */
import { expect, test } from "bun:test";
import { IS_FULL } from "../kit/gateway.ts";
import { killMoves, renderMoveCounts } from "./move-kills.ts";

const KILLS = IS_FULL ? 50 : 5;
const ROWS = IS_FULL ? 20_000 : 10_000;

test(
  `${KILLS} kills while an older ledger is moved lose no row and double none`,
  async () => {
    const counts = await killMoves(KILLS, ROWS, 20_261_128);
    console.log(renderMoveCounts(counts));
    expect(counts.faults).toEqual([]);
    // Kills that hit nothing would prove nothing.
    expect(counts.killedCopying).toBeGreaterThanOrEqual(KILLS / 5);
    if (IS_FULL) expect(counts.killedEmptying).toBeGreaterThan(0);
    expect(counts.finished).toBeGreaterThan(0);
    expect(counts.complete).toBeGreaterThan(KILLS);
  },
  IS_FULL ? 600_000 : 120_000,
);
