/** Who changed what, and when. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { cursorInQuery, limitInQuery, timeMs } from "./values.ts";

const entry = v.strictObject({
  id: v.string(),
  atMs: timeMs,
  /** As in `password` or `token ci`. */
  who: v.string(),
  address: v.nullable(v.string()),
  /** The name of the operation. */
  what: v.string(),
  /** The paths or names that it changed, without secrets. */
  changes: v.array(
    v.strictObject({ path: v.string(), before: v.nullable(v.string()), after: v.nullable(v.string()) }),
  ),
  /** Until when it can be undone; 0: it cannot; null: at any time. */
  undoUntilMs: v.nullable(timeMs),
  /** The change that undid it; null: none did. */
  undoneBy: v.nullable(v.string()),
});

export const AUDIT = {
  listAudit: {
    method: "GET",
    path: "/audit",
    who: "signed-in",
    summary: "Changes that were made in the admin, the newest first.",
    query: v.strictObject({ cursor: cursorInQuery, limit: limitInQuery }),
    reply: v.strictObject({ entries: v.array(entry), next: v.nullable(v.string()) }),
  },
  undo: {
    method: "POST",
    path: "/audit/{id}/undo",
    who: "signed-in-changing",
    summary: "Undoes one change. The status 409 says that the same value was changed again since.",
    reply: v.strictObject({
      /** Of the configuration; null: the change was none of it. */
      version: v.nullable(v.string()),
      auditId: v.string(),
    }),
  },
} as const satisfies Record<string, Operation>;
