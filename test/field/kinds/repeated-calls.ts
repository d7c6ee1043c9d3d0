import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "repeated-calls",
  title: "Calls that a server says more than once",
  promise:
    "A call whose arguments come anew with each piece, once more behind the call, twice in one text, encoded twice or behind an empty object reaches every client once and whole. An end that is said behind each piece ends no call. Arguments that only look like a repetition stay as they are.",
  sources: [
    "BerriAI/litellm#20480",
    "elizaOS/eliza#16973",
    "NousResearch/hermes-agent#35718",
    "decolua/9router#2869",
    "anomalyco/opencode#17339",
    "lidge-jun/opencodex#361",
    "Soju06/codex-lb#284",
    "quarkiverse/quarkus-langchain4j#2642",
    "1jehuang/jcode#1326",
    "poolsideai/pool#9",
  ],
  open: ["Relayed streams of Chat pass as they are: the client's own reader meets the repetition."],
};
