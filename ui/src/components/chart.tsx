import { lazy, Suspense } from "react";
import type { ChartProps } from "./chart-canvas.tsx";
import { SERIES_COLORS } from "./series-colors.ts";

const Canvas = lazy(async () => ({ default: (await import("./chart-canvas.tsx")).ChartCanvas }));

/** A chart over time. The code that draws is loaded when a chart is shown; its place is kept meanwhile. */
export function Chart(props: ChartProps) {
  return (
    <div className="min-w-0" style={{ minHeight: props.height + 24 }}>
      <Suspense>
        <Canvas {...props} />
      </Suspense>
      {props.series.length > 1 && (
        <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1">
          {props.series.map(({ label }, at) => (
            <li key={label} className="flex min-w-0 items-center gap-1.5 text-[13px] text-muted">
              <span
                aria-hidden
                className="size-2.5 shrink-0 rounded-[3px]"
                style={{ background: `var(${SERIES_COLORS[at % SERIES_COLORS.length]})` }}
              />
              <span className="truncate">{label}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
