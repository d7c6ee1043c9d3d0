import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "unforgiving-readers",
  title: "Readers of event streams that fail on a sign of life",
  promise:
    "Pings and comments have a form that each official SDK of the dialect passes over, also those that take every blank line for the end of an event, or every other line for data.",
  sources: [
    "openai/openai-go#556",
    "openai/openai-go#621",
    "openai/openai-python#2722",
    "docker/docker-agent#2349",
    "coder/coder#28185",
    "mckinsey/agents-at-scale-ark#1346",
    "theopenco/llmgateway#2334",
  ],
  open: [
    "A client of its own making that cuts an OpenAI stream at blank lines and looks at the beginning of each piece alone loses the event behind a ping.",
  ],
};
