/** Reads a streamed answer of any server of this dialect. */
import type { JsonObject } from "../../core/json.ts";
import type { FailEvent, ModelEvent } from "../../neutral/event.ts";
import type { Usage } from "../../neutral/usage.ts";
import { asArray, asObject, asString, parseJson } from "../../wire/json.ts";
import { SseReader } from "../../wire/sse-reader.ts";
import type { DecodeReplyOptions, StreamDecoder } from "../codec.ts";
import { presentError, statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { errorOf } from "./error-decode.ts";
import { RepeatedChunk, soleText } from "./repeated-chunk.ts";
import { ContentDecoder, firstChoice, indexOf } from "./reply-decode.ts";
import { decodeFinish, decodeStop, failureIn, finishReasonIn } from "./stop.ts";
import { laterUsage, usageIn } from "./usage.ts";

type Emit = (event: ModelEvent) => void;

const ignore: Emit = () => {};

export class ChatStreamDecoder implements StreamDecoder {
  readonly #reader: SseReader;
  readonly #content: ContentDecoder;
  readonly #repeated = new RepeatedChunk();
  readonly #onEvent = (event: string, data: string): void => this.#take(event, data);
  #emit: Emit = ignore;
  #isStarted = false;
  /** The answer ended or failed; later frames are ignored. */
  #isOver = false;
  #hasEndedWell = false;
  /** Index of the one choice that is read; requests ask for one choice. */
  #index: number | null = null;
  #finishReason: string | null = null;
  #matched: string | null = null;
  #usage: Usage | null = null;

  constructor({ idSeed, maxFrameBytes }: DecodeReplyOptions) {
    this.#reader = new SseReader(maxFrameBytes);
    this.#content = new ContentDecoder((event) => this.#emit(event), idSeed, false);
  }

  get isFinished(): boolean {
    return this.#hasEndedWell || (!this.#isOver && this.#finishReason !== null);
  }

  get heldBytes(): number {
    return this.#reader.heldBytes + this.#content.heldChars;
  }

  push(bytes: Uint8Array, emit: Emit): void {
    if (this.#isOver) return;
    this.#emit = emit;
    if (!this.#reader.push(bytes, this.#onEvent)) this.#garbage(REPLY_FAULTS.longEvent);
    this.#emit = ignore;
  }

  end(emit: Emit): void {
    if (this.#isOver) return;
    this.#emit = emit;
    this.#reader.end(this.#onEvent);
    if (!this.#isOver && this.#finishReason !== null) this.#complete();
    this.#isOver = true;
    this.#emit = ignore;
  }

  #take(event: string, data: string): void {
    if (this.#isOver || data === "") return;
    if (data.charCodeAt(0) !== 0x7b && data.trim() === "[DONE]") {
      this.#done();
      return;
    }
    if (event === "") {
      const text = this.#repeated.read(data);
      if (text !== null) {
        this.#content.say(text);
        return;
      }
    }
    const parsed = parseJson(data);
    if (parsed === undefined) {
      this.#garbage(REPLY_FAULTS.notJson);
      return;
    }
    const chunk = asObject(parsed);
    if (event === "error") this.#fail(failEvent(chunk === null ? parsed : (errorOf(chunk) ?? chunk)));
    else if (chunk === null) this.#garbage(REPLY_FAULTS.notJson);
    else this.#takeChunk(chunk, event === "" ? data : null);
  }

  /** `data`: the chunk as text, if it may repeat; else null. */
  #takeChunk(chunk: JsonObject, data: string | null): void {
    const choice = firstChoice(asArray(chunk.choices));
    const error =
      errorOf(chunk) ?? presentError(choice?.error) ?? (choice === null ? statedError(chunk) : null);
    if (error !== null) {
      this.#fail(failEvent(error));
      return;
    }
    const usage = usageIn(chunk, choice);
    if (usage !== null) this.#usage = laterUsage(this.#usage, usage, chunk.service_tier);
    if (choice === null) return;
    this.#index ??= indexOf(choice);
    if (indexOf(choice) !== this.#index) return;
    this.#start(chunk);
    const content = asObject(choice.delta) ?? asObject(choice.message);
    if (content !== null) this.#content.take(content);
    const reason = finishReasonIn(choice);
    if (reason === null) {
      const text = data === null || usage !== null ? null : soleText(choice);
      if (text !== null && data !== null) this.#repeated.learn(data, text);
      return;
    }
    this.#matched ??= asString(choice.stop_reason);
    this.#finish(reason);
  }

  #start(chunk: JsonObject): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#emit({ type: "start", id: asString(chunk.id), model: asString(chunk.model) });
  }

  #finish(reason: string): void {
    this.#finishReason = reason;
    const failure = failureIn(reason);
    if (failure !== null) {
      this.#fail(failEvent(failure));
      return;
    }
    // Some proxies say it behind each piece of the answer: 1jehuang/jcode#1326.
    const fault = this.#content.isWhole ? this.#content.finish(decodeFinish(reason)) : null;
    if (fault !== null) this.#garbage(fault);
  }

  #done(): void {
    if (!this.#isStarted) {
      this.#garbage(REPLY_FAULTS.endedEarly);
      return;
    }
    this.#complete();
  }

  #complete(): void {
    const fault = this.#content.finish(decodeFinish(this.#finishReason));
    if (fault !== null) {
      this.#garbage(fault);
      return;
    }
    const { hasCalls, hasRefusal } = this.#content;
    this.#content.end();
    this.#tellUsage();
    const raw = this.#finishReason;
    this.#emit({ type: "end", stop: decodeStop({ raw, matched: this.#matched, hasCalls, hasRefusal }) });
    this.#isOver = true;
    this.#hasEndedWell = true;
  }

  #tellUsage(): void {
    if (this.#usage !== null) this.#emit({ type: "usage", usage: this.#usage });
  }

  #garbage(message: string): void {
    this.#fail({ type: "fail", raw: null, message });
  }

  #fail(event: FailEvent): void {
    if (this.#isOver) return;
    if (this.#isStarted && this.#content.interrupt()) this.#tellUsage();
    this.#emit(event);
    this.#isOver = true;
  }
}
