/** Finish reasons both ways. There is none for calls: they end with STOP. */
import type { JsonObject } from "../../core/json.ts";
import type { Stop, StopKind } from "../../neutral/event.ts";
import { asString } from "../../wire/json.ts";
import { foreignEnd } from "../shared/answer/endings.ts";

const MEANINGS: ReadonlyMap<string, StopKind> = new Map([
  ["STOP", "end"],
  ["MAX_TOKENS", "length"],
  ["SAFETY", "refusal"],
  ["RECITATION", "refusal"],
  ["LANGUAGE", "refusal"],
  ["BLOCKLIST", "refusal"],
  ["PROHIBITED_CONTENT", "refusal"],
  ["SPII", "refusal"],
  ["IMAGE_SAFETY", "refusal"],
  ["IMAGE_PROHIBITED_CONTENT", "refusal"],
  ["IMAGE_RECITATION", "refusal"],
  ["IMAGE_OTHER", "refusal"],
  ["MALFORMED_FUNCTION_CALL", "malformed"],
  ["UNEXPECTED_TOOL_CALL", "malformed"],
  ["TOO_MANY_TOOL_CALLS", "malformed"],
  ["MALFORMED_RESPONSE", "malformed"],
  ["NO_IMAGE", "malformed"],
  ["OTHER", "malformed"],
  ["CONTINUATION", "continuation"],
]);

/** How an answer finished, as the wire says it. */
export interface Finish {
  /**
   * The finish reason, or the reason for which the prompt was blocked; null: the body is whole without
   * saying.
   */
  readonly reason: string | null;
  readonly isBlocked: boolean;
  readonly message: string | null;
  readonly token: string | null;
}

export function decodeStop(finish: Finish, hasCall: boolean): Stop {
  const meaning = finish.isBlocked ? "refusal" : meaningOf(finish.reason ?? "STOP");
  const kind = meaning === "end" && hasCall ? "tool-calls" : meaning;
  return {
    // Without a token there is nothing to go on with.
    kind: kind === "continuation" && finish.token === null ? "length" : kind,
    raw: finish.reason,
    sequence: null,
    explanation: kind === "refusal" ? finish.message : null,
    category: null,
    token: kind === "continuation" ? finish.token : null,
  };
}

function meaningOf(reason: string): StopKind {
  const meaning = MEANINGS.get(reason) ?? foreignEnd(reason) ?? "end";
  // Calls are told by the parts.
  return meaning === "tool-calls" ? "end" : meaning;
}

/** The reason for which a candidate has finished; null: it goes on, which protobuf writes as a word. */
export function finishReasonIn(candidate: JsonObject): string | null {
  const reason = asString(candidate.finishReason);
  return reason === "FINISH_REASON_UNSPECIFIED" ? null : reason;
}

const REASONS: Readonly<Record<StopKind, string>> = {
  end: "STOP",
  "stop-sequence": "STOP",
  length: "MAX_TOKENS",
  "context-full": "MAX_TOKENS",
  "tool-calls": "STOP",
  refusal: "SAFETY",
  malformed: "MALFORMED_FUNCTION_CALL",
  pause: "STOP",
  // Only a client that could go on would have asked for it, and to none of ours a token is shown.
  continuation: "MAX_TOKENS",
};

/** `refusal` is the text in which the model declined; null: it did not, or not in words. */
export function encodeStop(
  stop: Stop,
  refusal: string | null,
): { finishReason: string; finishMessage?: string } {
  if (stop.kind === "malformed") {
    const isOwn = MEANINGS.get(stop.raw ?? "") === "malformed";
    const message = stop.explanation === null ? null : { finishMessage: stop.explanation };
    return { finishReason: isOwn ? (stop.raw as string) : REASONS.malformed, ...message };
  }
  if (stop.kind !== "refusal" && refusal === null) return { finishReason: REASONS[stop.kind] };
  const message = stop.explanation ?? refusal;
  return { finishReason: REASONS.refusal, ...(message === null ? null : { finishMessage: message }) };
}
