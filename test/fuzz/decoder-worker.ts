/** Tries the decoders in a thread of its own, so that the main thread sees a case that never ends. */
import { heapStats } from "bun:jsc";
import { CASE_KINDS, type CaseKind, encodeCase, faultOf } from "./cases.ts";
import { CaseMaker } from "./make-case.ts";
import { makeSeeds, type Seed } from "./seeds.ts";

declare const self: Worker;

export type CaseCounts = Readonly<Record<CaseKind, number>>;

/** Memory after a collection of garbage. */
export interface Memory {
  /** Live heap of this thread. */
  readonly heapMb: number;
  /** Resident memory of the process. */
  readonly rssMb: number;
}

export interface WorkerOrder {
  readonly seed: number;
  readonly untilMs: number;
  /** [0]: number of the running case, from 1 on. */
  readonly clock: SharedArrayBuffer;
}

export type WorkerReport =
  /** The seeds of all cases. */
  | { readonly type: "seeds"; readonly seeds: readonly Seed[] }
  | { readonly type: "progress"; readonly counts: CaseCounts }
  | { readonly type: "finding"; readonly number: number; readonly what: string; readonly text: string }
  | {
      readonly type: "done";
      readonly counts: CaseCounts;
      readonly warm: Memory;
      readonly end: Memory;
    };

const REPORT_EVERY_MS = 1_000;
/** After this share of the time, compiled code and tables are in memory. */
const WARM_UP_SHARE = 0.3;
const MB = 2 ** 20;
/** Cases without a turn of the event loop between them, in which reports are sent. */
const BATCH = 50;

self.onmessage = (event: MessageEvent<WorkerOrder>) => {
  void work(event.data);
};

async function work({ seed, untilMs, clock }: WorkerOrder): Promise<void> {
  const seeds = await makeSeeds(seed);
  const maker = new CaseMaker(seeds);
  const running = new Int32Array(clock);
  self.postMessage({ type: "seeds", seeds } satisfies WorkerReport);
  const counts = Object.fromEntries(CASE_KINDS.map((kind) => [kind, 0])) as Record<CaseKind, number>;
  const report = (message: WorkerReport): void => self.postMessage(message);
  const warmMs = Date.now() + (untilMs - Date.now()) * WARM_UP_SHARE;
  let warm: Memory | null = null;
  let reportedMs = performance.now();
  for (let number = 0; Date.now() < untilMs; number++) {
    const fuzzCase = maker.make(seed, number);
    Atomics.store(running, 0, number + 1);
    const what = faultOf(fuzzCase);
    if (what !== null) report({ type: "finding", number, what, text: encodeCase(fuzzCase) });
    counts[fuzzCase.kind] += 1;
    if (number % BATCH > 0) continue;
    await Bun.sleep(0);
    if (warm === null && Date.now() > warmMs) warm = measureMemory();
    if (performance.now() - reportedMs < REPORT_EVERY_MS) continue;
    reportedMs = performance.now();
    report({ type: "progress", counts });
  }
  Atomics.store(running, 0, 0);
  const end = measureMemory();
  report({ type: "done", counts, warm: warm ?? end, end });
}

function measureMemory(): Memory {
  Bun.gc(true);
  const mb = (bytes: number): number => Math.round(bytes / MB);
  return { heapMb: mb(heapStats().heapSize), rssMb: mb(process.memoryUsage.rss()) };
}
