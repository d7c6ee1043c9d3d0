import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "redirecting-upstreams",
  title: "An upstream that redirects",
  promise:
    "A redirect is followed never and repeated never, because the credential would go along. The client is told where it leads and what base_url has to be.",
  sources: ["https://datatracker.ietf.org/doc/html/rfc9110#section-15.4"],
  open: [],
};
