import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "steering-queries",
  title: "Query parameters that steer what an upstream answers",
  promise:
    "Of a client's query only parameters that the provider's API documents go to the upstream. The others are named in x-clewline-dropped and in the row.",
  sources: ["https://cloud.google.com/apis/docs/system-parameters"],
  open: [],
};
