/**
 * The rate headers of OpenAI (https://platform.openai.com/docs/guides/rate-limits) and of servers that use their names
 * with other values: Groq, OpenRouter, Cerebras, Together, Mistral, Azure.
 */
import type { HeaderView } from "../../core/header-view.ts";
import type { RoomFacts } from "./room-facts.ts";
import { isDuration, type RoomForm, roomInHeaders } from "./room-headers.ts";

const FORM: RoomForm = {
  ownerHeader: "openai-organization",
  // Where limits fill up, tokens are those of a minute. Requests are those of a minute at OpenAI, of a day at Groq.
  spanOf: (dimension, isGradual) => (isGradual && dimension !== "requests" ? "minute" : "other"),
  isGradual: isDuration,
  isReserved: () => true,
  sparesCacheReads: false,
};

export function openaiRoom(headers: HeaderView, nowMs: number): RoomFacts | null {
  return roomInHeaders(headers, nowMs, FORM);
}
