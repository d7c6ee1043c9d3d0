/** Values about captured requests that would do nothing. */
import type { Draft } from "../draft.ts";

export function checkCapture(draft: Draft): void {
  if (draft.get(["capture", "enabled"]) === true) return;
  for (const { table, path } of draft.tables(["keys"])) {
    if (table.capture !== true) continue;
    const message = "has no effect while capture.enabled is false";
    draft.warn([...path, "capture"], message, "write enabled = true below [capture], or remove the line");
  }
}
