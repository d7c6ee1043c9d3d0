import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "stale-connections",
  title: "Idle connections that the upstream has forgotten",
  promise:
    "A request that meets a used connection which breaks before a byte of reply goes out again on a new connection. The idle connections of that age are dropped, no attempt is lost, and the upstream is not taken for broken.",
  sources: ["https://datatracker.ietf.org/doc/html/rfc9112#section-9.3.1"],
  open: [
    "A network that swallows the bytes of a forgotten connection without a reset shows itself by the first-byte time-out only.",
  ],
};
