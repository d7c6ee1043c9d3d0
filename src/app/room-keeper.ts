/** Keeps what is left of the limits of credentials, for the next process and for `clewline credentials`. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { keptFacts } from "../pool/kept-room.ts";
import type { Pool } from "../pool/pool.ts";
import type { Snapshot } from "../snapshot.ts";
import {
  type CredentialRoomRow,
  type KeptRoomRow,
  type RoomStore,
  readCredentialRooms,
} from "../store/credential-rooms.ts";
import { type Sql, StoreError } from "../store/sql.ts";

/** A crash forgets so much, and the next replies tell it. */
const KEEP_MS = 20_000;

const NOTHING_KNOWN = "{}";

export interface RoomKeeperOptions {
  readonly gateway: { readonly pool: Pick<Pool, "list">; readonly snapshot: Snapshot };
  readonly store: RoomStore;
  readonly clock: Clock;
  readonly log: Log;
}

export class RoomKeeper {
  readonly #options: RoomKeeperOptions;
  /** By id. */
  readonly #written = new Map<string, string>();
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(options: RoomKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.keep(), KEEP_MS);
    this.#timer.unref();
  }

  /** Writes what has changed. Never throws: what could not be written is written the next time. */
  keep(): void {
    const { gateway, store, clock, log } = this.#options;
    const fingerprints = new Map(
      gateway.snapshot.credentialSpecs.map(({ id, fingerprint }) => [id, fingerprint]),
    );
    const rows: CredentialRoomRow[] = [];
    const texts = new Map<string, string>();
    for (const status of gateway.pool.list()) {
      const known = keptFacts(status);
      const fingerprint = fingerprints.get(status.id);
      const before = this.#written.get(status.id);
      // What a person has reset is gone from the database as well.
      const facts = known ?? (before === undefined ? null : NOTHING_KNOWN);
      if (facts === null || fingerprint === undefined || before === facts) continue;
      texts.set(status.id, facts);
      rows.push({
        upstream: status.upstream,
        credential: status.name,
        fingerprint,
        atMs: clock.nowMs(),
        facts,
      });
    }
    if (rows.length === 0) return;
    try {
      store.save(rows);
      for (const [id, facts] of texts) this.#written.set(id, facts);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.warn({ error: String(error) }, "what is left of the limits of credentials could not be kept");
    }
  }

  /** Writes once more. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.keep();
    this.#options.store.close();
  }
}

/** Empty when they cannot be read: the next replies tell them. */
export function loadCredentialRooms(open: () => Sql, log: Log): readonly KeptRoomRow[] {
  let sql: Sql | null = null;
  try {
    sql = open();
    return readCredentialRooms(sql);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn({ error: String(error) }, "what was left of the limits of credentials cannot be read");
    return [];
  } finally {
    sql?.close();
  }
}
