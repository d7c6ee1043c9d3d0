/**
 * The composition root: wires the rooms by hand around one snapshot, and swaps it when the configuration changes. The only file that
 * may import every folder.
 */
import { authenticate, bearerOf, digestOf, isSameDigest, unauthenticated } from "./auth/keys.ts";
import type { Config } from "./config/config.ts";
import { ConfigError, type Problem } from "./config/problem.ts";
import { keysForNextStart } from "./config/restart.ts";
import { watchConfig } from "./config/watch.ts";
import type { Clock } from "./core/clock.ts";
import { GatewayError } from "./core/errors.ts";
import type { Ids } from "./core/ids.ts";
import type { Log } from "./core/log.ts";
import { Metrics } from "./core/metrics.ts";
import { answerExplain, type Explanation, explain } from "./explain/explain.ts";
import type { ClientRequest } from "./http/client-request.ts";
import { replyWithError } from "./http/error-reply.ts";
import { type Handlers, type Listener, type ListenerConfig, listen } from "./http/listener.ts";
import { type Gauge, renderMetrics } from "./http/metrics-page.ts";
import { type Page, routeOfPath } from "./http/router.ts";
import { type Ledger, makeLedger } from "./ledger/ledger.ts";
import { openStore, setStoreAside } from "./ledger/store-file.ts";
import { makeLedgerWriter } from "./ledger/writer.ts";
import { type ModelLists, makeModelLists } from "./models/model-lists.ts";
import { METERED_KINDS } from "./neutral/usage.ts";
import { makeBreaker } from "./pool/breaker.ts";
import { makePool, type PersistedState, type Pool } from "./pool/pool.ts";
import type { Gateway } from "./proxy/gateway.ts";
import { handle } from "./proxy/handle.ts";
import { makeSnapshot, type Snapshot } from "./snapshot.ts";
import { makeStateStore, type StateStore } from "./store/state.ts";
import { makeSealMemory, type SealMemory } from "./translate/seal-memory.ts";
import { makeHttp1Transport as makeTransport } from "./transport/http1/client.ts";
import { type MediaFetch, makeMediaFetch } from "./transport/media-fetch.ts";
import { makeWatchdog } from "./transport/watchdog.ts";
import { LearnedRepairs } from "./upstreams/repair.ts";

export interface AppOptions {
  readonly config: Config;
  /** Reads the configuration again; throws `ConfigError`. */
  readonly reloadConfig: () => Promise<Config>;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Resident memory in bytes, for the metrics. */
  readonly residentBytes: () => number;
}

export interface App {
  readonly url: string;
  readonly port: number;
  readonly metricsUrl: string | null;
  /** Reads the configuration again and takes it over, or keeps the old one and says why. */
  reload(): Promise<void>;
  /** Accepts nothing new, lets running requests end for at most the drain time-out, then writes what is left and closes. */
  drain(): Promise<void>;
}

/** How often the providers are asked what models they have. */
const REFRESH_INTERVAL_MS = 3_600_000;
/** Not at once: a start, or a file that is being edited, shall not cost the providers requests. */
const FIRST_REFRESH_MS = 60_000;

/** How often a drain looks whether the last request has ended. */
const DRAIN_POLL_MS = 20;

/** Starts the gateway. Throws when the port is taken or the data folder cannot be used. */
export async function startApp(options: AppOptions): Promise<App> {
  const running = new RunningApp(options);
  try {
    await running.start();
  } catch (cause) {
    await running.abandon();
    throw cause;
  }
  return running;
}

