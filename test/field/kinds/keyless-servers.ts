import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "keyless-servers",
  title: "A server that asks for no key",
  promise:
    "An upstream at an address of this machine or of a private network needs no `[[upstreams.credentials]]`. A forgotten key at any other address is still told by `clewline check` and by a start.",
  sources: [],
  open: [],
};
