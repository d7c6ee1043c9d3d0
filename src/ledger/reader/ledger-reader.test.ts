import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { sampleRow } from "../fixtures/row.ts";

import { RequestIds } from "../request-ids.ts";
import { openStore, openStoreReader, storeFile } from "../store-file.ts";
import { readUsage } from "../usage/read-usage.ts";
import { ALL_USAGE, type UsagePage, type UsageQuery } from "../usage/usage-query.ts";
import { makeLedgerWriter } from "../writer.ts";
import { LedgerReader, type LedgerReaderOptions, ReaderError } from "./ledger-reader.ts";

const MAIN = join(import.meta.dir, "../../main.ts");
const QUERY: UsageQuery = { ...ALL_USAGE, by: ["key"], period: "day" };

let dir = "";
let readers: LedgerReader[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-reader-"));
  const sql = openStore(dir);
  const ids = new RequestIds(makeIds());
  const rows = Array.from({ length: 50 }, (_, i) => {
    const atMs = Date.UTC(2026, 10, 1 + (i % 3));
    // Two of them are more than a number holds exactly.
    return sampleRow({ id: ids.ulid(atMs), atMs, key: `key-${i % 2}`, costNanoUsd: 2 ** 53 - 1 });
  });
  makeLedgerWriter(sql, ids, systemClock).write(rows, 0, rows.length, []);
  sql.close();
});
afterEach(() => {
  for (const reader of readers) reader.stop();
  readers = [];
  rmSync(dir, { recursive: true, force: true });
});

function start(change: Partial<LedgerReaderOptions> = {}): LedgerReader {
  const command = [process.execPath, MAIN, "read-ledger", dir];
  const reader = new LedgerReader({ command, dataDir: dir, ...change });
  readers.push(reader);
  return reader;
}

async function faultOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ReaderError);
  return (error as ReaderError).fault;
}

/** The processes that answer for this folder. */
function children(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return line.includes("read-ledger") && line.includes(dir) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

test("the answers of the process are those of the ledger", async () => {
  const reader = start();
  const sql = openStoreReader(dir);
  expect(await reader.usage(QUERY)).toEqual(readUsage(sql, QUERY));
  const first = await reader.usage({ ...QUERY, limit: 2 });
  expect(first.groups).toHaveLength(2);
  expect((await reader.usage({ ...QUERY, limit: 100, cursor: first.next })).groups).toHaveLength(4);
  sql.close();
});

test("questions take turns: one process at a time, and only so many wait", async () => {
  const reader = start({ maxWaiting: 2 });
  const asked = [reader.usage(QUERY), reader.usage(QUERY), reader.usage({ ...QUERY, limit: 1 })];
  expect(await faultOf(reader.usage(QUERY))).toBe("busy");
  let most = 0;
  const looks = setInterval(() => {
    most = Math.max(most, children().length);
  }, 5);
  const [one, two, three] = await Promise.all(asked);
  clearInterval(looks);
  expect(one).toEqual(two as UsagePage);
  expect(three?.groups).toEqual(one?.groups.slice(0, 1) ?? []);
  expect(most).toBe(1);
  expect(children()).toEqual([]);
});

test("a process that is killed fails its own question only", async () => {
  const reader = start();
  const [first, second] = [faultOf(reader.usage(QUERY)), reader.usage(QUERY)];
  let killed: number | undefined;
  while (killed === undefined) {
    await Bun.sleep(1);
    killed = children()[0];
  }
  process.kill(killed, "SIGKILL");
  expect(await first).toBe("failed");
  expect((await second).groups).toHaveLength(6);
});

test("what takes too long or too much memory is ended, and says so", async () => {
  expect(await faultOf(start({ timeoutMs: 1 }).usage(QUERY))).toBe("time");
  // A process that never ends by itself, of some megabytes.
  const waits = [process.execPath, "-e", "setInterval(() => undefined, 1000)"];
  expect(await faultOf(start({ command: waits, memoryBytes: 1024 }).usage(QUERY))).toBe("memory");
  const endless = [
    process.execPath,
    "-e",
    `const { writeSync } = require("node:fs"); for (;;) writeSync(1, "x".repeat(65536));`,
  ];
  expect(await faultOf(start({ command: endless }).usage(QUERY))).toBe("size");
});

test("a wrong question, a ledger that cannot be read and a program that is missing are told apart", async () => {
  const wrong = start().usage({ ...QUERY, timeZone: "Mars" });
  expect(await faultOf(wrong)).toBe("wrong");
  expect(await wrong.catch((error: Error) => error.message)).toContain("Mars is no time zone");
  expect(await faultOf(start({ command: [join(dir, "missing")] }).usage(QUERY))).toBe("failed");
  expect(await faultOf(start({ command: [process.execPath, "-e", ""] }).usage(QUERY))).toBe("failed");
  writeFileSync(storeFile(dir), "damaged".repeat(1000));
  expect(await faultOf(start().usage(QUERY))).toBe("failed");
});

test("a stop ends the process and all that wait", async () => {
  const reader = start();
  const asked = [reader.usage(QUERY), reader.usage(QUERY)].map(faultOf);
  reader.stop();
  expect(await Promise.all(asked)).toEqual(["stopped", "stopped"]);
  expect(await faultOf(reader.usage(QUERY))).toBe("stopped");
  expect(children()).toEqual([]);
});
