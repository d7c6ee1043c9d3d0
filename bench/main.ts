import { parseArgs } from "node:util";
import { allowedCores, describeMachine } from "./machine.ts";
import { isReached, renderTable, type WorkResult } from "./result.ts";
import { clewlineCommand, ROOT, type Stage, startUpstream } from "./targets.ts";
import { WORKS } from "./works.ts";
import { Workspace } from "./workspace.ts";

const USAGE = `usage: script/bench [NAME…] [--json] [--short] [--rounds N] [--dev]

  NAME        ${Object.keys(WORKS).join(" ")}; all of them without a name
  --json      one JSON object on standard output instead of the table
  --short     small counts, one round: a smoke test, nothing is judged
  --rounds N  rounds of each comparison, 1 to 20 (3)
  --dev       measure src/main.ts instead of the compiled binary`;

async function main(): Promise<number> {
  const { values, positionals: names } = readArguments();
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const rounds = values.short ? 1 : Number(values.rounds ?? 3);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) return refuse(`--rounds ${values.rounds}`);
  const unknown = names.find((name) => !Object.hasOwn(WORKS, name));
  if (unknown !== undefined) return refuse(`no work is named ${unknown}`);
  if (process.platform !== "linux")
    return refuse("the harness reads /proc and pins with taskset: it needs Linux");

  clewlineCommand(values.dev); // fails now rather than after a minute
  const machine = describeMachine(ROOT);
  const [targetCore, loadCore] = allowedCores();
  const pinned = loadCore !== undefined;
  const workspace = new Workspace();
  const upstreamPort = await startUpstream(workspace, pinned ? loadCore : undefined);
  const stage: Stage = {
    workspace,
    targetCore: pinned ? targetCore : undefined,
    loadCore,
    upstreamPort,
    dev: values.dev,
  };
  const results: WorkResult[] = [];
  for (const name of names.length > 0 ? names : Object.keys(WORKS)) {
    console.error(`${name} …`);
    results.push(await measureWork(name, stage, { rounds, short: values.short }));
  }
  const command = ["script/bench", ...process.argv.slice(2)].join(" ");
  const judge = !values.short;
  if (values.json) {
    const withVerdicts = results.map((result) => ({
      ...result,
      figures: result.figures.map((figure) => ({
        ...figure,
        reached: (judge ? isReached(figure, result) : undefined) ?? null,
      })),
    }));
    console.log(
      JSON.stringify({ command, atMs: Date.now(), machine, pinned, rounds, results: withVerdicts }),
    );
  } else {
    console.log(renderTable(results, judge));
    for (const { work, notes, errors } of results) {
      for (const note of notes) console.log(`${work}: ${note}`);
      for (const error of errors) console.log(`${work}: ERROR ${error}`);
    }
    console.log(
      `\n${command} · ${rounds} ${rounds === 1 ? "round" : "rounds"} · ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB · ` +
        `Linux ${machine.kernel} · Bun ${machine.bun} · nginx ${machine.nginx} · ${machine.commit} · ` +
        `load before ${machine.loadBefore.toFixed(1)}${pinned ? "" : " · NOT PINNED: one core"}`,
    );
  }
  return results.some((result) => result.errors.length > 0) ? 1 : 0;
}

/** A work that cannot be measured is an error of its own; the others go on. */
async function measureWork(name: string, stage: Stage, effort: { rounds: number; short: boolean }) {
  const work = WORKS[name];
  if (work === undefined) throw new Error(`no work is named ${name}`);
  try {
    return await work(stage, effort);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message.trim()})` : "";
    const reason = `${error instanceof Error ? error.message : error}${cause}`;
    console.error(`  ${reason}`);
    return { work: name, figures: [], errors: [reason], notes: [], rounds: {} };
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        rounds: { type: "string" },
        dev: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return process.exit(refuse(error instanceof Error ? error.message : String(error)));
  }
}

function refuse(reason: string): number {
  console.error(`script/bench: ${reason}\n\n${USAGE}`);
  return 2;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }),
);
