/** F30: the gateway is killed while it brings an older database up to date. The next start goes on, and no row is lost. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  HANG_MS,
  IS_FULL,
  KEYS_TOML,
  killProgram,
  makeFolder,
  runGateway,
  until,
} from "../../kit/gateway.ts";
import { makeOlderLedger, olderId, readOlderRows } from "../../kit/older-ledger.ts";
import { chanceFrom } from "../seeded.ts";

const KILLS = IS_FULL ? 60 : 8;
const ROWS = 2_000;
const SEED = 20_261_130;

/** Whether the engine finds the file sound. A file that was never made is. */
function isSound(dataDir: string): boolean {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  try {
    return database.query("PRAGMA integrity_check").get() !== null;
  } finally {
    database.close();
  }
}

test(
  `F30 ${KILLS} kills during the first start on an older database lose no row`,
  async () => {
    const chance = chanceFrom(SEED);
    const folder = makeFolder();
    const original = join(folder, "original");
    mkdirSync(original, { mode: 0o700 });
    makeOlderLedger(original, ROWS);
    const before = readOlderRows(original, olderId(ROWS));
    const file = join(folder, "clewline.toml");
    const dataDir = join(folder, "data");
    writeFileSync(file, `[server]\nhost = "127.0.0.1"\nport = 0\n${KEYS_TOML}`, { mode: 0o600 });
    const args = ["serve", "--config", file, "--data-dir", dataDir];
    for (let kill = 0; kill < KILLS; kill++) {
      // Each second one begins anew, and each other one where the one before was killed.
      if (kill % 2 === 0) {
        rmSync(dataDir, { recursive: true, force: true });
        cpSync(original, dataDir, { recursive: true });
      }
      await killProgram(args, folder, chance.whole(20, 900));
      expect(isSound(dataDir)).toBe(true);
    }
    const gateway = await runGateway(folder, file, args);
    await until("the rows are moved", () => gateway.log().includes("the older table is gone"));
    expect(readOlderRows(dataDir, olderId(ROWS))).toEqual(before);
    await gateway.close();
  },
  HANG_MS * 3,
);
