import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "request-faults",
  title: "A refusal that one request has brought about itself",
  promise:
    "No request of one client takes a credential from another: the next request is served at once, whatever the provider said to the first. A state without an end takes the provider's statement and the same refusal of a call of the gateway's own.",
  sources: [
    "QwenLM/qwen-code#73",
    "can1357/oh-my-pi#9569",
    "BerriAI/litellm",
    "songquanpeng/one-api",
    "router-for-me/CLIProxyAPI#2464",
  ],
  open: [
    "A server without a documented call that proves a key or its money keeps refused credentials for an hour at most, then one request finds out.",
  ],
};
