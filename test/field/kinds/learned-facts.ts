import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "learned-facts",
  title: "Facts that a refusal or a list of models teaches",
  promise:
    "A fact belongs to the upstream and the model that taught it, also a fact from a list of models. Only a repaired request that was answered teaches a repair. What one client key wrote does not change the requests of another key until that key has seen the same refusal; what the gateway itself added is not added again for anybody.",
  sources: ["diegosouzapw/OmniRoute#1836", "openclaw/openclaw#46649"],
  open: ["Facts are in memory for an hour: a restart forgets them, at the cost of one refused request each."],
};
