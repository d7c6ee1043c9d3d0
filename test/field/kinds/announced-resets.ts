import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "announced-resets",
  title: "Everybody comes back when a limit is over",
  promise:
    "After a reset that the provider announced all requests may go at once. After a guessed wait one request goes first, and the others follow when it takes longer than a second, so a client that waits as it was told is served.",
  sources: ["https://datatracker.ietf.org/doc/html/rfc9110#section-10.2.3"],
  open: [
    "After a restart every wait counts as a guess, because a kept state does not say who named its end.",
  ],
};
