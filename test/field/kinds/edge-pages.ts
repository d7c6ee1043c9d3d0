import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "edge-pages",
  title: "A page of the network edge in place of the provider",
  promise:
    "A page of HTML says nothing about a credential, whatever its status: login pages, challenges and firewalls count as trouble of the upstream, and every credential is ready when the page is gone.",
  sources: ["tashfeenahmed/freellmapi#1298"],
  open: [],
};
