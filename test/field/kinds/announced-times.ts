import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "announced-times",
  title: "The end of a limit, wherever a server announces it",
  promise:
    "A credential rests exactly as long as the provider says, and clients are told that time: in headers of all vendors and units, in members of the error, in headers that it quotes, in English and Chinese words. A time in the past, and the reset of what is not used up, do not count.",
  sources: [
    "Avarok-Cybersecurity/atlas#543",
    "diegosouzapw/OmniRoute#14573",
    "Gitlawb/openclaude#936",
    "QwenLM/qwen-code#7841",
    "dirge-code/dirge#818",
    "router-for-me/CLIProxyAPI#1666",
    "promptfoo/promptfoo#10577",
  ],
  open: [
    'A time of day without a zone ("resets at 9:30 AM") is not read: nobody but the server knows when that is.',
  ],
};
