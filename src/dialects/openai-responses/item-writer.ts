/**
 * Writes the items of a response and their events. An item is ended only when the next one begins or the
 * answer ends, as the last item of an incomplete answer is incomplete.
 */
import { GrownText } from "../../neutral/answer/grown-text.ts";
import { codePointsOf } from "../../neutral/code-points.ts";
import { shownIdFor } from "../../neutral/conversation/call-ids.ts";
import type { BlockStart } from "../../neutral/event.ts";
import type { Annotation, AssistantPart, Seal } from "../../neutral/message.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import { asObject, asString } from "../../wire/json.ts";
import { CALL_ID_RULE } from "./call-id.ts";
import type { EventWriter } from "./event-writer.ts";
import {
  type CallNames,
  callItem,
  citationOf,
  type ItemStatus,
  imageItem,
  messageItem,
  type OutputPart,
  parse,
  reasoningItem,
  searchItem,
  textPart,
  toolSearchItem,
  type UrlCitation,
} from "./item-encode.ts";
import { TOOL_SEARCH } from "./reply-context.ts";
import { MAKER } from "./seal.ts";

interface MessageItem {
  readonly kind: "message";
  readonly id: string;
  readonly phase: string | null;
  readonly parts: OutputPart[];
  /** The seal of the last text, which ends the message. */
  seal: Seal | null;
}

interface ReasoningItem {
  readonly kind: "reasoning";
  readonly id: string;
  seal: Seal | null;
}

interface CallItem extends CallNames {
  readonly kind: "call";
  readonly id: string;
  readonly call: "function" | "custom";
  readonly isToolSearch: boolean;
}

type OpenItem = MessageItem | ReasoningItem | CallItem;

export class ItemWriter {
  /** Items that have ended, as JSON texts. */
  readonly output: string[] = [];
  hasRefusal = false;
  readonly #events: EventWriter;
  readonly #idSeed: string;
  readonly #searchesTools: boolean;
  #item: OpenItem | null = null;
  /** The block that is open in the item, and its text so far. */
  #block: BlockStart | null = null;
  readonly #text = new GrownText();
  #annotations: UrlCitation[] = [];
  /** The open call has arguments, and they are a whole JSON object. */
  #isCallWhole = false;
  /** Citations of the block as a whole, whose end is not known yet. */
  #wholeAnnotations: Annotation[] = [];

  constructor(events: EventWriter, idSeed: string, searchesTools: boolean) {
    this.#events = events;
    this.#idSeed = idSeed;
    this.#searchesTools = searchesTools;
  }

  /** Ends the open item of an answer that failed. */
  fail(): void {
    // The end of a call's arguments would make clients run the call.
    if (this.#block !== null && this.#item?.kind !== "call") this.close(null);
    this.finish("incomplete");
  }

  #id(prefix: string): string {
    return `${prefix}_${this.#idSeed}_${this.output.length}`;
  }

