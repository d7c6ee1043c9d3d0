import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "call-ids",
  title: "Ids of calls that a server does not take, or needs back",
  promise:
    "A server that takes only ids of its own form gets such ids, alike for a call and its result, for calls of clients without ids and of other providers too, translated and relayed. An id that a server made comes back to it as it was, from every client, however long it is. An id that a server refuses for its length or its signs is replaced, and the next request is right at once.",
  sources: [
    "nearai/ironclaw#1241",
    "HKUDS/nanobot#1293",
    "anomalyco/opencode#1680",
    "karthink/gptel#1203",
    "editor-code-assistant/eca#233",
    "jundot/omlx#1997",
    "langgenius/dify#28987",
    "agno-agi/agno#5382",
    "openclaw/openclaw#875",
    "AnswerDotAI/fastllm#45",
    "experientiallabs/experiential#801",
  ],
  open: ["An id of more than 16,384 characters is replaced by a short one and does not come back."],
};
