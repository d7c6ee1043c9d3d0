import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "mislabelled-streams",
  title: "Streams and whole answers under another content-type",
  promise:
    "A reply that begins as an event stream is read as one, whatever its content-type says, for clients that asked for a stream and for those that did not; so are lines of JSON, a JSON answer under the type of a stream, and one with a stream's end mark behind it. The upstream is asked once.",
  sources: [
    "xiaoliu10/claude-code-router-next#45",
    "Wei-Shaw/sub2api#2826",
    "EM-GeekLab/NexusGate#82",
    "decolua/9router#3492",
    "hackclub/ai#17",
  ],
  open: [],
};
