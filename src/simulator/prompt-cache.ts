// What a provider remembers of prompts: the longest beginning that it has seen before, per organisation.

import { createHash } from "node:crypto";

const MIN_TOKENS = 1024;
const MAX_ENTRIES = 20_000;
const CHARS_PER_TOKEN = 4;

/** Tokens of a text as the simulator counts them: a quarter of its characters, and at least one. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARS_PER_TOKEN));
}

export interface PromptTokens {
  readonly total: number;
  /** Tokens of the longest beginning seen before, 0 below 1024. */
  readonly cached: number;
}

export class PromptCache {
  readonly #seen = new Set<string>();

  /** Counts a prompt given in stable parts (tools, system, then each turn), and remembers each beginning of it. */
  look(organization: string, model: string, parts: readonly string[]): PromptTokens {
    const hash = createHash("sha256").update(`${organization}\n${model}\n`);
    let total = 0;
    let cached = 0;
    for (const part of parts) {
      hash.update(part).update("\n");
      total += countTokens(part);
      const beginning = hash.copy().digest("base64");
      if (total < MIN_TOKENS) {
        continue;
      }
      if (this.#seen.has(beginning)) {
        cached = total;
      }
      this.#remember(beginning);
    }
    return { total, cached };
  }

  clear(): void {
    this.#seen.clear();
  }

  #remember(beginning: string): void {
    if (this.#seen.size >= MAX_ENTRIES) {
      const oldest = this.#seen.values().next().value;
      if (oldest !== undefined) {
        this.#seen.delete(oldest);
      }
    }
    this.#seen.add(beginning);
  }
}
