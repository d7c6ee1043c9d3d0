/** Changes of the configuration by people: checked, made, put on record, and undone. */
import type { Change } from "../config/edit/change.ts";
import { EditError } from "../config/edit/change.ts";
import { KEPT_MS, KeptTexts } from "../config/edit/kept-texts.ts";
import type { NamedDifference } from "../config/edit/named-settings.ts";
import { shownName, topmost } from "../config/edit/named-settings.ts";
import type { Clash } from "../config/edit/rebase.ts";
import type { ChangeResult, MadeChange } from "../config/edit/settings-file.ts";
import { shownValue, withoutSecrets } from "../config/edit/shown-value.ts";
import type { ShownDifference } from "../config/edit/undo-differences.ts";
import { ConfigError, type Problem, renderPath } from "../config/problem.ts";
import { AdminAuditTable, type AuditRow } from "../store/admin-audit.ts";
import { Connection } from "../store/connection.ts";
import { StoreError } from "../store/sql.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import type { Caller } from "./handler.ts";
import { pasteOf } from "./settings/paste.ts";

/** Who asks, for the record. */
export interface Actor {
  readonly caller: Caller | null;
  readonly client: { address(): string | null };
}

/** How a change is brought back while its secrets are in memory. */
export interface KeptUndo {
  /** The version after the change. */
  readonly version: string;
  readonly inverse: readonly Change[];
  /** The whole file before it. */
  readonly text: string;
}

export interface Made {
  readonly version: string;
  readonly auditId: string;
  readonly differences: readonly ShownDifference[];
  readonly atNextStart: readonly string[];
  readonly isMerged: boolean;
}

/** More is not shown of one change. */
const MAX_SHOWN = 500;

type Attempt = () => Promise<ChangeResult>;

export class ConfigChanges {
  readonly #context: AdminContext;
  readonly #connection: Connection<AdminAuditTable>;
  readonly #undos: KeptTexts<KeptUndo>;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#connection = new Connection(context.open, (sql) => new AdminAuditTable(sql));
    this.#undos = new KeptTexts(context.clock, sizeOf);
  }

  /** Makes a change and records it. `undoes`: the change that this one takes back. Throws `AdminError`. */
  async make(actor: Actor, what: string, attempt: Attempt, undoes: string | null = null): Promise<Made> {
    const { clock, ids, log } = this.#context;
    const atMs = clock.nowMs();
    const begun: AuditRow = {
      id: ids.ulid(atMs),
      atMs,
      who: actor.caller?.label ?? "nobody",
      address: actor.client.address(),
      what,
      changes: "[]",
      undo: null,
      undoneBy: null,
    };
    // A change that cannot be recorded is not made. Only a row that is written shows that the disk has room for one.
    this.#connection.use((table) => table.add(begun, null));
    let made: MadeChange;
    try {
      made = await this.attempt(attempt);
    } catch (cause) {
      this.#record(begun, (table) => table.withdraw(begun.id));
      throw cause;
    }
    const differences = topmost(made.differences);
    const changes = JSON.stringify(shownDifferences(differences));
    const row: AuditRow = { ...begun, changes, undo: undoOf(differences) };
    this.#undos.keep(row.id, {
      version: made.revision,
      inverse: made.inverse,
      text: made.textBefore,
    });
    this.#record(row, (table) => table.complete(row, undoes));
    log.info(
      { who: row.who, address: row.address, what, audit: row.id },
      "the configuration was changed in the admin",
    );
    return {
      version: made.revision,
      auditId: row.id,
      differences: shownDifferences(differences),
      atNextStart: made.atNextStart,
      isMerged: made.isMerged,
    };
  }

  /** What fails now cannot undo the change, whose row is there: the log has the rest. */
  #record({ who, what, changes }: AuditRow, work: (table: AdminAuditTable) => void): void {
    try {
      this.#connection.use(work);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const { log } = this.#context;
      log.error(
        { who, what, changes, error: error.message },
        "a change could not be put on record as a whole",
      );
    }
  }

  /** Throws `AdminError` for all that is not made. */
  async attempt(attempt: Attempt): Promise<MadeChange> {
    let result: ChangeResult;
    try {
      result = await attempt();
    } catch (cause) {
      throw errorOf(cause);
    }
    if (result.kind === "made") return result;
    if (result.kind === "clash") throw clashError(result.revision, result.clashes);
    if (result.kind === "invalid") throw invalidError(result.problems);
    throw new AdminError("locked", `the configuration cannot be changed here: ${result.reason}`, {
      repair: "paste the text into the file by hand, or let Clewline write the file and its folder",
      details: { paste: pasteOf(topmost(result.differences)) },
    });
  }

  rows(before: string | null, limit: number): readonly AuditRow[] {
    return this.#connection.use((table) => table.list(before, limit));
  }

  find(id: string): AuditRow | null {
    return this.#connection.use((table) => table.find(id));
  }

  keptUndo(id: string): KeptUndo | null {
    return this.#undos.find(id);
  }

  /** Until when the change can be undone; 0: it cannot; null: at any time. */
  undoUntilMs({ id, atMs, undo, undoneBy }: AuditRow): number | null {
    if (undoneBy !== null) return 0;
    if (undo !== null) return null;
    return this.#undos.find(id) === null ? 0 : atMs + KEPT_MS;
  }

  close(): void {
    this.#undos.close();
    this.#connection.close();
  }
}

