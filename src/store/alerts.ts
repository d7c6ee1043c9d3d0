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

/**
 * The rows of one channel. Their subjects have the channel's name before them in the table, for which no subject is
 * mistaken: it is a list in JSON. Without a name they are those that have none.
 */
export function alertsOfChannel(store: AlertStore, name: string): Pick<AlertStore, "load" | "save"> {
  return {
    load: () =>
      store.load().flatMap((row) => {
        const [channel, about] = partsOf(row.about);
        return channel === name ? [{ ...row, about }] : [];
      }),
    save(rows, gone) {
      store.save(
        Iterator.from(rows).map((row) => ({ ...row, about: name + row.about })),
        Iterator.from(gone).map((about) => name + about),
      );
    },
  };
}

/** Forgets the rows of channels that are no more, once they are old. Throws `StoreError`. */
export function forgetOldAlerts(store: AlertStore, channels: ReadonlySet<string>, beforeMs: number): void {
  const gone = store.load().filter(({ about, atMs }) => atMs < beforeMs && !channels.has(partsOf(about)[0]));
  if (gone.length > 0)
    store.save(
      [],
      gone.map(({ about }) => about),
    );
}

function partsOf(about: string): readonly [channel: string, about: string] {
  const start = about.indexOf("[");
  return [about.slice(0, start), about.slice(start)];
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
