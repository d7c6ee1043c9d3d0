/** A crash spends and never frees: no key's bill, and no credential's, comes above its budget, at whatever moment the process is killed. */
import { expect, test } from "bun:test";
import { IS_FULL } from "../../kit/gateway.ts";
import { killBudgets, renderReckoning } from "./kill-budgets.ts";

const KILLS = IS_FULL ? 100 : 8;

test(
  `${KILLS} kills under load: no bill above its budget, nothing freed, nothing left reserved`,
  async () => {
    const reckoning = await killBudgets(KILLS, 20_261_129);
    console.log(renderReckoning(reckoning));
    expect(reckoning.faults).toEqual([]);
    expect(reckoning.opened).toBe(KILLS);
    expect(reckoning.sound).toBe(KILLS);
    // Kills that hit nothing, budgets that never end and answers that all fit would prove nothing.
    expect(reckoning.complete).toBeGreaterThan(KILLS * 10);
    expect(reckoning.completeStreams).toBeGreaterThan(KILLS);
    expect(reckoning.completeTranslated).toBeGreaterThan(KILLS * 3);
    expect(reckoning.broken).toBeGreaterThan(KILLS);
    expect(reckoning.left).toBeGreaterThan(KILLS);
    expect(reckoning.refused).toBeGreaterThan(0);
    expect(reckoning.lostRows).toBeGreaterThan(0);
    expect(reckoning.accounts.some(({ lost, ledger }) => lost > 0 && ledger > lost)).toBe(true);
    const credential = reckoning.accounts.find(({ name }) => name === "gemini/main");
    expect(credential?.lost).toBeGreaterThan(0);
    // It came to its budget: a request takes more than what is left at last.
    expect(credential?.spent).toBeGreaterThan((credential?.budget ?? 0) * 0.8);
  },
  IS_FULL ? 900_000 : 120_000,
);
