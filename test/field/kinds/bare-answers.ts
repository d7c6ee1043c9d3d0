import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "bare-answers",
  title: "Answers that say nothing, or end for a reason that nobody knows",
  promise:
    "An answer that was made is an answer, whatever is in it: empty, with thinking alone, with parts of an unknown kind, or with an unknown reason for its end. It is given to every client in the form of its dialect, asked for once, counted, and says nothing about the upstream.",
  sources: ["BerriAI/litellm#40477"],
  open: [],
};
