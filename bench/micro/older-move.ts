/**
 * Moves the rows of an older ledger while rows are appended, and prints what it takes: time, CPU, the longest step, and
 * how long appended rows waited.
 *
 *     node_modules/.bin/bun bench/micro/older-move.ts [rows, default 200000]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import type { Log } from "../../src/core/log.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { makeLedger } from "../../src/ledger/ledger.ts";
import { OlderRowsMover } from "../../src/ledger/older-rows-mover.ts";
import { readRows } from "../../src/ledger/queries.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import { openStore, openStoreReader, spaceOfStore, storeFile } from "../../src/ledger/store-file.ts";
import { readUsage } from "../../src/ledger/usage/read-usage.ts";
import { ALL_USAGE } from "../../src/ledger/usage/usage-query.ts";
import { makeEntryWriter, makeLedgerWriter } from "../../src/ledger/writer.ts";
import { makeOlderLedger } from "../../test/kit/older-ledger.ts";

const APPEND_EVERY_MS = 5;
const MB = 1024 * 1024;

const rows = Number(process.argv[2] ?? 200_000);
const dataDir = mkdtempSync(join(tmpdir(), "clewline-move-"));
const seconds = (ms: number): string => (ms / 1000).toFixed(1);
const megabytes = (): string => (statSync(storeFile(dataDir)).size / MB).toFixed(0);

/** CPU of this process, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Prints the time and the CPU of reports as a command makes them. */
function report(when: string): void {
  const reader = openStoreReader(dataDir);
  const timed = (name: string, work: () => unknown): void => {
    const startMs = performance.now();
    const startCpuMs = cpuMs();
    const result = work();
    const took = `${seconds(performance.now() - startMs)} s, CPU ${seconds(cpuMs() - startCpuMs)} s`;
    console.log(`${when}: ${name}: ${took} (${String(result)})`);
  };
  timed("usage of all rows, requests", () => readUsage(reader, ALL_USAGE).groups[0]?.requests);
  timed("the newest 1000 rows", () => [...readRows(reader, { limit: 1000 })].length);
  timed("one row by its id", () => {
    const [newest] = readRows(reader, { limit: 1 });
    return [...readRows(reader, { id: newest?.id })].length;
  });
  reader.close();
}

console.log(`making an older ledger of ${rows} rows`);
makeOlderLedger(dataDir, rows);
console.log(`ledger.db before: ${megabytes()} MB`);
const ids = new RequestIds(makeIds());
const openedMs = performance.now();
openStore(dataDir).close();
console.log(`the first opening by this version: ${(performance.now() - openedMs).toFixed(1)} ms`);
report("before the move");

const ledger = makeLedger({
  openWriter: () => makeLedgerWriter(openStore(dataDir), ids, systemClock),
  clock: systemClock,
  log: { debug() {}, info() {}, warn: console.error, error: console.error },
  onFailure: "refuse",
  queueRows: 10_000,
});
const waitedMs: number[] = [];
const appender = setInterval(() => {
  const startMs = performance.now();
  const atMs = Date.now();
  ledger.append(sampleRow({ id: ids.ulid(atMs), atMs, key: "younger" }), undefined, () => {
    waitedMs.push(performance.now() - startMs);
  });
}, APPEND_EVERY_MS);

const startMs = performance.now();
const startCpuMs = cpuMs();
await new Promise<void>((resolve) => {
  const log = (fields: object, message: string): void => {
    console.log(`${seconds(performance.now() - startMs)} s: ${message} ${JSON.stringify(fields)}`);
    if (message.includes("is gone") || message.includes("too little") || message.includes("cannot"))
      resolve();
  };
  const keep: Log = { debug: log, info: log, warn: log, error: log };
  new OlderRowsMover({
    open: () => openStore(dataDir),
    makeEntryWriter: (sql) => makeEntryWriter(sql, ids),
    space: () => spaceOfStore(dataDir),
    clock: systemClock,
    log: keep,
    firstLookMs: 0,
  }).start();
});
clearInterval(appender);
console.log(`moved in ${seconds(performance.now() - startMs)} s, CPU ${seconds(cpuMs() - startCpuMs)} s`);
await ledger.close();
waitedMs.sort((a, b) => a - b);
const waited = (share: number): string =>
  (waitedMs[Math.floor(share * (waitedMs.length - 1))] ?? 0).toFixed(1);
console.log(
  `${waitedMs.length} rows appended meanwhile waited ${waited(0.5)} ms (p50), ${waited(0.99)} (p99), ${waited(1)} (longest)`,
);
console.log(`ledger.db after: ${megabytes()} MB`);
report("after the move");
rmSync(dataDir, { recursive: true });
