/** What the record says of a call that changes something else than the configuration. Names alone, never a secret. */
import { AdminAuditTable } from "../store/admin-audit.ts";
import { Connection } from "../store/connection.ts";
import { StoreError } from "../store/sql.ts";
import type { AdminContext } from "./context.ts";
import type { OperationName, Operations } from "./contract.ts";
import type { Call, Caller } from "./handler.ts";

type Changing = {
  [Name in OperationName]: Operations[Name]["who"] extends "signed-in-changing" ? Name : never;
}[OperationName];

interface Shown {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

const ofKeys =
  (after: string) =>
  ({ body }: { readonly body: { readonly names: readonly string[] } }): readonly Shown[] =>
    body.names.map((name) => keyChange(name, after));
const ofCredential =
  (after: string) =>
  ({
    params,
  }: {
    readonly params: { readonly upstream: string; readonly name: string };
  }): readonly Shown[] => [{ path: `credentials[${params.upstream}/${params.name}]`, before: null, after }];

/** null: the call changes nothing, or its handler keeps the record. An operation without a line does not compile. */
const RECORDS: { readonly [Name in Changing]: ((call: Call<Name>) => readonly Shown[]) | null } = {
  signOut: null,
  signOutAll: () => [{ path: "sessions", before: null, after: "all ended" }],
  addCredentials: null,
  removeCredential: null,
  testCredential: null,
  pauseCredential: ofCredential("paused"),
  drainCredential: ofCredential("drained"),
  enableCredential: ofCredential("enabled"),
  resetCredential: ofCredential("reset"),
  createKey: ({ body }) => [keyChange(body.name, "created")],
  changeKey: ({ params, body }) =>
    Object.entries(body.settings).map(([setting, value]) => ({
      path: `keys[${params.name}].${setting}`,
      before: null,
      after: value === null ? null : JSON.stringify(value),
    })),
  rotateKey: ({ params }) => [keyChange(params.name, "rotated")],
  revokeKeys: ofKeys("revoked"),
  pauseKeys: ofKeys("paused"),
  resumeKeys: ofKeys("resumed"),
  deleteCapture: ({ params }) => [{ path: `captures[${params.id}]`, before: null, after: "deleted" }],
  deleteCaptures: () => [{ path: "captures", before: null, after: "all deleted" }],
  explain: null,
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

function keyChange(name: string, after: string): Shown {
  return { path: `keys[${name}]`, before: null, after };
}

export class CallRecord {
  readonly #context: AdminContext;
  readonly #connection: Connection<AdminAuditTable>;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#connection = new Connection(context.open, (sql) => new AdminAuditTable(sql));
  }

  /** After the call was made. A record that cannot be written is in the log. */
  add(what: OperationName, call: Call<OperationName>): void {
    const caller: Caller | null = call.caller;
    const record = RECORDS[what as Changing] as ((call: Call<OperationName>) => readonly Shown[]) | undefined;
    if (record === undefined || record === null || caller === null) return;
    const { clock, ids, log } = this.#context;
    const atMs = clock.nowMs();
    const who = caller.label;
    const address = call.client.address();
    const changes = JSON.stringify(record(call));
    log.info({ who, address, what }, "a change was made in the admin");
    const row = { id: ids.ulid(atMs), atMs, who, address, what, changes, undo: null, undoneBy: null };
    try {
      this.#connection.use((table) => table.add(row, null));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error({ who, what, changes, error: error.message }, "a change could not be put on record");
    }
  }

  close(): void {
    this.#connection.close();
  }
}
