import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "media-formats",
  title: "Formats of sound and files that one provider takes and another does not",
  promise:
    "A format of sound reaches every target that may take it, in the target's own word for it; only OpenAI is held to wav and mp3. A format or type that the client does not name is read from the bytes.",
  sources: [
    "QuantumNous/new-api#698",
    "pydantic/pydantic-ai#2143",
    "https://ai.google.dev/gemini-api/docs/audio",
    "https://platform.openai.com/docs/api-reference/chat/create",
    "https://openrouter.ai/docs/features/multimodal/audio",
  ],
  open: ["Sound is not converted: a target that does not take the format refuses it."],
};
