/** Runs the decoders' thread, and watches it from outside. */

import { encodeCase } from "./cases.ts";
import type { CaseCounts, Memory, WorkerOrder, WorkerReport } from "./decoder-worker.ts";
import type { Findings } from "./findings.ts";
import { CaseMaker } from "./make-case.ts";
import type { Seed } from "./seeds.ts";

const MB = 2 ** 20;
const POLL_MS = 500;
/** A case that runs so long will not end. */
const HANG_MS = 300_000;
/** The most that the live heap may grow between the warm-up and the end. */
const GROWTH_LIMIT_MB = 50;

export interface DecodersResult {
  readonly counts: CaseCounts | null;
  /** null: the run did not end by itself. */
  readonly memory: { readonly warm: Memory; readonly end: Memory } | null;
}

/** Tries cases until `untilMs`, the time since 1970. */
export async function fuzzDecoders(
  seed: number,
  untilMs: number,
  findings: Findings,
  progress: (line: string) => void,
): Promise<DecodersResult> {
  const worker = new Worker(new URL("./decoder-worker.ts", import.meta.url));
  const clock = new SharedArrayBuffer(4);
  let seeds: readonly Seed[] = [];
  let counts: CaseCounts | null = null;
  let memory: DecodersResult["memory"] = null;
  let isDone = false;
  worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => {
    if (data.type === "seeds") seeds = data.seeds;
    else if (data.type === "finding")
      findings.add(data.what, { seed, number: data.number, case: JSON.parse(data.text) });
    else {
      counts = data.counts;
      if (data.type === "done") memory = data;
      isDone = data.type === "done";
    }
  };
  worker.onerror = ({ message }) => {
    findings.add(`the decoders' thread ended: ${message}`, { seed });
    isDone = true;
  };
  worker.postMessage({ seed, untilMs, clock } satisfies WorkerOrder);

  const watch = new CaseWatch(new Int32Array(clock));
  while (!isDone) {
    await Bun.sleep(POLL_MS);
    const hanging = watch.hanging();
    if (hanging !== null) {
      const fuzzCase = new CaseMaker(seeds).make(seed, hanging - 1);
      findings.add("a decoder does not come to an end", {
        seed,
        number: hanging - 1,
        case: JSON.parse(encodeCase(fuzzCase)),
      });
      break;
    }
    progress(`decoders  ${describe(counts)}  rss ${rssMb()} MB`);
  }
  worker.terminate();
  const result: DecodersResult = { counts, memory };
  if (result.memory !== null) {
    const { warm, end } = result.memory;
    if (end.heapMb - warm.heapMb > GROWTH_LIMIT_MB)
      findings.add(`the decoders' memory grew from ${warm.heapMb} MB to ${end.heapMb} MB`, { seed });
  }
  return result;
}

export function describe(counts: Readonly<Record<string, number>> | null): string {
  if (counts === null) return "making seeds";
  return Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ");
}

function rssMb(): number {
  return Math.round(process.memoryUsage.rss() / MB);
}

/** Watches for a case that runs for too long. */
class CaseWatch {
  #number = 0;
  #sinceMs = performance.now();
  readonly #clock: Int32Array;

  constructor(clock: Int32Array) {
    this.#clock = clock;
  }

  /** The number of the case that hangs, from 1 on; null: no case hangs. */
  hanging(): number | null {
    const number = Atomics.load(this.#clock, 0);
    if (number !== this.#number) {
      this.#number = number;
      this.#sinceMs = performance.now();
    }
    return number > 0 && performance.now() - this.#sinceMs > HANG_MS ? number : null;
  }
}
