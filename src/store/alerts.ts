/** Alerts that survive a restart: those that wait to be sent, and what was told so lately that it is not told again. */
import { Connection } from "./connection.ts";
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow } from "./sql.ts";

export const ALERTS: Migration = {
  name: "alerts",
  sql: `CREATE TABLE alerts (
  about TEXT PRIMARY KEY, -- what the alert is about; it is not told again before quiet_until_ms
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  quiet_until_ms INTEGER NOT NULL,
  text TEXT, -- null: it does not wait any more
  data TEXT
) WITHOUT ROWID`,
};

export interface AlertRow {
  readonly about: string;
  readonly id: string;
  readonly type: string;
  readonly atMs: number;
  readonly quietUntilMs: number;
  /** null: it was sent or given up, and the row only keeps it from being told again. */
  readonly message: AlertMessage | null;
}

export interface AlertMessage {
  readonly text: string;
  /** A JSON object. */
  readonly data: string;
}

export interface AlertStore {
  /** All rows, the oldest first. Throws `StoreError`. */
  load(): AlertRow[];
  /** Writes these rows and deletes those of `gone`, all or nothing. Throws `StoreError`. */
  save(rows: Iterable<AlertRow>, gone: Iterable<string>): void;
  close(): void;
}

/** `open` opens the store for writing; it is called when a connection is needed, also after one was lost. */
export function makeAlertStore(open: () => Sql): AlertStore {
  const connection = new Connection(open, (sql) => ({
    sql,
    put: sql.prepare(
      "INSERT OR REPLACE INTO alerts (about, id, type, at_ms, quiet_until_ms, text, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    remove: sql.prepare("DELETE FROM alerts WHERE about = ?"),
  }));
  return {
    load: () =>
      connection.use(({ sql }) => sql.prepare("SELECT * FROM alerts ORDER BY at_ms, id").all().map(toRow)),
    save(rows, gone) {
      connection.use(({ sql, put, remove }) =>
        sql.transaction(() => {
          for (const { about, id, type, atMs, quietUntilMs, message } of rows)
            put.run(about, id, type, atMs, quietUntilMs, message?.text ?? null, message?.data ?? null);
          for (const about of gone) remove.run(about);
        }),
      );
    },
    close: () => connection.close(),
  };
}

function toRow({ about, id, type, at_ms: atMs, quiet_until_ms: quietUntilMs, text, data }: SqlRow): AlertRow {
  return {
    about: String(about),
    id: String(id),
    type: String(type),
    atMs: Number(atMs),
    quietUntilMs: Number(quietUntilMs),
    message: text === null ? null : { text: String(text), data: String(data) },
  };
}
