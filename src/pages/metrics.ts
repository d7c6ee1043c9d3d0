/** `/metrics`: who may read them, and the values that are read only when a scraper asks. */
import { bearerOf, digestOf, isSameDigest } from "../auth/keys.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../core/errors.ts";
import { openDescriptors } from "../core/files/descriptors.ts";
import type { HeaderView } from "../core/header-view.ts";
import type { MemoryBudget } from "../core/memory-budget.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Breaker } from "../pool/health/breaker.ts";
import type { Pool } from "../pool/pool.ts";
import type { WaitingRoom } from "../pool/waiting/waiting-room.ts";
import type { Snapshot } from "../snapshot.ts";
import { type Gauge, renderMetrics } from "./metrics-text.ts";

export interface MetricsSource {
  readonly metrics: Metrics;
  readonly ledger: Pick<Ledger, "pendingRows" | "isWritable" | "stats">;
  readonly pool: Pick<Pool, "list">;
  readonly waiting: Pick<WaitingRoom, "count" | "bytes">;
  readonly breaker: Pick<Breaker, "open">;
  readonly snapshot: Pick<Snapshot, "upstreams">;
  /** How the proxies do that were used since the start. */
  readonly transport: { readonly dial: { proxies(): readonly ProxyFacts[] } };
  /** Answers in memory, and their bytes with those on their way. */
  readonly cache: { readonly size: number; readonly bytes: number };
  readonly memoryBudget: Pick<MemoryBudget, "usedBytes" | "limitBytes" | "refusals">;
}

interface ProxyFacts {
  readonly name: string;
  readonly isWorking: boolean;
  readonly connections: number;
  readonly failures: number;
}

export interface ProcessFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly residentBytes: number;
  /** The longest time for which the process did nothing, within the last one or two minutes. */
  readonly longestLagMs: number;
  /** Lines of the log that could not be written. */
  readonly droppedLogLines: number;
  /** The configuration file on disk is invalid. */
  readonly isConfigRejected: boolean;
}

/** Whether the request shows `metrics.key`. */
export function hasMetricsKey(
  { keySha256 }: Pick<Config["metrics"], "keySha256">,
  headers: Pick<HeaderView, "get">,
): boolean {
  const authorization = headers.get("authorization");
  if (authorization === null || keySha256 === null) return false;
  return isSameDigest(digestOf(bearerOf(authorization)), keySha256);
}

/** The reason not to show the metrics on the clients' port; null: show them. */
export function findMetricsRefusal(
  config: Config["metrics"],
  headers: Pick<HeaderView, "get">,
): GatewayError | null {
  const { enabled, keySha256, port } = config;
  if (!enabled || port !== null || keySha256 === null) {
    return new GatewayError(
      "route_not_found",
      "metrics are not served here; set [metrics] port, or [metrics] key",
    );
  }
  return hasMetricsKey(config, headers)
    ? null
    : new GatewayError("unauthenticated", "the metrics key was not sent; send it as Authorization: Bearer");
}

export async function metricsPage(
  source: MetricsSource,
  facts: ProcessFacts,
  nowMs: number,
): Promise<Response> {
  const text = await renderMetrics(source.metrics, gaugesOf(source, facts), facts.startedAtMs, nowMs);
  return new Response(text, {
    headers: {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "x-content-type-options": "nosniff",
    },
  });
}

