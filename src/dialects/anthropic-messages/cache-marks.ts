/** Where a prompt is to be cached: at most four places, in the order of the prompt. */
import type { CacheHint } from "../../neutral/message.ts";
import type { WireBlock, WireCacheControl } from "./wire.ts";

const MAX_MARKS = 4;

/** The nearest of the two times that there are: what shall last half a day or longer lasts an hour. */
export function cacheControlOf(hint: CacheHint): WireCacheControl {
  switch (hint.ttl) {
    case "1h":
    case "12h":
    case "24h":
      return { type: "ephemeral", ttl: "1h" };
    case "5m":
      return { type: "ephemeral", ttl: "5m" };
    default:
      return { type: "ephemeral" };
  }
}

export class CacheMarks {
  readonly #blocks: WireBlock[] = [];

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Marks a block, if a hint says so. To be called in the order of the prompt. */
  mark(block: WireBlock, hint: CacheHint | null | undefined): WireBlock {
    if (hint === null || hint === undefined) return block;
    block.cache_control = cacheControlOf(hint);
    this.#blocks.push(block);
    return block;
  }

  /**
   * Takes back the marks in front of the last four (`reserved`: as many fewer), and lets none last longer than one before it: both are
   * refused.
   */
  settle(reserved: number): void {
    const kept = this.#blocks.slice(-(MAX_MARKS - reserved));
    for (const block of this.#blocks.slice(0, -(MAX_MARKS - reserved))) delete block.cache_control;
    let isShort = false;
    for (const block of kept) {
      if (block.cache_control?.ttl !== "1h") isShort = true;
      else if (isShort) block.cache_control = { type: "ephemeral" };
    }
  }
}
