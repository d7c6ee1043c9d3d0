/** Builds the gateway around its first snapshot: the part of the composition root that a reload does not repeat. */
import { AnswerCache } from "../cache/answer-cache.ts";
import { Captures } from "../capture/captures.ts";
import type { KeyConfig } from "../config/client-keys.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { MemoryBudget } from "../core/memory-budget.ts";
import { Metrics } from "../core/metrics.ts";
import { RequestLines, type WriteRequestLine } from "../core/request-lines/request-lines.ts";
import { systemScheduler } from "../core/scheduler.ts";
import { DataFolderError, openDataFolder } from "../ledger/data-folder.ts";
import { makeLedger } from "../ledger/ledger.ts";
import type { RequestIds } from "../ledger/request-ids.ts";
import { openStore, setStoreAside } from "../ledger/store-file.ts";
import { makeLedgerWriter } from "../ledger/writer.ts";
import { budgetedCredentials } from "../limits/budgeted-credential.ts";
import { METERED_KINDS } from "../neutral/usage.ts";
import { namesOf } from "../plan/plan.ts";
import { Affinity } from "../pool/affinity/affinity.ts";
import type { PersistedState } from "../pool/credential.ts";
import { makeBreaker } from "../pool/health/breaker.ts";
import { Reach } from "../pool/health/reach.ts";
import { makePool, type PoolOptions } from "../pool/pool.ts";
import type { QueueLimits } from "../pool/waiting/fair-queue.ts";
import { WaitingRoom } from "../pool/waiting/waiting-room.ts";
import type { PriceList } from "../prices/price-list.ts";
import { UnpricedModels } from "../prices/unpriced-models.ts";
import { BackgroundWatch } from "../proxy/background/background-watch.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { ObservedTargets } from "../proxy/order/observed-targets.ts";
import { makeSnapshot } from "../snapshot.ts";
import { makeBackgroundStore } from "../store/background.ts";
import type { KeptRoomRow } from "../store/credential-rooms.ts";
import type { Sql } from "../store/sql.ts";
import type { StateStore } from "../store/state.ts";
import { makeSealMemory } from "../translate/seal-memory.ts";
import type { Transport } from "../transport/call.ts";
import { makeHttp1Transport } from "../transport/http1/client.ts";
import { type MediaFetch, makeMediaFetch } from "../transport/media-fetch.ts";
import { makeWatchdog } from "../transport/watchdog.ts";
import { LearnedRepairs } from "../upstreams/refusals/learned-repairs.ts";
import { makeLimiter } from "./make-limiter.ts";
import { SimulatorHost } from "./simulator-host.ts";

export interface GatewayOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly writeRequest: WriteRequestLine;
  readonly tellsAllRequests?: boolean;
}

/** The gateway with the members that a reload or a drain changes. */
export type ChangingGateway = Gateway & {
  snapshot: Gateway["snapshot"];
  fetchMedia: Gateway["fetchMedia"];
  readonly background: BackgroundWatch;
  readonly captures: Captures;
  readonly simulator: SimulatorHost;
  isDraining: boolean;
};

export interface GatewayParts {
  /** The ledger's first connection; null: it opens one. */
  readonly sql: Sql | null;
  readonly prices: PriceList;
  /** Of the file and of the database. */
  readonly keys: readonly KeyConfig[];
  readonly states: StateStore;
  readonly restored: readonly PersistedState[];
  readonly rooms: readonly KeptRoomRow[];
  readonly requestIds: RequestIds;
  readonly accused: NonNullable<PoolOptions["accused"]>;
}

