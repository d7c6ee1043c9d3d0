/**
 * Counts and distributions. To record a value costs a map look-up and an addition; `pages/metrics-text.ts`
 * prints them for scrapers. The caller bounds the values of labels (names from the configuration, closed
 * sets), and `MAX_SERIES` does.
 */

/** The most label combinations of one metric; further ones are counted in one series labelled `other`. */
export const MAX_SERIES = 2_000;

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
}

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** One count for each bucket; the last bucket is for values over the highest bound. */
  readonly counts: number[];
  sum: number;
  count: number;
}

export class Counter {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #series = new Map<string, Series>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  add(value: number, ...labels: readonly string[]): void {
    this.at(...labels).value += value;
  }

  /** The series of these labels, for callers that add to it often. */
  at(...labels: readonly string[]): Series {
    return seriesOf(this.#series, this.labelNames, labels, (named) => ({ labels: named, value: 0 }));
  }

  series(): Iterable<Series> {
    return this.#series.values();
  }
}

export class Histogram {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds of the buckets, ascending, inclusive. */
  readonly bounds: readonly number[];
  readonly #series = new Map<string, HistogramSeries>();

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.bounds = bounds;
  }

  record(value: number, ...labels: readonly string[]): void {
    this.recordAt(this.at(...labels), value);
  }

  /** The series of these labels, for callers that record in it often. */
  at(...labels: readonly string[]): HistogramSeries {
    return seriesOf(this.#series, this.labelNames, labels, (named) => ({
      labels: named,
      counts: new Array<number>(this.bounds.length + 1).fill(0),
      sum: 0,
      count: 0,
    }));
  }

  recordAt(series: HistogramSeries, value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] as number)) index++;
    series.counts[index] = (series.counts[index] as number) + 1;
    series.sum += value;
    series.count += 1;
  }

  series(): Iterable<HistogramSeries> {
    return this.#series.values();
  }
}

function seriesOf<S>(
  all: Map<string, S>,
  names: readonly string[],
  labels: readonly string[],
  make: (named: Record<string, string>) => S,
): S {
  const key = labels.length === 1 ? (labels[0] as string) : labels.join("\n");
  const known = all.get(key);
  if (known !== undefined) return known;
  const isFull = all.size >= MAX_SERIES;
  const values = isFull ? labels.map(() => "other") : labels;
  const realKey = isFull ? values.join("\n") : key;
  const existing = all.get(realKey);
  if (existing !== undefined) return existing;
  const named = Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
  const made = make(named);
  all.set(realKey, made);
  return made;
}

const DURATION_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** The series that each request of a dialect to an upstream adds to, looked up once. */
interface RequestSeries {
  readonly ok: Series;
  /** By position in the list of counted kinds; empty until a request reports the kind. */
  readonly tokens: Series[];
  /** null: no request had a cost yet. */
  cost: Series | null;
  readonly duration: HistogramSeries;
  readonly firstByte: HistogramSeries;
}

/** A kind of usage that is counted. */
export interface TokenKind {
  /** Its name in `RequestFacts.usage`. */
  readonly name: string;
  /** Its value of the label `kind`. */
  readonly metric: string;
}

/** A request that is over, as the metrics count it. */
export interface RequestFacts {
  readonly dialect: string;
  readonly upstream: string | null;
  readonly outcome: string;
  readonly durationMs: number;
  readonly ttfbMs: number | null;
  /** Counts by kind; null: not reported. */
  readonly usage: Readonly<Record<string, number | string | null>>;
  /** null: the request has no price, or used nothing that is known. */
  readonly costNanoUsd: number | null;
  /** What the response cache did; null: it was off for the request. */
  readonly cache: string | null;
  readonly savedNanoUsd: number | null;
}