class RunningApp implements App, Gateway {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics = new Metrics(METERED_KINDS);
  readonly transport;
  readonly breaker;
  readonly pool: Pool;
  readonly ledger: Ledger;
  readonly repairs = new LearnedRepairs();
  readonly memory: SealMemory;
  fetchMedia: MediaFetch;
  snapshot: Snapshot;
  isDraining = false;
  readonly #options: AppOptions;
  readonly #states: StateStore;
  readonly #models: ModelLists = makeModelLists(this);
  #refreshTimer: ReturnType<typeof setTimeout> | null = null;
  readonly #startedAtMs: number;
  #rejected: readonly Problem[] = [];
  #listener: Listener | null = null;
  #metricsListener: Listener | null = null;
  #watcher: { close(): void } | null = null;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: AppOptions) {
    const { config, clock, ids, log } = options;
    this.#options = options;
    this.clock = clock;
    this.ids = ids;
    this.log = log;
    this.#startedAtMs = clock.nowMs();
    this.snapshot = makeSnapshot(config);
    this.memory = makeSealMemory(config.translation.memoryBytes);
    this.fetchMedia = mediaFetch(config);
    this.transport = makeTransport(clock, makeWatchdog(clock));
    this.breaker = makeBreaker(clock);
    const open = () => openStore(config.server.dataDir);
    this.#states = makeStateStore({ open, log });
    this.ledger = makeLedger({
      openWriter: (isDamaged) => {
        if (isDamaged) this.#setLedgerAside();
        return makeLedgerWriter(open());
      },
      clock,
      log,
      onFailure: config.ledger.onFailure,
      queueRows: config.ledger.queueRows,
    });
    this.pool = makePool({
      specs: this.snapshot.credentialSpecs,
      clock,
      log,
      restore: this.#restoredStates(),
      persist: (states) => this.#states.saveCredentialStates(states),
    });
  }

  async start(): Promise<void> {
    const { config } = this.snapshot;
    this.#listener = listen(listenerConfig(config), this.#handlers());
    if (config.metrics.enabled && config.metrics.port !== null) {
      this.#metricsListener = listen(
        { ...listenerConfig(config), port: config.metrics.port, basePath: "", tls: null },
        this.#metricsHandlers(),
      );
    }
    this.#refreshModels(FIRST_REFRESH_MS);
    if (config.file !== null) this.#watcher = watchConfig(config.file, () => void this.reload());
  }

  get url(): string {
    return (this.#listener as Listener).url;
  }

  get port(): number {
    return (this.#listener as Listener).port;
  }

  get metricsUrl(): string | null {
    return this.#metricsListener === null ? null : `${this.#metricsListener.url}/metrics`;
  }

  findState(id: string) {
    for (const upstream of this.snapshot.upstreams.keys()) {
      const found = this.#states.findStateId(upstream, id);
      if (found !== null) return found;
    }
    return null;
  }

  reload(): Promise<void> {
    this.#reloading = this.#reloading
      .then(() => this.#reloadOnce())
      .catch((cause: unknown) => this.#reject([problemOf(cause)]));
    return this.#reloading;
  }

  async drain(): Promise<void> {
    const { clock, log, metrics } = this;
    this.isDraining = true;
    this.#watcher?.close();
    const inFlight = metrics.inFlight;
    log.info({ inFlight }, "draining: nothing new is accepted");
    const listener = this.#listener;
    listener?.stop().catch(() => undefined);
    const isBusy = (): boolean =>
      metrics.inFlight > 0 || this.ledger.pendingRows > 0 || (listener?.pendingRequests ?? 0) > 0;
    const untilMs = clock.monotonicMs() + this.snapshot.config.server.drainTimeoutMs;
    while (isBusy() && clock.monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    if (metrics.inFlight > 0)
      log.warn({ inFlight: metrics.inFlight }, "the drain time-out has passed: cutting what runs");
    await this.abandon();
    log.info({}, "drained");
  }

  /** Closes everything now; rows that wait are still written. */
  async abandon(): Promise<void> {
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    this.#watcher?.close();
    await this.#listener?.kill();
    await this.#metricsListener?.kill();
    this.transport.stop();
    await this.ledger.flush();
    await this.ledger.close();
    this.#states.close();
  }

  /** What the providers' own lists say of their models is worth asking for now and then; nobody waits for it. */
  #refreshModels(inMs: number): void {
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => {
      void this.#models.refresh();
      this.#refreshModels(REFRESH_INTERVAL_MS);
    }, inMs);
    this.#refreshTimer.unref();
  }

  async #reloadOnce(): Promise<void> {
    const { log, metrics } = this;
    let config: Config;
    try {
      config = await this.#options.reloadConfig();
    } catch (cause) {
      this.#reject(cause instanceof ConfigError ? cause.problems : [problemOf(cause)]);
      return;
    }
    const before = this.snapshot.config;
    const snapshot = makeSnapshot(config);
    this.snapshot = snapshot;
    this.fetchMedia = mediaFetch(config);
    this.#refreshModels(FIRST_REFRESH_MS);
    this.pool.replace(this.snapshot.credentialSpecs);
    this.pool.adopt(this.#restoredStates());
    this.#listener?.reload(listenerConfig(config));
    this.#metricsListener?.reload(listenerConfig(config));
    this.#rejected = [];
    metrics.reloads.add(1, "taken");
    log.info({ file: config.file }, "the configuration was taken over");
    for (const name of keysForNextStart(before, config)) {
      log.warn({ key: name }, "this change takes effect at the next start only");
    }
  }

  /** The configuration before stays in force. */
  #reject(problems: readonly Problem[]): void {
    this.metrics.reloads.add(1, "rejected");
    this.#rejected = problems;
    for (const { file, line, key, message, repair } of problems) {
      this.log.error({ file, line, key, repair }, `the changed configuration is not taken over: ${message}`);
    }
  }

  /** Rows are money: a damaged file is kept for repair, and a new one begun beside it. */
  #setLedgerAside(): void {
    const { dataDir } = this.#options.config.server;
    const file = setStoreAside(dataDir, this.clock.nowMs());
    this.log.error({ file }, "the ledger's database is damaged: it was moved aside, and a new one is begun");
  }

  #restoredStates(): PersistedState[] {
    try {
      return this.#states.loadCredentialStates() as PersistedState[];
    } catch (cause) {
      this.log.error(
        { error: String(cause) },
        "the states of the credentials cannot be read; all count as ready",
      );
      return [];
    }
  }

  #handlers(): Handlers {
    const models = this.#models;
    return {
      route: (route, client) => {
        const principal = authenticate(this.snapshot.keys, client.request.headers, client.search);
        if (principal !== null) return handle(this, route, client, principal);
        const requestId = this.ids.ulid(this.clock.nowMs());
        this.log.debug({ requestId, address: client.address() }, "a request without a valid key was refused");
        return Promise.resolve(replyWithError(route.dialect, unauthenticated(), requestId));
      },
      models: (form, id, client) => models.answer(form, id, client),
      page: (page, client) => this.#page(page, client),
      explain: (client) => answerExplain(this, client, routeOfPath),
      crashed: (cause, requestId) => this.#crashed(cause, requestId),
      newRequestId: () => this.ids.ulid(this.clock.nowMs()),
    };
  }

  #metricsHandlers(): Handlers {
    const nothing = (): Promise<Response> =>
      Promise.resolve(new Response("only /metrics is served here\n", { status: 404 }));
    return {
      ...this.#handlers(),
      route: nothing,
      models: nothing,
      explain: nothing,
      page: (page) => (page === "metrics" ? this.#metricsPage() : nothing()),
    };
  }

  #crashed(cause: unknown, requestId: string): void {
    this.metrics.exceptions.add(1);
    this.log.error(
      { requestId, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) },
      "an exception cost this request",
    );
  }

  #page(page: Page, client: ClientRequest): Promise<Response> | Response {
    switch (page) {
      case "root":
        return json(200, { name: "clewline", version: this.#options.version });
      case "healthz":
        return json(200, { status: "alive" });
      case "readyz":
        return this.#readiness();
      case "metrics":
        return this.#guardedMetrics(client);
    }
  }

  #readiness(): Response {
    const { snapshot, ledger } = this;
    const credentials = this.pool.list();
    const usable = credentials.filter((credential) => credential.state === "ready").length;
    const problems: string[] = [];
    if (this.isDraining) problems.push("draining");
    if (!ledger.isWritable) problems.push(`ledger: ${ledger.failure ?? "not writable"}`);
    if (snapshot.upstreams.size === 0) problems.push("no upstreams: add [[upstreams]] to the configuration");
    else if (usable === 0) problems.push("no credential is ready: see `clewline credentials`");
    return json(problems.length === 0 ? 200 : 503, {
      status: problems.length === 0 ? "ready" : "not ready",
      problems,
      config:
        this.#rejected.length === 0
          ? { state: "in force" }
          : {
              state: "the changed file is broken: the one before is in force",
              problems: this.#rejected.map(({ line, key, message }) => ({ line, key, message })),
            },
      ledger: { writable: ledger.isWritable, pending_rows: ledger.pendingRows },
      credentials: { ready: usable, all: credentials.length },
    });
  }

  #guardedMetrics(client: ClientRequest): Promise<Response> {
    const { enabled, keySha256, port } = this.snapshot.config.metrics;
    const shown = client.request.headers.get("authorization");
    const isOpen =
      enabled &&
      port === null &&
      keySha256 !== null &&
      shown !== null &&
      isSameDigest(digestOf(bearerOf(shown)), keySha256);
    if (isOpen) return this.#metricsPage();
    const id = this.ids.ulid(this.clock.nowMs());
    const error =
      enabled && port === null && keySha256 !== null
        ? new GatewayError(
            "unauthenticated",
            "metrics are shown to the metrics key only: send it as Authorization: Bearer",
          )
        : new GatewayError(
            "route_not_found",
            "metrics are not served here: set [metrics] port, or [metrics] key",
          );
    return Promise.resolve(replyWithError("openai-chat", error, id));
  }

  async #metricsPage(): Promise<Response> {
    const text = await renderMetrics(this.metrics, this.#gauges(), this.#startedAtMs, this.clock.nowMs());
    return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
  }

  #gauges(): Gauge[] {
    const { stats } = this.ledger;
    const states = new Map<string, { upstream: string; state: string; value: number }>();
    for (const { upstream, state } of this.pool.list()) {
      const key = `${upstream}\n${state}`;
      const entry = states.get(key) ?? { upstream, state, value: 0 };
      entry.value += 1;
      states.set(key, entry);
    }
    const one = (name: string, help: string, value: number): Gauge => ({
      name,
      help,
      points: [{ labels: {}, value }],
    });
    return [
      {
        name: "clewline_build_info",
        help: "The version that runs.",
        points: [{ labels: { version: this.#options.version }, value: 1 }],
      },
      {
        name: "clewline_credentials",
        help: "Credentials, by state.",
        points: [...states.values()].map(({ upstream, state, value }) => ({
          labels: { upstream, state },
          value,
        })),
      },
      one("clewline_requests_in_flight", "Requests that are being served.", this.metrics.inFlight),
      one("clewline_ledger_pending_rows", "Rows that wait for a commit.", this.ledger.pendingRows),
      one("clewline_ledger_writable", "1 while requests can be recorded.", this.ledger.isWritable ? 1 : 0),
      one("clewline_ledger_commits", "Commits since the start.", stats.commits),
      one("clewline_ledger_failures", "Failed commits since the start.", stats.failures),
      one("clewline_ledger_dropped_rows", "Rows lost because the queue was full.", stats.droppedRows),
      one(
        "clewline_config_rejected",
        "1 while the file on disk is broken.",
        this.#rejected.length > 0 ? 1 : 0,
      ),
      one("process_resident_memory_bytes", "Resident memory.", this.#options.residentBytes()),
      one("process_start_time_seconds", "When the process started.", this.#startedAtMs / 1_000),
    ];
  }
}

/**
 * What a gateway of this configuration would make of a body sent to a path, without a gateway that runs. Throws `GatewayError` for what
 * it would refuse.
 */
export function explainRequest(
  config: Config,
  asked: { readonly path: string; readonly body: Uint8Array; readonly id: string; readonly atMs: number },
): Promise<Explanation> {
  const found = routeOfPath(asked.path);
  if (found === null) {
    throw new GatewayError("bad_path", `${asked.path} is none of the model routes; see docs/routes.md`);
  }
  return explain(
    {
      snapshot: makeSnapshot(config),
      memory: makeSealMemory(0),
      repairs: new LearnedRepairs(),
    },
    {
      ...asked,
      ...found,
      headers: new Headers({ "content-type": "application/json" }),
      principal: { name: "explain", strict: false },
    },
  );
}

function problemOf(cause: unknown): Problem {
  const message = cause instanceof Error ? cause.message : String(cause);
  return { file: null, line: null, column: null, key: "", value: null, message, repair: "" };
}

function mediaFetch({ media }: Config): MediaFetch {
  return makeMediaFetch({ limitBytes: media.fetchLimitBytes, timeoutMs: media.fetchTimeoutMs });
}

function listenerConfig({ server }: Config): ListenerConfig {
  return server;
}

function json(status: number, body: unknown): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}
