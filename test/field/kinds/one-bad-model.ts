import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "one-bad-model",
  title: "One model, request or client that always fails",
  promise:
    "A model that fails is kept away from its upstream by itself: other models are served. What fails for one client key alone changes nothing for other keys, whatever the failure looks like; only connections that cannot be made count for everybody at once.",
  sources: ["diegosouzapw/OmniRoute#1813", "hugalafutro/model-hotel#827"],
  open: [
    "A single key that has seen 20 failures in a row of a model waits up to a second after the model works again.",
  ],
};
