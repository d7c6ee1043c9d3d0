/**
 * Reads one item of an answer's output, in pieces or whole. A server may send the pieces, the whole item, or
 * both; content that has been emitted is not emitted again.
 */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import type { Seal, SearchPart } from "../../neutral/message.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { decodeAnnotation } from "./citation.ts";
import { MAKER } from "./seal.ts";

/** The state that all items of one answer share. */
export interface AnswerContext {
  /**
   * Returns the id of a call: `wanted`, or a new id when `wanted` is null or another call of the answer has
   * it.
   */
  callId(wanted: string | null): string;
  hasCall: boolean;
  hasRefusal: boolean;
}

export type PieceKind = "text" | "refusal" | "summary" | "reasoning" | "input";

export abstract class ItemReader {
  /** Events that are certain and have not been handed on. */
  readonly events: ModelEvent[] = [];
  isDone = false;

  /** Reads the item as it is announced. */
  begin(_item: JsonObject): void {}
  /** Reads a piece of part `index`. */
  piece(_kind: PieceKind, _index: number, _text: string): void {}
  /** Reads part `index` as a whole; some or all of it may have come in pieces. */
  whole(_kind: PieceKind, _index: number, _text: string): void {}
  annotation(_index: number, _number: number, _annotation: unknown): void {}

  /** Reads the whole item and ends it. */
  done(item: JsonObject): void {
    this.isDone = true;
    this.finish(item);
  }

  /** Ends an item that never came whole, at the end of the answer. */
  cut(): void {
    this.isDone = true;
    this.finish({});
  }

  protected abstract finish(item: JsonObject): void;
}

export class MessageReader extends ItemReader {
  readonly #context: AnswerContext;
  #phase: string | null = null;
  /** The current part, its kind, and how much of it has been emitted. */
  #part = -1;
  #kind: "text" | "refusal" = "text";
  #sentChars = 0;
  #annotations = 0;
  #isOpen = false;

  constructor(context: AnswerContext) {
    super();
    this.#context = context;
  }

  override begin(item: JsonObject): void {
    this.#phase = asString(item.phase) ?? this.#phase;
  }

