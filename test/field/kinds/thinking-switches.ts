import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "thinking-switches",
  title: "Thinking that each server switches in its own way",
  promise:
    'A client\'s wish for thinking, or for none, reaches the server in the member that it knows: "off" is off, and where a model cannot be told, the header says so. A tool that a client forces is forced also where the server refuses that beside thinking: thinking that nobody asked for makes room, and else the choice is left out and named. On Chat every documented way of asking for thinking is understood.',
  sources: [
    "deepseek-ai/DeepSeek-V3#1376",
    "BerriAI/litellm#37470",
    "mozilla-ai/any-llm#1384",
    "UKGovernmentBEIS/inspect_ai#5152",
    "cloudwego/eino#994",
    "CherryHQ/cherry-studio#16431",
    "HKUDS/nanobot#3939",
    "ollama/ollama#14820",
    "QuantumNous/new-api#1112",
    "MiXaiLL76/auto_ai_router#126",
    "musistudio/claude-code-router#1238",
    "infiniflow/ragflow#8972",
    "https://docs.together.ai/docs/inference/chat/reasoning",
    "https://docs.z.ai/guides/capabilities/thinking-mode",
  ],
  open: [
    "A model whose name says nothing, at a server that is not named, is asked for nothing: only OpenRouter takes the switch for every model.",
  ],
};
