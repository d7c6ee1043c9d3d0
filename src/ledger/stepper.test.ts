import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sql, StoreError } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { type Step, Stepper, type StepperOptions } from "./stepper.ts";

let dir = "";
let stepper: Stepper | null = null;
let nowMs = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-stepper-"));
  nowMs = 0;
});
afterEach(() => {
  stepper?.stop();
  rmSync(dir, { recursive: true });
});

const file = (): string => join(dir, "store.db");
const open = (): Sql => openSqlite(file(), { mode: "write", busyTimeoutMs: 0 });

function start(change: Partial<StepperOptions>): void {
  stepper = new Stepper({
    open,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    begin: () => () => ({ rows: 0, next: "never" }),
    failed: () => "never",
    minRows: 100,
    maxRows: 400,
    pauseFactor: 0,
    ...change,
  });
  stepper.start(0);
}

/** Takes these steps, each of which takes so many milliseconds; resolves with the rows that each was asked for. */
function rowsOf(tookMs: readonly number[]): Promise<readonly number[]> {
  const asked: number[] = [];
  return new Promise((resolve) => {
    const take = (rows: number): Step => {
      asked.push(rows);
      nowMs += tookMs[asked.length - 1] ?? 0;
      if (asked.length < tookMs.length) return { rows, next: "soon" };
      resolve(asked);
      return { rows, next: "never" };
    };
    start({ begin: () => take });
  });
}

test("quick steps grow, slow ones shrink, both within their bounds", async () => {
  expect(await rowsOf([1, 1, 1, 1, 1, 3, 9, 9, 9, 9])).toEqual([
    100, 200, 300, 400, 400, 400, 400, 200, 100, 100,
  ]);
});

test("a lock is waited for, and the same store goes on", async () => {
  let opened = 0;
  let steps = 0;
  await new Promise<void>((resolve) => {
    start({
      open: () => {
        opened++;
        return open();
      },
      begin: () => () => {
        steps++;
        if (steps === 1) throw new StoreError("locked", "somebody writes");
        resolve();
        return { rows: 0, next: "never" };
      },
    });
  });
  expect([opened, steps]).toEqual([1, 2]);
});

test("after a failure the store is opened anew when its user says so", async () => {
  const faults: string[] = [];
  let opened = 0;
  await new Promise<void>((resolve) => {
    start({
      open: () => {
        opened++;
        return open();
      },
      begin: () => () => {
        if (opened === 1) throw new StoreError("full", "no space");
        resolve();
        return { rows: 0, next: "never" };
      },
      failed: ({ fault }) => {
        faults.push(fault);
        return 1;
      },
    });
  });
  expect([faults, opened]).toEqual([["full"], 2]);
});

test("the work begins anew in a file that has replaced the first one", async () => {
  const begun: Sql[] = [];
  await new Promise<void>((resolve) => {
    start({
      begin: (sql) => {
        begun.push(sql);
        return () => {
          if (begun.length === 2) resolve();
          else rmSync(file());
          return { rows: 0, next: begun.length === 2 ? "never" : "soon" };
        };
      },
    });
  });
  expect(begun[0]).not.toBe(begun[1] as Sql);
});

test("nothing is done when there is nothing to do, and after a stop", async () => {
  let begun = 0;
  start({
    begin: () => {
      begun++;
      return null;
    },
  });
  await Bun.sleep(10);
  expect(begun).toBe(1);
  start({
    begin: () => {
      begun++;
      return null;
    },
  });
  stepper?.stop();
  await Bun.sleep(10);
  expect(begun).toBe(1);
});
