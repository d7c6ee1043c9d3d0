import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "buffered-silence",
  title: "Signs of life that a proxy on the way keeps",
  promise:
    "Each reply whose bytes come one by one, be it a stream or white space before a whole answer, has the headers that tell proxies to pass every byte on at once.",
  sources: ["ggml-org/llama.cpp#24774", "nginx/nginx#1505"],
  open: [],
};
