/**
 * Writes a streamed reply by the grammar that the official SDKs insist on: named events, one block after
 * another, indexes without a gap.
 */
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { CitationRoom } from "../../neutral/answer/citation-room.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import { mayEndInCall } from "../../neutral/answer/malformed.ts";
import type { BlockStart, ModelEvent, Stop } from "../../neutral/event.ts";
import type { Annotation, Seal } from "../../neutral/message.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import type { Usage } from "../../neutral/usage.ts";
import type { EncodeReplyOptions, StreamEncoder } from "../codec.ts";
import { callIdForClient } from "./call-id.ts";
import { encodeCitation } from "./citation.ts";
import { renderStreamError } from "./error-encode.ts";
import { replyContextOf } from "./reply-context.ts";
import { malformedArguments, redactedBlock } from "./reply-encode.ts";
import { signatureOf } from "./seal.ts";
import { searchBlocks } from "./search.ts";
import { encodeStop } from "./stop.ts";
import { encodeUsage } from "./usage.ts";
import { MAKER, rawBlocks } from "./wire.ts";

/** JSON text of an empty block. */
const EMPTY_TEXT = '{"type":"text","text":""}';
/** Longer arguments are not none. */
const MAX_NOTHING_CHARS = 64;
const EMPTY_THINKING = '{"type":"thinking","thinking":"","signature":""}';

export class MessagesStreamEncoder implements StreamEncoder {
  readonly keepsAnswer = false;
  readonly #options: EncodeReplyOptions;
  readonly #showsThinking: boolean;
  /** Index of the open block, else of the next one. */
  #index = 0;
  #block: BlockStart | null = null;
  /** The start of the open block has been written. Text and thinking delay it until their first words. */
  #isStarted = false;
  /** The content of the open block so far: for citations, hidden thinking and the check of arguments. */
  readonly #text = new GrownText();
  /** The text that citations quote from. */
  readonly #shown = new GrownText();
  readonly #citationRoom = new CitationRoom();
  #usage: Usage | null = null;
  /** The answer has begun, and its first event is not written yet: usage may come before the first content. */
  #isStartDue = false;
  #hasCalls = false;
  #hasRefusal = false;
  /** The tool of a call with broken arguments. */
  #malformed: string | null = null;
  /** The seal of the text block that was written last. */
  #textSeal: Seal | null = null;

  constructor(options: EncodeReplyOptions) {
    this.#options = options;
    this.#showsThinking = replyContextOf(options.replyContext).showsThinking;
  }

  encode(event: ModelEvent): string {
    const text = this.#textOf(event);
    if (!this.#isStartDue || text === "") return text;
    this.#isStartDue = false;
    return this.#start() + text;
  }

  #textOf(event: ModelEvent): string {
    switch (event.type) {
      case "delta":
        return this.#delta(event.text);
      case "open":
        return this.#open(event.block);
      case "close":
        return this.#close(event.seal);
      case "annotation":
        return this.#annotation(event.annotation);
      case "usage":
        this.#usage = event.usage;
        return "";
      case "part":
        return this.#part(event.part);
      case "start":
        this.#isStartDue = true;
        return "";
      case "end":
        return this.#end(event.stop);
      case "fail":
        return "";
    }
  }

  fail(error: GatewayError, requestId: string): string {
    return renderStreamError(error, requestId, { framing: "sse", isFirst: false, isMidFrame: false });
  }

