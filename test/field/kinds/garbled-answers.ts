import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "garbled-answers",
  title: "Answers that the model garbled",
  promise:
    "An answer with a malformed call, or without the picture or the call that was to come, is an answer: it ends in the client's dialect with words that say what came, its tokens are in the ledger, it is not asked for again, and it says nothing about the upstream.",
  sources: ["BerriAI/litellm#40477", "BerriAI/litellm#20357"],
  open: [
    "A stream has sent the arguments of a call before they turn out to be malformed: the client gets them, and then the words.",
  ],
};
