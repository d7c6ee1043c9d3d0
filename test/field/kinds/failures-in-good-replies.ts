import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "failures-in-good-replies",
  title: "A failure inside a reply with status 200",
  promise:
    "A reply with status 200 that holds no answer and states a failure is a failure: the next credential is asked, whole and streamed, relayed and translated, in all dialects. An empty answer that was counted stays an answer, and so does one with an empty error beside it.",
  sources: [
    "milind-soni/OpenMausBot#1200",
    "OpenCSGs/csghub-server#1369",
    "https://openrouter.ai/docs/api/reference/errors-and-debugging",
    "https://api-docs.deepseek.com/api/create-chat-completion",
  ],
  open: [
    "A server's own code inside such a reply is understood for MiniMax alone; others count as a failure of the upstream.",
  ],
};
