/**
 * The longest turn of an event loop that has a report read: `node_modules/.bin/bun bench/micro/reader-turns.ts FOLDER
 * [--rounds N] [--program dist/clewline]`, with a folder that `script/make-ledger` has made. Prints the longest turn
 * without a question, during the first one of the process, and during later ones.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { LedgerReader } from "../../src/ledger/reader/ledger-reader.ts";
import { ALL_USAGE, type UsageQuery } from "../../src/ledger/usage/usage-query.ts";

/** Its page is full. */
const QUESTION: UsageQuery = { ...ALL_USAGE, by: ["key", "model"], period: "week" };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "10" }, program: { type: "string" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("give the folder of a ledger that script/make-ledger has made");
const dataDir = resolve(folder);
const program =
  values.program === undefined
    ? [process.execPath, join(import.meta.dir, "../../src/main.ts")]
    : [resolve(values.program)];
const reader = new LedgerReader({ command: [...program, "read-ledger", dataDir], dataDir });

let longestMs = 0;
let lastMs = performance.now();
const turn = (): void => {
  const nowMs = performance.now();
  longestMs = Math.max(longestMs, nowMs - lastMs);
  lastMs = nowMs;
  setImmediate(turn);
};
setImmediate(turn);

interface Measured {
  readonly turnMs: number;
  readonly allMs: number;
}

/** The longest turn while the work is under way, and how long that is. */
async function measure(work: () => Promise<unknown>): Promise<Measured> {
  longestMs = 0;
  const startMs = performance.now();
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  return { turnMs: longestMs, allMs: performance.now() - startMs };
}

await measure(() => Bun.sleep(1000));
let groups = 0;
const ask = async (): Promise<void> => {
  groups = (await reader.usage(QUESTION)).groups.length;
};
const line = (name: string, found: readonly Measured[]): void => {
  const turns = found.map(({ turnMs }) => turnMs).toSorted((a, b) => a - b);
  const middle = turns[Math.floor(turns.length / 2)] ?? Number.NaN;
  const took = found.reduce((sum, { allMs }) => sum + allMs, 0) / found.length;
  console.log(
    `${name.padEnd(24)} longest turn ${middle.toFixed(2)} ms (median), ${turns.at(-1)?.toFixed(2)} ms (worst); took ${took.toFixed(0)} ms`,
  );
};
const first = await measure(ask);
const quiet: Measured[] = [];
const asking: Measured[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const asked = await measure(ask);
  asking.push(asked);
  quiet.push(await measure(() => Bun.sleep(asked.allMs)));
}
line("no question", quiet);
line("the first question", [first]);
line(`${groups} groups`, asking);
process.exit(0);
