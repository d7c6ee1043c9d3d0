// What a provider remembers of prompts, per organisation and model.
// OpenAI and Google remember every beginning by themselves, in steps of 128 tokens. Anthropic remembers the beginnings that a
// request marks, and on the next request looks for one at each mark and up to 20 blocks before it.

import { createHash } from "node:crypto";
import type { Prompt, Question } from "./question.ts";

const MIN_TOKENS = 1024;
const STEP_TOKENS = 128;
const MAX_ENTRIES = 200_000;
const CHARS_PER_TOKEN = 4;
const LOOKBACK_BLOCKS = 20;

/** Tokens of a text as the simulator counts them: a quarter of its characters, and at least one. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARS_PER_TOKEN));
}

/** Tokens of a whole prompt: what the counting endpoints say and what usage says later. */
export function countPrompt(prompt: Prompt): number {
  return prompt.parts.reduce((sum, part) => sum + countTokens(part), 0);
}

export interface PromptTokens {
  /** All prompt tokens, cached and written ones among them. */
  readonly total: number;
  /** Tokens of the longest beginning that was remembered. */
  readonly cached: number;
  /** Tokens that this request had remembered; 0 where the provider does it by itself. */
  readonly written: { readonly "5m": number; readonly "1h": number };
}

const NOT_WRITTEN = { "5m": 0, "1h": 0 } as const;

export class PromptCache {
  readonly #seen = new Set<string>();

  /** Counts a prompt, and remembers what its provider remembers; below `minTokens` that is nothing. */
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

  /** The oldest beginning goes when there is no more room; one that is used again is young again. */
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
