/**
 * Writes streamed replies. Google's SDKs do not read server-sent events by the standard: an event is one
 * `data:` line and nothing else, and there is no end mark.
 */
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import type { BlockStart, ModelEvent } from "../../neutral/event.ts";
import type { Annotation, Seal } from "../../neutral/message.ts";
import type { Usage } from "../../neutral/usage.ts";
import type { EncodeReplyOptions, StreamEncoder } from "../codec.ts";
import { renderStreamError } from "./error-encode.ts";
import { GroundingWriter } from "./grounding-encode.ts";
import {
  bodyText,
  byteLength,
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
  readonly keepsAnswer = false;
  readonly #options: EncodeReplyOptions;
  readonly #isArray: boolean;
  /** The text around the parts of a chunk. */
  readonly #head = '{"candidates":[{"content":{"parts":[';
  readonly #tail: string;
  #hasWritten = false;
  #isOver = false;
  #block: BlockStart | null = null;
  /** The open block: a text that may be cited, or the arguments of a call, which go out whole. */
  readonly #text = new GrownText();
  #hasThought = false;
  #annotations: Annotation[] = [];
  /** Parts so far, neighbouring texts as one: clients join them so, and citations count them so. */
  #partCount = 0;
  /** Bytes of the last part if it is a text that the next text joins; else -1. */
  #runBytes = -1;
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
        // Google ends streams with an empty text: its SDKs keep a turn in the history only if each chunk has
        // parts.
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
    return renderStreamError(error, requestId, { framing, isFirst: !this.#hasWritten, isMidFrame: false });
  }

  #delta(text: string): string {
    switch (this.#block?.kind) {
      case "text":
        this.#text.add(text);
        return this.#frame(`${this.#head}{"text":${JSON.stringify(text)}}${this.#tail}`);
      case "reasoning":
        this.#hasThought = true;
        return this.#frame(`${this.#head}{"text":${JSON.stringify(text)},"thought":true}${this.#tail}`);
      case "refusal":
        this.#refusal = (this.#refusal ?? "") + text;
        return "";
      case "tool-call":
        this.#text.add(text);
        return "";
      case undefined:
        return "";
    }
  }

  #close(seal: Seal | null): string {
    const block = this.#block;
    const { text } = this.#text;
    this.#block = null;
    this.#text.clear();
    switch (block?.kind) {
      case "text":
        return this.#endText(text, seal);
      case "reasoning":
        if (this.#hasThought || seal !== null) this.#countPart();
        this.#hasThought = false;
        return this.#sign(true, seal);
      case "tool-call": {
        const { id, name, namespace, call: kind } = block;
        const part = callPart({ id, name, namespace, kind, input: text, seal: block.seal });
        if (part === null) this.#hasBrokenCall = true;
        return this.#part(part);
      }
      default:
        return "";
    }
  }

  #endText(text: string, seal: Seal | null): string {
    if (text !== "") {
      if (this.#runBytes === -1) {
        this.#countPart();
        this.#runBytes = 0;
      }
      this.#grounding.addText(text, this.#partCount - 1, this.#runBytes, this.#annotations);
      this.#runBytes += byteLength(text);
    }
    this.#annotations = [];
    return this.#sign(false, seal);
  }

  /** The text has gone out in pieces, so the signature follows on a part with an empty text. */
  #sign(isThought: boolean, seal: Seal | null): string {
    if (seal === null) return "";
    this.#runBytes = -1;
    return this.#chunk(textPart("", isThought, seal));
  }

  #countPart(): void {
    this.#partCount++;
    this.#runBytes = -1;
  }

  #part(part: WirePart | JsonObject | null): string {
    if (part === null) return "";
    this.#countPart();
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
