import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "cut-calls",
  title: "An answer that ends inside a call of a tool",
  promise:
    "The calls before it are whole and complete in every dialect. The unfinished call is in the answer where the dialect has a place for it; elsewhere `x-clewline-dropped` and the row name it. Nobody is told that it is complete, and the answer is no failure.",
  sources: [],
  open: [
    "A stream of the Gemini API has no place for the unfinished call, and its headers have gone: the row alone names it.",
  ],
};
