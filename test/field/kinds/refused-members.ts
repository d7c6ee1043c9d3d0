import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "refused-members",
  title: "A member of the request that the server does not take",
  promise:
    "A refusal that names a member which the request can do without is repaired: the upstream is asked once more without the member (or the optional member that holds it), or with its other name. What the client wrote itself is named in x-clewline-changed (x-clewline-dropped when translated) and in the row; a member that the request needs is never taken out.",
  sources: [
    "diegosouzapw/OmniRoute#1836",
    "openclaw/openclaw#46649",
    "openkursar/hello-halo#237",
    "continuedev/continue#12936",
    "caozhiyuan/copilot-api#164",
    "editor-code-assistant/eca#231",
    "haru/redmine_ai_helper#242",
    "anthropics/claude-code#31033",
    "deepseek-ai/DeepSeek-V3#1376",
    "cloudwego/eino#994",
    "Wei-Shaw/sub2api#7066",
    "dnakov/anon-kode#53",
  ],
  open: [
    "A member that is in no list of optional members is refused to the client, as its server refuses it: only the client knows whether the request still means the same without it.",
  ],
};
