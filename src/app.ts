/**
 * The composition root: builds the rooms around one snapshot, starts and drains them, and swaps the snapshot
 * when the configuration changes. The only file that may import every folder.
 */

import { isDeepStrictEqual } from "node:util";
import type { Alerts } from "./alerts/alerts.ts";
import { AdminDoor } from "./app/admin-door.ts";
import type { App, AppOptions } from "./app/app-options.ts";
import { waitForRequests } from "./app/drain.ts";
import { KeysInForce } from "./app/keys-in-force.ts";
import { LedgerUpkeep } from "./app/ledger-upkeep.ts";
import { makeAlerts } from "./app/make-alerts.ts";
import {
  type ChangingGateway,
  loadCredentialStates,
  makeConfiguredMediaFetch,
  makeGateway,
  openAtStart,
} from "./app/make-gateway.ts";
import { ProcessWatch } from "./app/process-watch.ts";
import { isLedElsewhere, ReachWatch } from "./app/reach-watch.ts";
import { restoreRates } from "./app/restore-rates.ts";
import { loadCredentialRooms, RoomKeeper } from "./app/room-keeper.ts";
import { RunningRecord } from "./app/running-record.ts";
import { warmServers } from "./app/warm-servers.ts";
import { parseListen } from "./config/admin/listen-address.ts";
import { findEmptied } from "./config/change/emptied.ts";
import { keysForNextStart } from "./config/change/restart.ts";
import { type ReadFile, type Watcher, watchFiles } from "./config/change/watch.ts";
import type { Config } from "./config/config.ts";
import type { SettingsFileOptions } from "./config/edit/settings-file.ts";
import { ConfigError, type Problem, problemOf, renderProblem } from "./config/problem.ts";
import { systemScheduler } from "./core/scheduler.ts";
import { type Listener, listen } from "./http/listener.ts";
import { LedgerReader } from "./ledger/reader/ledger-reader.ts";
import { RequestIds } from "./ledger/request-ids.ts";
import { openStore } from "./ledger/store-file.ts";
import { KeySpendings } from "./ledger/usage/key-spending.ts";
import { budgetedCredentials } from "./limits/budgeted-credential.ts";
import { ListRefresh } from "./models/list-refresh.ts";
import { type ModelLists, makeModelLists } from "./models/model-lists.ts";
import type { ProcessFacts } from "./pages/metrics.ts";
import type { PersistedState } from "./pool/credential.ts";
import { firstStates } from "./pool/first-states.ts";
import type { PoolOptions } from "./pool/pool.ts";
import { PricesInForce } from "./prices/prices-in-force.ts";
import { Prober } from "./proxy/prober.ts";
import { makeAdminRoutes, makeMetricsRoutes, makeRoutes, type Served } from "./routes.ts";
import { makeSnapshot } from "./snapshot.ts";
import { makeRoomStore } from "./store/credential-rooms.ts";
import type { Sql } from "./store/sql.ts";
import { makeStateStore, type StateStore } from "./store/state.ts";

