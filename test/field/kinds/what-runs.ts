import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "what-runs",
  title: "A running gateway whose state is in its log alone",
  promise:
    "`clewline check`, `doctor` and `credentials` say when the running gateway has refused the changed file, and why. A credential whose upstream cannot be reached is told as such, with the reason, until the upstream is back. A start whose port has a Clewline says which process it is and how to stop it. What a killed gateway has left behind is told to nobody.",
  sources: [],
  open: [],
};
