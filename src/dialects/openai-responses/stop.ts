/**
 * Why an answer ended, both ways. Responses says it by the status of the whole, not by a reason of its own.
 */
import type { JsonObject } from "../../core/json.ts";
import type { Stop, StopKind } from "../../neutral/event.ts";
import { asObject, asString } from "../../wire/json.ts";

/** What an answer held, as far as its stop depends on it. */
export interface AnswerKinds {
  readonly hasCall: boolean;
  readonly hasRefusal: boolean;
}

/** `status` is that of the terminal event, which counts even where the response in it says something else. */
export function decodeStop(response: JsonObject, status: string, kinds: AnswerKinds): Stop {
  const reason = asString(asObject(response.incomplete_details)?.reason);
  return {
    kind: status === "incomplete" ? incompleteKind(reason) : completedKind(kinds),
    raw: reason ?? status,
    sequence: null,
    explanation: null,
    category: null,
    token: null,
  };
}

function incompleteKind(reason: string | null): StopKind {
  return reason === "content_filter" ? "refusal" : "length";
}

function completedKind({ hasCall, hasRefusal }: AnswerKinds): StopKind {
  if (hasCall) return "tool-calls";
  return hasRefusal ? "refusal" : "end";
}

/**
 * `null`: completed. A refusal in the model's own words is a completed answer here, one without words a
 * filter's work.
 */
export function incompleteReason(
  stop: Stop,
  hasRefusal: boolean,
): "max_output_tokens" | "content_filter" | null {
  switch (stop.kind) {
    case "length":
    case "context-full":
    case "continuation":
      return "max_output_tokens";
    case "refusal":
      return hasRefusal ? null : "content_filter";
    case "end":
    case "stop-sequence":
    case "tool-calls":
    case "pause":
    case "malformed":
      return null;
  }
}
