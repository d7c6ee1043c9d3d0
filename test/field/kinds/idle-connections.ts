import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "idle-connections",
  title: "Idle connections of load balancers",
  promise:
    "A client's connection without a request stays open for `server.idle_connection_ms`, 75 s when nothing is configured, whatever `server.request_timeout_ms` says. A client that sends is never cut, however slow it is; one that stalls in a long body is.",
  sources: ["BerriAI/litellm#19091", "growthbook/growthbook-proxy#134", "mighty840/orca#187"],
  open: [
    "A client that stalls in the middle of a body finds its connection closed and gets no 408: the runtime says nothing when its clock ends a connection.",
  ],
};
