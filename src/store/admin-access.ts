/** Who may enter the admin: sessions, tokens of scripts, and links that sign in once. Only hashes of secrets are stored. */

import type { Clock } from "../core/clock.ts";
import { sha256Hex } from "../core/hash.ts";
import type { Ids } from "../core/ids.ts";
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow, SqlStatement } from "./sql.ts";

export const ADMIN_ACCESS: Migration = {
  name: "access to the admin",
  sql: `CREATE TABLE admin_sessions (
  id_sha256 TEXT PRIMARY KEY,
  csrf TEXT NOT NULL,
  password_sha256 TEXT NOT NULL, -- of the password's hash at the sign-in: another password ends the session
  label TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE admin_tokens (
  name TEXT PRIMARY KEY,
  token_sha256 TEXT NOT NULL UNIQUE,
  last_four TEXT NOT NULL,
  made_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE admin_links (token_sha256 TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID`,
};

/** Times are Unix milliseconds, hashes SHA-256 in lower-case hex. */
export interface SessionRow {
  readonly idSha256: string;
  readonly csrf: string;
  readonly passwordSha256: string;
  /** How it was signed in, for people. */
  readonly label: string;
  /** Since when the id holds. */
  readonly madeMs: number;
  readonly seenMs: number;
  readonly untilMs: number;
}

export interface TokenRow {
  readonly name: string;
  readonly tokenSha256: string;
  readonly lastFour: string;
  readonly madeMs: number;
}

/** Every method throws `StoreError`. */
export class AdminAccessTable {
  readonly sql: Sql;
  readonly #findSession: SqlStatement;
  readonly #findToken: SqlStatement;

  constructor(sql: Sql) {
    this.sql = sql;
    this.#findSession = sql.prepare("SELECT * FROM admin_sessions WHERE id_sha256 = ?");
    this.#findToken = sql.prepare("SELECT * FROM admin_tokens WHERE token_sha256 = ?");
  }

  session(idSha256: string): SessionRow | null {
    const row = this.#findSession.get(idSha256);
    return row === null ? null : toSession(row);
  }

  /**
   * Adds the session, or replaces the one of its id. Sessions that are over go, and so do those of another password: they
   * must not come back with it.
   */
  saveSession(row: SessionRow, nowMs: number): void {
    const { idSha256, csrf, passwordSha256, label, madeMs, seenMs, untilMs } = row;
    this.sql.transaction(() => {
      this.sql
        .prepare("DELETE FROM admin_sessions WHERE until_ms <= ? OR password_sha256 <> ?")
        .run(nowMs, passwordSha256);
      this.sql
        .prepare("INSERT OR REPLACE INTO admin_sessions VALUES (?, ?, ?, ?, ?, ?, ?)")
        .run(idSha256, csrf, passwordSha256, label, madeMs, seenMs, untilMs);
    });
  }

  /** With its other id, if it was renewed a moment ago: both have the CSRF value of the session. */
  endSession(idSha256: string): void {
    const csrf = "SELECT csrf FROM admin_sessions WHERE id_sha256 = ?";
    this.sql.prepare(`DELETE FROM admin_sessions WHERE csrf = (${csrf})`).run(idSha256);
  }

  endSessions(): void {
    this.sql.exec("DELETE FROM admin_sessions");
  }

  token(tokenSha256: string): TokenRow | null {
    const row = this.#findToken.get(tokenSha256);
    return row === null ? null : toToken(row);
  }

  tokens(): readonly TokenRow[] {
    return this.sql.prepare("SELECT * FROM admin_tokens ORDER BY name").all().map(toToken);
  }

  /** False: there is a token with this name. */
  addToken({ name, tokenSha256, lastFour, madeMs }: TokenRow): boolean {
    const added = this.sql
      .prepare("INSERT OR IGNORE INTO admin_tokens VALUES (?, ?, ?, ?)")
      .run(name, tokenSha256, lastFour, madeMs);
    return added === 1;
  }

  /** False: there is no such token. */
  endToken(name: string): boolean {
    return this.sql.prepare("DELETE FROM admin_tokens WHERE name = ?").run(name) === 1;
  }

  addLink(tokenSha256: string, untilMs: number, nowMs: number): void {
    this.sql.transaction(() => {
      this.sql.prepare("DELETE FROM admin_links WHERE until_ms <= ?").run(nowMs);
      this.sql.prepare("INSERT INTO admin_links VALUES (?, ?)").run(tokenSha256, untilMs);
    });
  }

  /** Uses the link up. False: it does not exist, was used, or is over. */
  takeLink(tokenSha256: string, nowMs: number): boolean {
    // Anybody may ask: only who has a link gets the writers' lock.
    const found = this.sql.prepare("SELECT 1 FROM admin_links WHERE token_sha256 = ?").get(tokenSha256);
    if (found === null) return false;
    const text = "DELETE FROM admin_links WHERE token_sha256 = ? AND until_ms > ?";
    return this.sql.prepare(text).run(tokenSha256, nowMs) === 1;
  }
}

function toSession(row: SqlRow): SessionRow {
  return {
    idSha256: String(row.id_sha256),
    csrf: String(row.csrf),
    passwordSha256: String(row.password_sha256),
    label: String(row.label),
    madeMs: Number(row.made_ms),
    seenMs: Number(row.seen_ms),
    untilMs: Number(row.until_ms),
  };
}

function toToken(row: SqlRow): TokenRow {
  return {
    name: String(row.name),
    tokenSha256: String(row.token_sha256),
    lastFour: String(row.last_four),
    madeMs: Number(row.made_ms),
  };
}

/** How admin tokens begin. */
export const ADMIN_TOKEN_PREFIX = "clew-admin-";
const SECRET_BYTES = 32;
const LINK_MS = 10 * 60_000;

interface Makers {
  readonly ids: Pick<Ids, "hex">;
  readonly clock: Pick<Clock, "nowMs">;
}

/** The token of a link that signs in once, in the next ten minutes. */
export function makeLink(table: AdminAccessTable, { ids, clock }: Makers): string {
  const token = ids.hex(SECRET_BYTES);
  const nowMs = clock.nowMs();
  table.addLink(sha256Hex(token), nowMs + LINK_MS, nowMs);
  return token;
}

/** A new token of a script, which is not stored itself; null: the name is taken. */
export function makeToken(table: AdminAccessTable, name: string, { ids, clock }: Makers): string | null {
  const token = `${ADMIN_TOKEN_PREFIX}${ids.hex(SECRET_BYTES)}`;
  const tokenSha256 = sha256Hex(token);
  const row = { name, tokenSha256, lastFour: token.slice(-4), madeMs: clock.nowMs() };
  return table.addToken(row) ? token : null;
}