/** All counts of a gateway. */
export class Metrics {
  readonly requests = new Counter("clewline_requests_total", "Requests by outcome.", [
    "dialect",
    "upstream",
    "outcome",
  ]);
  readonly attempts = new Counter(
    "clewline_attempts_total",
    "Requests sent to upstreams, by the meaning of the reply.",
    ["upstream", "signal"],
  );
  readonly tokens = new Counter(
    "clewline_tokens_total",
    "Tokens by kind. Those of cached_input are in input as well.",
    ["upstream", "kind"],
  );
  readonly cost = new Counter("clewline_cost_nano_usd_total", "Cost in billionths of a dollar.", [
    "upstream",
  ]);
  readonly unpriced = new Counter(
    "clewline_unpriced_requests_total",
    "Requests that used a model without a price.",
    ["upstream"],
  );
  readonly cacheUses = new Counter(
    "clewline_cache_requests_total",
    "Requests for which the response cache was on: answered from it (hit), with the answer to another request (joined), or by a provider (miss).",
    ["result"],
  );
  readonly cacheSaved = new Counter(
    "clewline_cache_saved_nano_usd_total",
    "What the answers from the response cache have cost the first time, in billionths of a dollar.",
    ["upstream"],
  );
  readonly detours = new Counter(
    "clewline_detours_total",
    "Requests that left an upstream for the targets of on_overflow or on_refusal.",
    ["upstream", "cause"],
  );
  readonly reloads = new Counter("clewline_config_reloads_total", "Changes of the configuration.", [
    "result",
  ]);
  readonly exceptions = new Counter("clewline_exceptions_total", "Exceptions that failed one request.", []);
  readonly alerts = new Counter(
    "clewline_alerts_total",
    "Alerts that a channel took (sent), tries that failed, and alerts that are lost (dropped).",
    ["channel", "type", "result"],
  );
  readonly waitsRefused = new Counter(
    "clewline_waits_refused_total",
    "Requests that could not wait for a credential, or wait on, because too many wait.",
    [],
  );
  readonly waited = new Histogram(
    "clewline_waited_seconds",
    "Time that requests waited for a credential, by the end of the wait.",
    ["end"],
    DURATION_BOUNDS_S,
  );
  readonly duration = new Histogram(
    "clewline_request_duration_seconds",
    "Time from a request's acceptance to the end of its answer.",
    ["dialect"],
    DURATION_BOUNDS_S,
  );
  readonly firstByte = new Histogram(
    "clewline_first_byte_seconds",
    "Time from a request's acceptance to the first byte of its answer.",
    ["dialect"],
    DURATION_BOUNDS_S,
  );
  /** Requests that are being served. */
  inFlight = 0;
  /** Requests that are over. */
  over = 0;
  /** By dialect and upstream: both are few. */
  readonly #requestSeries = new Map<string, Map<string, RequestSeries>>();
  /** By upstream and signal. */
  readonly #attemptSeries = new Map<string, Map<string, Series>>();
  readonly #tokenKinds: readonly TokenKind[];

  constructor(tokenKinds: readonly TokenKind[]) {
    this.#tokenKinds = tokenKinds;
  }

  /** Counts a request to an upstream. `signal` is the meaning of its reply, or how the transport failed. */
  countAttempt(upstream: string, signal: string): void {
    let bySignal = this.#attemptSeries.get(upstream);
    if (bySignal === undefined) {
      bySignal = new Map();
      this.#attemptSeries.set(upstream, bySignal);
    }
    let series = bySignal.get(signal);
    if (series === undefined) {
      series = this.attempts.at(upstream, signal);
      bySignal.set(signal, series);
    }
    series.value += 1;
  }

  /** Changes with each request that begins or ends. */
  get work(): number {
    return 2 * this.over + this.inFlight;
  }

  countRequest(facts: RequestFacts): void {
    this.over += 1;
    const upstream = facts.upstream ?? "";
    const series =
      this.#requestSeries.get(facts.dialect)?.get(upstream) ?? this.#makeSeries(facts.dialect, upstream);
    if (facts.outcome === "ok") series.ok.value += 1;
    else this.requests.add(1, facts.dialect, upstream, facts.outcome);
    this.duration.recordAt(series.duration, facts.durationMs / 1000);
    if (facts.ttfbMs !== null) this.firstByte.recordAt(series.firstByte, facts.ttfbMs / 1000);
    if (facts.cache !== null) {
      this.cacheUses.add(1, facts.cache);
      if (facts.savedNanoUsd !== null) this.cacheSaved.add(facts.savedNanoUsd, upstream);
      // The provider has counted these tokens once, for another request.
      if (facts.cache !== "miss") return;
    }
    for (let i = 0; i < this.#tokenKinds.length; i++) {
      const { name, metric } = this.#tokenKinds[i] as TokenKind;
      const count = facts.usage[name];
      if (typeof count !== "number") continue;
      const tokens = series.tokens[i] ?? this.tokens.at(upstream, metric);
      series.tokens[i] = tokens;
      tokens.value += count;
    }
    if (facts.costNanoUsd === null) return;
    series.cost ??= this.cost.at(upstream);
    series.cost.value += facts.costNanoUsd;
  }

  /** Usage and cost of an answer whose request was counted before. */
  countUsage({
    upstream,
    usage,
    costNanoUsd,
  }: Pick<RequestFacts, "upstream" | "usage" | "costNanoUsd">): void {
    const name = upstream ?? "";
    for (const kind of this.#tokenKinds) {
      const count = usage[kind.name];
      if (typeof count === "number") this.tokens.add(count, name, kind.metric);
    }
    if (costNanoUsd !== null) this.cost.add(costNanoUsd, name);
  }

  #makeSeries(dialect: string, upstream: string): RequestSeries {
    const made = {
      ok: this.requests.at(dialect, upstream, "ok"),
      tokens: [],
      cost: null,
      duration: this.duration.at(dialect),
      firstByte: this.firstByte.at(dialect),
    };
    let byUpstream = this.#requestSeries.get(dialect);
    if (byUpstream === undefined) {
      byUpstream = new Map();
      this.#requestSeries.set(dialect, byUpstream);
    }
    byUpstream.set(upstream, made);
    return made;
  }
}
