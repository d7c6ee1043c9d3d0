/** What the record says of a call that changes something else than the configuration. Names alone, never a secret. */
import { AdminAuditTable, type AuditRow } from "../store/admin-audit.ts";
import { Connection } from "../store/connection.ts";
import { StoreError } from "../store/sql.ts";
import type { Actor } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { OperationName, Operations } from "./contract.ts";
import type { Call } from "./handler.ts";

type Changing = {
  [Name in OperationName]: Operations[Name]["who"] extends "signed-in-changing" ? Name : never;
}[OperationName];

/** For people. */
export interface Shown {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** null: the call changes nothing, or its handler keeps the record. An operation without a line does not compile. */
const RECORDS: { readonly [Name in Changing]: ((call: Call<Name>) => readonly Shown[]) | null } = {
  signOut: null,
  signOutAll: () => [{ path: "sessions", before: null, after: "all ended" }],
  addCredentials: null,
  useSimulator: null,
  removeCredential: null,
  testCredential: null,
  pauseCredential: null,
  drainCredential: null,
  enableCredential: null,
  resetCredential: null,
  createKey: null,
  changeKey: null,
  rotateKey: null,
  revokeKeys: null,
  pauseKeys: null,
  resumeKeys: null,
  deleteCapture: ({ params }) => [{ path: `captures[${params.id}]`, before: null, after: "deleted" }],
  deleteCaptures: () => [{ path: "captures", before: null, after: "all deleted" }],
  testAlertChannel: null,
  explain: null,
  examine: null,
  previewSettings: null,
  changeSettings: null,
  exportSettings: ({ body }) => [
    {
      path: "settings",
      before: null,
      after: body.passphrase === undefined ? "exported" : "exported with secrets",
    },
  ],
  importSettings: null,
  undo: null,
  try: null,
};

export class CallRecord {
  readonly #context: AdminContext;
  readonly #connection: Connection<AdminAuditTable>;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#connection = new Connection(context.open, (sql) => new AdminAuditTable(sql));
  }

  /** After the call was made. A record that cannot be written is in the log. */
  add(what: OperationName, call: Call<OperationName>): void {
    const record = RECORDS[what as Changing] as ((call: Call<OperationName>) => readonly Shown[]) | undefined;
    if (record !== undefined && record !== null && call.caller !== null)
      this.put(call, what, record(call), null, null);
  }

  /**
   * `undo`: JSON with the way back; null: the record has none. `undoes`: the change that this one takes back. null: the row
   * could not be written, which is in the log.
   */
  put(
    { caller, client }: Actor,
    what: OperationName,
    shown: readonly Shown[],
    undo: string | null,
    undoes: string | null,
  ): AuditRow | null {
    const { clock, ids, log } = this.#context;
    const atMs = clock.nowMs();
    const who = caller?.label ?? "nobody";
    const address = client.address();
    const changes = JSON.stringify(shown);
    log.info({ who, address, what }, "a change was made in the admin");
    const row = { id: ids.ulid(atMs), atMs, who, address, what, changes, undo, undoneBy: null };
    try {
      this.#connection.use((table) => table.add(row, undoes));
      return row;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error({ who, what, changes, error: error.message }, "a change could not be put on record");
      return null;
    }
  }

  close(): void {
    this.#connection.close();
  }
}
