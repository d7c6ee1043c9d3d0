import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { axisTimes, dayAndMinute } from "../lib/format.ts";
import { SERIES_COLORS } from "./series-colors.ts";

export interface ChartSeries {
  readonly label: string;
  /** null: nothing is known of this span. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** Starts of the spans, in Unix milliseconds. */
  readonly startsMs: readonly number[];
  readonly spanMs: number;
  readonly series: readonly ChartSeries[];
  readonly kind: "bars" | "lines";
  readonly height: number;
  readonly format: (value: number) => string;
  /** A span was drawn with the mouse. */
  readonly onZoom?: (fromMs: number, toMs: number) => void;
}

const AXIS_WIDTH = 58;
/** Of labels of the y axis, and before them. */
const [SIGN_WIDTH, AXIS_GAP] = [7, 14];

/** A canvas takes no custom properties: the colour as the page shows it. */
function colorOf(property: string, probe: HTMLElement): string {
  probe.style.color = `var(${property})`;
  return getComputedStyle(probe).color;
}

/**
 * Where the spans stand, in seconds. A first span that begins within its hour stands where the hour begins: the drawing
 * takes the smallest distance for the width of all bars.
 */
function places({ startsMs, spanMs }: ChartProps): number[] {
  const [first, second] = startsMs;
  return startsMs.map((ms, at) =>
    at === 0 && first !== undefined && second !== undefined
      ? Math.min(first, second - spanMs) / 1_000
      : ms / 1_000,
  );
}

/** Each series on top of those before it, the last one first, as bars are drawn one over another. */
function stacked({ series, startsMs }: ChartProps): (number | null)[][] {
  const sums = startsMs.map(() => 0);
  const layers = series.map(({ values }) =>
    values.map((value, at) => {
      sums[at] = (sums[at] as number) + (value ?? 0);
      return sums[at] as number;
    }),
  );
  return layers.reverse();
}

function optionsOf(
  props: ChartProps,
  probe: HTMLElement,
  width: number,
  onPoint: (at: number | null) => void,
): uPlot.Options {
  const { series, kind, height, format, onZoom, spanMs } = props;
  const [line, muted] = [colorOf("--color-line", probe), colorOf("--color-muted", probe)];
  const colors = series.map((_, at) => colorOf(SERIES_COLORS[at % SERIES_COLORS.length] as string, probe));
  const order = kind === "bars" ? [...colors].reverse() : colors;
  const axis = {
    stroke: muted,
    font: "12px system-ui",
    ticks: { stroke: line, width: 1 },
    grid: { stroke: line, width: 1 },
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [12, 20, 0, 0],
    cursor: {
      y: false,
      points: { show: kind === "lines" },
      drag: { x: onZoom !== undefined, y: false, setScale: false },
    },
    scales: {
      x: { range: (_, min, max) => [min, max + (kind === "bars" ? spanMs / 1_000 : 0)] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        space: 90,
        values: (_, ticks) => axisTimes(ticks.map((tick) => tick * 1_000)),
      },
      {
        ...axis,
        // Small amounts of money have many digits.
        size: (_, labels) =>
          Math.max(
            AXIS_WIDTH,
            AXIS_GAP + SIGN_WIDTH * Math.max(0, ...(labels ?? []).map(({ length }) => length)),
          ),
        ticks: { show: false },
        // Without a figure above 0 the scale is of no unit.
        values: ({ data }, ticks) =>
          ticks.map((tick) =>
            tick === 0 || data.slice(1).some((all) => all.some(Boolean)) ? format(tick) : "",
          ),
      },
    ],
    series: [
      {},
      ...order.map((color): uPlot.Series => {
        const isBars = kind === "bars";
        const bars = uPlot.paths.bars?.({ size: [0.8, 60], align: 1, radius: 0.15 });
        return {
          stroke: color,
          ...(isBars
            ? { fill: color, width: 0, ...(bars === undefined ? {} : { paths: bars }) }
            : { width: 1.75 }),
          points: { show: !isBars && props.startsMs.length < 40, size: 5 },
          spanGaps: false,
        };
      }),
    ],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width: drawn } = plot.select;
          if (drawn > 4 && onZoom !== undefined)
            onZoom(plot.posToVal(left, "x") * 1_000, plot.posToVal(left + drawn, "x") * 1_000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

export function ChartCanvas(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [point, setPoint] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.kind} ${props.height} ${props.spanMs} ${props.series.map(({ label }) => label).join("\0")} ${theme}`;
  const { startsMs, series } = props;

  useEffect(() => {
    const onTheme = (): void => setTheme((before) => before + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", onTheme);
    addEventListener("clewline-theme", onTheme);
    return () => {
      media.removeEventListener("change", onTheme);
      removeEventListener("clewline-theme", onTheme);
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew when its shape or its figures change
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const now = latest.current;
    const layers = now.kind === "bars" ? stacked(now) : now.series.map(({ values }) => [...values]);
    const x = places(now);
    const plot = new uPlot(
      { ...optionsOf(now, element, element.clientWidth, setPoint) },
      [x, ...layers] as uPlot.AlignedData,
      element,
    );
    const watcher = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: latest.current.height }),
    );
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [shape, startsMs, series]);

  return (
    <figure className="relative min-w-0">
      <div ref={host} role="img" aria-label={props.label} style={{ height: props.height }} />
      <figcaption className="h-6 truncate text-[13px] text-muted" aria-hidden={point === null}>
        {point !== null && startsMs[point] !== undefined && (
          <>
            <span className="tabular text-ink">{dayAndMinute(startsMs[point])}</span>
            {series.map(({ label, values }) => (
              <span key={label} className="ml-3 tabular">
                {label}{" "}
                <span className="text-ink">{values[point] == null ? "–" : props.format(values[point])}</span>
              </span>
            ))}
          </>
        )}
      </figcaption>
    </figure>
  );
}
