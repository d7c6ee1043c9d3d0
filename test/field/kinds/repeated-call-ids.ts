import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "repeated-call-ids",
  title: "Ids of calls that begin anew in each conversation",
  promise:
    "Some servers count the ids of calls in each conversation from zero (`functions.read:0`). The reasoning that a client cannot carry comes back to the call that it led to, known by its id, name, arguments and the turn that it answers, and never to a call of another conversation.",
  sources: [
    "vllm-project/vllm#50295",
    "fw-ai/fireconnect#16",
    "sgl-project/sglang#33343",
    "https://platform.moonshot.ai/docs/guide/use-kimi-api-to-complete-tool-calls",
  ],
  open: [
    "A client that rewrites the words of a turn that was answered, as some do to shorten a conversation, gets the answer's reasoning back no more.",
  ],
};
