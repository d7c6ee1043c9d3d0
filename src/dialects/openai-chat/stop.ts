/** Why an answer ended, both ways. */
import type { JsonObject } from "../../core/json.ts";
import type { Stop, StopKind } from "../../neutral/event.ts";
import { asString } from "../../wire/json.ts";
import { type Ending, endingOf } from "../shared/answer/endings.ts";

/**
 * The reason for which a choice has finished; null: it goes on. Some servers write an empty text or the word "null"
 * until then: sgl-project/sglang#3912, adolfousier/opencrabs#1499.
 */
export function finishReasonIn(choice: JsonObject): string | null {
  const reason = asString(choice.finish_reason);
  return reason === "null" ? null : reason;
}

/** null (the server never said) is a plain end. */
export function decodeFinish(reason: string | null): Ending {
  return reason === null ? "end" : (endingOf(reason) ?? "end");
}

/** The error of an answer that its server ended for a failure of its own; null: it ended for another reason. */
export function failureIn(reason: string | null): JsonObject | null {
  if (reason === null || decodeFinish(reason) !== "failure") return null;
  return { message: `the upstream ended its answer with "${reason}"`, code: reason };
}

/** Whether the answer was cut short by a limit or a filter, so that a call's arguments may be unfinished. */
export function isCutShort(finish: Ending): boolean {
  return finish === "length" || finish === "context-full" || finish === "refusal";
}

export interface StopFacts {
  readonly raw: string | null;
  /** vLLM and SGLang name the stop string that matched (`choices[].stop_reason`). */
  readonly matched: string | null;
  readonly hasCalls: boolean;
  readonly hasRefusal: boolean;
}

/** Calls decide over the word: servers say `stop` with calls, and `tool_calls` without any. */
export function decodeStop({ raw, matched, hasCalls, hasRefusal }: StopFacts): Stop {
  const finish = decodeFinish(raw);
  let kind: StopKind = "end";
  if (finish === "length" || finish === "context-full" || finish === "refusal") kind = finish;
  else if (hasCalls) kind = "tool-calls";
  else if (hasRefusal) kind = "refusal";
  else if (matched !== null) kind = "stop-sequence";
  const sequence = kind === "stop-sequence" ? matched : null;
  return { kind, raw, sequence, explanation: null, category: null, token: null };
}

/** `finish_reason` for each kind. */
export const FINISH_REASONS: Readonly<Record<StopKind, string>> = {
  end: "stop",
  "stop-sequence": "stop",
  length: "length",
  "context-full": "length",
  "tool-calls": "tool_calls",
  refusal: "content_filter",
  malformed: "stop",
  pause: "stop",
  continuation: "length",
};
