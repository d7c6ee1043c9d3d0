import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findMountProblem, mountSmallDisk } from "../../../test/faults/small-disk.ts";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { sampleRow } from "../../ledger/fixtures/row.ts";
import { readRows } from "../../ledger/queries.ts";
import { RequestIds } from "../../ledger/request-ids.ts";
import { RollUp } from "../../ledger/roll-up/roll-up.ts";
import { openStore, openStoreReader, storeFile } from "../../ledger/store-file.ts";
import { readUsage } from "../../ledger/usage/read-usage.ts";
import { ALL_USAGE } from "../../ledger/usage/usage-query.ts";
import { makeLedgerWriter } from "../../ledger/writer.ts";
import type { Sql } from "../../store/sql.ts";
import type { CliIo } from "../cli.ts";
import { backup } from "./backup.ts";

const ids = new RequestIds(makeIds());
const MAIN = join(import.meta.dir, "../../main.ts");

let dir = "";
let data = "";
let sql: Sql;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-backup-"));
  data = join(dir, "data");
  sql = openStore(data);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(count: number): void {
  const atMs = Date.now() - 3_600_000;
  const rows = Array.from({ length: count }, () => sampleRow({ id: ids.ulid(atMs), atMs, costNanoUsd: 5 }));
  makeLedgerWriter(sql, ids, systemClock).write(rows, 0, rows.length, []);
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly progress: readonly string[];
}

async function run(args: readonly string[], change: Partial<CliIo> = {}): Promise<Ran> {
  let [out, err] = ["", ""];
  const progress: string[] = [];
  const io: CliIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    progress: (line) => progress.push(line),
    env: { HOME: dir },
    cwd: dir,
    clock: systemClock,
    ids,
    stopped: new Promise(() => undefined),
    program: "clewline",
    ownCommand: [process.execPath, MAIN],
    isTty: false,
    onReload: () => undefined,
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    ...change,
  };
  const code = await backup([...args, "--data-dir", data], io);
  return { code, out, err, progress };
}

test("a backup beside a gateway that writes is a whole ledger of one moment", async () => {
  write(2000);
  const rollUp = new RollUp(sql);
  while (rollUp.step(500, Date.now()).isBehind);
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      write(20);
      await Bun.sleep(1);
    }
  })();
  const made = await run(["copy.db"]);
  isOver = true;
  await writing;
  expect(made).toMatchObject({ code: 0, err: "", out: `${join(dir, "copy.db")}: 1 MB, checked\n` });
  expect(statSync(join(dir, "copy.db")).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir).sort()).toEqual(["copy.db", "data"]);

  // As the page says how to restore.
  const restored = join(dir, "restored");
  mkdirSync(restored);
  copyFileSync(join(dir, "copy.db"), storeFile(restored));
  const reader = openStoreReader(restored);
  const rows = [...readRows(reader)].length;
  expect(rows).toBeGreaterThanOrEqual(2000);
  const [all] = readUsage(reader, ALL_USAGE).groups;
  expect([all?.requests, all?.costNanoUsd]).toEqual([rows, BigInt(rows * 5)]);
  reader.close();
  const again = openStore(restored);
  makeLedgerWriter(again, ids, systemClock).write([sampleRow({ id: ids.ulid(Date.now()) })], 0, 1, []);
  expect([...readRows(again)]).toHaveLength(rows + 1);
  again.close();
});

test("nothing is overwritten, and nothing is left of what failed", async () => {
  write(1);
  const refused = async (
    args: readonly string[],
    text: string,
    change: Partial<CliIo> = {},
  ): Promise<void> => {
    const { code, out, err } = await run(args, change);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(text);
  };
  writeFileSync(join(dir, "taken.db"), "mine");
  await refused(["taken.db"], "taken.db is there already; give a name that is free");
  await refused(["data"], "data is there already");
  await refused(["no/such/folder.db"], "the ledger cannot be used");
  await refused(["a.db"], "a.db could not be made", { ownCommand: [join(dir, "missing")] });
  await refused(["a.db"], "could not be made: it was ended", { stopped: Promise.resolve() });
  await refused(["a.db"], "ended with exit code 3", {
    ownCommand: [process.execPath, "-e", "process.exit(3)"],
  });
  expect(readdirSync(dir).sort()).toEqual(["data", "taken.db"]);
});

test("wrong arguments are named", async () => {
  expect((await run([])).err).toContain("TO is missing; name the new file");
  expect((await run(["a.db", "b.db"])).err).toContain("b.db is one argument too many");
  data = join(dir, "nowhere");
  expect((await run(["a.db"])).err).toContain("there is no ledger in");
});

test("a damaged ledger makes no backup", async () => {
  write(5000);
  sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const pages = readFileSync(storeFile(data));
  pages.fill(0xee, 4096 * 8, 4096 * 12);
  writeFileSync(storeFile(data), pages);
  const { code, err } = await run(["a.db"]);
  expect(code).toBe(1);
  expect(err).toContain("could not be made");
  expect(existsSync(join(dir, "a.db"))).toBe(false);
});

test.skipIf(findMountProblem() !== null)("a disk without room is left alone", async () => {
  write(20_000);
  sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const small = join(dir, "small");
  const disk = mountSmallDisk(small, 1024 * 1024);
  try {
    const { code, err } = await run([join(small, "a.db")]);
    expect(code).toBe(1);
    expect(err).toMatch(/a\.db needs \d+ MB, and its disk has 1 MB free; free space, or choose another disk/);
    expect(readdirSync(small)).toEqual([]);
  } finally {
    disk.unmount();
  }
});