function sizeOf({ inverse, text }: KeptUndo): number {
  return text.length + JSON.stringify(inverse).length;
}

export function shownDifferences(differences: readonly NamedDifference[]): readonly ShownDifference[] {
  return differences.slice(0, MAX_SHOWN).map(({ name, path, before, after }) => ({
    path: shownName(name),
    before: shownValue(path, before),
    after: shownValue(path, after),
  }));
}

/** null: it would hold a secret, or is too large. */
function undoOf(differences: readonly NamedDifference[]): string | null {
  if (differences.length > MAX_SHOWN) return null;
  const raw = differences.map(({ name, path, before, after }) => ({ name, path, before, after }));
  const safe = raw.map((one) => ({
    ...one,
    before: withoutSecrets(one.path, one.before),
    after: withoutSecrets(one.path, one.after),
  }));
  const text = JSON.stringify(raw);
  return text === JSON.stringify(safe) ? text : null;
}

export function clashError(version: string | undefined, clashes: readonly Clash[]): AdminError {
  return new AdminError("conflict", "the file was changed since this page was read", {
    repair: "read the settings again, and change what is still to be changed",
    details: {
      ...(version === undefined ? {} : { version }),
      clashes: clashes.slice(0, MAX_SHOWN).map(({ name, path, base, theirs, mine }) => ({
        path: shownName(name),
        base: shownValue(path, base),
        theirs: shownValue(path, theirs),
        mine: shownValue(path, mine),
      })),
    },
  });
}

export function shownProblems(problems: readonly Problem[]) {
  return problems.map(({ key, message, repair }) => ({ path: key, message, repair }));
}

function invalidError(problems: readonly Problem[]): AdminError {
  const [first] = problems;
  const repair = first?.repair ?? "";
  return new AdminError("invalid", first?.message ?? "the configuration is not valid", {
    ...(first === undefined ? {} : { path: first.key }),
    ...(repair === "" ? {} : { repair }),
    details: { problems: shownProblems(problems) },
  });
}

function errorOf(cause: unknown): unknown {
  if (cause instanceof EditError)
    return new AdminError("invalid", cause.message, { path: renderPath(cause.path), repair: cause.repair });
  if (cause instanceof ConfigError) return invalidError(cause.problems);
  // A text that is not Unicode, or a value that TOML does not have.
  if (cause instanceof TypeError && /TOML|Unicode/.test(cause.message))
    return new AdminError("invalid", cause.message);
  return cause;
}
