/** State that survives a restart: states of credentials, and the owner of each provider-side state. */
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { Connection } from "./connection.ts";
import type { Migration } from "./migrations.ts";
import { type Sql, type SqlRow, type SqlStatement, StoreError } from "./sql.ts";

export const CREDENTIAL_STATES: Migration = {
  name: "credential states",
  sql: `CREATE TABLE credential_states (
  upstream TEXT NOT NULL,
  credential TEXT NOT NULL,
  model TEXT NOT NULL, -- '' stands for the credential as a whole
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_ms INTEGER,
  since_ms INTEGER NOT NULL,
  strikes INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (upstream, credential, model)
) WITHOUT ROWID`,
};

export const STATES_OF_KEYS: Migration = {
  name: "credential states of one client key",
  sql: "ALTER TABLE credential_states ADD COLUMN client_key TEXT", // the state holds for this key alone; null: for all
};

export const STATE_IDS: Migration = {
  name: "state ids",
  sql: `CREATE TABLE state_ids (
  seq INTEGER PRIMARY KEY, -- grows with time: the oldest go first
  upstream TEXT,
  id TEXT,
  credential TEXT,
  at_ms INTEGER,
  UNIQUE (upstream, id)
)`,
};

/** The last known state of a credential (model null), or of a credential for one model. */
export interface CredentialStateRow {
  readonly upstream: string;
  readonly credential: string;
  readonly model: string | null;
  readonly state: string;
  readonly reason: string;
  readonly untilMs: number | null;
  readonly sinceMs: number;
  readonly strikes: number;
  /** Fingerprint of the credential's secret: it changes when the secret changes. */
  readonly fingerprint: string;
  /** The name of the client key that alone the state holds for; absent: it holds for all. */
  readonly clientKey?: string;
}

/**
 * The id of an object at the provider that belongs to one credential (a stored response, a container, a
 * thread).
 */
export interface StateId {
  readonly id: string;
  readonly upstream: string;
  /** Name of the credential that owns the object. */
  readonly credential: string;
  /**
   * The number of the key that made the object. null: all keys may use it; of one that is written: it was made before, and
   * belongs to whom it belonged.
   */
  readonly owner: number | null;
  readonly atMs: number;
}

/** Providers keep stored responses for 30 days. */
const STATE_ID_AGE_MS = 30 * 24 * 60 * 60 * 1000;
/** Of each key: no key can make the gateway forget what another one has made. */
const STATE_ID_ROWS = 200_000;
const PRUNE_EVERY = 1000;
const RETRY_MS = 1000;

/** Writes state ids within the caller's transaction, and deletes the oldest ones from time to time. */
export class StateIdWriter {
  readonly #insert: SqlStatement;
  readonly #pruneCount: SqlStatement;
  readonly #pruneAge: SqlStatement;
  /** By owner. */
  readonly #untilPrune = new Map<number | null, number>();

  constructor(sql: Sql) {
    this.#insert = sql.prepare(
      `INSERT INTO state_ids (upstream, id, credential, at_ms, owner) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (upstream, id) DO UPDATE SET credential = excluded.credential, at_ms = excluded.at_ms,
         owner = coalesce(excluded.owner, owner)`,
    );
    this.#pruneCount = sql.prepare(
      `DELETE FROM state_ids WHERE owner IS ?1 AND seq <=
         (SELECT seq FROM state_ids WHERE owner IS ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`,
    );
    this.#pruneAge = sql.prepare(
      "DELETE FROM state_ids WHERE seq IN (SELECT seq FROM state_ids ORDER BY seq LIMIT ?) AND at_ms < ?",
    );
  }

  write(ids: readonly StateId[]): void {
    for (const { upstream, id, credential, atMs, owner } of ids) {
      this.#insert.run(upstream, id, credential, atMs, owner);
      const left = (this.#untilPrune.get(owner) ?? PRUNE_EVERY) - 1;
      this.#untilPrune.set(owner, left === 0 ? PRUNE_EVERY : left);
      if (left > 0) continue;
      this.#pruneCount.run(owner, STATE_ID_ROWS);
      this.#pruneAge.run(2 * PRUNE_EVERY, atMs - STATE_ID_AGE_MS);
    }
  }
}

export interface StateStore {
  /** All saved states. Throws `StoreError` when the store cannot be read. */
  loadCredentialStates(): CredentialStateRow[];
  /**
   * Saves changed states. Never throws: states that cannot be stored now are kept (the last one of each) and
   * tried again each second.
   */
  saveCredentialStates(rows: readonly CredentialStateRow[]): void;
  /**
   * The owner of an id; null when unknown or forgotten. Throws `GatewayError` when the store cannot be read.
   */
  findStateId(upstream: string, id: string): StateId | null;
  /** The owners of an id at these upstreams, in their order. */
  findState(upstreams: Iterable<string>, id: string): readonly StateId[];
  /** Tries once more to write the unsaved states, then closes the connection. */
  close(): void;
}

