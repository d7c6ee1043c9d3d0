import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "context-limits",
  title: "Requests that are too large for their model",
  promise:
    "A prompt that fits is answered, whatever limit the client asks for: the limit is lowered to what fits, and that is named. A context that a refusal has told is remembered for an hour, so that the next turn is asked for once. Where it cannot be, the client is told in the words by which it lowers its limit or shortens the conversation.",
  sources: [
    "musistudio/claude-code-router#1799",
    "anomalyco/opencode#25231",
    "vllm-project/vllm#20409",
    "vllm-project/vllm#33418",
    "Aider-AI/aider#3721",
    "anthropics/claude-code#228",
    "we0-dev/we0#56",
  ],
  open: [
    "A server that stops to count at its limit tells no length: each further try asks for a quarter of the answer before, and the last one may be refused too.",
  ],
};
