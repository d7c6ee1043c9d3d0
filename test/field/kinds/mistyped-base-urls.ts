import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "mistyped-base-urls",
  title: "A base URL that is an endpoint's",
  promise:
    "`clewline check` and a start refuse a `base_url` that ends in the path of an endpoint, and say what to write instead.",
  sources: [],
  open: [],
};
