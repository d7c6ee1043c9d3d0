/** The sessions of browsers, in the database: they live through a restart, and end there for all that read it. */
import { digestOf } from "../../auth/keys.ts";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import type { AdminAccessTable, SessionRow } from "../../store/admin-access.ts";
import type { Connection } from "../../store/connection.ts";
import { StoreError } from "../../store/sql.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A session ends so long after its sign-in, */
const LIFE_MS = 7 * 24 * HOUR_MS;
/** or after so long a silence. */
const MAX_SILENCE_MS = 24 * HOUR_MS;
/** An id is replaced by another one after so long, */
const ID_LIFE_MS = HOUR_MS;
/** and still holds for calls that are on their way. */
const OLD_ID_MS = MINUTE_MS;
const ID_BYTES = 32;
/** Sessions that could not be written; more are not needed to repair a full disk. */
const MAX_KEPT = 16;

export interface SessionOptions {
  readonly connection: Connection<AdminAccessTable>;
  readonly clock: Pick<Clock, "nowMs">;
  readonly ids: Pick<Ids, "hex">;
  /** The hash of the admin's password in force; null: the admin is off. */
  readonly passwordHash: () => string | null;
}

/** A session with the id for its cookie. */
export interface MadeSession {
  readonly id: string;
  readonly row: SessionRow;
}

export class Sessions {
  readonly #options: SessionOptions;
  /** While the database cannot be written, the admin must still show why. By the hash of the id. */
  readonly #kept = new Map<string, SessionRow>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  begin(label: string): MadeSession {
    const { clock, ids } = this.#options;
    const nowMs = clock.nowMs();
    const id = ids.hex(ID_BYTES);
    const row: SessionRow = {
      idSha256: digestOf(id),
      csrf: ids.hex(ID_BYTES),
      passwordSha256: this.#passwordSha256() ?? "",
      label,
      madeMs: nowMs,
      seenMs: nowMs,
      untilMs: nowMs + LIFE_MS,
    };
    this.#save(row);
    return { id, row };
  }

  /** null: there is no such session, or it is over. */
  find(id: string): SessionRow | null {
    return this.#valid(this.#read(digestOf(id)));
  }

  /** Whether the session with this hash of its id has not ended. */
  isAlive(idSha256: string): boolean {
    return this.#valid(this.#read(idSha256)) !== null;
  }

  #valid(row: SessionRow | null): SessionRow | null {
    if (row === null) return null;
    const nowMs = this.#options.clock.nowMs();
    const isOver = nowMs >= row.untilMs || nowMs >= row.seenMs + MAX_SILENCE_MS;
    if (isOver || row.passwordSha256 !== this.#passwordSha256()) return null;
    if (nowMs >= row.seenMs + MINUTE_MS) this.#save({ ...row, seenMs: nowMs });
    return row;
  }

  /** The same session under a new id when its id is old; null: the id stays. */
  renew(row: SessionRow): MadeSession | null {
    const { clock, ids } = this.#options;
    const nowMs = clock.nowMs();
    // An id that was replaced already ends soon.
    if (nowMs < row.madeMs + ID_LIFE_MS || row.untilMs <= nowMs + OLD_ID_MS) return null;
    const id = ids.hex(ID_BYTES);
    const renewed = { ...row, idSha256: digestOf(id), madeMs: nowMs, seenMs: nowMs };
    this.#save(renewed);
    this.#save({ ...row, untilMs: nowMs + OLD_ID_MS });
    return { id, row: renewed };
  }

  /** Throws `StoreError`: a session that goes on in the database has not ended. */
  end(idSha256: string): void {
    const csrf = this.#kept.get(idSha256)?.csrf;
    for (const [id, row] of this.#kept) if (row.csrf === csrf) this.#kept.delete(id);
    this.#options.connection.use((table) => table.endSession(idSha256));
  }

  /** Throws `StoreError`. */
  endAll(): void {
    this.#kept.clear();
    this.#options.connection.use((table) => table.endSessions());
  }

  #read(idSha256: string): SessionRow | null {
    const kept = this.#kept.get(idSha256);
    if (kept !== undefined) return kept;
    return this.#options.connection.use((table) => table.session(idSha256));
  }

  #save(row: SessionRow): void {
    try {
      this.#options.connection.use((table) => table.saveSession(row, this.#options.clock.nowMs()));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (this.#kept.size < MAX_KEPT || this.#kept.has(row.idSha256)) this.#kept.set(row.idSha256, row);
    }
  }

  /** Of the hash, so that the table does not hold what can be guessed at. */
  #passwordSha256(): string | null {
    const hash = this.#options.passwordHash();
    return hash === null ? null : digestOf(hash);
  }
}
