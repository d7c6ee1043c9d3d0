/** What a long report of usage costs the requests beside it: latency with and without one, in pairs. */
import { constants, copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LedgerReader, ReaderError } from "../src/ledger/reader/ledger-reader.ts";
import { storeFile } from "../src/ledger/store-file.ts";
import { ALL_USAGE, type UsageQuery } from "../src/ledger/usage/usage-query.ts";
import { makeBigLedger, rollUpBigLedger } from "../test/kit/big-ledger.ts";
import { type LoadReport, runLoad } from "./load.ts";
import { type Effort, errorsOf, only } from "./measure.ts";
import { jsonPlan } from "./plans.ts";
import { spreadOf } from "./ratio.ts";
import { median, type WorkResult } from "./result.ts";
import { type Stage, startClewlineOn, startTarget, type Target } from "./targets.ts";

/** A folder that `script/make-ledger` has made; making ten million rows anew takes minutes. */
const LEDGER_VARIABLE = "CLEWLINE_BENCH_LEDGER";
const ROWS = { short: 200_000, full: 10_000_000 };
/** The sums do not tell it, so that all rows are read. */
const LONG_QUERY: UsageQuery = { ...ALL_USAGE, by: ["model", "tag"] };
/** The process reads rows by then. */
const HEAD_START_MS = 500;

export async function measureReader(stage: Stage, effort: Effort): Promise<WorkResult> {
  const dataDir = makeLedger(stage, effort);
  const plan = {
    ...jsonPlan(effort),
    connections: 32,
    ratePerSecond: 200,
    measuredSeconds: effort.short ? 2 : 6,
  };
  const direct = await startTarget(stage, "direct");
  const clewline = await startClewlineOn(stage, dataDir);
  const reports: Record<"direct" | "quiet" | "beside", LoadReport[]> = { direct: [], quiet: [], beside: [] };
  const errors: string[] = [];
  const load = async (name: keyof typeof reports, target: Target): Promise<void> => {
    const report = await runLoad(stage, target, plan);
    reports[name].push(report);
    errors.push(...errorsOf(target.name, report));
  };
  let questions = 0;
  try {
    await runLoad(stage, clewline, { ...plan, measuredSeconds: effort.short ? 1 : 20 });
    for (let round = 0; round < effort.rounds; round++) {
      await load("direct", direct);
      const quiet = () => load("quiet", clewline);
      const beside = async (): Promise<void> => {
        questions += await whileAsking(stage, dataDir, () => load("beside", clewline));
      };
      for (const run of round % 2 === 0 ? [quiet, beside] : [beside, quiet]) await run();
      console.error(`  round ${round + 1} of ${effort.rounds}`);
    }
  } finally {
    await clewline.stop();
    await direct.stop();
  }
  const added = (name: "quiet" | "beside"): number[] =>
    reports[name].map((report, i) => (report.p99_us - (reports.direct[i]?.p99_us ?? Number.NaN)) / 1000);
  const [quiet, beside] = [added("quiet"), added("beside")];
  const ratio = spreadOf(beside.map((ms, i) => ms / (quiet[i] ?? Number.NaN)));
  const quartiles = `${ratio.lowerQuartile.toFixed(2)} to ${ratio.upperQuartile.toFixed(2)}`;
  return {
    work: "reader",
    figures: [
      only("added p99, no report", "ms", median(quiet)),
      only("added p99, beside a report", "ms", median(beside)),
      only("the second over the first, of each pair", "", ratio.median, 1.25),
    ],
    errors,
    notes: [`quartiles ${quartiles}; ${questions} reports were begun beside ${reports.beside.length} rounds`],
    rounds: reports,
  };
}

/** Runs `work` while a process reads the ledger, one report after another; returns how many were begun. */
async function whileAsking(stage: Stage, dataDir: string, work: () => Promise<void>): Promise<number> {
  // As a child of the gateway has it: on the same core, in the same session, with a lower priority.
  const pinned =
    stage.targetCore === undefined
      ? []
      : [Bun.which("taskset") ?? "taskset", "--cpu-list", String(stage.targetCore)];
  const command = [...pinned, ...stage.program, "read-ledger", dataDir];
  const hour = 3_600_000;
  const reader = new LedgerReader({ command, dataDir, timeoutMs: hour });
  let questions = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      questions++;
      await reader.usage(LONG_QUERY).catch((error: unknown) => {
        if (!(error instanceof ReaderError) || error.fault !== "stopped") throw error;
      });
    }
  })();
  await Bun.sleep(HEAD_START_MS);
  try {
    await work();
  } finally {
    isOver = true;
    reader.stop();
    await asking;
  }
  return questions;
}

function makeLedger(stage: Stage, { short }: Effort): string {
  const dataDir = stage.workspace.newFolder("data");
  const made = process.env[LEDGER_VARIABLE];
  if (made !== undefined) {
    const file = storeFile(made);
    copyFileSync(file, join(dataDir, basename(file)), constants.COPYFILE_FICLONE);
    return dataDir;
  }
  const rows = short ? ROWS.short : ROWS.full;
  console.error(`  making a ledger of ${rows} rows; ${LEDGER_VARIABLE} names a folder that has one`);
  makeBigLedger(dataDir, { rows, seed: 1 });
  rollUpBigLedger(dataDir);
  return dataDir;
}
