import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "websocket-probes",
  title: "A WebSocket that is tried first",
  promise:
    "A client that asks for a WebSocket on a path of the gateway gets 426 with words that say what to send instead, in its dialect. Codex then goes to HTTP at once, without a reconnect.",
  sources: [
    "qxcnm/Codex-Manager#91",
    "NVIDIA/NeMo-Relay#994",
    "farion1231/cc-switch#1673",
    "diegosouzapw/OmniRoute#998",
    "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.22",
  ],
  open: ["The gateway speaks no WebSocket: not those of Responses, and not those of live audio."],
};
