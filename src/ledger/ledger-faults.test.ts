/** The ledger against a store that fails, and against the end of its process. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { silentLog } from "../core/log.ts";
import { BudgetTable, type BudgetWindow } from "../store/budgets.ts";
import { type Sql, type SqlStatement, StoreError, type StoreFault } from "../store/sql.ts";
import { appendTo } from "./fixtures/append.ts";
import { sampleRow } from "./fixtures/row.ts";
import { makeLedger } from "./ledger.ts";
import { readRows } from "./queries.ts";
import { RequestIds } from "./request-ids.ts";
import { openStore, openStoreReader, setStoreAside } from "./store-file.ts";
import { makeLedgerWriter } from "./writer.ts";

const ids = new RequestIds(makeIds());

async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "clewline-faults-"));
  try {
    await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function storedIds(dir: string): string[] {
  const reader = openStoreReader(dir);
  try {
    return [...readRows(reader)].map((row) => row.id);
  } finally {
    reader.close();
  }
}

function beginBudget(dir: string): BudgetWindow {
  const window: BudgetWindow = {
    scope: "key",
    name: "me",
    model: "",
    period: "day",
    startMs: 0,
    endMs: 86_400_000,
  };
  const sql = openStore(dir);
  new BudgetTable(sql).begin(window, 0);
  sql.close();
  return window;
}

/** Counts calls into the store and fails the wanted one. */
class FaultPoint {
  calls = 0;
  hasFired = false;
  readonly failAt: number;
  readonly fault: StoreFault;

  constructor(failAt: number, fault: StoreFault) {
    this.failAt = failAt;
    this.fault = fault;
  }

  check(): void {
    if (++this.calls !== this.failAt) return;
    this.hasFired = true;
    throw new StoreError(this.fault, "injected");
  }
}

/** The real connection with a fault point before each call, and one after the commit: kept, though the caller hears of a failure. */
function faulty(sql: Sql, point: FaultPoint): Sql {
  const statement = (inner: SqlStatement): SqlStatement => ({
    run(...params) {
      point.check();
      return inner.run(...params);
    },
    get: (...params) => inner.get(...params),
    all: (...params) => inner.all(...params),
  });
  return {
    exec: (text) => sql.exec(text),
    prepare(text) {
      point.check();
      return statement(sql.prepare(text));
    },
    transaction(work) {
      point.check();
      const result = sql.transaction(work);
      point.check();
      return result;
    },
    isCurrent() {
      point.check();
      return sql.isCurrent();
    },
    close() {
      sql.close();
      point.check();
    },
  };
}

for (const fault of ["locked", "full", "corrupt", "unavailable"] as const) {
  test(`whichever call fails once (${fault}): what was acknowledged is there, nothing is there twice, all is there in the end, charged once`, async () => {
    let points = 0;
    for (let failAt = 1; ; failAt++) {
      const point = new FaultPoint(failAt, fault);
      await inTempDir(async (dir) => {
        const ledger = makeLedger({
          openWriter(setAside) {
            if (setAside) setStoreAside(dir, Date.now());
            point.check();
            return makeLedgerWriter(faulty(openStore(dir), point), ids, systemClock);
          },
          clock: systemClock,
          log: silentLog,
          onFailure: "refuse",
          queueRows: 100,
          lockWaitMs: 5,
          probeMs: 2,
        });
        const window = beginBudget(dir);
        const appended: string[] = [];
        for (let turn = 0; turn < 3; turn++) {
          const waiting = [0, 1].map(async (i) => {
            const id = ids.ulid(Date.now());
            appended.push(id);
            const stateId = {
              id: `resp_${turn}_${i}`,
              upstream: "openai",
              credential: "main",
              owner: 1,
              atMs: 1,
            };
            const charge = { window, nanoUsd: 10, grantNanoUsd: 1, holder: null };
            await appendTo(ledger, sampleRow({ id }), [stateId], [charge]);
            expect(storedIds(dir)).toContain(id);
          });
          const results = await Promise.allSettled(waiting);
          for (const result of results) {
            if (result.status === "rejected")
              expect(String(result.reason)).toContain("cannot be recorded now");
          }
        }
        while (!ledger.isWritable) await Bun.sleep(1);
        await ledger.flush();
        expect(storedIds(dir)).toEqual(appended);
        expect(ledger.stats).toMatchObject({ rows: 6, droppedRows: 0 });
        const reader = openStoreReader(dir);
        expect(reader.prepare("SELECT count(*) AS n FROM state_ids").get()).toEqual({ n: 6 });
        expect(new BudgetTable(reader).find(window)).toMatchObject({ spentNanoUsd: 60, grantedNanoUsd: 6 });
        reader.close();
        await ledger.close();
      });
      if (!point.hasFired) break;
      points++;
    }
    expect(points).toBeGreaterThan(20);
  }, 120_000);
}

