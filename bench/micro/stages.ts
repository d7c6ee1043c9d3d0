/**
 * CPU of the single steps of a relayed JSON request in isolation, for one source tree or several in turn. With
 * `script/bench stages` comes what they cost in a gateway under load.
 *
 *     node_modules/.bin/bun bench/micro/stages.ts [--tree PATH]… [--rounds N, default 15]
 *
 * A tree needs its packages (`script/setup`). The ratio is of the last tree to the first.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spreadOf } from "../ratio.ts";
import { median } from "../result.ts";
import { type Run, STEPS, type Step, Tree } from "./stage-steps.ts";

const ROUND_US = 30_000;
const { values } = parseArgs({
  options: { tree: { type: "string", multiple: true }, rounds: { type: "string", default: "15" } },
});
const rounds = Number(values.rounds);
const trees = (values.tree ?? [join(import.meta.dir, "../..")]).map((path) => new Tree(path));

/** null: the tree has no such step. */
async function open(step: Step, tree: Tree): Promise<Run | null> {
  for (const way of step.ways) {
    const run = await way(tree).catch(() => null);
    if (run !== null) return run;
  }
  return null;
}

/** CPU of all threads for each time, µs. */
async function measure(run: Run, times: number): Promise<number> {
  const before = process.cpuUsage();
  await run(times);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

/** Warms up, and returns how many times fill a round. */
async function timesOf(run: Run): Promise<number> {
  let times = 1_600;
  for (;;) {
    const usedUs = (await measure(run, times)) * times;
    if (usedUs >= ROUND_US) return times;
    times *= 2;
  }
}

console.log(`| step | ${trees.map(({ path }) => path).join(" µs | ")} µs | ratio |`);
console.log(`|---|${trees.map(() => "---|").join("")}---|`);
for (const step of STEPS) {
  const runs = await Promise.all(trees.map((tree) => open(step, tree)));
  const times: number[] = [];
  for (const run of runs) times.push(run === null ? 0 : await timesOf(run));
  const costs: number[][] = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...runs.entries()];
    for (const [index, run] of round % 2 === 0 ? order : order.toReversed())
      if (run !== null) costs[index]?.push(await measure(run, times[index] ?? 1));
  }
  const [first, last] = [costs[0] ?? [], costs.at(-1) ?? []];
  const spread = spreadOf(last.map((cost, round) => cost / (first[round] ?? Number.NaN)));
  const [middle, lower, upper] = [spread.median, spread.lowerQuartile, spread.upperQuartile].map((one) =>
    one.toFixed(2),
  );
  const ratio = trees.length < 2 || Number.isNaN(spread.median) ? "" : `${middle} (${lower} to ${upper})`;
  const cells = costs.map((own) => (own.length === 0 ? "no such step" : median(own).toFixed(3)));
  console.log(`| ${step.name} | ${cells.join(" | ")} | ${ratio} |`);
}
for (const tree of trees) await tree.close();
