/** What was done, as the record names it. */
import type { OperationName } from "../../../../src/admin/contract.ts";
import type { Text } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

const TITLES: Partial<Record<OperationName, Message>> = {
  changeSettings: "Settings were changed",
  importSettings: "Settings were imported",
  exportSettings: "Settings were exported",
  undo: "A change was undone",
  signOutAll: "All sessions were ended",
  useSimulator: "The simulator was taken",
  addCredentials: "Credentials were added",
  removeCredential: "A credential was deleted",
  pauseCredential: "A credential was paused",
  drainCredential: "A credential was drained",
  enableCredential: "A credential was enabled",
  resetCredential: "A credential was reset",
  createKey: "A key was created",
  changeKey: "A key was changed",
  rotateKey: "A key was rotated",
  revokeKeys: "Keys were revoked",
  pauseKeys: "Keys were paused",
  resumeKeys: "Keys were resumed",
  deleteCapture: "A captured request was deleted",
  deleteCaptures: "All captured requests were deleted",
};

/** The name itself where it is one of a newer gateway. */
export function titleOf(what: string, text: Text): string {
  const title = TITLES[what as OperationName];
  return title === undefined ? what : text(title);
}
