/** Writes streamed answers: chunks of one choice, `[DONE]` at the end. */
import type { GatewayError } from "../../core/errors.ts";
import type { BlockStart, ModelEvent, Stop } from "../../neutral/event.ts";
import type { ImagePart, OpaquePart, SearchPart } from "../../neutral/message.ts";
import type { Usage } from "../../neutral/usage.ts";
import type { EncodeReplyOptions, StreamEncoder } from "../codec.ts";
import { AnnotationWriter } from "./citation.ts";
import { renderStreamError } from "./error-encode.ts";
import type { ChatReplyContext } from "./reply-context.ts";
import { encodeSeal, imageOf } from "./reply-encode.ts";
import { FINISH_REASONS } from "./stop.ts";
import { encodeUsage } from "./usage.ts";

export class ChatStreamEncoder implements StreamEncoder {
  readonly keepsAnswer = false;
  readonly #context: ChatReplyContext;
  /** The text of each chunk in front of its choices. */
  readonly #head: string;
  /** The text of each chunk behind its choice. */
  readonly #tail: string;
  readonly #annotations = new AnnotationWriter();
  #block: BlockStart | null = null;
  #calls = 0;
  #hasArguments = false;
  #hasRefusal = false;
  #usage: Usage | null = null;
  #isOver = false;

  constructor({ idSeed, model, createdAtS, replyContext }: EncodeReplyOptions) {
    this.#context = replyContext as ChatReplyContext;
    const common = JSON.stringify({
      id: `chatcmpl-${idSeed}`,
      object: "chat.completion.chunk",
      created: createdAtS,
      model,
    });
    this.#head = `data: ${common.slice(0, -1)},"choices":[`;
    this.#tail = this.#context.includeUsage ? '}],"usage":null}\n\n' : "}]}\n\n";
  }

  encode(event: ModelEvent): string {
    if (this.#isOver) return "";
    switch (event.type) {
      case "start":
        return this.#chunk('{"role":"assistant","content":"","refusal":null}');
      case "open":
        return this.#open(event.block);
      case "delta":
        return this.#delta(event.text);
      case "annotation":
        this.#annotations.add(event.annotation);
        return "";
      case "close":
        return this.#close();
      case "part":
        return this.#part(event.part);
      case "usage":
        this.#usage = event.usage;
        return "";
      case "end":
        return this.#end(event.stop);
      case "fail":
        return "";
    }
  }

  fail(error: GatewayError, requestId: string): string {
    if (this.#isOver) return "";
    this.#isOver = true;
    return renderStreamError(error, requestId, { framing: "sse", isFirst: false, isMidFrame: false });
  }

  /** `delta` and `finishReason` are JSON text. */
  #chunk(delta: string, finishReason = "null"): string {
    return `${this.#head}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}${this.#tail}`;
  }

  #open(block: BlockStart): string {
    this.#block = block;
    if (block.kind === "refusal") this.#hasRefusal = true;
    if (block.kind !== "tool-call") return "";
    const { id, name, call, seal } = block;
    this.#hasArguments = call === "custom";
    const index = this.#calls++;
    if (this.#isLegacy()) return this.#chunk(JSON.stringify({ function_call: { name, arguments: "" } }));
    const body =
      call === "custom"
        ? { type: "custom", custom: { name, input: "" } }
        : { type: "function", function: { name, arguments: "" } };
    return this.#chunk(JSON.stringify({ tool_calls: [{ index, id, ...body, ...encodeSeal(seal) }] }));
  }

  #delta(text: string): string {
    const value = JSON.stringify(text);
    const block = this.#block;
    switch (block?.kind) {
      case "text":
        this.#annotations.say(text);
        return this.#chunk(`{"content":${value}}`);
      case "refusal":
        return this.#chunk(`{"refusal":${value}}`);
      case "reasoning":
        return this.#chunk(`{"reasoning_content":${value}}`);
      case "tool-call": {
        this.#hasArguments = true;
        if (this.#isLegacy()) return this.#chunk(`{"function_call":{"arguments":${value}}}`);
        const body =
          block.call === "custom" ? `"custom":{"input":${value}}` : `"function":{"arguments":${value}}`;
        return this.#chunk(`{"tool_calls":[{"index":${this.#calls - 1},${body}}]}`);
      }
      default:
        return "";
    }
  }

  #close(): string {
    const block = this.#block;
    // Clients parse the arguments, so no arguments become `{}`.
    const rest = block?.kind === "tool-call" && !this.#hasArguments ? this.#delta("{}") : "";
    if (block?.kind === "text") this.#annotations.close();
    this.#block = null;
    return rest;
  }

  #part(part: SearchPart | ImagePart | OpaquePart): string {
    const images = part.type === "image" ? imageOf(part) : null;
    return images === null ? "" : this.#chunk(JSON.stringify({ images: [images] }));
  }

  #end(stop: Stop): string {
    this.#isOver = true;
    let text = "";
    if (stop.kind === "refusal" && stop.explanation !== null && !this.#hasRefusal)
      text += this.#chunk(JSON.stringify({ refusal: stop.explanation }));
    const annotations = this.#annotations.written;
    if (annotations.length > 0) text += this.#chunk(JSON.stringify({ annotations }));
    const isLegacy = this.#context.usesFunctions && stop.kind === "tool-calls";
    const reason = isLegacy ? "function_call" : FINISH_REASONS[stop.kind];
    text += this.#chunk("{}", `"${reason}"`);
    if (this.#context.includeUsage)
      text += `${this.#head}],"usage":${JSON.stringify(encodeUsage(this.#usage))}}\n\n`;
    return `${text}data: [DONE]\n\n`;
  }

  /** The deprecated form has room for one call. */
  #isLegacy(): boolean {
    return this.#context.usesFunctions && this.#calls === 1;
  }
}
