import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "answers-in-parts",
  title: "Answers whose content is a list of parts",
  promise:
    "Servers such as Mistral's answer on Chat with a list of parts, with thinking among them, where clients of Chat read a text. A client gets the text as `content` and the thinking as `reasoning_content`, streamed and whole; what else the answer holds stays as it is, and answers by the book pass byte for byte. The thinking that a client returns goes back to Mistral in the form that Mistral takes. A client that Mistral made, and one with `strict`, gets the answer as it came.",
  sources: [
    "vercel/ai#13703",
    "microsoft/agent-framework#6978",
    "simonw/llm-mistral#38",
    "karthink/gptel#1035",
    "spring-projects/spring-ai#5019",
    "mistralai/client-python#252",
    "databricks/appkit#559",
    "posit-dev/chatlas#392",
    "https://docs.mistral.ai/capabilities/reasoning",
  ],
  open: [
    "A server that is not known is looked at for such answers only where the model's name is one of Mistral's, because each other answer would be searched for nothing.",
    "Databricks gets no thinking back: its own form of it is known from one report alone.",
  ],
};
