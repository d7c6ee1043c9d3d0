import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "spelled-paths",
  title: "Paths that are spelled with a slash at the end",
  promise:
    "Each fixed path of the gateway is served with a slash at its end too: API routes, lists, health pages.",
  sources: [],
  open: [],
};
