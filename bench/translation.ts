/** The works in which client and upstream speak different dialects, beside the relay of the same upstream. */
import { type LoadPlan, type LoadReport, readRssKb, runLoad, runPauses, type WireName } from "./load.ts";
import { cpuFigure, type Effort, errorsOf, measure, only, type Subject } from "./measure.ts";
import { burstPlan, jsonPlan, streamsPlan } from "./plans.ts";
import type { WorkResult } from "./result.ts";
import { type BuildName, buildsOf, relayOf, type Stage, startTarget, startTranslating } from "./targets.ts";

interface Direction {
  readonly client: WireName;
  readonly upstream: WireName;
}

const DIRECTIONS: readonly Direction[] = [
  { client: "chat", upstream: "messages" },
  { client: "messages", upstream: "chat" },
];

type Work = (stage: Stage, effort: Effort) => Promise<WorkResult>;

/** Every work of translation by its name. */
export const TRANSLATION_WORKS: Readonly<Record<string, Work>> = {
  "translated-json": (stage, effort) =>
    forEachDirection("translated-json", async (direction) => {
      const plan = jsonPlan(effort);
      const subjects: Subject[] = [
        { start: () => startTarget(stage, "nginx"), plan },
        // What a relay costs is in the row of json.
        ...buildsOf(stage).map((build) => translation(stage, direction, plan, build)),
      ];
      const { reports, errors, notes } = await measure(stage, effort, subjects);
      const figures = [cpuFigure(reports, { unit: "request", beside: "nginx", atMost: 4.2 })];
      return { figures, errors, notes, rounds: reports };
    }),

  "translated-burst": (stage, effort) =>
    compareWithRelay("translated-burst", stage, effort, burstPlan(effort), 1.5),

  "translated-streams": (stage, effort) =>
    // Half of the rounds: one lasts five times as long as one of the other works.
    compareWithRelay(
      "translated-streams",
      stage,
      { ...effort, rounds: Math.ceil(effort.rounds / 2) },
      streamsPlan(effort),
      2,
    ),

  "translated-open": (stage, effort) =>
    forEachDirection("translated-open", (direction) => holdTranslated(stage, effort, direction)),

  history: (stage, effort) =>
    forEachDirection("history", (direction) => watchPauses(stage, effort, direction)),
};

/** What one direction adds to a work's result. */
type Part = Omit<WorkResult, "work">;

async function forEachDirection(
  work: string,
  measureOne: (direction: Direction) => Promise<Part>,
): Promise<WorkResult> {
  const parts: { label: string; part: Part }[] = [];
  for (const direction of DIRECTIONS) {
    const label = labelOf(direction);
    console.error(`  ${label}`);
    parts.push({ label, part: await measureOne(direction) });
  }
  const labelled = (texts: (part: Part) => readonly string[]) =>
    parts.flatMap(({ label, part }) => texts(part).map((text) => `${label}: ${text}`));
  return {
    work,
    figures: parts.flatMap(({ label, part }) =>
      part.figures.map((figure) => ({ ...figure, name: `${label}: ${figure.name}` })),
    ),
    errors: labelled((part) => part.errors),
    notes: labelled((part) => part.notes),
    rounds: Object.fromEntries(
      parts.flatMap(({ label, part }) =>
        Object.entries(part.rounds).map(([name, reports]) => [`${label}, ${name}`, reports]),
      ),
    ),
  };
}

function labelOf({ client, upstream }: Direction): string {
  return `${client} client, ${upstream} upstream`;
}

/** The same load in turn for the relay of an upstream and for its translation. */
function compareWithRelay(
  work: string,
  stage: Stage,
  effort: Effort,
  plan: LoadPlan,
  atMost: number,
): Promise<WorkResult> {
  return forEachDirection(work, async (direction) => {
    const subjects = buildsOf(stage).flatMap((build) => [
      relay(stage, direction, plan, build),
      translation(stage, direction, plan, build),
    ]);
    const { reports, errors, notes } = await measure(stage, effort, subjects);
    const figures = [cpuFigure(reports, { unit: "token", beside: "relay", atMost })];
    return { figures, errors, notes, rounds: reports };
  });
}

/** A build whose client speaks the upstream's dialect. */
function relay(stage: Stage, { upstream }: Direction, plan: LoadPlan, build: BuildName): Subject {
  return {
    start: () => startTranslating(stage, relayOf(build)),
    plan: { ...plan, model: `bench-${upstream}`, dialect: upstream },
  };
}

/** The same upstream behind a client of the other dialect. */
function translation(
  stage: Stage,
  { client, upstream }: Direction,
  plan: LoadPlan,
  build: BuildName,
): Subject {
  return {
    start: () => startTranslating(stage, build),
    plan: { ...plan, model: `bench-${upstream}`, dialect: client },
  };
}

