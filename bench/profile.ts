/** From the samples of a CPU profile to the stages of a request. Pure. */
import { quantile } from "./ratio.ts";

/** What is read of a `.cpuprofile`. Times are microseconds since 1970. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

type Stages = readonly (readonly [stage: string, places: RegExp])[];

/**
 * Parts of a request and their stages, by the place of the code that runs: `path of the file in src/`, a space, the name of
 * its function, and `< native function` when the runtime runs in its name. The first line that fits counts.
 */
const PARTS: Readonly<Record<string, Stages>> = {
  "sockets and HTTP, both sides": [
    ["send to sockets (mostly kernel)", /^transport\/\S* .*< (write|end|flush)$/],
    ["client's address", /< requestIP$/],
    ["reply object", /< Response$/],
    ["listener: request, checks, body", /^(http\/(?!error-reply)|routes)/],
    ["request head text", /^transport\/\S*request-(head|writer)/],
    ["reply head parse", /^transport\/\S*(reply-head|reply-reader|decoder)/],
    ["watchdog", /watchdog/],
    ["transport, other", /^transport\//],
  ],
  "headers by rules, ids": [
    [
      "request headers",
      /^(upstreams\/(pass-headers|address|framing|family|url)|proxy\/attempt\/upstream-request)/,
    ],
    ["reply head filter", /^(upstreams\/|http\/error-reply|core\/header-view)/],
    ["ids and clock", /^core\/(ids|clock)/],
  ],
  "key check": [["key check", /^auth\//]],
  "peek and plan": [
    ["peek, model put in", /^(dialects\/\S*peek|wire\/json-(scan|splice))/],
    ["plan", /^(plan\/|snapshot|proxy\/plan-request)/],
  ],
  "tap of the reply": [["tap", /^(dialects|wire)\//]],
  "row, committed": [
    ["SQL of the row, commit", /^(store\/|ledger\/(writer|entry-writer|columns|facts))/],
    ["ledger's queue", /^ledger\//],
    ["row made", /^proxy\/(settle|row)/],
  ],
  "walk, pool, metrics, promise jobs": [
    ["metrics", /^core\/metrics/],
    ["lease and report", /^(pool\/|proxy\/attempt\/verdict)/],
    ["walk through the phases", /^(proxy|app|core)/],
  ],
};

const STAGES: Stages = Object.values(PARTS).flat();

/** Samples whose stack holds no code of Clewline: promise jobs, and what the runtime runs for itself. */
const NO_CODE = "runtime inside JavaScript, nobody's call";
/** Of the main thread, when no JavaScript is on its stack. */
export const OUTSIDE = "outside JavaScript: sockets, HTTP, timers";
/** Threads that compile, collect garbage and give memory back. */
export const OTHER_THREADS = "other threads";

/** Each part with the names of its stages, in the order of the table. */
export const PART_STAGES: readonly (readonly [part: string, stages: readonly string[]])[] = [
  ...Object.entries(PARTS).map(([part, stages]) => {
    const names = stages.map(([name]) => name);
    if (part === "sockets and HTTP, both sides") return [part, [OUTSIDE, ...names]] as const;
    return [part, part.startsWith("walk") ? [...names, NO_CODE] : names] as const;
  }),
  [OTHER_THREADS, [OTHER_THREADS]],
];

export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How much of a window's time each stage took, from 0 to 1. What is missing from 1 ran outside JavaScript, or
 * nothing ran.
 */
export function stageShares(
  profile: CpuProfile,
  { fromMs, toMs }: TimeWindow,
): Readonly<Record<string, number>> {
  const stages = stagesOfNodes(profile);
  const counts: Record<string, number> = {};
  const gapsUs: number[] = [];
  let atUs = profile.startTime;
  profile.samples.forEach((id, index) => {
    const gapUs = profile.timeDeltas[index] ?? 0;
    atUs += gapUs;
    if (atUs < fromMs * 1000 || atUs > toMs * 1000) return;
    const stage = stages.get(id) ?? NO_CODE;
    counts[stage] = (counts[stage] ?? 0) + 1;
    gapsUs.push(gapUs);
  });
  // While no JavaScript runs there are no samples, so the longer gaps are several steps of the sampler.
  const stepUs = quantile(gapsUs, 0.4);
  const share = (count: number): number => (count * stepUs) / ((toMs - fromMs) * 1000);
  return Object.fromEntries(
    [...STAGES.map(([name]) => name), NO_CODE].map((name) => [name, share(counts[name] ?? 0)]),
  );
}

function stagesOfNodes({ nodes }: CpuProfile): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stages = new Map<number, string>();
  for (const { id, callFrame } of nodes) {
    let owner = byId.get(id);
    while (owner !== undefined && !owner.callFrame.url.includes("/src/"))
      owner = byId.get(parents.get(owner.id) ?? -1);
    if (owner === undefined) continue;
    const native = owner.id === id ? "" : ` < ${callFrame.functionName}`;
    const file = owner.callFrame.url.replace(/^.*\/src\//, "");
    stages.set(id, stageOf(`${file} ${owner.callFrame.functionName}${native}`));
  }
  return stages;
}

export function stageOf(place: string): string {
  return STAGES.find(([, places]) => places.test(place))?.[0] ?? NO_CODE;
}
