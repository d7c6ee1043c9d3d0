import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "rotated-files",
  title: "Secrets in files that are replaced",
  promise:
    "A changed `file:` secret is in use within a second, however the file was replaced: the keys of upstreams, of clients and of metrics. A file that is empty, or cannot be read, leaves the secret before in force, and the log, `/readyz` and `clewline credentials` say so.",
  sources: ["openshift/lightspeed-service#2955", "llm-d/llm-d-batch-gateway#91", "nirmata/ottoflow#93"],
  open: [],
};
