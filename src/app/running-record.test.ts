import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../core/log.ts";
import { readRunning } from "../store/running-file.ts";
import { RunningRecord } from "./running-record.ts";

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "clewline-running-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function recordOf(pid: number): RunningRecord {
  const facts = () => ({ url: `http://127.0.0.1:${pid}`, config: null, refused: [], away: [] });
  return new RunningRecord({ dataDir, pid, log: silentLog, facts });
}

/** Longer than a change takes to be written. */
const written = (): Promise<void> => Bun.sleep(250);

test("of two gateways in one folder the one that started last is told of, whatever the other one learns", async () => {
  const [older, newer] = [recordOf(1), recordOf(2)];
  older.start();
  newer.start();
  older.changed();
  await written();
  expect(readRunning(dataDir)?.pid).toBe(2);
  older.close();
  expect(readRunning(dataDir)?.pid).toBe(2);
  newer.close();
  expect(readRunning(dataDir)).toBeNull();
});

test("a record that was lost is written again with the next change", async () => {
  const record = recordOf(1);
  record.start();
  rmSync(join(dataDir, "running.json"));
  record.changed();
  await written();
  expect(readRunning(dataDir)?.pid).toBe(1);
  record.close();
});

test("a link in place of the file that is being written leads nowhere", () => {
  const other = join(dataDir, "other");
  writeFileSync(other, "mine");
  symlinkSync(other, join(dataDir, "running.json.1.tmp"));
  const record = recordOf(1);
  record.start();
  expect(readFileSync(other, "utf8")).toBe("mine");
  expect(readRunning(dataDir)?.pid).toBe(1);
  record.close();
  expect(existsSync(join(dataDir, "running.json"))).toBe(false);
});

test("a pipe, a folder or a huge file in its place is no record, and is not waited for", async () => {
  const file = join(dataDir, "running.json");
  await Bun.spawn(["mkfifo", file]).exited;
  expect(readRunning(dataDir)).toBeNull();
  rmSync(file);
  writeFileSync(file, " ".repeat(5_000_000));
  expect(readRunning(dataDir)).toBeNull();
});
