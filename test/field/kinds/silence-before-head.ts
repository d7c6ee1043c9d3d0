import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "silence-before-head",
  title: "An upstream that is silent before the head of its reply",
  promise:
    "A streamed request has its status 200 and pings once it has waited for `server.ping_interval_ms`, whatever it waits for. It still goes on to other credentials and targets; a failure then is an error event of the dialect, and the row has the status 200 and the true outcome.",
  sources: ["BerriAI/litellm#31865", "BerriAI/litellm#37322"],
  open: [
    "A stored response that is read as a stream (`GET /v1/responses/{id}?stream=true`) has pings from its head on: its form is known only then.",
  ],
};
