// A request in neutral words; each dialect makes its question from a body.

import type { ToolOffer } from "./tool.ts";

/** A prompt as the cache sees the prompt: the parts as they were sent, in the provider's order. */
export interface Prompt {
  readonly parts: readonly string[];
  /**
   * The cache marks of the request (Messages): the part that a mark ends, and how long the cache keeps that
   * beginning. Absent where the provider caches without marks.
   */
  readonly marks?: readonly { readonly part: number; readonly ttl: "5m" | "1h" }[];
}

/** One text, call or tool result of the conversation. */
export interface Turn {
  readonly by: "user" | "model" | "tool";
  readonly text: string;
}

/** The part of a request that decides the answer. */
export interface Question {
  readonly model: string;
  readonly organization: string;
  readonly prompt: Prompt;
  readonly turns: readonly Turn[];
  readonly tools: readonly ToolOffer[];
  /** A list: the tools that must be called. */
  readonly choice: "none" | "auto" | "required" | readonly string[];
  readonly isParallel: boolean;
  readonly isReasoning: boolean;
  /** A JSON Schema; true: any JSON; undefined: prose. */
  readonly format?: unknown;
  readonly maxTokens?: number;
  readonly stops: readonly string[];
  /** Number of earlier pauses of this answer; absent where the dialect has no pauses. */
  readonly pauses?: number;
  /** Number of earlier parts of this answer; absent where the dialect has no continuations. */
  readonly hops?: number;
}

/** The user's last text. */
export function lastUserText(question: Question): string {
  return question.turns.findLast((turn) => turn.by === "user")?.text ?? "";
}

/** Tool results after the model's last text. With such results the model answers in text. */
export function newResults(question: Question): readonly Turn[] {
  const from = question.turns.findLastIndex((turn) => turn.by === "model");
  return question.turns.slice(from + 1).filter((turn) => turn.by === "tool");
}