function prepare(sql: Sql) {
  return {
    sql,
    save: sql.prepare(
      `INSERT INTO credential_states (upstream, credential, model, state, reason, until_ms, since_ms, strikes, fingerprint, client_key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (upstream, credential, model) DO UPDATE SET state = excluded.state, reason = excluded.reason,
         until_ms = excluded.until_ms, since_ms = excluded.since_ms, strikes = excluded.strikes,
         fingerprint = excluded.fingerprint, client_key = excluded.client_key`,
    ),
    forget: sql.prepare("DELETE FROM credential_states WHERE upstream = ? AND credential = ? AND model = ?"),
    find: sql.prepare("SELECT credential, at_ms, owner FROM state_ids WHERE upstream = ? AND id = ?"),
  };
}

/** A ready model needs no row; a credential keeps its last state, whatever it is. */
function isForgettable(row: CredentialStateRow): boolean {
  return row.model !== null && row.state === "ready" && row.strikes === 0;
}

/** The credential states of an open store, which may be read-only. */
export function readCredentialStates(sql: Sql): CredentialStateRow[] {
  return sql
    .prepare("SELECT * FROM credential_states ORDER BY upstream, credential, model")
    .all()
    .map(toStateRow);
}

function toStateRow(row: SqlRow): CredentialStateRow {
  return {
    upstream: String(row.upstream),
    credential: String(row.credential),
    model: row.model === "" ? null : String(row.model),
    state: String(row.state),
    reason: String(row.reason),
    untilMs: row.until_ms === null ? null : Number(row.until_ms),
    sinceMs: Number(row.since_ms),
    strikes: Number(row.strikes),
    fingerprint: String(row.fingerprint),
    ...(typeof row.client_key === "string" ? { clientKey: row.client_key } : {}),
  };
}

/** `open` opens the store for writing; it is called when a connection is needed, also after one was lost. */
export function makeStateStore(options: { readonly open: () => Sql; readonly log: Log }): StateStore {
  const unsaved = new Map<string, CredentialStateRow>();
  const connection = new Connection(options.open, prepare);
  let retry: ReturnType<typeof setTimeout> | null = null;
  let hasFailed = false;

  const saveAll = (): void => {
    connection.use(({ sql, save, forget }) =>
      sql.transaction(() => {
        for (const row of unsaved.values()) {
          const { upstream, credential, model, state, reason, untilMs, sinceMs, strikes, fingerprint } = row;
          if (isForgettable(row)) forget.run(upstream, credential, model);
          else
            save.run(
              upstream,
              credential,
              model ?? "",
              state,
              reason,
              untilMs,
              sinceMs,
              strikes,
              fingerprint,
              row.clientKey ?? null,
            );
        }
      }),
    );
    unsaved.clear();
  };

  const trySave = (): void => {
    try {
      saveAll();
      if (hasFailed) options.log.info({}, "credential states are saved again");
      hasFailed = false;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!hasFailed) {
        options.log.warn(
          { fault: error.fault, detail: error.message },
          "credential states cannot be saved now; trying again",
        );
      }
      hasFailed = true;
      retry ??= setTimeout(() => {
        retry = null;
        trySave();
      }, RETRY_MS);
    }
  };

  return {
    loadCredentialStates: () => connection.use(({ sql }) => readCredentialStates(sql)),

    saveCredentialStates(rows) {
      for (const row of rows) unsaved.set(JSON.stringify([row.upstream, row.credential, row.model]), row);
      if (unsaved.size > 0 && retry === null) trySave();
    },

    findState(upstreams, id) {
      const found = Array.from(upstreams, (upstream) => this.findStateId(upstream, id));
      return found.filter((state) => state !== null);
    },

    findStateId(upstream, id) {
      try {
        const row = connection.use(({ find }) => find.get(upstream, id));
        if (row === null) return null;
        const owner = row.owner === null ? null : Number(row.owner);
        return { upstream, id, credential: String(row.credential), owner, atMs: Number(row.at_ms) };
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw new GatewayError(
          "ledger_unavailable",
          "the owner of this id cannot be looked up now; try again",
          {
            detail: error.message,
            cause: error,
          },
        );
      }
    },

    close() {
      if (retry !== null) clearTimeout(retry);
      retry = null;
      if (unsaved.size > 0) trySave();
      if (retry !== null) clearTimeout(retry);
      connection.close();
    },
  };
}
