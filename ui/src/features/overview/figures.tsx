import { ArrowDown, ArrowUp, Minus } from "lucide-react";
import { compact, dollars, duration, percent, whole } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { growth, type Overview } from "./metrics.ts";

interface Figure {
  readonly title: string;
  readonly value: string;
  readonly detail: string;
  readonly change: number | null;
  /** More of it is worse. */
  readonly isCost: boolean;
}

const share = (part: number, all: number): number | null => (all === 0 ? null : part / all);
const sumOf = ({ fresh, cacheRead, cacheWrite, output }: Overview["totals"]["tokens"]): number =>
  (fresh ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0) + (output ?? 0);

/** The sums of the range, each beside the range before. */
export function Figures({ overview: { totals, before } }: { overview: Overview }) {
  const text = useText();
  const cost = (sums: Overview["totals"]): number | null =>
    sums.costNanoUsd === null ? null : Number(sums.costNanoUsd);
  const { fresh, cacheRead, output } = totals.tokens;
  const input = (fresh ?? 0) + (cacheRead ?? 0) + (totals.tokens.cacheWrite ?? 0);
  const figures: readonly Figure[] = [
    {
      title: text("Cost"),
      value: dollars(totals.costNanoUsd),
      detail:
        totals.unpriced > 0
          ? text("{count} without a price", { count: whole(totals.unpriced) })
          : text("every request is priced"),
      change: growth(cost(totals), cost(before)),
      isCost: true,
    },
    {
      title: text("Requests"),
      value: compact(totals.requests),
      detail: text("{count} left by clients", { count: whole(totals.clientLeft) }),
      change: growth(totals.requests, before.requests),
      isCost: false,
    },
    {
      title: text("Errors"),
      value: compact(totals.errors),
      detail: text("{share} of all requests", { share: percent(share(totals.errors, totals.requests)) }),
      change: growth(totals.errors, before.errors),
      isCost: true,
    },
    {
      title: text("Tokens"),
      value: compact(sumOf(totals.tokens)),
      detail: text("{output} output, {share} of input from caches", {
        output: compact(output),
        share: percent(share(cacheRead ?? 0, input)),
      }),
      change: growth(sumOf(totals.tokens), sumOf(before.tokens)),
      isCost: false,
    },
    {
      title: text("Latency"),
      value: duration(totals.latencyP50Ms),
      detail: text("95 of 100 within {time}", { time: duration(totals.latencyP95Ms) }),
      change: growth(totals.latencyP50Ms, before.latencyP50Ms),
      isCost: true,
    },
    {
      title: text("First token"),
      value: duration(totals.firstTokenP50Ms),
      detail: text("95 of 100 within {time}", { time: duration(totals.firstTokenP95Ms) }),
      change: growth(totals.firstTokenP50Ms, before.firstTokenP50Ms),
      isCost: true,
    },
  ];
  return (
    <dl className="grid grid-cols-2 gap-2 sm:gap-3 lg:grid-cols-3 xl:grid-cols-6">
      {figures.map((figure) => (
        <div key={figure.title} className="panel flex min-w-0 flex-col px-3 py-2.5 sm:px-4">
          <dt className="flex items-center gap-2 text-muted">
            <span className="flex-1 truncate">{figure.title}</span>
            <Change {...figure} />
          </dt>
          <dd className="tabular text-[22px] leading-8 font-semibold">{figure.value}</dd>
          <dd className="text-[13px] text-muted">{figure.detail}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Against the range before: an arrow, and a colour only where more or less is good or bad. */
function Change({ change, isCost }: Figure) {
  const text = useText();
  if (change === null) return null;
  const isSame = Math.abs(change) < 0.005;
  const Icon = isSame ? Minus : change > 0 ? ArrowUp : ArrowDown;
  const ink = !isCost || isSame ? "text-muted" : change > 0 ? "text-bad" : "text-good";
  return (
    <span className={`inline-flex items-center text-[12.5px] font-medium ${ink}`}>
      <Icon size={13} aria-hidden />
      <span className="tabular">{change > 9.99 ? ">999 %" : percent(Math.abs(change))}</span>
      <span className="sr-only">
        {change >= 0 ? text("more than in the range before") : text("less than in the range before")}
      </span>
    </span>
  );
}