export function makeGateway(
  { config, clock, ids, log, writeRequest, tellsAllRequests = false }: GatewayOptions,
  { sql, prices, keys, states, restored, rooms, requestIds, accused }: GatewayParts,
): ChangingGateway {
  const { dataDir } = config.server;
  let opened = sql;
  const snapshot = makeSnapshot(config, { prices, keys });
  const limiter = makeLimiter({
    namesOf: (model) => namesOf(gateway.snapshot.plan(model)),
    dataDir,
    keys: [...snapshot.keys.values()],
    teams: config.teams,
    credentials: budgetedCredentials(config),
    requestIds,
    clock,
    log,
  });
  const pool = makePool({
    specs: snapshot.credentialSpecs,
    clock,
    log,
    restore: restored,
    rooms,
    accused,
    persist: (changed) => states.saveCredentialStates(changed),
    affinity: new Affinity(requestIds),
    budgetsOf: (id) => limiter.budgetsOfCredential(id),
  });
  const transport = makeHttp1Transport(clock, makeWatchdog(clock));
  const gateway: ChangingGateway = {
    snapshot,
    clock,
    ids: requestIds,
    log,
    metrics: new Metrics(METERED_KINDS),
    requestLines: new RequestLines({
      write: writeRequest,
      all: tellsAllRequests,
      scheduler: systemScheduler,
    }),
    transport,
    breaker: makeBreaker(clock),
    reach: new Reach(clock),
    pool,
    waiting: new WaitingRoom({
      pool,
      clock,
      scheduler: systemScheduler,
      limits: () => queueLimits(gateway.snapshot.config),
    }),
    ledger: makeLedger({
      openWriter: (isDamaged) => {
        if (isDamaged) setDamagedStoreAside(dataDir, clock, log);
        const database = opened ?? openStore(dataDir);
        opened = null;
        return makeLedgerWriter(database, requestIds, clock);
      },
      clock,
      log,
      onFailure: config.ledger.onFailure,
      queueRows: config.ledger.queueRows,
    }),
    limiter,
    cache: new AnswerCache({
      config: config.cache,
      dataDir,
      clock,
      log,
      ids: requestIds,
    }),
    captures: new Captures({ config: config.capture, dataDir, clock, log, ids: requestIds }),
    background: new BackgroundWatch(
      () => gateway,
      makeBackgroundStore(() => openStore(dataDir)),
    ),
    simulator: new SimulatorHost({ clock, ids }),
    observed: new ObservedTargets(),
    repairs: new LearnedRepairs(clock),
    unpriced: new UnpricedModels(),
    memoryBudget: new MemoryBudget(config.server.memoryBytes),
    memory: makeSealMemory(config.translation.memoryBytes),
    fetchMedia: makeConfiguredMediaFetch(config, transport),
    findState: (id) => states.findState(gateway.snapshot.upstreams.keys(), id),
    isDraining: false,
  };
  return gateway;
}

function queueLimits({ pool }: Config): QueueLimits {
  return { maxCount: pool.maxWaiting, maxBytes: pool.maxWaitingBytes };
}

/** Rows are money: a damaged file is kept for repair, and a new one begun beside it. */
function setDamagedStoreAside(dataDir: string, clock: Clock, log: Log): void {
  const file = setStoreAside(dataDir, clock.nowMs());
  log.error({ file }, "the ledger's database is damaged; it was moved aside, and a new one is begun");
}

/** null: they cannot be read now. */
export function loadCredentialStates(states: StateStore, log: Log): readonly PersistedState[] | null {
  try {
    return states.loadCredentialStates();
  } catch (cause) {
    log.error({ error: String(cause) }, "the states of the credentials cannot be read");
    return null;
  }
}

export function makeConfiguredMediaFetch({ media, network }: Config, transport: Transport): MediaFetch {
  return makeMediaFetch({
    transport,
    ...network,
    limitBytes: media.fetchLimitBytes,
    timeoutMs: media.fetchTimeoutMs,
  });
}

/**
 * The ledger's database. null with `on_failure = "serve"`, when it cannot be written for a reason that may pass by
 * itself: that keeps no such gateway from its start.
 */
export async function openAtStart({ config, clock, log }: GatewayOptions): Promise<Sql | null> {
  const { dataDir } = config.server;
  const setAside = () => setDamagedStoreAside(dataDir, clock, log);
  try {
    return await openDataFolder({ dataDir, clock, setAside });
  } catch (cause) {
    const mayPass = cause instanceof DataFolderError && (cause.fault === "full" || cause.fault === "locked");
    if (config.ledger.onFailure !== "serve" || !mayPass) throw cause;
    log.error({}, `${cause.message}; requests are served, and their rows kept in memory until it can`);
    return null;
  }
}
