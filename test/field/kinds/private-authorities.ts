import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "private-authorities",
  title: "Upstreams with a certificate of a private authority",
  promise:
    "`NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE` make a private authority known; the refusal of an unknown one names them.",
  sources: ["odysseus-dev/odysseus#769", "rancher/rancher-ai-agent#259"],
  open: [],
};
