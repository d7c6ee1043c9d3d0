import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { writeLost } from "../../ledger/added-rows.ts";
import { sampleRow } from "../../ledger/fixtures/row.ts";
import { readRows } from "../../ledger/queries.ts";
import { RequestIds } from "../../ledger/request-ids.ts";
import { openStore } from "../../ledger/store-file.ts";
import { makeLedgerWriter } from "../../ledger/writer.ts";
import { BudgetTable, type BudgetWindow } from "../../store/budgets.ts";
import { UsageError } from "../command.ts";
import { correct } from "./correct.ts";

const NOW_MS = Date.parse("2026-11-29T12:00:00Z");
const DAY: BudgetWindow = {
  scope: "key",
  name: "ci",
  model: "",
  period: "day",
  startMs: Date.parse("2026-11-29T00:00:00Z"),
  endMs: Date.parse("2026-11-30T00:00:00Z"),
};

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-correct-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...ids: string[]): Promise<{ code: number; out: string; err: string }> {
  return runWith({ json: false }, ids);
}

async function runWith({ json }: { json: boolean }, ids: readonly string[]) {
  let [out, err] = ["", ""];
  const code = await correct(
    ids,
    { json, config: undefined, "data-dir": dir },
    {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      env: { HOME: dir },
      cwd: dir,
      clock: systemClock,
      ids: makeIds(),
      stopped: new Promise(() => undefined),
      program: "clewline",
      isTty: false,
      onReload: () => undefined,
      memory: {
        residentBytes: () => 0,
        cpuMs: () => 0,
        collect: () => undefined,
        collectAll: () => undefined,
      },
    },
  );
  return { code, out, err };
}

/** A ledger with an ordinary row and a lost one; returns their ids. */
function makeLedgerWithLost(): { request: string; lost: string } {
  const sql = openStore(dir);
  const ids = new RequestIds(makeIds());
  new BudgetTable(sql).begin(DAY, 0);
  const writer = makeLedgerWriter(sql, ids, systemClock);
  const request = ids.ulid(NOW_MS);
  writer.write([sampleRow({ id: request, atMs: NOW_MS, key: "ci", costNanoUsd: 5 })], 0, 1, []);
  const charges = [{ window: DAY, nanoUsd: 450_000_000, grantNanoUsd: 450_000_000, holder: null }];
  writeLost(sql, ids, systemClock, [
    { key: "ci", team: null, credentialId: null, model: null, atMs: NOW_MS, nanoUsd: 450_000_000, charges },
  ]);
  const lost = [...readRows(sql)].find(({ endpoint }) => endpoint === "lost")?.id;
  sql.close();
  return { request, lost: String(lost) };
}

function spent(): number | undefined {
  const sql = openStore(dir);
  const found = new BudgetTable(sql).find(DAY);
  sql.close();
  return found?.spentNanoUsd;
}

test("takes a lost cost out of its budgets, and says how much", async () => {
  const { lost } = makeLedgerWithLost();
  expect(spent()).toBe(450_000_000);
  expect(await run(lost)).toEqual({
    code: 0,
    out: `${lost}: $0.45 of key ci no longer count as spent\n`,
    err: "",
  });
  expect(spent()).toBe(0);
});

test("as JSON", async () => {
  const { lost } = makeLedgerWithLost();
  const { out } = await runWith({ json: true }, [lost]);
  expect(JSON.parse(out)).toEqual({
    id: lost,
    correction: `${lost}-correction`,
    key: "ci",
    nano_usd: 450_000_000,
  });
});

test("says why an id cannot be corrected, and goes on with the next one", async () => {
  const { request, lost } = makeLedgerWithLost();
  await run(lost);
  const { code, out, err } = await run(lost, request, "nobody", `${lost}-correction`);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err.split("\n")).toEqual([
    `clewline keys: ${lost} was corrected before; nothing has changed`,
    `clewline keys: ${request} is no lost row: only a row whose endpoint is lost can be corrected, the cost of a request is a fact`,
    "clewline keys: nobody is in no row of the ledger; clewline requests lists the rows with their ids",
    `clewline keys: ${lost}-correction is no lost row: only a row whose endpoint is lost can be corrected, the cost of a request is a fact`,
    "",
  ]);
  expect(spent()).toBe(0);
});

test("waits for a gateway that is writing", async () => {
  const { lost } = makeLedgerWithLost();
  const other = openStore(dir);
  other.exec("BEGIN IMMEDIATE");
  const running = run(lost);
  await Bun.sleep(1);
  other.exec("COMMIT");
  other.close();
  expect((await running).code).toBe(0);
});

test("names the folder when there is no ledger, and the argument when there is none", async () => {
  expect(await run("01JABCDEFGHJKMNPQRSTVWXYZ0")).toEqual({
    code: 1,
    out: "",
    err: expect.stringContaining(`clewline keys: there is no ledger in ${dir} yet`),
  });
  expect(run()).rejects.toThrow(UsageError);
});
