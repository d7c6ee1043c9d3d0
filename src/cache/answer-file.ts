/**
 * The file behind the memory: answers that outlive it and the process. A database of its own beside the ledger's, so that
 * copies of the ledger leave it out. It holds hashes and sealed texts alone, and what is deleted is overwritten. It may be
 * lost at any time: a failure costs answers, and never a request.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { Connection } from "../store/connection.ts";
import { keepToOwner, shred } from "../store/private-file.ts";
import type { Sql, SqlStatement } from "../store/sql.ts";
import { StoreError } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { type KeptAnswer, sizeOf } from "./kept-answer.ts";
import { openAnswer, sealAnswer } from "./sealed-answer.ts";

export interface FileLimits {
  /** The sealed answers together. */
  readonly fileBytes: number;
  readonly fileLifeMs: number;
}

export interface AnswerFileOptions {
  readonly path: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  readonly limits: FileLimits;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "hex">;
  readonly log: Log;
}

/** Answers that wait to be written take up to so much memory beside the cache's. */
const WAITING_BYTES = 4 * 1024 * 1024;

/** Changes with the tables. */
const VERSION = 1;

const SCHEMA: readonly string[] = [
  `CREATE TABLE answers (
  key TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sealed TEXT NOT NULL
) WITHOUT ROWID`,
  "CREATE INDEX answers_at ON answers (at_ms)",
  "CREATE INDEX answers_used ON answers (used_ms)",
];

interface Prepared {
  readonly sql: Sql;
  readonly find: SqlStatement;
  readonly touch: SqlStatement;
  readonly put: SqlStatement;
  readonly forget: SqlStatement;
  readonly sweep: SqlStatement;
  readonly oldest: SqlStatement;
  readonly size: SqlStatement;
}

export class AnswerFile {
  readonly #path: string;
  readonly #secret: Uint8Array;
  #limits: FileLimits;
  readonly #clock: Clock;
  readonly #ids: Pick<Ids, "hex">;
  readonly #log: Log;
  readonly #connection: Connection<Prepared>;
  readonly #waiting = new Map<string, KeptAnswer>();
  #waitingBytes = 0;

  constructor({ path, secret, limits, clock, ids, log }: AnswerFileOptions) {
    this.#path = path;
    this.#secret = secret;
    this.#limits = limits;
    this.#clock = clock;
    this.#ids = ids;
    this.#log = log;
    const open = (): Sql => {
      keepToOwner(path);
      return openSqlite(path, { mode: "private", busyTimeoutMs: 0 });
    };
    this.#connection = new Connection(open, prepare);
  }

  replace(limits: FileLimits): void {
    this.#limits = limits;
    this.flush();
  }

  /** null: there is none, its life is over, or the file cannot be read. */
  find(key: string): KeptAnswer | null {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    return this.#guarded(({ find, touch, forget }) => {
      const row = find.get(key);
      if (row === null) return null;
      const nowMs = this.#clock.nowMs();
      const answer = openAnswer(this.#secret, key, String(row.sealed));
      if (answer === null || nowMs - answer.atMs >= this.#limits.fileLifeMs) {
        forget.run(key);
        return null;
      }
      touchIfPossible(touch, nowMs, key);
      return answer;
    });
  }

  /** The answer is written with the next `flush`, or at once when many wait. */
  keep(key: string, answer: KeptAnswer): void {
    const before = this.#waiting.get(key);
    if (before !== undefined) this.#waitingBytes -= sizeOf(before);
    this.#waiting.set(key, answer);
    this.#waitingBytes += sizeOf(answer);
    if (this.#waitingBytes >= WAITING_BYTES) this.flush();
  }

  /** Writes what waits, and takes out what is too old, and what was not used for longest if the file is full. */
  flush(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    if (waiting.length === 0 && !existsSync(this.#path)) return;
    const nowMs = this.#clock.nowMs();
    this.#guarded(({ sql, put, sweep, oldest, size, forget }) =>
      sql.transaction(() => {
        for (const [key, answer] of waiting) {
          const sealed = sealAnswer(this.#secret, this.#ids, key, answer);
          put.run(key, answer.atMs, nowMs, sealed.length, sealed);
        }
        sweep.run(nowMs - this.#limits.fileLifeMs);
        let over = Number(size.get()?.size ?? 0) - this.#limits.fileBytes;
        while (over > 0) {
          const row = oldest.get();
          if (row === null) break;
          forget.run(row.key ?? null);
          over -= Number(row.size);
        }
        return null;
      }),
    );
  }

  close(): void {
    this.flush();
    this.#connection.close();
  }

  /** Overwrites the file and deletes it. */
  destroy(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#remove();
  }

  #remove(): void {
    this.#connection.close();
    shred(this.#path);
  }

  /** After a crash the file may be damaged; all that it holds can be made again. False: the system does not let go of it. */
  #canRemove(): boolean {
    try {
      this.#remove();
      return true;
    } catch (cause) {
      this.#log.warn(
        { file: this.#path, error: String(cause) },
        "the damaged file of the response cache cannot be removed",
      );
      return false;
    }
  }

  /** `isFresh`: the file has just been made anew. */
  #guarded<Result>(work: (prepared: Prepared) => Result, isFresh = false): Result | null {
    try {
      return this.#connection.use(work);
    } catch (cause) {
      const fault = cause instanceof StoreError ? cause.fault : "unavailable";
      if (fault === "locked") return null;
      this.#log.warn(
        { file: this.#path, error: String(cause) },
        "the file of the response cache cannot be used",
      );
      if (fault !== "corrupt" || isFresh || !this.#canRemove()) return null;
      return this.#guarded(work, true);
    }
  }
}

/** A full disk keeps nobody from reading. */
function touchIfPossible(touch: SqlStatement, nowMs: number, key: string): void {
  try {
    touch.run(nowMs, key);
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.fault === "corrupt") throw cause;
  }
}

/** Throws `corrupt` for a file with other tables, of another program or damaged: what it holds can be made again. */
function prepare(sql: Sql): Prepared {
  const known = Number(sql.prepare("PRAGMA user_version").get()?.user_version);
  const tables = sql.prepare("SELECT sql FROM sqlite_schema ORDER BY rowid").all();
  if (tables.length === 0) sql.exec([...SCHEMA, `PRAGMA user_version = ${VERSION}`].join(";"));
  else if (known !== VERSION)
    throw new StoreError("corrupt", `the file is of version ${known}, and this program has ${VERSION}`);
  else if (tables.map((table) => String(table.sql)).join(";") !== SCHEMA.join(";"))
    throw new StoreError("corrupt", "the file has other tables than this program makes");
  return {
    sql,
    find: sql.prepare("SELECT sealed FROM answers WHERE key = ?"),
    touch: sql.prepare("UPDATE answers SET used_ms = ? WHERE key = ?"),
    put: sql.prepare(
      "INSERT OR REPLACE INTO answers (key, at_ms, used_ms, size, sealed) VALUES (?, ?, ?, ?, ?)",
    ),
    forget: sql.prepare("DELETE FROM answers WHERE key = ?"),
    sweep: sql.prepare("DELETE FROM answers WHERE at_ms <= ?"),
    oldest: sql.prepare("SELECT key, size FROM answers ORDER BY used_ms, key LIMIT 1"),
    size: sql.prepare("SELECT sum(size) AS size FROM answers"),
  };
}
