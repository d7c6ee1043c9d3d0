/**
 * What people do with keys and credentials: on record, and with a way back. What needs no hash of a key has it as long as
 * it is on record; the rest for ten minutes, from memory.
 */
import { KEPT_MS, KeptTexts } from "../../config/edit/kept-texts.ts";
import type { AuditRow } from "../../store/admin-audit.ts";
import { changeStoredKeys, type StoredKey } from "../../store/client-keys.ts";
import { Connection } from "../../store/connection.ts";
import type { Sql } from "../../store/sql.ts";
import { AdminError } from "../admin-error.ts";
import type { CallRecord, Shown } from "../call-record.ts";
import type { Actor } from "../config-changes.ts";
import type { AdminContext } from "../context.ts";
import type { OperationName } from "../contract.ts";
import { type CredentialChange, undoCredentialChange } from "./credential-undo.ts";
import { isLasting, type KeyChange, keyChangeOf, undoKeyChanges } from "./key-undo.ts";

type Undo =
  | { readonly kind: "keys"; readonly changes: readonly KeyChange[] }
  | { readonly kind: "credential"; readonly change: CredentialChange };

/** How a person takes an act back; null: there is no way. `untilMs` null: at any time. */
export type WayBack = { readonly auditId: string; readonly untilMs: number | null } | null;

/** Both states of each key that an act has saved. */
export type KeyPair = readonly [before: StoredKey | null, after: StoredKey];

export class Acts {
  readonly #context: AdminContext;
  readonly #record: CallRecord;
  readonly #connection: Connection<{ readonly sql: Sql }>;
  readonly #kept: KeptTexts<Undo>;

  constructor(context: AdminContext, record: CallRecord) {
    this.#context = context;
    this.#record = record;
    this.#connection = new Connection(context.open, (sql) => ({ sql }));
    this.#kept = new KeptTexts(context.clock, (undo) => JSON.stringify(undo).length);
  }

  /** Puts changes of keys on record. `shown` says for people what became of each. */
  keys(
    actor: Actor,
    what: OperationName,
    pairs: readonly KeyPair[],
    shown: (change: KeyChange) => readonly Shown[],
    undoes: string | null = null,
  ): WayBack {
    const changes = pairs.flatMap(([before, after]) => keyChangeOf(before, after) ?? []);
    if (changes.length === 0) return null;
    const undo: Undo = { kind: "keys", changes };
    return this.#add(actor, what, changes.flatMap(shown), undo, isLasting(changes), undoes);
  }

  /** Puts a change of a credential on record; `change` null: it has no way back. */
  credential(
    actor: Actor,
    what: OperationName,
    shown: Shown,
    change: CredentialChange | null,
    undoes: string | null = null,
  ): WayBack {
    const undo: Undo | null = change === null ? null : { kind: "credential", change };
    return this.#add(actor, what, [shown], undo, true, undoes);
  }

  /** Until when the row can be undone, as the contract says; undefined: it is none of an act. */
  undoUntilMs(row: AuditRow): number | null | undefined {
    const undo = this.#undoOf(row);
    if (undo === null) return undefined;
    if (row.undoneBy !== null) return 0;
    return row.undo === null ? row.atMs + KEPT_MS : null;
  }

  /** Undoes the row's act. Throws `AdminError`, and then nothing has changed; null: it is none of an act. */
  undo(actor: Actor, row: AuditRow): { readonly auditId: string } | null {
    const undo = this.#undoOf(row);
    if (undo === null) return null;
    const way =
      undo.kind === "keys"
        ? this.#undoKeys(actor, row, undo.changes)
        : this.#undoCredential(actor, row, undo.change);
    return { auditId: way?.auditId ?? row.id };
  }

  close(): void {
    this.#kept.close();
    this.#connection.close();
  }

  #undoOf({ id, undo }: AuditRow): Undo | null {
    const kept = this.#kept.find(id);
    if (kept !== null || undo === null) return kept;
    const read = JSON.parse(undo) as Undo | readonly unknown[];
    // The way back of a change of the configuration is a list.
    return Array.isArray(read) ? null : (read as Undo);
  }

  #add(
    actor: Actor,
    what: OperationName,
    shown: readonly Shown[],
    undo: Undo | null,
    lasts: boolean,
    undoes: string | null,
  ): WayBack {
    const stored = undo !== null && lasts ? JSON.stringify(undo) : null;
    const row = this.#record.put(actor, what, shown, stored, undoes);
    if (undo === null || row === null) return null;
    if (!lasts) this.#kept.keep(row.id, undo);
    return { auditId: row.id, untilMs: lasts ? null : row.atMs + KEPT_MS };
  }

  #undoKeys(actor: Actor, row: AuditRow, changes: readonly KeyChange[]): WayBack {
    const { clock, snapshot } = this.#context;
    const inFile = new Set(snapshot().config.keys.map(({ name }) => name));
    const taken = changes.find(({ name }) => inFile.has(name));
    if (taken !== undefined)
      throw new AdminError("conflict", `"${taken.name}" is the name of a key in the configuration now`);
    const result = this.#connection.use(({ sql }) =>
      changeStoredKeys(sql, (table) => {
        const undone = undoKeyChanges(changes, (name) => table.find(name), clock.nowMs());
        if (!undone.ok) return undone;
        const pairs = undone.keys.map((key): KeyPair => [table.find(key.name), key]);
        for (const key of undone.keys) table.save(key);
        return { ok: true, pairs } as const;
      }),
    );
    if (!result.ok)
      throw new AdminError("conflict", "a key was changed since, so nothing was undone", {
        repair: "look at the key as it is now, and change it there",
        details: { clashes: result.clashes },
      });
    const shown = ({ name }: KeyChange): readonly Shown[] => [
      { path: `keys[${name}]`, before: null, after: `as before ${row.what}` },
    ];
    return this.keys(actor, "undo", result.pairs, shown, row.id);
  }

  #undoCredential(actor: Actor, row: AuditRow, change: CredentialChange): WayBack {
    const { pool } = this.#context;
    const { id, before, after } = change;
    const target = undoCredentialChange(
      change,
      pool.list().find((one) => one.id === id),
    );
    if (target === null || !pool.switchTo(id, target.state, target.reason))
      throw new AdminError("conflict", `credential ${id} was changed since, so nothing was undone`, {
        repair: "look at the credential as it is now, and change it there",
      });
    const shown = { path: `credentials[${id}]`, before: null, after: `as before ${row.what}` };
    return this.credential(actor, "undo", shown, { id, before: after, after: before }, row.id);
  }
}
