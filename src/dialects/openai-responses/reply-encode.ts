/**
 * Writes an answer: the events of the stream, if they are wanted, and the response that it comes to. An item is only ended when it is known
 * what follows, as the last one of an incomplete answer is incomplete.
 */
import type { GatewayError } from "../../core/errors.ts";
import { callIdFor } from "../../neutral/conversation/call-ids.ts";
import type { BlockStart, ModelEvent, ModelReply, Stop } from "../../neutral/event.ts";
import { unfold } from "../../neutral/fold.ts";
import type { Annotation, AssistantPart, Seal } from "../../neutral/message.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import type { Usage } from "../../neutral/usage.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { EncodeReplyOptions } from "../codec.ts";
import { CALL_ID_RULE } from "./call-id.ts";
import { raisedErrorOf, streamErrorOf } from "./error-encode.ts";
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
import { echoOf, IN_PROGRESS, ResponseFrame, TOOL_SEARCH } from "./response-frame.ts";
import { incompleteReason } from "./stop.ts";
import { encodeUsage } from "./usage.ts";

interface MessageItem {
  readonly kind: "message";
  readonly id: string;
  readonly phase: string | null;
  readonly parts: OutputPart[];
  /** Of its last text, which ends the message. */
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

export class ReplyWriter {
  readonly #isStream: boolean;
  readonly #idSeed: string;
  readonly #frame: ResponseFrame;
  readonly #searchesTools: boolean;
  #out = "";
  #number = 0;
  #hasStarted = false;
  /** Items that have ended, as JSON texts. */
  readonly #output: string[] = [];
  #item: OpenItem | null = null;
  /** The block that is open in it, and its text so far. */
  #block: BlockStart | null = null;
  #text = "";
  #annotations: UrlCitation[] = [];
  /** References to the block as a whole, whose end is not known yet. */
  #wholeAnnotations: Annotation[] = [];
  /** What all delta events of the block have in common. */
  #deltaHead = "";
  #deltaTail = "";
  #hasRefusal = false;
  #usage: Usage | null = null;

  constructor(options: EncodeReplyOptions, isStream: boolean) {
    this.#isStream = isStream;
    this.#idSeed = options.idSeed;
    this.#frame = new ResponseFrame(options);
    this.#searchesTools = echoOf(options.echo).searchesTools;
  }

  /** What has been written since the last time. */
  take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  add(event: ModelEvent): void {
    switch (event.type) {
      case "delta":
        this.#delta(event.text);
        return;
      case "start":
        this.#start();
        return;
      case "open":
        this.#open(event.block);
        return;
      case "annotation":
        this.#annotate(event.annotation);
        return;
      case "close":
        this.#close(event.seal);
        return;
      case "part":
        this.#part(event.part);
        return;
      case "usage":
        this.#usage = event.usage;
        return;
      case "end":
      case "fail":
    }
  }

  /** Ends the answer well; the response that it came to, as JSON text. */
  end(stop: Stop): string {
    const hasWords = this.#hasRefusal;
    if (stop.kind === "refusal" && stop.explanation !== null && !hasWords) {
      this.#open({ kind: "refusal" });
      this.#delta(stop.explanation);
      this.#close(null);
    }
    const reason = incompleteReason(stop, hasWords);
    this.#finishItem(reason === null ? "completed" : "incomplete");
    const status = reason === null ? "completed" : "incomplete";
    const usage = encodeUsage(this.#usage);
    const response = this.#frame.write({
      status,
      error: null,
      incompleteReason: reason,
      output: this.#output,
      usage,
    });
    this.#event(`response.${status}`, `"response":${response}`);
    return response;
  }

