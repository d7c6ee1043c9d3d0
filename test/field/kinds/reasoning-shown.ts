import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "reasoning-shown",
  title: "Reasoning is shown to those who want to see it, and returned once",
  promise:
    "A client that says that it wants no reasoning sees none, whatever model answers: a Gemini client without includeThoughts, a Messages client with thinking disabled or its display omitted, a Chat or Responses client with the effort none. What the model needs to go on is kept all the same, and reaches it once.",
  sources: [
    "https://ai.google.dev/gemini-api/docs/thinking#summaries",
    "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking",
  ],
  open: [
    "Chat and Responses clients that say nothing are shown the reasoning of a compatible server, as such servers do.",
    "The seal that Gemini puts on a call reaches Messages and Responses clients on a block of reasoning without words.",
  ],
};
