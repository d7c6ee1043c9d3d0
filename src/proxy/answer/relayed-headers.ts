/** Headers of a reply that passes as it is: those of the upstream that are for clients. */
import type { Framing } from "../../dialects/dialect.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import { headersForClient } from "../attempt/caller-login.ts";
import { nameChanges } from "../attempt/changes.ts";

const EVENTS_TYPE = "text/event-stream";

export function relayedHeaders(
  { served, prepared, upstream }: Pick<RunningAttempt, "served" | "prepared" | "upstream">,
  head: ReplyHead,
  framing: Framing,
): Record<string, string> {
  const headers = headersForClient(served, upstream, head.headers);
  nameChanges(headers, prepared);
  correctType(headers, framing);
  return headers;
}

/** Gives a reply whose form the upstream named wrongly the type of its form. */
function correctType(headers: Record<string, string>, framing: Framing): void {
  const saysEvents = headers["content-type"]?.toLowerCase().startsWith(EVENTS_TYPE) === true;
  if (saysEvents === (framing === "sse")) return;
  headers["content-type"] = saysEvents ? "application/json" : `${EVENTS_TYPE}; charset=utf-8`;
}