  /**
   * Ends the stream with a failure: `response.failed` for clients that read the response, and `error`, which the official SDKs raise.
   */
  fail(error: GatewayError): void {
    this.#start();
    // The end of a call's arguments would tell clients to make it.
    if (this.#block !== null && this.#item?.kind !== "call") this.#close(null);
    this.#finishItem("incomplete");
    const { code, message } = streamErrorOf(error);
    const response = this.#frame.write({
      status: "failed",
      error: { code, message },
      incompleteReason: null,
      output: this.#output,
      usage: this.#usage === null ? null : encodeUsage(this.#usage),
    });
    this.#event("response.failed", `"response":${response}`);
    this.#event("error", JSON.stringify(raisedErrorOf(error)).slice(1, -1));
  }

  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    if (!this.#isStream) return;
    const response = `"response":${this.#frame.write(IN_PROGRESS)}`;
    this.#event("response.created", response);
    this.#event("response.in_progress", response);
  }

  /** `members` is the rest of the object, as JSON text. */
  #event(type: string, members: string): void {
    if (!this.#isStream) return;
    this.#out += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#number++},${members}}\n\n`;
  }

  #id(prefix: string): string {
    return `${prefix}_${this.#idSeed}_${this.#output.length}`;
  }

  /** Where an event of the open item belongs. */
  #place(id: string): string {
    return `"item_id":"${id}","output_index":${this.#output.length}`;
  }

  #addItem(item: string): void {
    this.#event("response.output_item.added", `"output_index":${this.#output.length},"item":${item}`);
  }

  #doneItem(item: string): void {
    this.#event("response.output_item.done", `"output_index":${this.#output.length},"item":${item}`);
    this.#output.push(item);
  }

  #open(block: BlockStart): void {
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
    this.#text = "";
  }

  /** Texts that follow one another are parts of one message. */
  #openPart(block: BlockStart & { readonly kind: "text" | "refusal" }): void {
    const phase = block.kind === "text" ? block.phase : null;
    let item = this.#item;
    const goesOn =
      item?.kind === "message" && item.seal === null && (block.kind === "refusal" || item.phase === phase);
    if (!goesOn || item?.kind !== "message") {
      this.#finishItem("completed");
      item = { kind: "message", id: this.#id("msg"), phase, parts: [], seal: null };
      this.#item = item;
      this.#addItem(messageItem(item.id, "in_progress", phase, []));
    }
    const isText = block.kind === "text";
    if (!isText) this.#hasRefusal = true;
    const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
    const part: OutputPart = isText ? textPart("") : { type: "refusal", refusal: "" };
    this.#event("response.content_part.added", `${place},"part":${JSON.stringify(part)}`);
    this.#useDeltas(isText ? "response.output_text.delta" : "response.refusal.delta", place, isText);
  }

  #openReasoning(): void {
    this.#finishItem("completed");
    const item: ReasoningItem = { kind: "reasoning", id: this.#id("rs"), seal: null };
    this.#item = item;
    this.#addItem(reasoningItem(item.id, "in_progress", "", null));
    const place = `${this.#place(item.id)},"summary_index":0`;
    this.#useDeltas("response.reasoning_summary_text.delta", place, false);
  }

  #openCall(block: BlockStart & { readonly kind: "tool-call" }): void {
    this.#finishItem("completed");
    if (block.seal !== null) this.#sealItem(block.seal);
    const { name, namespace, call } = block;
    const isToolSearch =
      this.#searchesTools && call === "function" && namespace === null && name === TOOL_SEARCH;
    const callId = callIdFor(block.id, CALL_ID_RULE);
    const id = this.#id(isToolSearch ? "tsc" : call === "function" ? "fc" : "ctc");
    this.#item = { kind: "call", id, call, callId, name, namespace, isToolSearch };
    this.#addItem(
      isToolSearch
        ? toolSearchItem(id, "in_progress", callId, {})
        : callItem(id, "in_progress", call, { callId, name, namespace }, ""),
    );
    const type = call === "function" ? "function_call_arguments" : "custom_tool_call_input";
    this.#useDeltas(isToolSearch ? null : `response.${type}.delta`, this.#place(id), false);
  }

  /** `type`: null where the block's text is only shown whole. */
  #useDeltas(type: string | null, place: string, hasLogprobs: boolean): void {
    this.#deltaHead = type === null ? "" : `event: ${type}\ndata: {"type":"${type}","sequence_number":`;
    this.#deltaTail = type === null ? "" : `,${place}${hasLogprobs ? ',"logprobs":[]' : ""},"delta":`;
  }

  #delta(text: string): void {
    const isFirst = this.#text === "";
    this.#text += text;
    if (!this.#isStream || this.#deltaHead === "") return;
    if (isFirst && this.#item?.kind === "reasoning") {
      this.#summaryEvent("part.added", `"part":{"type":"summary_text","text":""}`);
    }
    this.#out += `${this.#deltaHead}${this.#number++}${this.#deltaTail}${JSON.stringify(text)}}\n\n`;
  }

  #summaryEvent(name: string, members: string): void {
    const place = `${this.#place((this.#item as OpenItem).id)},"summary_index":0`;
    this.#event(`response.reasoning_summary_${name}`, `${place},${members}`);
  }

  #annotate(annotation: Annotation): void {
    if (annotation.kind !== "url") return;
    if (annotation.start === null || annotation.end === null) this.#wholeAnnotations.push(annotation);
    else this.#cite(citationOf(annotation, 0));
  }

  #cite(citation: UrlCitation | null): void {
    const item = this.#item;
    if (citation === null || item?.kind !== "message") return;
    const number = this.#annotations.push(citation) - 1;
    const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
    this.#event(
      "response.output_text.annotation.added",
      `${place},"annotation_index":${number},"annotation":${JSON.stringify(citation)}`,
    );
  }

  /** Ends the block; its item waits for what follows. */
  #close(seal: Seal | null): void {
    const item = this.#item;
    const block = this.#block;
    this.#block = null;
    if (item?.kind === "message") this.#closePart(item, block?.kind === "refusal", seal);
    else if (item?.kind === "reasoning") this.#closeReasoning(item, seal);
    else if (item?.kind === "call") this.#closeCall(item);
  }

  #closePart(item: MessageItem, isRefusal: boolean, seal: Seal | null): void {
    const text = this.#text;
    if (this.#wholeAnnotations.length > 0) {
      const chars = codePointsOf(text);
      for (const annotation of this.#wholeAnnotations) this.#cite(citationOf(annotation, chars));
      this.#wholeAnnotations = [];
    }
    const part: OutputPart = isRefusal
      ? { type: "refusal", refusal: text }
      : textPart(text, this.#annotations);
    this.#annotations = [];
    if (this.#isStream) {
      const place = `${this.#place(item.id)},"content_index":${item.parts.length}`;
      const json = JSON.stringify(text);
      if (isRefusal) this.#event("response.refusal.done", `${place},"refusal":${json}`);
      else this.#event("response.output_text.done", `${place},"text":${json},"logprobs":[]`);
      this.#event("response.content_part.done", `${place},"part":${JSON.stringify(part)}`);
    }
    item.parts.push(part);
    item.seal = seal;
  }

  #closeReasoning(item: ReasoningItem, seal: Seal | null): void {
    item.seal = seal;
    if (this.#text === "" || !this.#isStream) return;
    const json = JSON.stringify(this.#text);
    this.#summaryEvent("text.done", `"text":${json}`);
    this.#summaryEvent("part.done", `"part":{"type":"summary_text","text":${json}}`);
  }

  #closeCall(item: CallItem): void {
    if (item.isToolSearch) return;
    const place = this.#place(item.id);
    if (item.call === "custom") {
      this.#event("response.custom_tool_call_input.done", `${place},"input":${JSON.stringify(this.#text)}`);
      return;
    }
    if (this.#text === "") this.#delta("{}");
    const name = JSON.stringify(item.name);
    const json = JSON.stringify(this.#text);
    this.#event("response.function_call_arguments.done", `${place},"name":${name},"arguments":${json}`);
  }

  #finishItem(status: ItemStatus): void {
    const item = this.#item;
    if (item === null) return;
    this.#item = null;
    if (item.kind === "reasoning") {
      this.#doneItem(reasoningItem(item.id, status, this.#text, item.seal));
    } else if (item.kind === "call") {
      this.#doneItem(
        item.isToolSearch
          ? toolSearchItem(item.id, status, item.callId, parseArguments(this.#text) ?? {})
          : callItem(item.id, status, item.call, item, this.#text),
      );
    } else {
      this.#doneItem(messageItem(item.id, status, item.phase, item.parts));
      if (item.seal !== null) this.#sealItem(item.seal);
    }
  }

  /** State that belongs to what stands beside it: an item of reasoning without a word. */
  #sealItem(seal: Seal): void {
    const id = this.#id("rs");
    this.#addItem(reasoningItem(id, "in_progress", "", null));
    this.#doneItem(reasoningItem(id, "completed", "", seal));
  }

  #part(part: AssistantPart & { readonly type: "search" | "image" | "opaque" }): void {
    this.#finishItem("completed");
    if (part.type === "image") {
      const id = this.#id("ig");
      this.#whole(id, imageItem(id, "in_progress", part), imageItem(id, "completed", part), IMAGE_STEPS);
    } else if (part.type === "search") {
      // Blocks of another maker, without which it cannot be replayed to that.
      if (part.raw !== null && part.raw.maker !== "openai") this.#sealItem(part.raw);
      const id = this.#id("ws");
      this.#whole(id, searchItem(id, "in_progress", part), searchItem(id, "completed", part), SEARCH_STEPS);
    } else {
      const item = part.raw.maker === "openai" ? asObject(parse(part.raw.data)) : null;
      if (item === null) this.#sealItem(part.raw);
      else this.#whole(asString(item.id) ?? "", part.raw.data, part.raw.data, []);
    }
  }

  #whole(id: string, added: string, done: string, steps: readonly string[]): void {
    this.#addItem(added);
    for (const step of steps) this.#event(`response.${step}`, this.#place(id));
    this.#doneItem(done);
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

function codePointsOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** A whole response as JSON text. */
export function encodeReply(reply: ModelReply, options: EncodeReplyOptions): string {
  const writer = new ReplyWriter(options, false);
  for (const event of unfold(reply)) writer.add(event);
  return writer.end(reply.stop);
}
