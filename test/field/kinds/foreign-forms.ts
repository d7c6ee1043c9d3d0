import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "foreign-forms",
  title: "Requests in the words of another dialect",
  promise:
    "A body of Responses, blocks and tools of Messages, flat tools and parts of Responses on Chat's path are understood as Cursor and others send them; so are Chat's messages, calls, results, tools, parts and limits on the paths of Responses and Messages. They are answered in the form of their path. Servers get them by the book; a request that is by the book already passes byte for byte.",
  sources: [
    "icebear0828/codex-proxy#507",
    "Soju06/codex-lb#833",
    "router-for-me/CLIProxyAPI#658",
    "Helicone/helicone#5629",
    "BerriAI/litellm#34029",
    "automazeio/vibeproxy#411",
    "router-for-me/CLIProxyAPI#3805",
    "router-for-me/CLIProxyAPI#1165",
    "jeremychone/rust-genai#119",
    "google/adk-go#1197",
    "cloud-apim/otoroshi-llm-extension#125",
    "kennethreitz/simplemind#37",
  ],
  open: [
    "No client is known to send another dialect's words to Gemini's paths; they are refused by name.",
    "Instructions that come first on the path of Messages are recognised where their role is their first member.",
  ],
};
