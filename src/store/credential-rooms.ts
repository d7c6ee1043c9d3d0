/** What is left of the limits of credentials, as a gateway knew it last: for the next one, and for people. */
import { Connection } from "./connection.ts";
import type { Migration } from "./migrations.ts";
import type { Sql } from "./sql.ts";

export const CREDENTIAL_ROOMS: Migration = {
  name: "rooms of credentials",
  sql: `CREATE TABLE credential_rooms (
  upstream TEXT NOT NULL,
  credential TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  facts TEXT NOT NULL, -- a JSON object
  PRIMARY KEY (upstream, credential)
) WITHOUT ROWID`,
};

/** A row as it was written. */
export interface KeptRoomRow extends Omit<CredentialRoomRow, "facts"> {
  /** null: they cannot be read. */
  readonly facts: unknown;
}

export interface CredentialRoomRow {
  readonly upstream: string;
  readonly credential: string;
  /** Fingerprint of the credential's secret, as in its states. */
  readonly fingerprint: string;
  readonly atMs: number;
  /** A JSON object. */
  readonly facts: string;
}

export interface RoomStore {
  /** Throws `StoreError`. */
  save(rows: readonly CredentialRoomRow[]): void;
  close(): void;
}

/** `open` opens the store for writing; it is called when a connection is needed, also after one was lost. */
export function makeRoomStore(open: () => Sql): RoomStore {
  const connection = new Connection(open, (sql) => ({
    sql,
    put: sql.prepare(
      "INSERT OR REPLACE INTO credential_rooms (upstream, credential, fingerprint, at_ms, facts) VALUES (?, ?, ?, ?, ?)",
    ),
  }));
  return {
    save: (rows) =>
      connection.use(({ sql, put }) =>
        sql.transaction(() => {
          for (const { upstream, credential, fingerprint, atMs, facts } of rows)
            put.run(upstream, credential, fingerprint, atMs, facts);
        }),
      ),
    close: () => connection.close(),
  };
}

/** The rows of an open store, which may be read-only. */
export function readCredentialRooms(sql: Sql): KeptRoomRow[] {
  return sql
    .prepare("SELECT * FROM credential_rooms")
    .all()
    .map((row) => ({
      upstream: String(row.upstream),
      credential: String(row.credential),
      fingerprint: String(row.fingerprint),
      atMs: Number(row.at_ms),
      facts: parsed(String(row.facts)),
    }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