function gaugesOf(source: MetricsSource, facts: ProcessFacts): Gauge[] {
  const { metrics, ledger, pool, waiting, breaker, cache, memoryBudget } = source;
  const { stats } = ledger;
  const descriptors = openDescriptors();
  return [
    {
      name: "clewline_build_info",
      help: "The version that runs.",
      points: [{ labels: { version: facts.version }, value: 1 }],
    },
    credentialsGauge(pool),
    roomGauge(pool),
    breakersGauge(breaker),
    upstreamsGauge(source),
    ...proxyGauges(source.transport.dial.proxies()),
    gauge("clewline_requests_in_flight", "Requests that are being served.", metrics.inFlight),
    gauge("clewline_waiting_requests", "Requests that wait for a credential.", waiting.count),
    gauge("clewline_waiting_bytes", "Memory that the bodies of waiting requests take.", waiting.bytes),
    gauge(
      "clewline_memory_bytes",
      "Bytes of requests and answers that are held in memory.",
      memoryBudget.usedBytes,
    ),
    gauge("clewline_memory_limit_bytes", "The most of them: server.memory_bytes.", memoryBudget.limitBytes),
    gauge(
      "clewline_memory_refusals",
      "How often there was no room for them since the start.",
      memoryBudget.refusals,
    ),
    gauge("clewline_ledger_pending_rows", "Rows that wait for a commit.", ledger.pendingRows),
    gauge("clewline_ledger_writable", "1 while requests can be recorded.", ledger.isWritable ? 1 : 0),
    gauge("clewline_ledger_commits", "Commits since the start.", stats.commits),
    gauge("clewline_ledger_failures", "Failed commits since the start.", stats.failures),
    gauge("clewline_ledger_dropped_rows", "Rows lost because the queue was full.", stats.droppedRows),
    gauge("clewline_cache_answers", "Answers that the response cache has in memory.", cache.size),
    gauge(
      "clewline_cache_bytes",
      "Memory of the response cache, with answers on their way to several clients.",
      cache.bytes,
    ),
    gauge("clewline_log_dropped_lines", "Lines of the log that could not be written.", facts.droppedLogLines),
    gauge("clewline_config_rejected", "1 while the file on disk is invalid.", facts.isConfigRejected ? 1 : 0),
    gauge(
      "clewline_event_loop_lag_seconds",
      "The longest time for which the process did nothing, within the last one or two minutes.",
      facts.longestLagMs / 1_000,
    ),
    ...(descriptors === null ? [] : [gauge("process_open_fds", "Open file descriptors.", descriptors)]),
    gauge("process_resident_memory_bytes", "Resident memory.", facts.residentBytes),
    gauge("process_start_time_seconds", "Start of the process, in Unix seconds.", facts.startedAtMs / 1_000),
  ];
}

function credentialsGauge(pool: MetricsSource["pool"]): Gauge {
  const labels = pool.list().map(({ upstream, state }) => ({ upstream, state }));
  return { name: "clewline_credentials", help: "Credentials by state.", points: counted(labels) };
}

/** Without the names of models: clients choose them. */
function roomGauge(pool: MetricsSource["pool"]): Gauge {
  const points = pool.list().flatMap(({ upstream, name, quotas, limits }) => {
    const shares = [
      ...quotas.map(({ limit, remaining }) => (limit === null ? 1 : remaining / limit)),
      ...limits.map(({ value, remaining }) => remaining / value),
    ];
    return shares.length === 0
      ? []
      : [{ labels: { upstream, credential: name }, value: Math.max(0, Math.min(...shares)) }];
  });
  return {
    name: "clewline_credential_room",
    help: "The part that is left of the tightest limit of a credential, 0 to 1: the provider's, as it announced it, or the operator's.",
    points,
  };
}

function breakersGauge(breaker: MetricsSource["breaker"]): Gauge {
  return {
    name: "clewline_breakers_open",
    help: "What is kept away from an upstream that fails: all requests (upstream), those for one model, or those of one key for one model.",
    points: counted(breaker.open().map(({ upstream, reach }) => ({ upstream, reach }))),
  };
}

function upstreamsGauge({ snapshot, breaker }: MetricsSource): Gauge {
  const away = breaker.open().flatMap(({ upstream, reach }) => (reach === "upstream" ? [upstream] : []));
  return {
    name: "clewline_upstream_reachable",
    help: "0 while an upstream cannot be reached, so that requests are kept away from it.",
    points: [...snapshot.upstreams.keys()].map((upstream) => ({
      labels: { upstream },
      value: away.includes(upstream) ? 0 : 1,
    })),
  };
}

/** By the proxy's address, without its user. */
function proxyGauges(proxies: readonly ProxyFacts[]): Gauge[] {
  const gaugeOf = (name: string, help: string, amountOf: (proxy: ProxyFacts) => number): Gauge => ({
    name,
    help,
    points: proxies.map((proxy) => ({ labels: { proxy: proxy.name }, value: amountOf(proxy) })),
  });
  return [
    gaugeOf(
      "clewline_proxy_working",
      "0 while the last connection through the proxy failed by its fault.",
      (one) => (one.isWorking ? 1 : 0),
    ),
    gaugeOf(
      "clewline_proxy_connections",
      "Connections that the proxy has made since the start.",
      (one) => one.connections,
    ),
    gaugeOf(
      "clewline_proxy_failures",
      "Connections since the start that failed by the fault of the proxy.",
      (one) => one.failures,
    ),
  ];
}

/** A point for each combination of labels, with the number of times that it occurs. */
function counted(all: readonly Readonly<Record<string, string>>[]): Gauge["points"] {
  const points = new Map<string, { labels: Readonly<Record<string, string>>; value: number }>();
  for (const labels of all) {
    const key = Object.values(labels).join("\n");
    const point = points.get(key) ?? { labels, value: 0 };
    point.value += 1;
    points.set(key, point);
  }
  return [...points.values()];
}

function gauge(name: string, help: string, value: number): Gauge {
  return { name, help, points: [{ labels: {}, value }] };
}
