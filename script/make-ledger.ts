/** Makes a ledger of many rows, and the sums over them: `script/make-ledger --rows 10000000 --to FOLDER [--seed 1]`. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { storeFile } from "../src/ledger/store-file.ts";
import { makeBigLedger, rollUpBigLedger } from "../test/kit/big-ledger.ts";

const USAGE = `usage: script/make-ledger --rows N --to FOLDER [--seed N]

  --rows N     rows, spread over 60 days; the same for the same seed
  --to FOLDER  the data folder, which has no ledger yet
  --seed N     1 when absent`;

function main(): number {
  const { values } = parseArgs({
    options: {
      rows: { type: "string" },
      to: { type: "string" },
      seed: { type: "string", default: "1" },
    },
  });
  const [rows, seed] = [Number(values.rows), Number(values.seed)];
  if (values.to === undefined || !Number.isInteger(rows) || rows < 1 || !Number.isInteger(seed)) {
    console.error(USAGE);
    return 2;
  }
  const folder = resolve(values.to);
  if (existsSync(storeFile(folder))) {
    console.error(`script/make-ledger: there is a ledger in ${folder} already; give another folder`);
    return 1;
  }
  const startMs = performance.now();
  const seconds = (): string => `${((performance.now() - startMs) / 1000).toFixed(0)} s`;
  makeBigLedger(folder, { rows, seed }, progress(rows, "rows"));
  console.log(`${rows} rows after ${seconds()}`);
  rollUpBigLedger(folder, progress(rows, "rows summed up"));
  const megabytes = Math.round(statSync(storeFile(folder)).size / 1024 / 1024);
  console.log(`summed up after ${seconds()}: ${storeFile(folder)}, ${megabytes} MB`);
  return 0;
}

/** Prints each tenth. */
function progress(all: number, what: string): (rows: number) => void {
  let next = all / 10;
  return (rows) => {
    if (rows < next) return;
    next += all / 10;
    console.log(`${rows} ${what}`);
  };
}

process.exitCode = main();
