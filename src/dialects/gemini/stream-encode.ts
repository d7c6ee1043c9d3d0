/**
 * Streams as clients read them. Google's SDKs do not read server-sent events by the standard: an event is one `data:` line and nothing
 * else, and there is no end mark.
 */
import type { GatewayError } from "../../core/errors.ts";
import type { BlockStart, ModelEvent } from "../../model/event.ts";
import type { Annotation, Seal } from "../../model/message.ts";
import type { JsonObject } from "../../model/request.ts";
import type { Usage } from "../../model/usage.ts";
import type { EncodeReplyOptions, StreamEncoder } from "../codec.ts";
import { renderStreamError } from "./error.ts";
import { GroundingWriter } from "./grounding-encode.ts";
import {
  bodyText,
  callPart,
  checkCalls,
  identityOf,
  imagePart,
  lastCandidate,
  opaquePart,
  textPart,
} from "./reply-encode.ts";
import type { WirePart } from "./wire.ts";

export class GeminiStreamEncoder implements StreamEncoder {
  readonly #options: EncodeReplyOptions;
  readonly #isArray: boolean;
  /** What stands before and behind the parts of a chunk. */
  readonly #head = '{"candidates":[{"content":{"parts":[';
  readonly #tail: string;
  #hasWritten = false;
  #isOver = false;
  #block: BlockStart | null = null;
  /** Of the open block: a text that sources may refer to, or the arguments of a call, which go out whole. */
  #pieces: string[] = [];
  #hasText = false;
  #annotations: Annotation[] = [];
  /** Parts so far, those in pieces counted once: so sources name them. */
  #partCount = 0;
  #refusal: string | null = null;
  #hasBrokenCall = false;
  #usage: Usage | null = null;
  readonly #grounding = new GroundingWriter();

  constructor(options: EncodeReplyOptions) {
    this.#options = options;
    this.#isArray = options.framing !== "sse";
    const identity = JSON.stringify(identityOf(options)).slice(1);
    this.#tail = `],"role":"model"},"index":0}],${identity}`;
  }

  encode(event: ModelEvent): string {
    if (this.#isOver) return "";
    switch (event.type) {
      case "start":
        return "";
      case "open":
        this.#block = event.block;
        return "";
      case "delta":
        return this.#delta(event.text);
      case "annotation":
        this.#annotations.push(event.annotation);
        return "";
      case "close":
        return this.#close(event.seal);
      case "part":
        if (event.part.type === "search") {
          this.#grounding.addSearch(event.part);
          return "";
        }
        return this.#part(event.part.type === "image" ? imagePart(event.part) : opaquePart(event.part.raw));
      case "usage":
        this.#usage = event.usage;
        return "";
      case "end": {
        checkCalls(this.#hasBrokenCall, event.stop);
        this.#isOver = true;
        // A part with an empty text, as Google ends streams: its SDKs keep a turn in the history only if each chunk has parts.
        const candidate = lastCandidate([{ text: "" }], event.stop, this.#refusal, this.#grounding);
        const last = this.#frame(bodyText(candidate, this.#usage, this.#options));
        return this.#isArray ? `${last}]` : last;
      }
      case "fail":
        return "";
    }
  }

  fail(error: GatewayError, requestId: string): string {
    if (this.#isOver) return "";
    this.#isOver = true;
    const framing = this.#isArray ? "json-array" : "sse";
    return renderStreamError(error, requestId, framing, !this.#hasWritten);
  }

  #delta(text: string): string {
    switch (this.#block?.kind) {
      case "text":
        this.#hasText = true;
        this.#pieces.push(text);
        return this.#frame(`${this.#head}{"text":${JSON.stringify(text)}}${this.#tail}`);
      case "reasoning":
        this.#hasText = true;
        return this.#frame(`${this.#head}{"text":${JSON.stringify(text)},"thought":true}${this.#tail}`);
      case "refusal":
        this.#refusal = (this.#refusal ?? "") + text;
        return "";
      case "tool-call":
        this.#pieces.push(text);
        return "";
      case undefined:
        return "";
    }
  }

  #close(seal: Seal | null): string {
    const block = this.#block;
    const pieces = this.#pieces;
    this.#block = null;
    this.#pieces = [];
    switch (block?.kind) {
      case "text":
        if (this.#annotations.length > 0) {
          this.#grounding.addText(pieces.join(""), this.#partCount, this.#annotations);
          this.#annotations = [];
        }
        return this.#endText(false, seal);
      case "reasoning":
        return this.#endText(true, seal);
      case "tool-call": {
        const { id, name, namespace, call: kind } = block;
        const part = callPart({ id, name, namespace, kind, input: pieces.join(""), seal: block.seal });
        if (part === null) this.#hasBrokenCall = true;
        return this.#part(part);
      }
      default:
        return "";
    }
  }

  /** Its text has gone out in pieces: the signature comes behind, on a part with an empty text. */
  #endText(isThought: boolean, seal: Seal | null): string {
    if (this.#hasText) this.#partCount++;
    this.#hasText = false;
    return seal === null ? "" : this.#chunk(textPart("", isThought, seal));
  }

  #part(part: WirePart | JsonObject | null): string {
    if (part === null) return "";
    this.#partCount++;
    return this.#chunk(part);
  }

  #chunk(part: WirePart | JsonObject): string {
    return this.#frame(`${this.#head}${JSON.stringify(part)}${this.#tail}`);
  }

  #frame(json: string): string {
    if (!this.#isArray) {
      this.#hasWritten = true;
      return `data: ${json}\n\n`;
    }
    const separator = this.#hasWritten ? ",\n" : "[";
    this.#hasWritten = true;
    return separator + json;
  }
}
