import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "company-proxies",
  title: "An upstream that wants more than a key",
  promise:
    "`headers`, `query` and `body` of an upstream stand in each request to it, whoever asks: relayed, translated, and the gateway's own. They replace what a client sends under these names, and cannot replace what frames a request or shows a credential. Their secrets come by `env:` or `file:`, and are shown nowhere.",
  sources: [],
  open: [],
};
