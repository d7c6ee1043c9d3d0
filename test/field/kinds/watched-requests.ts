import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "watched-requests",
  title: "A request that leaves no trace for who watches",
  promise:
    "On a terminal every request is one readable line: status in words, key, model, credential, tokens, cost, time, and what failed before. Elsewhere failures are JSON lines, and `[log] requests = true` adds the rest. Equal failures are told once a second with their number. A path that leads nowhere is named with its method in the reply, in the dialect of its client, and in the log. No line holds a prompt or a secret.",
  sources: [],
  open: [],
};
