/** Marks the places up to which the prompt is cached: at most four. */
import type { JsonObject } from "../../core/json.ts";
import type { CacheHint } from "../../neutral/message.ts";
import { objectAt } from "../shared/members.ts";
import type { WireBlock, WireCacheControl } from "./wire.ts";

const MAX_MARKS = 4;

/** The hint in `cache_control` of the object at `at`. */
export function cacheHintAt(object: JsonObject, at: string): CacheHint | null {
  const mark = objectAt(object, "cache_control", at);
  if (mark === null) return null;
  return { ttl: mark.ttl === "5m" || mark.ttl === "1h" ? mark.ttl : null };
}

/** The nearer of the two times that Anthropic knows: a cache for half a day or longer lasts an hour. */
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

  /** Marks a block, if a hint asks for it. Call it in the order of the prompt. */
  mark(block: WireBlock, hint: CacheHint | null | undefined): WireBlock {
    if (hint === null || hint === undefined) return block;
    block.cache_control = cacheControlOf(hint);
    this.#blocks.push(block);
    return block;
  }

  /**
   * Takes back all marks but the last four (`reserved`: so many fewer), and shortens a mark that would last
   * longer than an earlier one: Anthropic refuses both.
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