  /** Clients take the size of the conversation from the first event, so it has a count or a fair estimate. */
  #start(): string {
    const message = {
      id: `msg_${this.#options.idSeed}`,
      type: "message",
      role: "assistant",
      model: this.#options.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: { ...this.#usageOf(), output_tokens: 0 },
    };
    return frame("message_start", `"message":${JSON.stringify(message)}`);
  }

  #open(block: BlockStart): string {
    this.#block = block;
    this.#text.clear();
    this.#shown.clear();
    this.#isStarted = false;
    if (block.kind === "refusal") this.#hasRefusal = true;
    if (block.kind !== "tool-call") return "";
    this.#hasCalls = true;
    const carrier = block.seal === null ? "" : this.#carrier(block.seal);
    const start = { type: "tool_use", id: callIdForClient(block.id), name: block.name, input: {} };
    return carrier + this.#startBlock(JSON.stringify(start));
  }

  #delta(text: string): string {
    const block = this.#block;
    switch (block?.kind) {
      case "text":
        this.#shown.add(text);
        return this.#startOnce(EMPTY_TEXT) + this.#deltaFrame("text_delta", "text", text);
      case "refusal":
        return this.#startOnce(EMPTY_TEXT) + this.#deltaFrame("text_delta", "text", text);
      case "reasoning": {
        const start = this.#startOnce(EMPTY_THINKING);
        if (this.#showsThinking) return start + this.#deltaFrame("thinking_delta", "thinking", text);
        this.#text.add(text);
        return start;
      }
      case "tool-call":
        return this.#argumentsDelta(text);
      default:
        return "";
    }
  }

  /** Holds the text back while it may become `null` or nothing: both mean no arguments. */
  #argumentsDelta(text: string): string {
    const held = this.#nothingYet ?? "";
    this.#text.add(text);
    return this.#nothingYet !== null ? "" : this.#deltaFrame("input_json_delta", "partial_json", held + text);
  }

  /** The arguments so far, while they may still be none; null: there are some. */
  get #nothingYet(): string | null {
    if (this.#text.length >= MAX_NOTHING_CHARS) return null;
    const { text } = this.#text;
    return "null".startsWith(text.trim()) ? text : null;
  }

  #annotation(annotation: Annotation): string {
    if (this.#block?.kind !== "text") return "";
    const citation = JSON.stringify(encodeCitation(annotation, this.#shown.text, this.#citationRoom));
    return (
      this.#startOnce(EMPTY_TEXT) +
      frame(
        "content_block_delta",
        `"index":${this.#index},"delta":{"type":"citations_delta","citation":${citation}}`,
      )
    );
  }

  #close(seal: Seal | null): string {
    const block = this.#block;
    this.#block = null;
    switch (block?.kind) {
      case "text":
        this.#textSeal = seal ?? this.#textSeal;
        return this.#isStarted ? this.#stopBlock() : "";
      case "refusal":
        return this.#isStarted ? this.#stopBlock() : "";
      case "reasoning":
        return this.#closeReasoning(seal);
      case "tool-call":
        return this.#closeCall(block.name);
      default:
        return "";
    }
  }

  #closeReasoning(seal: Seal | null): string {
    if (!this.#isStarted) {
      if (seal === null) return "";
      if (seal.place === "redacted") return this.#wholeBlock(redactedBlock(seal));
    }
    const hidden = this.#showsThinking ? "" : this.#text.text;
    return (
      this.#startOnce(EMPTY_THINKING) +
      this.#deltaFrame("signature_delta", "signature", signatureOf(seal, hidden)) +
      this.#stopBlock()
    );
  }

  #closeCall(name: string): string {
    const input = parseArguments(this.#text.text);
    if (input === null) this.#malformed ??= name;
    const held = input === null ? this.#text.text : "{}";
    const rest = this.#nothingYet !== null ? this.#deltaFrame("input_json_delta", "partial_json", held) : "";
    return rest + this.#stopBlock();
  }

  #part(part: Extract<ModelEvent, { type: "part" }>["part"]): string {
    switch (part.type) {
      case "search": {
        const carrier =
          part.raw !== null && part.raw.maker !== MAKER ? this.#wholeBlock(redactedBlock(part.raw)) : "";
        return searchBlocks(part).reduce((text, block) => text + this.#ownBlock(block), carrier);
      }
      case "opaque": {
        if (part.raw.maker !== MAKER) return this.#wholeBlock(redactedBlock(part.raw));
        const blocks = rawBlocks(part.raw.data) ?? [];
        return blocks.reduce((text, block) => text + this.#ownBlock(block), "");
      }
      case "image":
        return "";
    }
  }

  #end(stop: Stop): string {
    if (this.#malformed !== null && !mayEndInCall(stop)) throw malformedArguments(this.#malformed);
    const delta = JSON.stringify(encodeStop(stop, this.#hasCalls, this.#hasRefusal));
    const usage = JSON.stringify(this.#usageOf());
    return frame("message_delta", `"delta":${delta},"usage":${usage}`) + frame("message_stop", "");
  }

  #usageOf(): JsonObject {
    return encodeUsage(this.#usage, this.#options.promptTokens);
  }

  /** A seal in a block of its own. */
  #carrier(seal: Seal): string {
    return (
      this.#startBlock(EMPTY_THINKING) +
      this.#deltaFrame("signature_delta", "signature", signatureOf(seal, "")) +
      this.#stopBlock()
    );
  }

  /**
   * A block of Anthropic's own kind. The input of a server's tool follows the start of its block, as for any
   * tool.
   */
  #ownBlock({ input, ...block }: JsonObject): string {
    if (input === undefined) return this.#wholeBlock(JSON.stringify(block));
    return (
      this.#startBlock(JSON.stringify({ ...block, input: {} })) +
      this.#deltaFrame("input_json_delta", "partial_json", JSON.stringify(input)) +
      this.#stopBlock()
    );
  }

  #wholeBlock(json: string): string {
    return this.#startBlock(json) + this.#stopBlock();
  }

  #startOnce(json: string): string {
    if (this.#isStarted) return "";
    this.#isStarted = true;
    return this.#startBlock(json);
  }

  /**
   * Writes a text's seal only in front of another block: command lines take the last block of an answer for
   * its text.
   */
  #startBlock(json: string): string {
    const seal = this.#textSeal;
    this.#textSeal = null;
    const carrier = seal === null ? "" : this.#carrier(seal);
    return carrier + frame("content_block_start", `"index":${this.#index},"content_block":${json}`);
  }

  #stopBlock(): string {
    return frame("content_block_stop", `"index":${this.#index++}`);
  }

  #deltaFrame(type: string, member: string, text: string): string {
    return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#index},"delta":{"type":"${type}","${member}":${JSON.stringify(text)}}}\n\n`;
  }
}

function frame(type: string, members: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${members === "" ? "" : `,${members}`}}\n\n`;
}
