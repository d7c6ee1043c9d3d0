import type { ReplyOf } from "../../../../src/admin/contract.ts";
import type { ChartSeries } from "../../components/chart-canvas.tsx";
import { compact, dollars, duration } from "../../lib/format.ts";
import type { Text } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

export type Overview = ReplyOf<"getOverview">;
export type Point = Overview["series"][number];

export interface Metric {
  readonly title: Message;
  readonly kind: "bars" | "lines";
  readonly format: (value: number) => string;
  /** One value of a point, for series that are split; null: it cannot be split. */
  readonly of: (point: Point) => number | null;
  /** The series without a split. */
  readonly parts?: readonly { readonly title: Message; readonly of: (point: Point) => number | null }[];
}

const tokens = ({ tokens: { fresh, cacheRead, cacheWrite, output } }: Point): number =>
  (fresh ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0) + (output ?? 0);

export const METRICS = {
  cost: {
    title: "Cost",
    kind: "bars",
    format: (value) => dollars(value),
    of: ({ costNanoUsd }) => (costNanoUsd === null ? null : Number(costNanoUsd)),
  },
  requests: { title: "Requests", kind: "bars", format: compact, of: ({ requests }) => requests },
  tokens: {
    title: "Tokens",
    kind: "bars",
    format: compact,
    of: tokens,
    parts: [
      { title: "Fresh input", of: (point) => point.tokens.fresh },
      { title: "Cache read", of: (point) => point.tokens.cacheRead },
      { title: "Cache write", of: (point) => point.tokens.cacheWrite },
      { title: "Output", of: (point) => point.tokens.output },
    ],
  },
  errors: { title: "Errors", kind: "bars", format: compact, of: ({ errors }) => errors },
  latency: {
    title: "Latency",
    kind: "lines",
    format: duration,
    of: ({ latencyP50Ms }) => latencyP50Ms,
    parts: [
      { title: "Median", of: ({ latencyP50Ms }) => latencyP50Ms },
      { title: "95 of 100", of: ({ latencyP95Ms }) => latencyP95Ms },
    ],
  },
  firstToken: {
    title: "First token",
    kind: "lines",
    format: duration,
    of: ({ firstTokenP50Ms }) => firstTokenP50Ms,
    parts: [
      { title: "Median", of: ({ firstTokenP50Ms }) => firstTokenP50Ms },
      { title: "95 of 100", of: ({ firstTokenP95Ms }) => firstTokenP95Ms },
    ],
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** At most as many as there are colours; the reply puts the others together. */
export function chartSeries(metric: Metric, { series, split }: Overview, text: Text): readonly ChartSeries[] {
  if (split !== null)
    return split.slice(0, 7).map(({ value, series: points }) => ({
      label: value === null ? text("All others") : value === "" ? text("None") : value,
      values: points.map(metric.of),
    }));
  const parts = metric.parts ?? [{ title: metric.title, of: metric.of }];
  return parts.map(({ title, of }) => ({ label: text(title), values: series.map(of) }));
}

/** The growth against the range before; null: there is nothing to compare with. */
export function growth(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : now / before - 1;
}
