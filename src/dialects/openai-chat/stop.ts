/** Why an answer ended, both ways. */
import type { Stop, StopKind } from "../../neutral/event.ts";

/** What a finish reason comes to: a good end, or the upstream's word for its own failure. */
export type Finish = StopKind | "failure";

/**
 * `finish_reason` of OpenAI and of compatible servers (Mistral, GLM, DeepSeek, OpenRouter, SGLang). Others
 * count as a plain end.
 */
const FINISHES: ReadonlyMap<string, Finish> = new Map<string, Finish>([
  ["stop", "end"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "context-full"],
  ["tool_calls", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "refusal"],
  ["sensitive", "refusal"],
  ["error", "failure"],
  ["abort", "failure"],
  ["network_error", "failure"],
  ["insufficient_system_resource", "failure"],
]);

/** null (the server never said) is a plain end. */
export function decodeFinish(reason: string | null): Finish {
  return reason === null ? "end" : (FINISHES.get(reason) ?? "end");
}

/** Whether the answer was cut short by a limit or a filter, so that a call's arguments may be unfinished. */
export function isCutShort(finish: Finish): boolean {
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
