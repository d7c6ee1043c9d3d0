import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "renewed-certificates",
  title: "A renewed certificate of the listener",
  promise:
    "New connections get a renewed certificate within a second. No connection is refused meanwhile, and what is open goes on. A key that is not the certificate's leaves the pair before in force.",
  sources: [
    "NVIDIA/OpenShell#1836",
    "openclaw/openclaw#146267",
    "ContentSquare/chproxy#198",
    "oven-sh/bun#43815",
  ],
  open: [],
};
