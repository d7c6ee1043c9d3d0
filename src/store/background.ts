/** Responses that their providers still make, and whose usage the gateway has to fetch: they survive a restart. */
import { Connection } from "./connection.ts";
import type { Migration } from "./migrations.ts";
import type { Sql } from "./sql.ts";

export const BACKGROUND_RESPONSES: Migration = {
  name: "background responses",
  sql: `CREATE TABLE background_responses (
  upstream TEXT NOT NULL,
  id TEXT NOT NULL,
  detail TEXT NOT NULL, -- JSON: who asked, with what, and how often the provider was asked
  PRIMARY KEY (upstream, id)
) WITHOUT ROWID`,
};

/** A response, and what is known about it. */
export interface BackgroundRow {
  readonly upstream: string;
  readonly id: string;
  /** A JSON value; null: what was stored cannot be read. */
  readonly detail: unknown;
}

export interface BackgroundStore {
  /** Throws `StoreError`. */
  load(): BackgroundRow[];
  /** Throws `StoreError`. */
  save(row: BackgroundRow): void;
  /** Throws `StoreError`. */
  remove(upstream: string, id: string): void;
  close(): void;
}

/** `open` opens the store for writing; it is called when a connection is needed, also after one was lost. */
export function makeBackgroundStore(open: () => Sql): BackgroundStore {
  const connection = new Connection(open, (sql) => ({
    sql,
    put: sql.prepare(
      `INSERT INTO background_responses (upstream, id, detail) VALUES (?, ?, ?)
       ON CONFLICT (upstream, id) DO UPDATE SET detail = excluded.detail`,
    ),
    drop: sql.prepare("DELETE FROM background_responses WHERE upstream = ? AND id = ?"),
  }));
  return {
    load: () => connection.use(({ sql }) => readBackgroundRows(sql)),
    save: ({ upstream, id, detail }) =>
      connection.use(({ put }) => void put.run(upstream, id, JSON.stringify(detail))),
    remove: (upstream, id) => connection.use(({ drop }) => void drop.run(upstream, id)),
    close: () => connection.close(),
  };
}

/** All that are stored. Throws `StoreError`. */
export function readBackgroundRows(sql: Sql): BackgroundRow[] {
  return sql
    .prepare("SELECT upstream, id, detail FROM background_responses")
    .all()
    .map(({ upstream, id, detail }) => ({
      upstream: String(upstream),
      id: String(id),
      detail: parsed(String(detail)),
    }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
