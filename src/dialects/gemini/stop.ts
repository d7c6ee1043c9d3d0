/** Finish reasons both ways. There is none for calls: they end with STOP. */
import type { Stop, StopKind } from "../../neutral/event.ts";

/** `call`: STOP, which means calls if there were any. `fail`: the answer is no answer. */
type Meaning = StopKind | "fail";

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
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
  ["MALFORMED_FUNCTION_CALL", "fail"],
  ["UNEXPECTED_TOOL_CALL", "fail"],
  ["TOO_MANY_TOOL_CALLS", "fail"],
  ["MALFORMED_RESPONSE", "fail"],
  ["NO_IMAGE", "fail"],
  ["OTHER", "fail"],
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

/** null: the answer is no answer, and the upstream has failed. */
export function decodeStop(finish: Finish, hasCall: boolean): Stop | null {
  const meaning = finish.isBlocked ? "refusal" : (MEANINGS.get(finish.reason ?? "STOP") ?? "end");
  if (meaning === "fail") return null;
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

const REASONS: Readonly<Record<StopKind, string>> = {
  end: "STOP",
  "stop-sequence": "STOP",
  length: "MAX_TOKENS",
  "context-full": "MAX_TOKENS",
  "tool-calls": "STOP",
  refusal: "SAFETY",
  pause: "STOP",
  // Only a client that could go on would have asked for it, and to none of ours a token is shown.
  continuation: "MAX_TOKENS",
};

/** `refusal` is the text in which the model declined; null: it did not, or not in words. */
export function encodeStop(
  stop: Stop,
  refusal: string | null,
): { finishReason: string; finishMessage?: string } {
  if (stop.kind !== "refusal" && refusal === null) return { finishReason: REASONS[stop.kind] };
  const message = stop.explanation ?? refusal;
  return { finishReason: REASONS.refusal, ...(message === null ? null : { finishMessage: message }) };
}
