/** What the admin is handed: the rooms that it may read, and functions of rooms that it must not reach. */
import type { Captures } from "../capture/captures.ts";
import type { ChannelKind } from "../config/alerts/schema-alerts.ts";
import type { SettingsFile } from "../config/edit/settings-file.ts";
import type { Problem } from "../config/problem.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { LedgerReader } from "../ledger/reader/ledger-reader.ts";
import type { LedgerRow } from "../ledger/row.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { AwayUpstream } from "../pool/health/reach.ts";
import type { Pool } from "../pool/pool.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Sql } from "../store/sql.ts";
import type { ReplyOf } from "./contract.ts";

export interface GatewayHealth {
  readonly inFlight: number;
  /** Requests that wait for a credential. */
  readonly waiting: number;
  readonly isDraining: boolean;
  /** null: the ledger can be written. */
  readonly ledgerFailure: string | null;
  readonly residentBytes: number;
  readonly startedAtMs: number;
}

/** One line of a bill. Rates are nano-dollars for a million tokens or a thousand calls. */
export interface CostLine {
  readonly label: string;
  readonly units: number;
  readonly rateNanoUsd: number | null;
  readonly per: "million tokens" | "thousand calls";
  readonly nanoUsd: number | null;
}

/** Rates of a target in nano-dollars a million tokens. */
export interface TargetPrice {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly version: string;
}

/** How a proxy has done since the start. */
export interface ProxyFacts {
  /** Its address, without user and password. */
  readonly name: string;
  /** The last connection did not fail by its fault. */
  readonly isWorking: boolean;
  readonly connections: number;
  readonly failures: number;
  readonly lastFailure: { readonly message: string; readonly atMs: number } | null;
}

/** A request that the admin itself makes. */
export interface OwnRequest {
  /** As a client would send it, as in `/v1/messages`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** A channel of alerts in force, without its secrets. */
export interface AlertChannelState {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly receiver: string;
  readonly events: readonly string[];
  readonly waiting: number;
  readonly problem: string | null;
}

/** What came of a test of a channel. */
export interface AlertTest {
  readonly isTaken: boolean;
  readonly status: number | null;
  readonly problem?: string;
  readonly body?: string;
}

export interface AdminContext {
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The view of the configuration in force. */
  readonly snapshot: () => Snapshot;
  /** Opens the data folder's database for writing. Throws `StoreError`. */
  readonly open: () => Sql;
  /** Where clients reach the gateway; null: where the admin's own page is. */
  readonly mainUrl: () => string | null;
  /** argon2id, beside the event loop. */
  readonly hashPassword: (password: string) => Promise<string>;
  /** Changes of the configuration file. */
  readonly settings: SettingsFile;
  /** A port for `[simulator]`. */
  readonly freeSimulatorPort: () => Promise<number>;
  /** The problems of a changed file that is not in effect. */
  readonly rejected: () => readonly Problem[];
  readonly verifyPassword: (password: string, hash: string) => Promise<boolean>;
  readonly pool: Pick<Pool, "list" | "switchTo">;
  readonly limiter: Pick<Limiter, "use" | "budgets">;
  /** Answers beside the event loop. */
  readonly reader: Pick<LedgerReader, "usages" | "rows" | "strips">;
  readonly captures: Pick<Captures, "state" | "read" | "remove" | "removeAll">;
  /** How long a page waits for it; absent: 15 s. */
  readonly reportWaitMs?: number;
  /** Models, as `upstream/model`, that had requests without a price since a time. */
  readonly unpricedSince: (timeMs: number) => readonly string[];
  readonly health: () => GatewayHealth;
  readonly alerts: {
    list(): readonly AlertChannelState[];
    /** null: there is no channel of this name. */
    test(name: string): Promise<AlertTest | null>;
  };
  /** Calls `listener` with each new row; null: nobody watches. */
  readonly onRow: (listener: ((row: LedgerRow) => void) | null) => void;
  /** Those that were used since the start. */
  readonly proxies: () => readonly ProxyFacts[];
  /** That no connection to the upstream can be made, and why; null: nobody has found so. */
  readonly away: (upstream: string) => AwayUpstream | null;
  /** The upstreams that requests are kept away from, because no connection can be made. */
  readonly unreachable: () => readonly string[];
  /** Looks at everything, or at one upstream alone. */
  readonly examine: (upstream: string | null) => Promise<ReplyOf<"examine">["findings"]>;
  /** The cost of a row line by line at the prices in force; null: these give another sum, or there is no price. */
  readonly costLines: (row: LedgerRow) => readonly CostLine[] | null;
  readonly priceOf: (upstream: string, model: string) => TargetPrice | null;
  /** The names of models in the upstreams' own lists, as `upstream/model`. */
  readonly listedModels: () => Promise<readonly string[]>;
  /** The models of the upstream's provider in the price list. */
  readonly pricedModels: (upstream: string) => readonly string[];
  /** Throws `GatewayError` for a request that the gateway would refuse. `key`: by whose rights; null: by the admin's. */
  readonly explain: (request: OwnRequest, key: string | null) => Promise<object>;
  /** Sends a request in the ordinary way, with a row. `credential`: with this one alone, as `upstream/name`. */
  readonly send: (client: ClientRequest, request: OwnRequest, credential: string | null) => Promise<Response>;
}