test("a small disk that fills up: refused, nothing acknowledged is lost, and served again once there is room", async () => {
  // A file system of its own needs root and mount; PRAGMA max_page_count stands in for it elsewhere (ledger.test.ts).
  const mountPoint = mkdtempSync(join(tmpdir(), "clewline-disk-"));
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mountPoint]);
  if (mount.exitCode !== 0) {
    rmSync(mountPoint, { recursive: true });
    return;
  }
  try {
    const dir = join(mountPoint, "data");
    mkdirSync(dir);
    const ledger = makeLedger({
      openWriter: () => makeLedgerWriter(openStore(dir), ids, systemClock),
      clock: systemClock,
      log: silentLog,
      onFailure: "refuse",
      queueRows: 1000,
      probeMs: 20,
    });
    await appendTo(ledger, sampleRow({ id: ids.ulid(Date.now()) }));
    writeFileSync(join(mountPoint, "ballast"), Buffer.alloc(1_000_000));
    const acknowledged: string[] = [];
    const refused: string[] = [];
    for (let i = 0; i < 5000 && ledger.isWritable; i++) {
      const id = ids.ulid(Date.now());
      await appendTo(ledger, sampleRow({ id, attemptLog: "x".repeat(1000) })).then(
        () => acknowledged.push(id),
        () => refused.push(id),
      );
    }
    expect(ledger.isWritable).toBe(false);
    expect(refused.length).toBeGreaterThan(0);
    await Bun.sleep(100);
    expect(ledger.isWritable).toBe(false);
    rmSync(join(mountPoint, "ballast"));
    while (!ledger.isWritable) await Bun.sleep(5);
    await ledger.flush();
    const stored = new Set(storedIds(dir));
    expect([...acknowledged, ...refused].filter((id) => !stored.has(id))).toEqual([]);
    await ledger.close();
    expect(openStoreCheck(dir)).toBe("ok");
  } finally {
    Bun.spawnSync(["umount", mountPoint]);
    rmSync(mountPoint, { recursive: true, force: true });
  }
});

function openStoreCheck(dir: string): unknown {
  const sql = openStore(dir);
  try {
    return sql.prepare("PRAGMA integrity_check").get()?.integrity_check;
  } finally {
    sql.close();
  }
}

test("twenty kills in the middle of appending: every acknowledged row is there, and the database opens", async () => {
  await inTempDir(async (dir) => {
    const appender = join(import.meta.dir, "fixtures", "appender.ts");
    const program = `
      import { writeSync } from "node:fs";
      import { appendUntilKilled } from ${JSON.stringify(appender)};
      await appendUntilKilled(${JSON.stringify(dir)}, (id) => writeSync(1, id + "\\n"));`;
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 20; kill++) {
      const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
      const text = (async () => {
        let seen = "";
        for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
          seen += chunk;
          // At a different moment each time: after so many acknowledged rows.
          if (seen.length > kill * 400) child.kill("SIGKILL");
        }
        return seen;
      })();
      await child.exited;
      // The last line may be cut; it was not wholly acknowledged then.
      acknowledged.push(...(await text).split("\n").slice(0, -1));
    }
    expect(acknowledged.length).toBeGreaterThan(20);
    const stored = storedIds(dir);
    expect(new Set(stored).size).toBe(stored.length);
    const storedSet = new Set(stored);
    expect(acknowledged.filter((id) => !storedSet.has(id))).toEqual([]);
    expect(openStoreCheck(dir)).toBe("ok");
  });
}, 600_000);
