/** The state of an answer that a tap reads, and the contract of a dialect's reader. */
import type { GatewayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import { MAX_STATE_IDS } from "../../../neutral/ceilings.ts";
import type { Usage } from "../../../neutral/usage.ts";
import { asString } from "../../../wire/json.ts";
import type { ShapeNode } from "../../../wire/json-shape.ts";
import type { FailurePlace, TapState } from "../../dialect.ts";
import { failureText } from "../failure-text.ts";
import type { ContentSearch } from "./content-bytes.ts";
import type { NeedleSearch } from "./needle.ts";

const NO_ITEMS: readonly string[] = [];
/** Of one reply. */
const MAX_ITEM_IDS = 16;
/** Ids are kept on the disk. Those of providers have up to some hundred characters. */
const MAX_ID_CHARS = 512;

/** The state that a reader writes and a tap shows. */
export class AnswerReading implements Omit<TapState, "isBetweenFrames"> {
  #usage: Usage | null = null;
  /** Bytes of content that have passed since usage was reported last. */
  uncountedBytes = 0;
  model: string | null = null;
  stateIds: readonly string[] = [];
  itemIds: readonly string[] = NO_ITEMS;
  #pendingId: string | null = null;
  stopReason: string | null = null;
  isRefusal = false;
  progress: TapState["progress"] = "open";
  failure: string | null = null;
  hasContent = false;

  get usage(): Usage | null {
    return this.#usage;
  }

  set usage(usage: Usage | null) {
    this.#usage = usage;
    // Gemini tells the prompt's tokens along with the first text, and no output yet: that text is not counted.
    if (usage !== null && (usage.outputTokens ?? 0) > 0) this.uncountedBytes = 0;
  }

  get pendingId(): string | null {
    return this.#pendingId;
  }

  set pendingId(id: string | null) {
    this.#pendingId = idIn(id);
  }

  /** The upstream reported an error. */
  fail(error: unknown): void {
    this.progress = "failed";
    this.failure ??= failureText(error);
  }

  finish(): void {
    if (this.progress === "open") this.progress = "finished";
  }

  /** Content followed although the answer seemed whole. */
  reopen(): void {
    if (this.progress === "finished") this.progress = "open";
  }

  complete(): void {
    if (this.progress !== "failed") this.progress = "complete";
  }

  addItemId(id: unknown): void {
    const text = idIn(id);
    if (text === null || this.itemIds.length >= MAX_ITEM_IDS || this.itemIds.includes(text)) return;
    this.itemIds = [...this.itemIds, text];
  }

  addStateId(id: unknown): void {
    const text = idIn(id);
    if (text === null || this.stateIds.length === MAX_STATE_IDS || this.stateIds.includes(text)) return;
    this.stateIds = [...this.stateIds, text];
  }
}

function idIn(value: unknown): string | null {
  const text = asString(value);
  return text !== null && text.length <= MAX_ID_CHARS ? text : null;
}

/** Reads a dialect's replies: a tap finds the frames and calls it. */
export interface AnswerReader {
  readonly answer: AnswerReading;
  /**
   * Once content has begun, only frames in which this finds something are read. One for all readers of a
   * dialect: each push of bytes begins it anew.
   */
  readonly search: NeedleSearch;
  /** The members to pick from a frame's data that is too long to be built whole. */
  readonly frameShape: ShapeNode;
  readonly bodyShape: ShapeNode;
  /** Finds what the model has written in a frame. One for all readers of a dialect. */
  readonly content: ContentSearch;
  /** The part of a body that the model has written. */
  contentOf(body: JsonObject): unknown;
  /**
   * Sees whole frames between `from` and `to` in which the search found nothing. Returns false when they have
   * to be read all the same. What the reader keeps of them is read by `catchUp`.
   */
  defers?(bytes: Uint8Array, from: number, to: number): boolean;
  /** Called before `usage` and `model` of the answer are looked at. */
  catchUp?(): void;
  /** Reads the data of a frame. Returns whether to take the frame out. */
  readFrame(event: string, data: unknown): boolean;
  /** The stream's own end mark `[DONE]`. */
  readDone(): void;
  /** Reads a reply that is one JSON value, once it is closed. */
  readBody(body: unknown): void;
  /** Sees bytes that end at `to` with a whole frame, whether their frames were read or not. */
  notePassed?(bytes: Uint8Array, to: number): void;
  /** See `Tap.renderFailure`. */
  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string;
}
