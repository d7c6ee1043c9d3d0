import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "null-members",
  title: "Members without a value in replies",
  promise:
    "A reply has a null only where replies of the dialect's own provider have one. A member that the provider leaves out is left out, so that clients which check replies strictly accept them. The simulator holds to the same.",
  sources: ["coder/xum#858"],
  open: [],
};
