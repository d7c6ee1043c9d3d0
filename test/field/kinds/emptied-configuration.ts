import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "emptied-configuration",
  title: "An emptied configuration",
  promise:
    "A changed configuration without any key, or without any upstream, is kept out while the one in force has some. An empty file is a mistake for `clewline check` and for a start, too.",
  sources: [],
  open: [],
};
