/**
 * Metrics in Prometheus' text format, by OpenTelemetry's official serializer. The first scrape loads the
 * serializer: the gateway itself counts with plain numbers.
 */
import type { GaugeMetricData, HistogramMetricData, SumMetricData } from "@opentelemetry/sdk-metrics";
import type { Counter, Histogram, Metrics } from "../core/metrics.ts";

/** A value that is read when a scraper asks. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly points: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export async function renderMetrics(
  metrics: Metrics,
  gauges: readonly Gauge[],
  startedAtMs: number,
  nowMs: number,
): Promise<string> {
  const [
    { PrometheusSerializer },
    { DataPointType, InstrumentType, AggregationTemporality },
    { resourceFromAttributes },
    { ValueType },
  ] = await Promise.all([
    import("@opentelemetry/exporter-prometheus"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/api"),
  ]);
  const startTime: [number, number] = [Math.floor(startedAtMs / 1_000), 0];
  const endTime: [number, number] = [Math.floor(nowMs / 1_000), 0];
  const point = <V>(labels: Readonly<Record<string, string>>, value: V) => ({
    startTime,
    endTime,
    attributes: { ...labels },
    value,
  });
  const describe = (name: string, description: string, type: string) => ({
    name,
    description,
    type: type as never,
    unit: "",
    valueType: ValueType.DOUBLE,
    advice: {},
  });
  const sum = (counter: Counter): SumMetricData => ({
    descriptor: describe(counter.name.replace(/_total$/, ""), counter.help, InstrumentType.COUNTER),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: [...counter.series()].map(({ labels, value }) => point(labels, value)),
  });
  const gauge = ({ name, help, points }: Gauge): GaugeMetricData => ({
    descriptor: describe(name, help, InstrumentType.OBSERVABLE_GAUGE),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: points.map(({ labels, value }) => point(labels, value)),
  });
  const histogram = (one: Histogram): HistogramMetricData => ({
    descriptor: describe(one.name, one.help, InstrumentType.HISTOGRAM),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [...one.series()].map(({ labels, counts, sum: total, count }) =>
      point(labels, { buckets: { boundaries: [...one.bounds], counts: [...counts] }, sum: total, count }),
    ),
  });
  return new PrometheusSerializer(undefined, false, undefined, true, true).serialize({
    resource: resourceFromAttributes({}),
    scopeMetrics: [
      {
        scope: { name: "clewline" },
        metrics: [
          ...countersOf(metrics).map(sum),
          ...[metrics.duration, metrics.firstByte, metrics.waited].map(histogram),
          ...gauges.map(gauge),
        ],
      },
    ],
  });
}

/** In the order of the page. */
function countersOf(metrics: Metrics): readonly Counter[] {
  const { requests, attempts, tokens, cost, unpriced, detours } = metrics;
  const { reloads, exceptions, alerts, waitsRefused, cacheUses, cacheSaved } = metrics;
  const ofRequests = [requests, attempts, tokens, cost, unpriced, detours];
  return [...ofRequests, reloads, exceptions, alerts, waitsRefused, cacheUses, cacheSaved];
}
