/** The framing of a reply, by the content-type of its head. */
import type { HeaderView } from "../core/header-view.ts";
import type { Framing } from "../dialects/dialect.ts";

/** Any other reply counts as JSON, and fails there when it is not JSON. */
export function eventsOrJson(headers: HeaderView): Framing {
  return hasType(headers, "text/event-stream") ? "sse" : "json";
}

/** Gemini's JSON array has the content-type of a single JSON value, so the request tells the two apart. */
export function eventsOrArray(headers: HeaderView, asked: Framing): Framing {
  return asked === "json-array" && hasType(headers, "application/json") ? asked : eventsOrJson(headers);
}

function hasType(headers: HeaderView, type: string): boolean {
  return headers.get("content-type")?.toLowerCase().startsWith(type) === true;
}
