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

/**
 * Stages by the place of the code that runs: `path of the file in src/`, a space, the name of its function, and
 * `< native function` when the runtime runs in its name. The first line that fits counts.
 */
const STAGES: readonly (readonly [stage: string, places: RegExp])[] = [
  ["send to sockets (mostly kernel)", /^transport\/\S* .*< (write|end|flush)$/],
  ["key check", /^auth\//],
  ["client's address", /< requestIP$/],
  ["peek, model put in", /^(dialects\/\S*peek|wire\/json-(scan|splice))/],
  ["plan", /^(plan\/|snapshot|proxy\/plan-request)/],
  ["tap", /^(dialects|wire)\//],
  ["request headers", /^(upstreams\/(pass-headers|address|framing|family)|proxy\/attempt\/upstream-request)/],
  ["request head text", /^transport\/\S*request-(head|writer)/],
  ["reply head parse", /^transport\/\S*(reply-head|reply-reader|decoder)/],
  ["reply head filter", /^(upstreams\/|http\/error-reply|core\/header-view)/],
  ["watchdog", /watchdog/],
  ["transport, other", /^transport\//],
  ["SQL of the row, commit", /^(store\/|ledger\/(writer|columns|facts|intern))/],
  ["ledger's queue", /^ledger\//],
  ["row made", /^proxy\/(settle|row)/],
  ["metrics", /^core\/metrics/],
  ["ids and clock", /^core\/(ids|clock)/],
  ["lease and report", /^(pool\/|proxy\/attempt\/verdict)/],
  ["reply object", /< Response$/],
  ["listener: request, checks, body", /^(http|routes)/],
  ["walk through the phases", /^(proxy|app|core)/],
];

/** Samples whose stack holds no code of Clewline: promise jobs, and what the runtime runs for itself. */
const NO_CODE = "runtime inside JavaScript, nobody's call";

export const STAGE_NAMES: readonly string[] = [...STAGES.map(([name]) => name), NO_CODE];

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
  return Object.fromEntries(STAGE_NAMES.map((name) => [name, share(counts[name] ?? 0)]));
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
