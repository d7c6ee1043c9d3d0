/** The words by which servers say why an answer ended. */
import type { StopKind } from "../../../neutral/event.ts";

/** What a word comes to: a good end, or the upstream's word for its own failure. */
export type Ending = StopKind | "failure";

/**
 * The words of all makers in small letters. Those of one stand in the dialect of another, where a server passes them on:
 * QwenLM/qwen-code#9884, mozilla-ai/any-llm#1200, aws-samples/bedrock-access-gateway#11, earendil-works/pi#1509.
 */
const ENDINGS: ReadonlyMap<string, Ending> = new Map<string, Ending>([
  ["stop", "end"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["max_output_tokens", "length"],
  ["max_length", "length"],
  ["model_length", "context-full"],
  ["model_context_window_exceeded", "context-full"],
  ["tool_calls", "tool-calls"],
  ["tool_call", "tool-calls"],
  ["tool_use", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "refusal"],
  ["content_filtered", "refusal"],
  ["sensitive", "refusal"],
  ["refusal", "refusal"],
  ["guardrail_intervened", "refusal"],
  ["safety", "refusal"],
  ["recitation", "refusal"],
  ["blocklist", "refusal"],
  ["prohibited_content", "refusal"],
  ["spii", "refusal"],
  ["error_toxic", "refusal"],
  ["error", "failure"],
  ["abort", "failure"],
  ["timeout", "failure"],
  ["network_error", "failure"],
  ["insufficient_system_resource", "failure"],
]);

/** null: nobody knows the word. */
export function endingOf(word: string): Ending | null {
  return ENDINGS.get(word.toLowerCase()) ?? null;
}

/** The good end that a word of another dialect's maker stands for; null: none. */
export function foreignEnd(word: string): StopKind | null {
  const ending = endingOf(word);
  return ending === "failure" ? null : ending;
}
