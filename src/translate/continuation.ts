/** Answers in several parts: a provider that pauses is asked to go on behind what it has said. */
import { Buffer } from "node:buffer";
import type { ModelEvent, ModelReply, Stop } from "../neutral/event.ts";
import { Folder } from "../neutral/fold.ts";
import { addUsage, type Usage } from "../neutral/usage.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/** How often a provider is asked to go on with one answer, and how often in a row without that it says anything. */
const MAX_HOPS = 8;
const MAX_EMPTY_HOPS = 3;

/** Counts the parts of one answer, so that it comes to an end. */
export class Hops {
  #count = 0;
  #empty = 0;

  get count(): number {
    return this.#count;
  }

  /** The same request, going on behind a reply that paused; null when it cannot, or has often enough. */
  goOn(translated: TranslatedRequest, reply: ModelReply, hasSaid: boolean): TranslatedRequest | null {
    this.#count += 1;
    this.#empty = hasSaid ? 0 : this.#empty + 1;
    if (this.#count > MAX_HOPS || this.#empty > MAX_EMPTY_HOPS) return null;
    const { codec, encoded } = translated;
    const body = codec.goOn(encoded.body, reply);
    if (body === null) return null;
    return {
      ...translated,
      encoded: { ...encoded, body },
      body: Buffer.from(JSON.stringify(body), "utf8"),
    };
  }
}

/** Gathers what a streamed part says, to be sent back with the request that goes on. Up to a size: what is longer cannot be gone on with. */
export class PartFolder {
  readonly #maxBytes: number;
  #folder = new Folder();
  #sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(event: ModelEvent): void {
    if (event.type === "delta") this.#sizeBytes += 2 * event.text.length;
    else if (event.type === "part" && event.part.type !== "image") {
      this.#sizeBytes += 2 * (event.part.raw?.data.length ?? 0);
    }
    if (this.#sizeBytes > this.#maxBytes) this.#folder = new Folder();
    else this.#folder.add(event);
  }

  /** null: it was too long. The next part begins. */
  take(stop: Stop): ModelReply | null {
    if (this.#sizeBytes > this.#maxBytes) return null;
    const folder = this.#folder;
    folder.add({ type: "end", stop });
    this.#folder = new Folder();
    this.#folder.add({ type: "start", id: null, model: null });
    this.#sizeBytes = 0;
    return folder.reply();
  }
}

/** Whether the provider waits to be asked to go on. */
export function isPause(stop: Stop): boolean {
  return stop.kind === "pause" || stop.kind === "continuation";
}

/** Whether anything was said. */
export function hasSaid(event: ModelEvent): boolean {
  return event.type === "delta" || event.type === "part";
}

/** One answer of what came before a pause and what came after it. */
export function joinParts(before: readonly ModelEvent[], part: readonly ModelEvent[]): readonly ModelEvent[] {
  if (before.length === 0) return part;
  let earlier: Usage | null = null;
  for (const event of before) if (event.type === "usage") earlier = event.usage;
  const later = part.flatMap((event): ModelEvent[] => {
    if (event.type === "start") return [];
    if (event.type !== "usage" || earlier === null) return [event];
    return [{ type: "usage", usage: addUsage(earlier, event.usage) }];
  });
  return [...before.filter(({ type }) => type !== "end"), ...later];
}
