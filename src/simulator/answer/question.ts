// What a request asks, in no provider's words: each dialect makes it of its body.

import type { ToolOffer } from "./tool.ts";

/** What a prompt is to the cache: its parts as they were sent, in the provider's order. */
export interface Prompt {
  readonly parts: readonly string[];
  /**
   * Where the request marks the prompt for the cache (Messages): the part that ends there and how long it is kept.
   * Absent where the provider caches by itself.
   */
  readonly marks?: readonly { readonly part: number; readonly ttl: "5m" | "1h" }[];
}

/** One text of the conversation, or a call or its result. */
export interface Turn {
  readonly by: "user" | "model" | "tool";
  readonly text: string;
}

/** The part of a request that the answer hangs on. */
export interface Question {
  readonly model: string;
  readonly organization: string;
  readonly prompt: Prompt;
  readonly turns: readonly Turn[];
  readonly tools: readonly ToolOffer[];
  /** A list names the tools that must be called. */
  readonly choice: "none" | "auto" | "required" | readonly string[];
  readonly isParallel: boolean;
  readonly isReasoning: boolean;
  /** A JSON Schema, true for any JSON, undefined for prose. */
  readonly format?: unknown;
  readonly maxTokens?: number;
  readonly stops: readonly string[];
  /** How often this answer was paused already; absent where the dialect has no pauses. */
  readonly pauses?: number;
  /** How many parts of this answer came already; absent where the dialect has no continuations. */
  readonly hops?: number;
}

/** The last text of the user. */
export function lastUserText(question: Question): string {
  return question.turns.findLast((turn) => turn.by === "user")?.text ?? "";
}

/** Results that came after the last words of the model: now it is time for text. */
export function newResults(question: Question): readonly Turn[] {
  const from = question.turns.findLastIndex((turn) => turn.by === "model");
  return question.turns.slice(from + 1).filter((turn) => turn.by === "tool");
}
