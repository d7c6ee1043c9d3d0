/** What an upstream did not get as the client sent it: for the row, and for the reply's headers. */
import type { Drop } from "../../neutral/request.ts";
import { droppedHeader } from "../../translate/drops.ts";
import type { PreparedRequest } from "./prepare.ts";

type Changes = Pick<PreparedRequest, "dropped" | "changed">;

/** Both kinds in one list, as the row has them. */
export function allChanges({ dropped, changed }: Changes): readonly Drop[] {
  return changed.length === 0 ? dropped : [...dropped, ...changed];
}

/** Adds the headers that name the changes of a relayed request. */
export function nameChanges(headers: Record<string, string>, { dropped, changed }: Changes): void {
  if (dropped.length > 0) headers["x-clewline-dropped"] = droppedHeader(dropped);
  if (changed.length > 0) headers["x-clewline-changed"] = droppedHeader(changed);
}
