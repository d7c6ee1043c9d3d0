import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "prompt-counts",
  title: "The size of the prompt in a stream's first event",
  promise:
    "A translated Messages stream begins with the prompt's tokens: the upstream's own count where it comes before the answer, else a fair estimate. The last event has the upstream's count. Where the upstream counts nothing, the estimate stays, so that clients still shorten a conversation in time.",
  sources: ["MadAppGang/claudish#123", "justlovemaki/AIClient2API#71", "anthropics/claude-code#20760"],
  open: ["An estimate takes four bytes for a token; of other scripts and of code it may be half the count."],
};
