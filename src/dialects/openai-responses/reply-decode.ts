/**
 * Reads the output of an answer, whole or streamed. A stream may mix several items; their events are held
 * back so that blocks never interleave.
 */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { Folder } from "../../neutral/fold.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { DecodeReplyOptions } from "../codec.ts";
import { presentError, statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import {
  type AnswerContext,
  CallReader,
  type ItemReader,
  MessageReader,
  ReasoningReader,
  WholeReader,
} from "./item-decode.ts";
import { decodeStop } from "./stop.ts";
import { decodeUsage } from "./usage.ts";

export type Emit = (event: ModelEvent) => void;

/**
 * The item that an event belongs to. Servers may leave out the id or the index, and some give each event of
 * an item another id.
 */
export interface ItemPlace {
  readonly index: number | null;
  readonly id: string | null;
}

/** Holds the readers of all items and hands on their events in order. */
export class OutputDecoder implements AnswerContext {
  hasCall = false;
  hasRefusal = false;
  readonly #idSeed: string;
  #minted = 0;
  readonly #callIds = new Set<string>();
  /** In order of first appearance. */
  readonly #readers: ItemReader[] = [];
  /** The index of the first unfinished item. */
  #head = 0;
  readonly #byIndex = new Map<number, ItemReader>();
  readonly #byId = new Map<string, ItemReader>();
  #isOpen = false;

  constructor(idSeed: string) {
    this.#idSeed = idSeed;
  }

  callId(wanted: string | null): string {
    let id = wanted;
    while (id === null || this.#callIds.has(id)) id = mintCallId(this.#idSeed, this.#minted++);
    this.#callIds.add(id);
    return id;
  }

  /** Whether a block is open in the events handed on. */
  get isInBlock(): boolean {
    return this.#isOpen;
  }

  /** Reads an announced item. */
  begin(place: ItemPlace, item: JsonObject): void {
    const known = this.#find(place);
    // Some servers number each item 0. A repeated item is not a new one.
    const isNew = known === null || (known.isDone && place.id !== null && !this.#byId.has(place.id));
    if (isNew) this.#add(place, item).begin(item);
    else if (!known.isDone) known.begin(item);
  }

  /** Reads a whole item, once. */
  done(place: ItemPlace, item: JsonObject): void {
    const reader = this.#find(place) ?? this.#add(place, item);
    if (!reader.isDone) reader.done(item);
  }

  /** The reader for a piece; null: its item is over. */
  readerOf(place: ItemPlace, type: string): ItemReader | null {
    const known = this.#find(place) ?? this.#lastOpen(place);
    if (known !== null) return known.isDone ? null : known;
    return this.#add(place, { type });
  }

  /** Ends the answer. `output` is the whole output, as far as the server repeats it. */
  finish(output: readonly unknown[]): void {
    for (let index = 0; index < output.length; index++) {
      const item = asObject(output[index]);
      if (item !== null) this.done({ index, id: asString(item.id) }, item);
    }
    for (let at = this.#head; at < this.#readers.length; at++) {
      const reader = this.#readers[at] as ItemReader;
      if (!reader.isDone) reader.cut();
    }
  }

  /** Hands on the certain events, in order. */
  drain(emit: Emit): void {
    for (let reader = this.#readers[this.#head]; reader !== undefined; reader = this.#readers[this.#head]) {
      for (const event of reader.events) {
        if (event.type === "open") this.#isOpen = true;
        else if (event.type === "close") this.#isOpen = false;
        emit(event);
      }
      reader.events.length = 0;
      if (!reader.isDone) return;
      this.#head++;
    }
  }

  #find({ index, id }: ItemPlace): ItemReader | null {
    const byIndex = index === null ? undefined : this.#byIndex.get(index);
    return byIndex ?? (id === null ? undefined : this.#byId.get(id)) ?? null;
  }

  /** An event without item and index belongs to the last item. */
  #lastOpen({ index, id }: ItemPlace): ItemReader | null {
    if (index !== null || id !== null) return null;
    return this.#readers.at(-1) ?? null;
  }

  #add({ index, id }: ItemPlace, item: JsonObject): ItemReader {
    const reader = this.#makeReader(asString(item.type), `output[${index ?? this.#readers.length}]`);
    this.#readers.push(reader);
    if (index !== null) this.#byIndex.set(index, reader);
    if (id !== null) this.#byId.set(id, reader);
    return reader;
  }

  #makeReader(type: string | null, at: string): ItemReader {
    switch (type) {
      case "message":
        return new MessageReader(this);
      case "reasoning":
        return new ReasoningReader();
      case "function_call":
        return new CallReader(this, "function");
      case "custom_tool_call":
        return new CallReader(this, "custom");
      default:
        return new WholeReader(at);
    }
  }
}

export function decodeReply(body: JsonObject, options: DecodeReplyOptions): ModelReply {
  const status = statusOf(body);
  const output = new OutputDecoder(options.idSeed);
  const folder = new Folder();
  folder.add(startOf(body));
  output.finish(asArray(body.output));
  output.drain((event) => folder.add(event));
  const usage = decodeUsage(body);
  if (usage !== null) folder.add({ type: "usage", usage });
  folder.add({ type: "end", stop: decodeStop(body, status, output) });
  return folder.reply();
}

export function startOf(response: JsonObject | null): ModelEvent {
  return { type: "start", id: asString(response?.id), model: asString(response?.model) };
}

/** Throws `upstream_garbage` unless the response is a whole answer. */
function statusOf(body: JsonObject): "completed" | "incomplete" {
  const error = presentError(body.error) ?? (body.output === undefined ? statedError(body) : null);
  if (error !== null || body.status === "failed") {
    const { message, raw } = failEvent(error);
    throw new GatewayError("upstream_garbage", message, { detail: raw });
  }
  if (!Array.isArray(body.output)) {
    throw new GatewayError("upstream_garbage", "the upstream's reply is not a response: it has no output");
  }
  if (body.status === "incomplete") return "incomplete";
  if (body.status === "completed" || body.status === undefined || body.status === null) return "completed";
  throw new GatewayError("upstream_garbage", "the upstream's response is not complete");
}
