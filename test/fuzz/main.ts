/** `script/fuzz [--minutes N] [--seed N] [--again FILE]`: see `HELP`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { decodeCase, faultOf } from "./cases.ts";
import { describe, fuzzDecoders } from "./decoders-run.ts";
import { Findings } from "./findings.ts";
import { fuzzGateway } from "./gateway-run.ts";

const HELP = `Usage: script/fuzz [--minutes N] [--seed N]
       script/fuzz --again FILE

Spoils good requests, replies and streams, and gives them to every decoder and, over a socket, to a gateway in front of simulated
providers. Some are lengthened as well, and must cost no more than they are long. Ends by itself, with exit code 1 when something was found; each finding is a file.

  --minutes N   how long in all (default 10)
  --seed N      the chance of a former run
  --again FILE  tries a finding of the decoders once more
`;
const PROGRESS_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;

/** Prints progress at most this often. */
function makeProgress(): (line: string) => void {
  const startMs = performance.now();
  let lastMs = startMs;
  return (line) => {
    if (performance.now() - lastMs < PROGRESS_EVERY_MS) return;
    lastMs = performance.now();
    console.log(`${((lastMs - startMs) / 1_000).toFixed(0).padStart(4)} s  ${line}`);
  };
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string" },
      again: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.again !== undefined) {
    return tryAgain(values.again);
  }
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!(minutes > 0 && minutes <= 24 * 60) || !Number.isSafeInteger(seed)) {
    console.error(HELP);
    return 2;
  }
  return await fuzz(minutes, seed);
}

function tryAgain(file: string): number {
  const finding = JSON.parse(readFileSync(file, "utf8"));
  if (finding.case === undefined) {
    console.error(`${file} is no finding of the decoders: send its body to a gateway`);
    return 2;
  }
  const fault = faultOf(decodeCase(JSON.stringify(finding.case)));
  console.log(fault ?? "nothing is wrong with it any more");
  return fault === null ? 0 : 1;
}

async function fuzz(minutes: number, seed: number): Promise<number> {
  const findings = new Findings();
  console.log(`fuzz seed ${seed}, ${minutes} minutes, findings go to ${findings.folder}`);
  const progress = makeProgress();
  const halfMs = (minutes * MINUTE_MS) / 2;
  const decoders = await fuzzDecoders(seed, Date.now() + halfMs, findings, progress);
  const gateway = await fuzzGateway(seed, Date.now() + halfMs, findings, progress);
  const { memory } = decoders;
  const living =
    memory === null
      ? ""
      : `; heap ${memory.warm.heapMb} MB warm, ${memory.end.heapMb} MB at the end, rss ${memory.warm.rssMb} MB, ${memory.end.rssMb} MB`;
  console.log(`decoders  ${describe(decoders.counts)}${living}`);
  console.log(
    `gateway   ${describe(gateway.counts)}; rss ${gateway.rssMb.warm} MB warm, ${gateway.rssMb.end} MB at the end`,
  );
  for (const [what, times] of findings.entries()) console.log(`${times} times: ${what}`);
  console.log(`fuzz seed ${seed}: ${findings.count} findings`);
  findings.close();
  return findings.count === 0 ? 0 : 1;
}

// A thread that never ends must not keep the process.
process.exit(await main(process.argv.slice(2)));
