/** How an upstream frames a reply. */
import type { Framing } from "../../dialects/dialect.ts";
import type { ReplyHead } from "../../transport/call.ts";

/**
 * The framing follows the reply's content-type. Exception: Gemini's JSON array is `application/json` too, so there the request
 * decides. Anything else is read as JSON and fails there.
 */
export function framingOf(head: ReplyHead, isTranslated: boolean, asked: Framing): Framing {
  const type = head.headers.get("content-type")?.toLowerCase() ?? "";
  if (isEventStream(type)) return "sse";
  const isArray = !isTranslated && asked === "json-array" && type.startsWith("application/json");
  return isArray ? "json-array" : "json";
}

export function isEventStream(contentType: string | null): boolean {
  return contentType?.toLowerCase().startsWith("text/event-stream") === true;
}
