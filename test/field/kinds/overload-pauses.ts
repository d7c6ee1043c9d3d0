import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "overload-pauses",
  title: "An upstream that is overloaded for a moment",
  promise:
    "A request that meets overload, or a server that starts again, is repeated at most twice at the same upstream, each time after a pause: the upstream's own retry-after up to 5 s, else some 100 ms that grow and vary. Another upstream is asked at once. Where the gateway gives up, the client is told when to come back.",
  sources: ["lbjlaq/Antigravity-Manager#1114", "EasyMetaAu/helm-api#641", "tombii/better-ccflare#271"],
  open: [],
};
