/** Values of `[pool]` that would do nothing. */
import type { Draft } from "../draft.ts";

export function checkPool(draft: Draft): void {
  const warmWaitMs = draft.get(["pool", "warm_wait_ms"]);
  if (draft.get(["pool", "max_wait_s"]) !== 0 || typeof warmWaitMs !== "number" || warmWaitMs <= 0) return;
  const message = "has no effect with max_wait_s = 0: no request waits";
  draft.warn(["pool", "warm_wait_ms"], message, "give max_wait_s another value, or remove the line");
}
