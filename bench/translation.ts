/** The works in which client and upstream speak different dialects, beside the relay of the same upstream. */
import { type LoadPlan, readRssKb, runLoad, runPauses, type WireName } from "./load.ts";
import { cpuFigure, type Effort, errorsOf, type Measured, measure, only } from "./measure.ts";
import type { Figure, WorkResult } from "./result.ts";
import { type Stage, startTranslating } from "./targets.ts";

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
  "translated-json": async (stage, effort) => {
    const plan = {
      kind: "json",
      connections: 64,
      warmSeconds: effort.short ? 0.5 : 2,
      measuredSeconds: effort.short ? 1 : 6,
    } as const;
    return compare("translated-json", stage, effort, plan, ({ reports }) =>
      cpuFigure(reports, "request", (report) => report.requests, 1.6, "relay"),
    );
  },

  "translated-burst": async (stage, effort) => {
    const plan = {
      kind: "burst",
      connections: 32,
      events: 100,
      warmSeconds: effort.short ? 0.5 : 2,
      measuredSeconds: effort.short ? 1 : 6,
    } as const;
    return compare("translated-burst", stage, effort, plan, ({ reports }) =>
      cpuFigure(reports, "token", (report) => report.events, 2, "relay"),
    );
  },

  "translated-streams": async (stage, effort) => {
    const intervalMs = 50;
    const [warmSeconds, measuredSeconds] = effort.short ? [1, 1] : [4, 10];
    const plan = {
      kind: "ticks",
      connections: effort.short ? 100 : 1000,
      intervalMs,
      // Each stream outlasts the measured part by 2 s, the first one too.
      events: ((warmSeconds + measuredSeconds + 2) * 1000) / intervalMs,
      warmSeconds,
      measuredSeconds,
    } as const;
    return compare("translated-streams", stage, effort, plan, ({ reports }) =>
      cpuFigure(reports, "token", (report) => report.events, 2, "relay"),
    );
  },

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

/**
 * The same load in turn for a relay, whose client speaks the upstream's dialect, and for a translation of
 * that upstream.
 */
function compare(
  work: string,
  stage: Stage,
  effort: Effort,
  plan: LoadPlan,
  figureOf: (measured: Measured) => Figure,
): Promise<WorkResult> {
  return forEachDirection(work, async ({ client, upstream }) => {
    const model = `bench-${upstream}`;
    const measured = await measure(stage, effort, [
      { start: () => startTranslating(stage, "relay"), plan: { ...plan, model, dialect: upstream } },
      { start: () => startTranslating(stage, "clewline"), plan: { ...plan, model, dialect: client } },
    ]);
    const { reports, errors, notes } = measured;
    return { figures: [figureOf(measured)], errors, notes, rounds: reports };
  });
}

/** Memory while many translated streams are open. */
async function holdTranslated(stage: Stage, effort: Effort, { client, upstream }: Direction): Promise<Part> {
  const [streams, intervalMs, warmSeconds, measuredSeconds, slackSeconds, settleMs] = effort.short
    ? [100, 50, 1, 2, 1, 1_000]
    : [1_000, 100, 6, 24, 4, 30_000];
  const target = await startTranslating(stage, "clewline");
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
    const errors = errorsOf("clewline", report);
    if (report.open_at_end !== streams) errors.push(`${report.open_at_end} streams open of ${streams}`);
    const series = [idleKb, report.rss_start_kb, middleKb, report.rss_end_kb, settledKb];
    const [idle, start, middle, end, settled] = series.map((kb) => (kb / 1024).toFixed(1));
    const note =
      `RSS ${idle} MB idle; ${start}, ${middle} and ${end} MB at the start, in the middle and at the end of ` +
      `${measuredSeconds} s with ${streams} streams; ${settled} MB ${settleMs / 1000} s after`;
    console.error(`    ${note}`);
    return {
      figures: [
        only("RSS end / start (flat)", "", report.rss_end_kb / report.rss_start_kb, 1.1),
        only("RSS end / middle (flat)", "", report.rss_end_kb / middleKb, 1.1),
        only("RSS afterwards / idle", "", settledKb / idleKb, 1.5),
      ],
      errors,
      notes: [note],
      rounds: { clewline: [report] },
    };
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
