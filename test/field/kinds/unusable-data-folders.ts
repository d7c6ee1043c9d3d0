import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "unusable-data-folders",
  title: "A data folder that cannot be used",
  promise:
    "A start that cannot write its database ends with 1, and names the folder, the reason and the repair. `/healthz` is never green before.",
  sources: [],
  open: [],
};
