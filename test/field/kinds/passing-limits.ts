import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "passing-limits",
  title: "Limits that pass by themselves, in words that speak of quota or balance",
  promise:
    "A reply with status 429 never takes a credential out without an end. Bare words such as quota, balance or billing decide nothing; a limit of one model parks that model alone.",
  sources: [
    "openclaw/openclaw#148236",
    "can1357/oh-my-pi#8496",
    "anomalyco/opencode#23722",
    "XiaomiMiMo/MiMo-Code#1690",
    "QwenLM/qwen-code#7841",
    "tarigelamin1997/jobfetcher#42",
    "wangyingsm/dr-strange#17",
  ],
  open: [],
};