/** Memory while many translated streams are open: all builds at once. */
async function holdTranslated(stage: Stage, effort: Effort, direction: Direction): Promise<Part> {
  const held = await Promise.all(
    buildsOf(stage).map((build) => holdWithBuild(stage, effort, direction, build)),
  );
  const ratio = (of: (part: Held) => number): Partial<Record<BuildName, number>> =>
    Object.fromEntries(held.map((part) => [part.build, of(part)]));
  return {
    figures: [
      only(
        "RSS end / start (flat)",
        "",
        ratio(({ report }) => report.rss_end_kb / report.rss_start_kb),
        1.1,
      ),
      only(
        "RSS end / middle (flat)",
        "",
        ratio(({ report, middleKb }) => report.rss_end_kb / middleKb),
        1.1,
      ),
      only(
        "RSS afterwards / idle",
        "",
        ratio(({ settledKb, idleKb }) => settledKb / idleKb),
        1.5,
      ),
    ],
    errors: held.flatMap(({ errors }) => errors),
    notes: held.map(({ note }) => note),
    rounds: Object.fromEntries(held.map(({ build, report }) => [build, [report]])),
  };
}

interface Held {
  readonly build: BuildName;
  readonly report: LoadReport;
  readonly idleKb: number;
  readonly middleKb: number;
  readonly settledKb: number;
  readonly errors: readonly string[];
  readonly note: string;
}

async function holdWithBuild(
  stage: Stage,
  effort: Effort,
  { client, upstream }: Direction,
  build: BuildName,
): Promise<Held> {
  // The last stream opens at half of the warm-up: the measured part lasts from 5 s until 60 s after that.
  const [streams, intervalMs, warmSeconds, measuredSeconds, slackSeconds, settleMs] = effort.short
    ? [100, 50, 1, 2, 1, 1_000]
    : [1_000, 100, 10, 55, 4, 30_000];
  const target = await startTranslating(stage, build);
  try {
    await Bun.sleep(effort.short ? 500 : 3_000);
    const idleKb = await readRssKb(stage, target.process);
    const [report, middleKb] = await Promise.all([
      runLoad(stage, target, {
        kind: "ticks",
        dialect: client,
        model: `bench-${upstream}`,
        connections: streams,
        intervalMs,
        events: ((warmSeconds + measuredSeconds + slackSeconds) * 1000) / intervalMs,
        warmSeconds,
        measuredSeconds,
      }),
      Bun.sleep((warmSeconds + measuredSeconds / 2) * 1000).then(() => readRssKb(stage, target.process)),
    ]);
    await Bun.sleep(settleMs);
    const settledKb = await readRssKb(stage, target.process);
    const errors = errorsOf(build, report);
    if (report.open_at_end !== streams)
      errors.push(`${build}: ${report.open_at_end} streams open of ${streams}`);
    const series = [idleKb, report.rss_start_kb, middleKb, report.rss_end_kb, settledKb];
    const [idle, start, middle, end, settled] = series.map((kb) => (kb / 1024).toFixed(1));
    const note =
      `${build}: RSS ${idle} MB idle; ${start}, ${middle} and ${end} MB at the start, in the middle and at the end of ` +
      `${measuredSeconds} s with ${streams} streams; ${settled} MB ${settleMs / 1000} s after`;
    console.error(`    ${note}`);
    return { build, report, idleKb, middleKb, settledKb, errors, note };
  } finally {
    await target.stop();
  }
}

/** The longest time without any answer while a long history is translated, beside a relay of the history. */
async function watchPauses(stage: Stage, effort: Effort, { client, upstream }: Direction): Promise<Part> {
  const requests = effort.short ? 2 : 20;
  const errors: string[] = [];
  const notes: string[] = [];
  const longestMs: Record<string, number> = {};
  const rounds: Record<string, readonly object[]> = {};
  for (const [name, dialect] of [
    ["relay", upstream],
    ["clewline", client],
  ] as const) {
    const target = await startTranslating(stage, name);
    try {
      const report = await runPauses(stage, target, { dialect, model: `bench-${upstream}`, requests });
      if (report.errors > 0)
        errors.push(`${name}: ${report.errors} errors, the first: ${report.first_error}`);
      const pauses = report.pauses_ms.map((ms) => ms.toFixed(1)).join(" ");
      const slowest = Math.max(...report.requests_ms).toFixed(0);
      notes.push(
        `${name}: pauses, ms: ${pauses}; ${report.quiet_ms.toFixed(1)} when quiet; slowest request ${slowest} ms`,
      );
      console.error(`    ${notes.at(-1)}`);
      longestMs[name] = Math.max(...report.pauses_ms);
      rounds[name] = [report];
    } finally {
      await target.stop();
    }
  }
  const figure = only(`longest pause of ${requests}`, "ms", longestMs.clewline ?? Number.NaN, 50);
  return { figures: [{ ...figure, relay: longestMs.relay }], errors, notes, rounds };
}
