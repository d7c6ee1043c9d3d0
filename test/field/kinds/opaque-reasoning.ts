import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "opaque-reasoning",
  title: "Reasoning that only its server can read",
  promise:
    "What a server of Chat sends as reasoning comes back to it as it came, from clients of every dialect, streamed and whole: the same members, lists in their order, signatures and encrypted entries unchanged. Thinking in tags in front of a text is thinking for the client, and stands in tags again where it came so. A server that knows other members gets the text in its own; OpenAI gets none, and Google's stand-in goes to Google alone.",
  sources: [
    "anomalyco/opencode#30477",
    "vllm-project/router#115",
    "tensorzero/tensorzero#6653",
    "router-for-me/CLIProxyAPI#3587",
    "massgen/MassGen#624",
    "microsoft/agent-framework#2947",
    "LibreChat-AI/agents#37",
    "UKGovernmentBEIS/inspect_ai#4979",
    "UKGovernmentBEIS/inspect_ai#4080",
    "BerriAI/litellm#27439",
    "charmbracelet/crush#1590",
    "anomalyco/opencode#8900",
    "https://openrouter.ai/docs/use-cases/reasoning-tokens",
    "https://docs.litellm.ai/docs/reasoning_content",
    "https://ai.google.dev/gemini-api/docs/openai",
  ],
  open: [
    "Plain text of thinking goes back on turns with calls of tools alone, unless the model is known to want it on all: chat templates take it out of the others.",
    "Lists of entries over a million characters in one answer are not kept.",
  ],
};
