import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "health-without-host",
  title: "Health checks without a host",
  promise:
    "`/`, `/healthz` and `/readyz` answer probes without a `Host` in HTTP/1.0, and with an empty one, by GET, HEAD and OPTIONS. Every other route still refuses a request without a valid `Host`.",
  sources: [
    "zulip/docker-zulip#554",
    "http-party/node-http-proxy#1050",
    "https://docs.haproxy.org/3.2/configuration.html#4-option%20httpchk",
  ],
  open: [],
};
