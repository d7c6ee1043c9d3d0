import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "readiness",
  title: "Readiness that only traffic could bring back",
  promise:
    "/readyz is red only for what no request can mend. Limits never make it red, and a limit whose time is over is shown as ready by every page and command at once.",
  sources: ["mcp-hangar/mcp-hangar#599", "api7/aisix#841"],
  open: [],
};
