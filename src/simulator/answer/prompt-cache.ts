// The provider's prompt cache, per organisation and model. OpenAI and Google cache every beginning of a
// prompt, in steps of 128 tokens. Anthropic caches the beginnings that a request marks; for the next request
// Anthropic looks up each mark and up to 20 blocks before the mark.

import { createHash } from "node:crypto";
import type { Prompt, Question } from "./question.ts";

const MIN_TOKENS = 1024;
const STEP_TOKENS = 128;
const MAX_ENTRIES = 200_000;
const CHARS_PER_TOKEN = 4;
const LOOKBACK_BLOCKS = 20;

/** Tokens of a text by the simulator's count: a quarter of the characters, at least 1. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARS_PER_TOKEN));
}

/** Tokens of a whole prompt. The counting endpoints and the usage of an answer give the same number. */
export function countPrompt(prompt: Prompt): number {
  return prompt.parts.reduce((sum, part) => sum + countTokens(part), 0);
}

export interface PromptTokens {
  /** All prompt tokens, cached and written ones among them. */
  readonly total: number;
  /** Tokens of the longest cached beginning. */
  readonly cached: number;
  /** Tokens that this request wrote to the cache; 0 where the provider caches without marks. */
  readonly written: { readonly "5m": number; readonly "1h": number };
}

const NOT_WRITTEN = { "5m": 0, "1h": 0 } as const;

export class PromptCache {
  readonly #seen = new Set<string>();

  /** Counts a prompt and caches its beginnings. A prompt below `minTokens` is not cached. */
  look(question: Question, minTokens = MIN_TOKENS): PromptTokens {
    const { prompt, organization, model } = question;
    const total = countPrompt(prompt);
    if (total < minTokens) {
      return { total, cached: 0, written: NOT_WRITTEN };
    }
    const seed = `${organization}\n${model}\n`;
    return prompt.marks === undefined
      ? this.#lookByItself(prompt.parts, total, seed, minTokens)
      : this.#lookAtMarks(prompt, total, seed, minTokens);
  }

  #lookByItself(parts: readonly string[], total: number, seed: string, minTokens: number): PromptTokens {
    const step = Math.min(STEP_TOKENS, minTokens);
    const text = parts.join("\n");
    const hash = createHash("sha256").update(`${step}\n${seed}`);
    let cached = 0;
    let isUnbroken = true;
    for (let tokens = step; tokens * CHARS_PER_TOKEN <= text.length; tokens += step) {
      hash.update(text.slice((tokens - step) * CHARS_PER_TOKEN, tokens * CHARS_PER_TOKEN));
      if (tokens < minTokens) {
        continue;
      }
      const beginning = hash.copy().digest("base64");
      isUnbroken &&= this.#seen.has(beginning);
      cached = isUnbroken ? tokens : cached;
      this.#remember(beginning);
    }
    return { total, cached: Math.min(cached, total), written: NOT_WRITTEN };
  }

  #lookAtMarks({ parts, marks = [] }: Prompt, total: number, seed: string, minTokens: number): PromptTokens {
    const hash = createHash("sha256").update(seed);
    let tokens = 0;
    const beginnings = parts.map((part) => {
      tokens += countTokens(part);
      return { tokens, key: hash.update(`${part}\n`).copy().digest("base64") };
    });
    const found = marks.flatMap(({ part }) =>
      beginnings
        .slice(Math.max(0, part - LOOKBACK_BLOCKS), part + 1)
        .filter(({ key }) => this.#seen.has(key))
        .map((beginning) => beginning.tokens),
    );
    const cached = Math.max(0, ...found);
    const written = { "5m": 0, "1h": 0 };
    let until = cached;
    for (const { part, ttl } of [...marks].sort((a, b) => a.part - b.part)) {
      const beginning = beginnings[part];
      if (beginning === undefined || beginning.tokens < minTokens) {
        continue;
      }
      this.#remember(beginning.key);
      written[ttl] += Math.max(0, beginning.tokens - until);
      until = Math.max(until, beginning.tokens);
    }
    return { total, cached, written };
  }

  clear(): void {
    this.#seen.clear();
  }

  /** Least recently used: a full cache forgets the beginning that was used longest ago. */
  #remember(beginning: string): void {
    this.#seen.delete(beginning);
    this.#seen.add(beginning);
    if (this.#seen.size > MAX_ENTRIES) {
      const oldest = this.#seen.values().next().value;
      if (oldest !== undefined) {
        this.#seen.delete(oldest);
      }
    }
  }
}
