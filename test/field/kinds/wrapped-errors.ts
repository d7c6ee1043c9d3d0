import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "wrapped-errors",
  title: "Errors that a server wraps in an error of its own",
  promise:
    "A client gets the words of the server that made the error, not only those of the servers in between, and they are read for what they say: in replies, in streams, in every dialect.",
  sources: [
    "cline/cline#13194",
    "open-webui/computer#293",
    "https://openrouter.ai/docs/api/reference/errors-and-debugging",
  ],
  open: ["A relayed error stays as the upstream sent it."],
};
