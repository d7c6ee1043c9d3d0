/** Runs the decoders' thread, and watches it from outside. */

import { encodeCase } from "./cases.ts";
import type { CaseCounts, WorkerOrder, WorkerReport } from "./decoder-worker.ts";
import type { Findings } from "./findings.ts";
import { CaseMaker } from "./make-case.ts";
import type { Seed } from "./seeds.ts";

const MB = 2 ** 20;
const POLL_MS = 500;
/** A case that runs so long will not end. */
const HANG_MS = 60_000;
/** What is allocated once (compiled code, tables) is there after this share of the time. */
const WARM_UP_SHARE = 0.3;
/** Memory that a thread keeps for its next allocations; what grows without an end is soon beyond it. */
const GROWTH_LIMIT_MB = 200;

export interface DecodersResult {
  readonly counts: CaseCounts | null;
  readonly rssMb: { readonly warm: number; readonly end: number };
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
  let isDone = false;
  worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => {
    if (data.type === "seeds") seeds = data.seeds;
    else if (data.type === "finding")
      findings.add(data.what, { seed, number: data.number, case: JSON.parse(data.text) });
    else {
      counts = data.counts;
      isDone = data.type === "done";
    }
  };
  worker.onerror = ({ message }) => {
    findings.add(`the decoders' thread ended: ${message}`, { seed });
    isDone = true;
  };
  worker.postMessage({ seed, untilMs, clock } satisfies WorkerOrder);

  const watch = new CaseWatch(new Int32Array(clock));
  const startMs = Date.now();
  const warmMs = startMs + (untilMs - startMs) * WARM_UP_SHARE;
  let warm: number | null = null;
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
    if (warm === null && Date.now() > warmMs) warm = rssMb();
    progress(`decoders  ${describe(counts)}  rss ${rssMb()} MB`);
  }
  worker.terminate();
  Bun.gc(true);
  const end = rssMb();
  const result = { counts, rssMb: { warm: warm ?? end, end } };
  if (end - result.rssMb.warm > GROWTH_LIMIT_MB)
    findings.add(`memory grew from ${result.rssMb.warm} MB to ${end} MB`, { seed });
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

/** Sees when the same case runs for too long. */
class CaseWatch {
  #number = 0;
  #sinceMs = performance.now();

  constructor(private readonly clock: Int32Array) {}

  /** Number of the case, from 1 on; null: it goes on well. */
  hanging(): number | null {
    const number = Atomics.load(this.clock, 0);
    if (number !== this.#number) {
      this.#number = number;
      this.#sinceMs = performance.now();
    }
    return number > 0 && performance.now() - this.#sinceMs > HANG_MS ? number : null;
  }
}
