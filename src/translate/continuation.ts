/** Answers in several parts: a provider pauses, and the gateway asks it to continue. */
import { Buffer } from "node:buffer";
import type { ModelEvent, ModelReply, PartialReply, Stop } from "../neutral/event.ts";
import { Folder } from "../neutral/fold.ts";
import { addUsage } from "../neutral/usage.ts";
import { parseJsonObject } from "../wire/json.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/** The longest chain of parts for one answer, and of parts in a row that say nothing. */
const MAX_CONTINUATIONS = 8;
const MAX_EMPTY_CONTINUATIONS = 3;

/** Makes the requests that continue a paused answer, and bounds their number. */
export class Continuations {
  #count = 0;
  #empty = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * The request that continues `request` after the paused `reply`; null: the codec cannot continue it, or the
   * chain is too long.
   */
  next(request: TranslatedRequest, reply: ModelReply, hasSaidAny: boolean): TranslatedRequest | null {
    this.#count += 1;
    this.#empty = hasSaidAny ? 0 : this.#empty + 1;
    if (this.#count > MAX_CONTINUATIONS || this.#empty > MAX_EMPTY_CONTINUATIONS) return null;
    const before = parseJsonObject(request.body);
    const body = before === null ? null : request.codec.continueReply(before, reply);
    return body === null ? null : { ...request, body: Buffer.from(JSON.stringify(body), "utf8") };
  }
}

/**
 * Folds the events of one streamed part into a reply, up to a size: an answer with a longer part cannot be
 * continued.
 */
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

  /** The part as a reply; null: the part was too long. The next part begins. */
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

/** Whether the provider has paused its answer and waits for a request that continues it. */
export function isPause(stop: Stop): boolean {
  return stop.kind === "pause" || stop.kind === "continuation";
}

/** Whether the event holds content. */
export function hasSaid(event: ModelEvent): boolean {
  return event.type === "delta" || event.type === "part";
}

/** Whether the answer, or the part of it, holds content. */
export function holdsContent({ parts }: PartialReply): boolean {
  return parts.some((part) => {
    switch (part.type) {
      case "text":
      case "refusal":
      case "reasoning":
        return part.text !== "";
      case "tool-call":
        return part.input !== "";
      default:
        return true;
    }
  });
}

/** Joins the answer before a pause and the part that follows into one answer. */
export function joinParts(before: PartialReply | null, part: PartialReply): PartialReply {
  if (before === null) return part;
  const { id, model } = before;
  const usage =
    before.usage === null || part.usage === null
      ? (before.usage ?? part.usage)
      : addUsage(before.usage, part.usage);
  return { ...part, id, model, parts: [...before.parts, ...part.parts], usage };
}
