import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "foreign-forms",
  title: "Chat requests in the words of another dialect",
  promise:
    "A body of Responses, blocks and tools of Messages, flat tools and parts of Responses on Chat's path are understood as Cursor and others send them, and answered in Chat's form. Servers of Chat get them by Chat's book; a request that is by the book already passes byte for byte.",
  sources: [
    "icebear0828/codex-proxy#507",
    "Soju06/codex-lb#833",
    "router-for-me/CLIProxyAPI#658",
    "Helicone/helicone#5629",
    "BerriAI/litellm#34029",
    "automazeio/vibeproxy#411",
    "router-for-me/CLIProxyAPI#3805",
    "router-for-me/CLIProxyAPI#1165",
  ],
  open: ["Foreign words on the paths of the other dialects are refused by name."],
};
