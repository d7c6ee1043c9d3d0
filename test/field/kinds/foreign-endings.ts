import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "foreign-endings",
  title: "Reasons for an end in the words of another maker",
  promise:
    "A server that passes on OpenAI's, Google's, Anthropic's, Amazon's or Cohere's word in the dialect of another for the end of an answer is understood, in capitals too: a client learns that the limit was reached, that a filter stepped in, or that all is well. A word in place of no reason ends nothing, and a word for a failure is a failure.",
  sources: [
    "QwenLM/qwen-code#9884",
    "mozilla-ai/any-llm#1200",
    "zed-industries/zed#57009",
    "aws-samples/bedrock-access-gateway#11",
    "sgl-project/sglang#3912",
    "ollama/ollama#4357",
    "adolfousier/opencrabs#1499",
    "1jehuang/jcode#1326",
  ],
  open: [
    "A word that is in no table is an end like any other.",
    "A word for a failure is an end like any other in Messages and in Gemini's dialect.",
  ],
};