  override piece(kind: PieceKind, index: number, text: string): void {
    if (text === "" || (kind !== "text" && kind !== "refusal")) return;
    if (index !== this.#part) this.#turnTo(index);
    this.#open(kind);
    this.#sentChars += text.length;
    this.events.push({ type: "delta", text });
  }

  override whole(kind: PieceKind, index: number, text: string): void {
    if (index < this.#part) return;
    if (index > this.#part) this.#turnTo(index);
    if (text.length > this.#sentChars) this.piece(kind, index, text.slice(this.#sentChars));
  }

  override annotation(index: number, number: number, annotation: unknown): void {
    if (index !== this.#part || number < this.#annotations) return;
    this.#annotations = number + 1;
    const decoded = decodeAnnotation(annotation);
    if (decoded !== null && this.#isOpen && this.#kind === "text") {
      this.events.push({ type: "annotation", annotation: decoded });
    }
  }

  protected override finish(item: JsonObject): void {
    this.begin(item);
    const parts = asArray(item.content);
    for (let index = 0; index < parts.length; index++) {
      const part = asObject(parts[index]);
      if (part === null) continue;
      if (part.type === "refusal") this.whole("refusal", index, asText(part.refusal));
      else if (typeof part.text === "string") this.whole("text", index, part.text);
      const annotations = asArray(part.annotations);
      for (let number = 0; number < annotations.length; number++) {
        this.annotation(index, number, annotations[number]);
      }
    }
    this.#close();
  }

  #turnTo(index: number): void {
    this.#close();
    this.#part = index;
    this.#sentChars = 0;
    this.#annotations = 0;
  }

  #open(kind: "text" | "refusal"): void {
    if (this.#isOpen && this.#kind === kind) return;
    this.#close();
    this.#isOpen = true;
    this.#kind = kind;
    if (kind === "refusal") this.#context.hasRefusal = true;
    const block = kind === "text" ? ({ kind, phase: this.#phase } as const) : ({ kind } as const);
    this.events.push({ type: "open", block });
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.events.push({ type: "close", seal: null });
  }
}

/** Reads reasoning: the parts of the summary, or of the reasoning itself, with a blank line between parts. */
export class ReasoningReader extends ItemReader {
  /** The current part, by kind and number. */
  #kind: PieceKind = "summary";
  #part = -1;
  readonly #seen = new Set<string>();
  #sentChars = 0;
  #isOpen = false;

  override piece(kind: PieceKind, index: number, text: string): void {
    if (text === "" || (kind !== "summary" && kind !== "reasoning")) return;
    if (kind !== this.#kind || index !== this.#part) this.#turnTo(kind, index);
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.events.push({ type: "open", block: { kind: "reasoning" } });
    } else if (this.#sentChars === 0) {
      this.events.push({ type: "delta", text: "\n\n" });
    }
    this.#sentChars += text.length;
    this.events.push({ type: "delta", text });
  }

  override whole(kind: PieceKind, index: number, text: string): void {
    const isCurrent = kind === this.#kind && index === this.#part;
    if (!isCurrent && this.#seen.has(`${kind} ${index}`)) return;
    if (!isCurrent) this.#turnTo(kind, index);
    if (text.length > this.#sentChars) this.piece(kind, index, text.slice(this.#sentChars));
  }

  protected override finish(item: JsonObject): void {
    for (const [kind, parts] of [
      ["summary", asArray(item.summary)],
      ["reasoning", asArray(item.content)],
    ] as const) {
      for (let index = 0; index < parts.length; index++) {
        this.whole(kind, index, asText(asObject(parts[index])?.text));
      }
    }
    const data = asString(item.encrypted_content);
    const seal: Seal | null = data === null ? null : { maker: MAKER, place: "reasoning", data };
    if (!this.#isOpen && seal === null) return;
    if (!this.#isOpen) this.events.push({ type: "open", block: { kind: "reasoning" } });
    this.events.push({ type: "close", seal });
  }

  #turnTo(kind: PieceKind, index: number): void {
    this.#kind = kind;
    this.#part = index;
    this.#seen.add(`${kind} ${index}`);
    this.#sentChars = 0;
  }
}

/** Reads a call of the client's tool. The block opens as soon as name and id are known. */
export class CallReader extends ItemReader {
  readonly #context: AnswerContext;
  readonly #call: "function" | "custom";
  #id: string | null = null;
  #name: string | null = null;
  #namespace: string | null = null;
  #isOpen = false;
  #waiting = "";
  #sentChars = 0;

  constructor(context: AnswerContext, call: "function" | "custom") {
    super();
    this.#context = context;
    this.#call = call;
  }

  override begin(item: JsonObject): void {
    this.#id ??= asString(item.call_id);
    this.#name ??= asString(item.name);
    this.#namespace ??= asString(item.namespace);
    if (this.#id !== null && this.#name !== null) this.#open(this.#name);
  }

  override piece(_kind: PieceKind, _index: number, text: string): void {
    if (text === "") return;
    this.#sentChars += text.length;
    if (this.#isOpen) this.events.push({ type: "delta", text });
    else this.#waiting += text;
  }

  override whole(kind: PieceKind, index: number, text: string): void {
    if (text.length > this.#sentChars) this.piece(kind, index, text.slice(this.#sentChars));
  }

  protected override finish(item: JsonObject): void {
    this.begin(item);
    if (!this.#isOpen) {
      if (this.#name === null) throw new GatewayError("upstream_garbage", REPLY_FAULTS.namelessCall);
      this.#open(this.#name);
    }
    this.whole("input", 0, argumentsText(this.#call === "custom" ? item.input : item.arguments));
    this.events.push({ type: "close", seal: null });
  }

  #open(name: string): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#context.hasCall = true;
    this.events.push({
      type: "open",
      block: {
        kind: "tool-call",
        id: this.#context.callId(this.#id),
        name,
        namespace: this.#namespace,
        call: this.#call,
        seal: null,
      },
    });
    if (this.#waiting !== "") this.events.push({ type: "delta", text: this.#waiting });
    this.#waiting = "";
  }
}

/** Reads items that count only when they are whole: searches, images, and items that only OpenAI has. */
export class WholeReader extends ItemReader {
  readonly #at: string;
  #item: JsonObject = {};

  constructor(at: string) {
    super();
    this.#at = at;
  }

  override begin(item: JsonObject): void {
    this.#item = item;
  }

  protected override finish(item: JsonObject): void {
    const whole = item.type === undefined ? this.#item : item;
    const type = asString(whole.type);
    if (type === null) return;
    if (type === "web_search_call") this.events.push({ type: "part", part: decodeSearch(whole) });
    else if (type === "image_generation_call") this.#image(whole);
    else {
      const raw: Seal = { maker: MAKER, place: "raw", data: jsonText(whole) };
      this.events.push({ type: "part", part: { type: "opaque", name: type, raw, at: this.#at } });
    }
  }

  #image(item: JsonObject): void {
    const data = asString(item.result);
    if (data === null) return;
    const mimeType = `image/${asString(item.output_format) ?? "png"}`;
    const source = { kind: "base64", mimeType, data } as const;
    this.events.push({ type: "part", part: { type: "image", source, at: this.#at } });
  }
}

/** A finished web search. It has no query when the model opened a page or searched within one. */
export function decodeSearch(item: JsonObject): SearchPart {
  const action = asObject(item.action);
  const queries = asArray(action?.queries).filter((query) => typeof query === "string");
  const query = asString(action?.query);
  return {
    type: "search",
    id: asString(item.id) ?? "",
    queries: queries.length > 0 || query === null ? queries : [query],
    sources: asArray(action?.sources).flatMap((entry) => {
      const source = asObject(entry);
      const url = asString(source?.url);
      return url === null ? [] : [{ url, title: asString(source?.title) }];
    }),
    raw: { maker: MAKER, place: "raw", data: jsonText(item) },
  };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The arguments as text. Some servers send them as an object. */
function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : jsonText(value);
}

function jsonText(value: unknown): string {
  if (!isDeeperThan(value, MAX_DEPTH)) return JSON.stringify(value);
  throw new GatewayError("upstream_garbage", REPLY_FAULTS.tooDeep);
}
