/** Anthropic's rate headers: https://docs.claude.com/en/api/rate-limits, November 2026. */
import type { HeaderView } from "../../core/header-view.ts";
import type { RoomFacts } from "./room-facts.ts";
import { type RoomForm, roomInHeaders } from "./room-headers.ts";

const FORM: RoomForm = {
  ownerHeader: "anthropic-organization-id",
  // Buckets of a minute that fill up all the time.
  spanOf: () => "minute",
  isGradual: () => true,
  // "`max_tokens` does not factor into OTPM rate limit calculations": an answer counts as it is written.
  isReserved: (dimension) => dimension !== "output",
  // `cache_read_input_tokens` "do not count towards ITPM" of any model that is not retired.
  sparesCacheReads: true,
  // "rounded to nearest thousand", of all tokens.
  tokensRoundedTo: 1_000,
};

export function anthropicRoom(headers: HeaderView, nowMs: number): RoomFacts | null {
  return roomInHeaders(headers, nowMs, FORM);
}
