import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "mislabelled-streams",
  title: "Event streams under another content-type",
  promise:
    "A reply that begins as an event stream is read as one, whatever its content-type says, for clients that asked for a stream and for those that did not. The upstream is asked once.",
  sources: ["xiaoliu10/claude-code-router-next#45", "Wei-Shaw/sub2api#2826", "EM-GeekLab/NexusGate#82"],
  open: [],
};
