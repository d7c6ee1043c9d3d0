import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "real-proxies",
  title: "A gateway behind nginx, Caddy or HAProxy with their own time-outs",
  promise:
    "Streams and long answers arrive whole, pings come through at once, and health checks stay green, without a line in the proxy's configuration about time-outs or buffers.",
  sources: ["BerriAI/litellm#31865", "ggml-org/llama.cpp#24774", "nginx/nginx#1505"],
  open: [],
};