/**
 * Starts the gateway. Rejects with `DataFolderError` when the data folder cannot be used, or with the system's error
 * when the port is taken.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const sql = await openAtStart(options);
  const prices = await PricesInForce.load(options.config.server.dataDir, options.log);
  const running = new RunningApp(options, sql, prices);
  try {
    running.start();
  } catch (cause) {
    await running.abandon();
    throw cause;
  }
  return running;
}

class RunningApp implements App {
  readonly #options: AppOptions;
  readonly #prices: PricesInForce;
  readonly #keys: KeysInForce;
  readonly #states: StateStore;
  readonly #gateway: ChangingGateway;
  readonly #rooms: RoomKeeper;
  readonly #prober: Prober;
  readonly #models: ModelLists;
  readonly #listRefresh: ListRefresh;
  readonly #upkeep: LedgerUpkeep;
  readonly #alerts: Alerts;
  readonly #reader: LedgerReader;
  readonly #spendings: KeySpendings;
  readonly #admin: AdminDoor;
  readonly #startedAtMs: number;
  /** The problems of the configuration file that was rejected last; empty once a good one is taken over. */
  #rejected: readonly Problem[] = [];
  #listener: Listener | null = null;
  #metricsListener: Listener | null = null;
  #adminListener: Listener | null = null;
  #watcher: Watcher | null = null;
  readonly #processWatch: ProcessWatch;
  readonly #reachWatch: ReachWatch;
  readonly #record: RunningRecord;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: AppOptions, sql: Sql | null, prices: PricesInForce) {
    const { config, clock, log } = options;
    this.#options = options;
    this.#prices = prices;
    this.#startedAtMs = clock.nowMs();
    const open = () => openStore(config.server.dataDir);
    const requestIds = new RequestIds(options.ids);
    this.#states = makeStateStore({ open, log });
    const restored = loadCredentialStates(this.#states, log);
    const accused: PoolOptions["accused"] = (id, of) => this.#prober.ask(id, of);
    this.#keys = new KeysInForce(open, log);
    this.#gateway = makeGateway(options, {
      sql,
      keys: this.#keys.with(config),
      prices: prices.list,
      states: this.#states,
      restored: restored ?? [],
      rooms: loadCredentialRooms(open, log),
      requestIds,
      accused,
    });
    this.#rooms = new RoomKeeper({ gateway: this.#gateway, store: makeRoomStore(open), clock, log });
    this.#prober = new Prober(this.#gateway);
    const { memory } = options;
    this.#processWatch = new ProcessWatch({
      gateway: this.#gateway,
      memory,
      listeners: () => this.#listeners(),
    });
    this.#upkeep = new LedgerUpkeep(this.#gateway, requestIds);
    this.#alerts = makeAlerts(this.#gateway, options.ids, () => this.#rejected);
    const { dataDir } = config.server;
    const command = [...(options.ownCommand ?? []), "read-ledger", dataDir];
    this.#reader = new LedgerReader({ command, dataDir });
    this.#spendings = new KeySpendings({ ask: (query) => this.#reader.usage(query), clock, log });
    this.#keepNewKeys(restored);
    this.#models = makeModelLists(this.#gateway);
    this.#listRefresh = new ListRefresh(this.#models);
    this.#reachWatch = new ReachWatch({ gateway: this.#gateway, scheduler: systemScheduler });
    this.#record = new RunningRecord({
      dataDir,
      pid: options.pid ?? null,
      log,
      facts: () => ({
        url: this.url,
        config: config.file,
        refused: this.#rejected,
        away: this.#gateway.reach.list(),
      }),
    });
    this.#gateway.reach.onChange = () => {
      this.#reachWatch.changed();
      this.#record.changed();
    };
    this.#admin = new AdminDoor({
      gateway: this.#gateway,
      version: options.version,
      ids: options.ids,
      open,
      settings: () => this.#settingsFile(),
      rejected: () => this.#rejected,
      mainUrl: () => (this.#adminListener === null ? null : this.url),
      models: this.#models,
      reader: this.#reader,
      alerts: this.#alerts,
      processFacts: () => this.#processFacts(),
    });
  }

  start(): void {
    const { config } = this.#options;
    this.#gateway.limiter.start();
    restoreRates(this.#gateway, config.server.dataDir);
    this.#gateway.background.start();
    this.#gateway.cache.start();
    this.#gateway.captures.start();
    void this.#gateway.simulator.start(config.simulator.port, this.#gateway.log);
    const served: Served = {
      gateway: this.#gateway,
      models: this.#models,
      processFacts: () => this.#processFacts(),
      spending: (key) => this.#spendings.of(key),
      configProblems: () => this.#rejected,
      disk: this.#upkeep.disk,
      processState: this.#processWatch,
      admin: (client, path) => this.#admin.answer(client, path),
      adminPages: (client, path) => this.#admin.answerPage(client, path),
    };
    this.#listener = listen(config.server, makeRoutes(served), this.#gateway);
    if (config.metrics.enabled && config.metrics.port !== null) {
      this.#metricsListener = listen(
        { ...config.server, port: config.metrics.port, basePath: "", tls: null },
        makeMetricsRoutes(served),
        this.#gateway,
      );
    }
    const address = parseListen(config.admin?.listen ?? "");
    if (address !== null) {
      const own = { ...config.server, ...address, basePath: "" };
      this.#adminListener = listen(own, makeAdminRoutes(served), this.#gateway);
    }
    this.#gateway.transport.keepWarm(warmServers(this.#gateway.snapshot));
    this.#listRefresh.restart();
    this.#upkeep.start();
    this.#alerts.start();
    this.#rooms.start();
    this.#keys.start(this.#gateway);
    this.#processWatch.start();
    this.#record.start();
    this.#watcher = watchFiles([...config.readFiles, this.#prices.readFile], () => {
      // The admin has a file read that it has written, and then the watch sees the file as well.
      void this.#reloadIn("debug");
    });
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

  get adminUrl(): string | null {
    const { admin } = this.#gateway.snapshot.config;
    return admin === null ? null : `${(this.#adminListener ?? (this.#listener as Listener)).url}/admin/`;
  }

  reload(): Promise<void> {
    return this.#reloadIn("info");
  }

  /** `sameLevel`: how a configuration is logged whose files are those that were read last. */
  #reloadIn(sameLevel: "debug" | "info"): Promise<void> {
    this.#reloading = this.#reloading
      .then(() => this.#reloadOnce(sameLevel))
      .catch((cause: unknown) => this.#reject([problemOf(cause)]));
    return this.#reloading;
  }

  async drain(hurried?: Promise<void>): Promise<boolean> {
    const gateway = this.#gateway;
    const { log, metrics } = gateway;
    gateway.isDraining = true;
    gateway.waiting.close();
    this.#admin.endStreams();
    this.#watcher?.close();
    log.info({ inFlight: metrics.inFlight }, "draining: nothing new is accepted");
    const listener = this.#listener;
    listener?.stop().catch(() => undefined);
    const isBusy = (): boolean =>
      metrics.inFlight > 0 || gateway.ledger.pendingRows > 0 || (listener?.pendingRequests ?? 0) > 0;
    const { drainTimeoutMs: timeoutMs } = gateway.snapshot.config.server;
    const isLeft = await waitForRequests({ gateway, isBusy, timeoutMs, hurried });
    await this.abandon();
    log.info({}, "drained");
    return isLeft;
  }

  /** Closes everything now; pending rows are still written. */
  async abandon(): Promise<void> {
    this.#listRefresh.stop();
    this.#prober.stop();
    this.#reachWatch.close();
    this.#record.close();
    this.#upkeep.stop();
    this.#keys.stop();
    this.#watcher?.close();
    this.#processWatch.stop();
    for (const listener of this.#listeners()) await listener.kill();
    this.#admin.close();
    this.#gateway.background.stop();
    this.#gateway.transport.stop();
    await this.#gateway.simulator.close();
    this.#gateway.requestLines.flush();
    await this.#gateway.ledger.flush();
    await this.#gateway.ledger.close();
    this.#gateway.limiter.close();
    this.#gateway.background.close();
    this.#gateway.cache.close();
    this.#gateway.captures.close();
    this.#states.close();
    this.#rooms.close();
    this.#alerts.close();
  }

  #listeners(): readonly Listener[] {
    return [this.#listener, this.#metricsListener, this.#adminListener].filter((one) => one !== null);
  }

  async #reloadOnce(sameLevel: "debug" | "info"): Promise<void> {
    const gateway = this.#gateway;
    const { log, metrics, pool } = gateway;
    const { snapshot } = gateway;
    const before = snapshot.config;
    let config: Config;
    try {
      config = await this.#options.reloadConfig();
      const emptied = findEmptied(before, config, this.#keys.areStored);
      if (emptied.length > 0) throw new ConfigError(emptied, config.readFiles);
      await this.#prices.reload();
      await gateway.simulator.replace(config.simulator.port);
      this.#listener?.reload(config.server);
    } catch (cause) {
      // Also the files that only the rejected configuration names: a change of one may repair it.
      if (cause instanceof ConfigError) this.#watch([...before.readFiles, ...cause.readFiles]);
      this.#reject(cause instanceof ConfigError ? cause.problems : [problemOf(cause)]);
      return;
    }
    this.#watch(config.readFiles);
    gateway.snapshot = makeSnapshot(config, { prices: this.#prices.list, keys: this.#keys.with(config) });
    gateway.fetchMedia = makeConfiguredMediaFetch(config, gateway.transport);
    gateway.transport.keepWarm(warmServers(gateway.snapshot));
    gateway.memoryBudget.limitBytes = config.server.memoryBytes;
    this.#alerts.replace(config.alerts);
    this.#listRefresh.restart();
    this.#prober.stop();
    gateway.reach.forget((name) => isLedElsewhere(name, snapshot, gateway.snapshot));
    gateway.limiter.replaceCredentials(budgetedCredentials(config));
    pool.replace(gateway.snapshot.credentialSpecs);
    gateway.cache.replace(config.cache);
    gateway.captures.replace(config.capture);
    gateway.limiter.replace([...gateway.snapshot.keys.values()], config.teams);
    const states = loadCredentialStates(this.#states, log);
    pool.adopt(states ?? []);
    this.#keepNewKeys(states);
    this.#metricsListener?.reload({ ...config.server, tls: null });
    this.#adminListener?.reload(config.server);
    const isSame = this.#rejected.length === 0 && isDeepStrictEqual(before.readFiles, config.readFiles);
    this.#rejected = [];
    this.#record.changed();
    metrics.reloads.add(1, "taken");
    log[isSame ? sameLevel : "info"]({ file: config.file }, "the configuration was taken over");
    for (const name of keysForNextStart(before, config)) {
      log.warn({ key: name }, "this change takes effect at the next start only");
    }
  }

  #watch(configFiles: readonly ReadFile[]): void {
    this.#watcher?.watch([...configFiles, this.#prices.readFile]);
  }

  /** The states in the database are then those of the keys that this process uses; `clewline credentials` tells. */
  #keepNewKeys(known: readonly PersistedState[] | null): void {
    // Without them a ready state could replace another one of the same key.
    if (known === null) return;
    const { snapshot, clock } = this.#gateway;
    this.#states.saveCredentialStates(firstStates(snapshot.credentialSpecs, known, clock.nowMs()));
  }

  /** The previous configuration stays active. */
  #reject(problems: readonly Problem[]): void {
    const { log, metrics } = this.#gateway;
    metrics.reloads.add(1, "rejected");
    this.#rejected = problems;
    this.#record.changed();
    for (const problem of problems) {
      const { file, line, key, repair } = problem;
      log.error(
        { file, line, key, repair },
        `the changed configuration is not in effect: ${renderProblem(problem)}`,
      );
    }
  }

  #settingsFile(): SettingsFileOptions {
    const { config, clock, ids, configText } = this.#options;
    const unread = () => Promise.reject(new ConfigError([]));
    return {
      ...(configText ?? { check: unread, draft: unread }),
      file: configText === undefined ? null : config.file,
      clock,
      ids,
      inForce: () => this.#gateway.snapshot.config,
      refusals: (after) => findEmptied(this.#gateway.snapshot.config, after, this.#keys.areStored),
      reload: async () => {
        await this.reload();
        return this.#rejected;
      },
    };
  }

  #processFacts(): ProcessFacts {
    return {
      version: this.#options.version,
      longestLagMs: this.#processWatch.longestLagMs,
      droppedLogLines: this.#options.droppedLogLines?.() ?? 0,
      startedAtMs: this.#startedAtMs,
      residentBytes: this.#options.memory.residentBytes(),
      isConfigRejected: this.#rejected.length > 0,
    };
  }
}
