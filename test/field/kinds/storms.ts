import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "storms",
  title: "Many credentials that fail in different ways at once",
  promise:
    "A pool of twenty credentials of which seventeen fail, each in another way that people report, serves every request that one of the other three can serve. Once they work again, no person has to act.",
  sources: [
    "openclaw/openclaw#148236",
    "can1357/oh-my-pi#8496",
    "XiaomiMiMo/MiMo-Code#1690",
    "QwenLM/qwen-code#7841",
    "tarigelamin1997/jobfetcher#42",
    "tashfeenahmed/freellmapi#1298",
    "Gitlawb/openclaude#936",
    "EasyMetaAu/helm-api#641",
    "milind-soni/OpenMausBot#1200",
  ],
  open: [],
};
