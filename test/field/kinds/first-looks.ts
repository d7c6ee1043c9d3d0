import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "first-looks",
  title: "A command that leaves a new user alone",
  promise:
    "`clewline check --live` looks at each upstream as the gateway calls it, and `clewline test MODEL` asks the running gateway for one answer; both say what is wrong and what repairs it. A start that finds its port taken names the port. A mistyped flag or command is told with the one that was meant. While the file is not valid, the commands that read the ledger work all the same.",
  sources: [],
  open: [],
};
