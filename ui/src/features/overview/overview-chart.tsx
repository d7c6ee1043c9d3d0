import { useMemo } from "react";
import { Chart } from "../../components/chart.tsx";
import { Choice } from "../../components/choice.tsx";
import { SelectField } from "../../components/field.tsx";
import { Panel } from "../../components/page.tsx";
import { ScrollRegion } from "../../components/scroll-region.tsx";
import { dayAndMinute, NONE } from "../../lib/format.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { chartSeries, METRICS, type Metric, type MetricName, type Overview } from "./metrics.ts";
import { roundedSpan } from "./range.ts";

const HEIGHT = 260;

export function OverviewChart({
  overview,
  by,
  splits,
}: {
  overview: Overview;
  by: string;
  splits: readonly ("model" | "key" | "credential" | "upstream" | "team")[];
}) {
  const text = useText();
  const [read, write] = usePlace();
  const chosen = read("metric");
  const name: MetricName = Object.hasOwn(METRICS, chosen) ? (chosen as MetricName) : "cost";
  const metric: Metric = METRICS[name];
  const names = {
    model: text("By model"),
    key: text("By key"),
    credential: text("By credential"),
    upstream: text("By upstream"),
    team: text("By team"),
  } as const;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the texts change with the language, which draws all anew
  const series = useMemo(() => chartSeries(metric, overview, text), [metric, overview]);
  const startsMs = useMemo(() => overview.series.map((point) => point.startMs), [overview]);
  // The first and the last span may be cut by the range.
  const spanMs = Math.max(1, ...overview.series.map(({ startMs, endMs }) => endMs - startMs));
  return (
    <Panel className="pt-1">
      <div className="flex flex-wrap items-center justify-between gap-2 pb-2">
        <Choice
          label={text("What the chart shows")}
          value={name}
          options={Object.entries<Metric>(METRICS).map(([value, { title }]) => ({
            value,
            label: text(title),
          }))}
          onChoose={(metricName) => write({ metric: metricName === "cost" ? "" : metricName })}
        />
        <div className="w-44">
          <SelectField
            label={text("Split the chart")}
            isLabelHidden
            value={by}
            onChange={({ target }) => write({ by: target.value })}
          >
            <option value="">{text("All together")}</option>
            {splits.map((split) => (
              <option key={split} value={split}>
                {names[split]}
              </option>
            ))}
          </SelectField>
        </div>
      </div>
      <Chart
        label={text("{metric} over time. The table below has the same figures.", {
          metric: text(metric.title),
        })}
        startsMs={startsMs}
        spanMs={spanMs}
        series={series}
        kind={metric.kind}
        height={HEIGHT}
        format={metric.format}
        onZoom={(fromMs, toMs) => write(roundedSpan(fromMs, toMs))}
      />
      <details className="mt-2">
        <summary className="w-fit text-[13px] text-muted hover:text-ink">{text("Show as a table")}</summary>
        <ScrollRegion label={text("Show as a table")} className="mt-2 max-h-72">
          <table className="w-full text-left">
            <thead className="sticky top-0 bg-surface text-muted">
              <tr>
                <th className="py-1 pr-4 font-medium">{text("Time")}</th>
                {series.map(({ label }) => (
                  <th key={label} className="py-1 pr-4 text-right font-medium">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="tabular">
              {startsMs.map((startMs, at) => (
                <tr key={startMs} className="border-t border-line">
                  <td className="py-1 pr-4 whitespace-nowrap">{dayAndMinute(startMs)}</td>
                  {series.map(({ label, values }) => (
                    <td key={label} className="py-1 pr-4 text-right">
                      {values[at] == null ? NONE : metric.format(values[at])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      </details>
    </Panel>
  );
}
