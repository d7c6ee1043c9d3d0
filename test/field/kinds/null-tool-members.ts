import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "null-tool-members",
  title: "Tools whose members are null",
  promise:
    "Clients without a description, parameters or strictness write null for them, or leave them out. A server of another dialect gets tools by its book, without a null. Where a server of the client's own dialect refuses a null, or a tool without a schema, the request is sent again without it, and the next one so at once.",
  sources: ["Arsucar/RikkaRs#48", "farion1231/cc-switch#5490", "QwenLM/qwen-code#11834"],
  open: [],
};
