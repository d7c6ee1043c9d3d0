/** The record of what was changed in the admin: who, when, what, before and after. Holds no secret. */
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow, SqlStatement } from "./sql.ts";

export const ADMIN_AUDIT: Migration = {
  name: "record of changes in the admin",
  sql: `CREATE TABLE admin_audit (
  id TEXT PRIMARY KEY, -- a ULID, so that ids are in the order of time
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  address TEXT,
  what TEXT NOT NULL,
  changes TEXT NOT NULL, -- JSON, for people
  undo TEXT, -- JSON, with what undoes it; null: it would need a secret
  undone_by TEXT
) WITHOUT ROWID`,
};

/** So many changes are kept, the newest. */
const MAX_ROWS = 10_000;

export interface AuditRow {
  readonly id: string;
  readonly atMs: number;
  readonly who: string;
  readonly address: string | null;
  /** The name of the operation. */
  readonly what: string;
  readonly changes: string;
  readonly undo: string | null;
  /** The id of the change that undid it. */
  readonly undoneBy: string | null;
}

/** Every method throws `StoreError`. */
export class AdminAuditTable {
  readonly sql: Sql;
  readonly #find: SqlStatement;

  constructor(sql: Sql) {
    this.sql = sql;
    this.#find = sql.prepare("SELECT * FROM admin_audit WHERE id = ?");
  }

  /** Adds a row, marks the one that it undoes, and lets the oldest go. */
  add({ id, atMs, who, address, what, changes, undo }: AuditRow, undoes: string | null): void {
    this.sql.transaction(() => {
      this.sql
        .prepare("INSERT INTO admin_audit VALUES (?, ?, ?, ?, ?, ?, ?, NULL)")
        .run(id, atMs, who, address, what, changes, undo);
      if (undoes !== null)
        this.sql.prepare("UPDATE admin_audit SET undone_by = ? WHERE id = ?").run(id, undoes);
      this.sql
        .prepare(
          "DELETE FROM admin_audit WHERE id <= (SELECT id FROM admin_audit ORDER BY id DESC LIMIT 1 OFFSET ?)",
        )
        .run(MAX_ROWS);
    });
  }

  /** Adds to a row what its change has come to, and marks the row that the change undoes. */
  complete({ id, changes, undo }: AuditRow, undoes: string | null): void {
    this.sql.transaction(() => {
      this.sql.prepare("UPDATE admin_audit SET changes = ?, undo = ? WHERE id = ?").run(changes, undo, id);
      if (undoes !== null)
        this.sql.prepare("UPDATE admin_audit SET undone_by = ? WHERE id = ?").run(id, undoes);
    });
  }

  /** Takes back the row of a change that was not made. */
  withdraw(id: string): void {
    this.sql.prepare("DELETE FROM admin_audit WHERE id = ?").run(id);
  }

  find(id: string): AuditRow | null {
    const row = this.#find.get(id);
    return row === null ? null : toRow(row);
  }

  /** The newest first; `before`: only those with a smaller id. */
  list(before: string | null, limit: number): readonly AuditRow[] {
    return this.sql
      .prepare("SELECT * FROM admin_audit WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?")
      .all(before, before, limit)
      .map(toRow);
  }
}

function toRow(row: SqlRow): AuditRow {
  return {
    id: String(row.id),
    atMs: Number(row.at_ms),
    who: String(row.who),
    address: row.address === null ? null : String(row.address),
    what: String(row.what),
    changes: String(row.changes),
    undo: row.undo === null ? null : String(row.undo),
    undoneBy: row.undone_by === null ? null : String(row.undone_by),
  };
}
