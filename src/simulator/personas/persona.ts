// A persona: a server that speaks OpenAI's Chat in its own way, as data and small rules. It takes what OpenAI takes, and
// beside that what the persona says.

import type { JsonRecord } from "../base/json.ts";
import type { Refusal } from "../base/refusal.ts";
import type { CompatWord } from "../scenarios/words.ts";

export interface Persona {
  /** What the server enforces, for the help. */
  readonly about: string;
  /** The models that it lists; the first is the one to try. */
  readonly models: readonly string[];
  /** Oddities of all its answers, as in `~compat=`. */
  readonly words: readonly CompatWord<"openai-chat">[];
  readonly takes: Takes;
  /** Refusals in its own words. They come before OpenAI's rules. */
  readonly rules: readonly Rule[];
  /** Whether the model thinks about a request. */
  readonly thinks: (body: JsonRecord, model: string) => boolean;
  /** Scenarios in place of the general faults: its own words for a limit, an empty account, a wrong key. */
  readonly faults: Readonly<Record<string, string>>;
  /** The refusal of a prompt that leaves no room for the answer, in the context of the model. */
  readonly tooLong: (sizes: Sizes) => Refusal;
  /** The id of a call; absent: as OpenAI makes ids. */
  readonly callId?: (call: NewCall) => string;
  /** Models whose prompts are cached at marks, as Claude's are; all others are cached without. */
  readonly cachesAtMarks?: (model: string) => boolean;
  /** The content type of its streams; absent: the right one. */
  readonly streamType?: string;
  /** A comment that begins its streams. */
  readonly opening?: string;
}

export interface NewCall {
  /** Of a random number. */
  readonly hex: string;
  readonly name: string;
  /** How many calls the conversation has had. */
  readonly index: number;
  readonly isThinking: boolean;
}

/** What it takes beside what OpenAI takes. */
export interface Takes {
  /** Members of the assistant's messages. */
  readonly assistant?: readonly string[];
  /** Marks of the prompt cache (`cache_control`) on messages, texts and tools. */
  readonly cacheMarks?: boolean;
  /** Texts of the assistant that think, as Mistral's. */
  readonly thinkingChunks?: boolean;
  /** Members of a request; absent: any. */
  readonly only?: readonly string[];
  /** With `only`: objects of which it knows no member. */
  readonly empty?: readonly string[];
  /** With `only`: the refusal of a member that it does not know, by its path. */
  readonly unknown?: (path: readonly (string | number)[], value: unknown, body: JsonRecord) => Refusal;
}

/** A request as rules read it. */
export interface Asked {
  readonly body: JsonRecord;
  readonly model: string;
  readonly organization: string;
  readonly messages: readonly JsonRecord[];
  readonly isThinking: boolean;
}

/** The refusal of a request; undefined: it keeps the rule. */
export type Rule = (asked: Asked) => Refusal | undefined;

export interface Sizes {
  readonly contextTokens: number;
  readonly promptTokens: number;
  /** The limit of the answer; undefined without one. */
  readonly askedTokens: number | undefined;
}
