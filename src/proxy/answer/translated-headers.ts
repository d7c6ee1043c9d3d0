/** Headers of a reply that the gateway wrote. The upstream's own headers belong to another dialect. */
import type { Framing } from "../../dialects/dialect.ts";
import { requestIdHeaders } from "../../http/error-reply.ts";
import { droppedHeader } from "../../translate/drops.ts";
import type { Exchange } from "../exchange.ts";

export function translatedHeaders({ id, attempt }: Exchange, framing: Framing): Record<string, string> {
  const headers: Record<string, string> = { "content-type": contentTypeOf(framing), ...requestIdHeaders(id) };
  if (attempt.dropped.length > 0) headers["x-clewline-dropped"] = droppedHeader(attempt.dropped);
  return headers;
}

export function contentTypeOf(framing: Framing): string {
  return framing === "sse" ? "text/event-stream; charset=utf-8" : "application/json";
}
