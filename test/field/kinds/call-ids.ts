import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "call-ids",
  title: "Ids of calls that a server does not take, or needs back",
  promise:
    "A server that takes only ids of its own form gets such ids, alike for a call and its result, for calls of clients without ids and of other providers too, translated and relayed. An id that a server made comes back to it as it was, from every client.",
  sources: [
    "nearai/ironclaw#1241",
    "HKUDS/nanobot#1293",
    "anomalyco/opencode#1680",
    "karthink/gptel#1203",
    "editor-code-assistant/eca#233",
    "jundot/omlx#1997",
  ],
  open: [
    "An id that is longer than a client's dialect takes, as LiteLLM's with Gemini's signature in it, is replaced by a short one and does not come back.",
  ],
};
