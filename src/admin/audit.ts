/** Who changed what, and the way back. */
import type { Change } from "../config/edit/change.ts";
import { parsePath } from "../config/edit/path-text.ts";
import {
  type KeptDifference,
  parseKept,
  parseShown,
  undoDifferences,
} from "../config/edit/undo-differences.ts";
import { parseToml } from "../config/toml/toml.ts";
import type { AuditRow } from "../store/admin-audit.ts";
import type { Acts } from "./acts/acts.ts";
import { AdminError } from "./admin-error.ts";
import { type ConfigChanges, clashError } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { Handlers } from "./handler.ts";
import { isOfAdminPassword } from "./settings.ts";

const PAGE = 50;

export function makeAuditHandlers(
  context: AdminContext,
  changes: ConfigChanges,
  acts: Acts,
): Pick<Handlers, "listAudit" | "undo"> {
  return {
    listAudit({ query: { cursor, limit = PAGE } }) {
      const rows = changes.rows(cursor ?? null, limit + 1);
      const next = rows.length > limit ? (rows[limit - 1]?.id ?? null) : null;
      return { entries: rows.slice(0, limit).map((row) => entryOf(row, changes, acts)), next };
    },
    async undo({ params, ...actor }) {
      const row = changes.find(params.id);
      if (row === null) throw new AdminError("not_found", "there is no such change on record");
      if (row.undoneBy !== null) throw new AdminError("conflict", "the change was undone before");
      if (changesPassword(row))
        throw new AdminError("forbidden", "a change of the admin's password cannot be taken back", {
          repair: "set another password in the settings",
        });
      const act = acts.undo(actor, row);
      if (act !== null) return { version: null, auditId: act.auditId };
      const { version, auditId } = await changes.make(
        actor,
        "undo",
        () => attemptUndo(context, changes, row),
        row.id,
      );
      return { version, auditId };
    },
  };
}

async function attemptUndo({ settings }: AdminContext, changes: ConfigChanges, row: AuditRow) {
  const kept = changes.keptUndo(row.id);
  if (kept !== null) {
    const isLast = (await settings.read()).revision === kept.version;
    if (isLast || kept.inverse.length === 0) return await settings.replace(kept.version, kept.text, false);
    return await settings.change(kept.version, () => kept.inverse);
  }
  const { undo } = row;
  if (undo === null)
    throw new AdminError("conflict", "the change cannot be undone any more", {
      repair: "what has a secret, and the end of a key, is undone within ten minutes; make the change anew",
    });
  return await settings.change(null, (text) => changesOf(text, parseKept(undo)));
}

function changesOf(text: string, differences: readonly KeptDifference[]): readonly Change[] {
  const undone = undoDifferences(parseToml(text).root, differences);
  if (undone.ok) return undone.changes;
  throw clashError(undefined, undone.clashes);
}

/** An undo asks for no password, so that it must not bring another one. */
function changesPassword(row: AuditRow): boolean {
  return parseShown(row.changes).some(({ path }) => isOfAdminPassword(parsePath(path)));
}

function entryOf(row: AuditRow, changes: ConfigChanges, acts: Acts) {
  const { id, atMs, who, address, what, undoneBy } = row;
  const shown = [...parseShown(row.changes)];
  const ofAct = acts.undoUntilMs(row);
  const ofChange = changesPassword(row) ? 0 : changes.undoUntilMs(row);
  const undoUntilMs = ofAct === undefined ? ofChange : ofAct;
  return { id, atMs, who, address, what, changes: shown, undoUntilMs, undoneBy };
}