  /** The members that place an event at the open item. */
  #place(id: string): string {
    return `"item_id":"${id}","output_index":${this.output.length}`;
  }

  #added(item: string): void {
    this.#events.event("response.output_item.added", `"output_index":${this.output.length},"item":${item}`);
  }

  #done(item: string): void {
    this.#events.event("response.output_item.done", `"output_index":${this.output.length},"item":${item}`);
    this.output.push(item);
  }

  open(block: BlockStart): void {
    switch (block.kind) {
      case "text":
      case "refusal":
        this.#openPart(block);
        break;
      case "reasoning":
        this.#openReasoning();
        break;
      case "tool-call":
        this.#openCall(block);
    }
    this.#block = block;
    this.#text.clear();
  }

  /** Texts that follow one another are parts of one message. */
  #openPart(block: BlockStart & { readonly kind: "text" | "refusal" }): void {
    const phase = block.kind === "text" ? block.phase : null;
    let item = this.#item;
    const continues =
      item?.kind === "message" && item.seal === null && (block.kind === "refusal" || item.phase === phase);
    if (!continues || item?.kind !== "message") {
      this.finish("completed");
      item = { kind: "message", id: this.#id("msg"), phase, parts: [], seal: null };
      this.#item = item;
      this.#added(messageItem(item.id, "in_progress", phase, []));
    }
    const isText = block.kind === "text";
    if (!isText) this.hasRefusal = true;
    const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
    const part: OutputPart = isText ? textPart("") : { type: "refusal", refusal: "" };
    this.#events.event("response.content_part.added", `${place},"part":${JSON.stringify(part)}`);
    this.#events.useDeltas(isText ? "response.output_text.delta" : "response.refusal.delta", place, isText);
  }

  #openReasoning(): void {
    this.finish("completed");
    const item: ReasoningItem = { kind: "reasoning", id: this.#id("rs"), seal: null };
    this.#item = item;
    this.#added(reasoningItem(item.id, "in_progress", "", null));
    const place = `${this.#place(item.id)},"summary_index":0`;
    this.#events.useDeltas("response.reasoning_summary_text.delta", place, false);
  }

  #openCall(block: BlockStart & { readonly kind: "tool-call" }): void {
    this.finish("completed");
    this.#isCallWhole = false;
    if (block.seal !== null) this.#sealItem(block.seal);
    const { name, namespace, call } = block;
    const isToolSearch =
      this.#searchesTools && call === "function" && namespace === null && name === TOOL_SEARCH;
    const callId = shownIdFor(block.id, CALL_ID_RULE);
    const id = this.#id(isToolSearch ? "tsc" : call === "function" ? "fc" : "ctc");
    this.#item = { kind: "call", id, call, callId, name, namespace, isToolSearch };
    this.#added(
      isToolSearch
        ? toolSearchItem(id, "in_progress", callId, {})
        : callItem(id, "in_progress", call, { callId, name, namespace }, ""),
    );
    const type = call === "function" ? "function_call_arguments" : "custom_tool_call_input";
    this.#events.useDeltas(isToolSearch ? null : `response.${type}.delta`, this.#place(id), false);
  }

  /** Adds text to the open block. */
  delta(text: string): void {
    const isFirst = this.#text.length === 0;
    this.#text.add(text);
    if (isFirst && this.#item?.kind === "reasoning" && this.#events.hasDeltas) {
      this.#summaryEvent("part.added", `"part":{"type":"summary_text","text":""}`);
    }
    this.#events.delta(text);
  }

  #summaryEvent(name: string, members: string): void {
    const place = `${this.#place((this.#item as OpenItem).id)},"summary_index":0`;
    this.#events.event(`response.reasoning_summary_${name}`, `${place},${members}`);
  }

  annotate(annotation: Annotation): void {
    if (annotation.kind !== "url") return;
    if (annotation.start === null || annotation.end === null) this.#wholeAnnotations.push(annotation);
    else this.#cite(citationOf(annotation, 0));
  }

  #cite(citation: UrlCitation | null): void {
    const item = this.#item;
    if (citation === null || item?.kind !== "message") return;
    const number = this.#annotations.push(citation) - 1;
    const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
    this.#events.event(
      "response.output_text.annotation.added",
      `${place},"annotation_index":${number},"annotation":${JSON.stringify(citation)}`,
    );
  }

  /** Ends the block; its item stays open. */
  close(seal: Seal | null): void {
    const item = this.#item;
    const block = this.#block;
    this.#block = null;
    if (item?.kind === "message") this.#closePart(item, block?.kind === "refusal", seal);
    else if (item?.kind === "reasoning") this.#closeReasoning(item, seal);
    else if (item?.kind === "call") this.#closeCall(item);
  }

  #closePart(item: MessageItem, isRefusal: boolean, seal: Seal | null): void {
    const { text } = this.#text;
    if (this.#wholeAnnotations.length > 0) {
      const chars = codePointsOf(text);
      for (const annotation of this.#wholeAnnotations) this.#cite(citationOf(annotation, chars));
      this.#wholeAnnotations = [];
    }
    const part: OutputPart = isRefusal
      ? { type: "refusal", refusal: text }
      : textPart(text, this.#annotations);
    this.#annotations = [];
    if (this.#events.isStream) {
      const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
      const json = JSON.stringify(text);
      if (isRefusal) this.#events.event("response.refusal.done", `${place},"refusal":${json}`);
      else this.#events.event("response.output_text.done", `${place},"text":${json},"logprobs":[]`);
      this.#events.event("response.content_part.done", `${place},"part":${JSON.stringify(part)}`);
    }
    item.parts.push(part);
    item.seal = seal;
  }

  #closeReasoning(item: ReasoningItem, seal: Seal | null): void {
    item.seal = seal;
    if (this.#text.length === 0 || !this.#events.isStream) return;
    const json = JSON.stringify(this.#text.text);
    this.#summaryEvent("text.done", `"text":${json}`);
    this.#summaryEvent("part.done", `"part":{"type":"summary_text","text":${json}}`);
  }

  #closeCall(item: CallItem): void {
    this.#isCallWhole =
      item.call === "function" && this.#text.length > 0 && parseArguments(this.#text.text) !== null;
    if (item.isToolSearch) return;
    const place = this.#place(item.id);
    if (item.call === "custom") {
      this.#events.event(
        "response.custom_tool_call_input.done",
        `${place},"input":${JSON.stringify(this.#text.text)}`,
      );
      return;
    }
    if (this.#text.length === 0) this.delta("{}");
    const name = JSON.stringify(item.name);
    const json = JSON.stringify(this.#text.text);
    this.#events.event(
      "response.function_call_arguments.done",
      `${place},"name":${name},"arguments":${json}`,
    );
  }

  /**
   * Ends the last item of an answer. A limit may come right behind a call: whole arguments make a completed
   * call of an incomplete answer.
   */
  end(status: "completed" | "incomplete"): void {
    this.finish(this.#item?.kind === "call" && this.#isCallWhole ? "completed" : status);
  }

  /** Ends the open item, if there is one. */
  finish(status: ItemStatus): void {
    const item = this.#item;
    if (item === null) return;
    this.#item = null;
    const { text } = this.#text;
    if (item.kind === "reasoning") {
      this.#done(reasoningItem(item.id, status, text, item.seal));
    } else if (item.kind === "call") {
      this.#done(
        item.isToolSearch
          ? toolSearchItem(item.id, status, item.callId, parseArguments(text) ?? {})
          : callItem(item.id, status, item.call, item, text),
      );
    } else {
      this.#done(messageItem(item.id, status, item.phase, item.parts));
      if (item.seal !== null) this.#sealItem(item.seal);
    }
  }

  /** A seal of a part that is no reasoning becomes an item of reasoning without text. */
  #sealItem(seal: Seal): void {
    const id = this.#id("rs");
    this.#added(reasoningItem(id, "in_progress", "", null));
    this.#done(reasoningItem(id, "completed", "", seal));
  }

  /** Writes a part that is an item of its own. */
  part(part: AssistantPart & { readonly type: "search" | "image" | "opaque" }): void {
    this.finish("completed");
    if (part.type === "image") {
      const id = this.#id("ig");
      this.#whole(id, imageItem(id, "in_progress", part), imageItem(id, "completed", part), IMAGE_STEPS);
    } else if (part.type === "search") {
      // The blocks of another maker, which needs them to replay the search.
      if (part.raw !== null && part.raw.maker !== MAKER) this.#sealItem(part.raw);
      const id = this.#id("ws");
      this.#whole(id, searchItem(id, "in_progress", part), searchItem(id, "completed", part), SEARCH_STEPS);
    } else {
      const item = part.raw.maker === MAKER ? asObject(parse(part.raw.data)) : null;
      if (item === null) this.#sealItem(part.raw);
      else this.#whole(asString(item.id) ?? "", part.raw.data, part.raw.data, []);
    }
  }

  #whole(id: string, added: string, done: string, steps: readonly string[]): void {
    this.#added(added);
    for (const step of steps) this.#events.event(`response.${step}`, this.#place(id));
    this.#done(done);
  }
}

const SEARCH_STEPS = [
  "web_search_call.in_progress",
  "web_search_call.searching",
  "web_search_call.completed",
];
const IMAGE_STEPS = [
  "image_generation_call.in_progress",
  "image_generation_call.generating",
  "image_generation_call.completed",
];
