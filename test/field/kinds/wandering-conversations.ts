import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "wandering-conversations",
  title: "A conversation that goes on at another server",
  promise:
    "A conversation with calls and thinking goes on at any other server, there and back, also when its client has dropped its beginning, or the thinking of earlier turns: ids, signatures, thinking and its members never make it a refusal. What a server cannot take of another one is left out or replaced.",
  sources: [
    "vercel/ai#5171",
    "anomalyco/opencode#12653",
    "gethnet/litellm-connector-copilot#30",
    "anomalyco/opencode#3077",
    "mastra-ai/mastra#7799",
    "anomalyco/opencode#7724",
    "can1357/oh-my-pi#41",
    "https://ai.google.dev/gemini-api/docs/thought-signatures",
  ],
  open: [
    "Signatures that a client has deleted are gone: Gemini 3 behind OpenRouter refuses the calls that they belong to.",
    "A server that refuses more than three things of one request, one by one, is not asked a fifth time; `server` in its configuration tells all of them at once.",
    "The result of a call that the client has dropped is refused, as providers refuse it.",
  ],
};
