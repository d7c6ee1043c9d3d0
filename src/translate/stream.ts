/**
 * Reads a stream in one dialect and writes it in another: decode → restore names → watch for stops → encode.
 * It is a tap, so the relay handles pings, cuts, the ledger and back-pressure in one way for relayed and
 * translated streams.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { StreamDecoder, StreamEncoder } from "../dialects/codec.ts";
import type { Tap, TapState } from "../dialects/dialect.ts";
import { REPLY_FAULTS } from "../dialects/shared/reply-faults.ts";
import { CallCheck } from "../neutral/answer/malformed.ts";
import type { ReasoningVeil } from "../neutral/answer/reasoning-view.ts";
import type { CallRestorer } from "../neutral/answer/restore.ts";
import type { StopWatch } from "../neutral/answer/stop-watch.ts";
import { checkCitations } from "../neutral/ceilings.ts";
import { writtenBytes } from "../neutral/estimate.ts";
import type { ModelEvent, Stop } from "../neutral/event.ts";
import { addUsage, type Usage } from "../neutral/usage.ts";
import { hasSaid, isPause } from "./continuation.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/** The next part of an answer that paused. */
export interface Continuation {
  readonly request: TranslatedRequest;
  readonly decoder: StreamDecoder;
}

export interface TranslationParts {
  readonly decoder: StreamDecoder;
  readonly encoder: StreamEncoder;
  readonly restorer: CallRestorer;
  /** null: the upstream itself ends at the stop sequences. */
  readonly stopWatch: StopWatch | null;
  /** null: the client sees the reasoning of the answer. */
  readonly veil: ReasoningVeil | null;
  /** Sees every event that the client gets, and the reasoning that it does not see. */
  readonly observer: ((event: ModelEvent) => void) | null;
  /**
   * The client's error for a failure that the upstream reported in-band (`raw`) or that the decoder found
   * (`raw` null).
   */
  readonly errorOf: (raw: string | null, message: string) => GatewayError;
  /**
   * The request that continues the answer after a pause, and the decoder for its reply; null: the pause is
   * the end.
   */
  readonly continuation: (stop: Stop, hasSaid: boolean) => Continuation | null;
  /** The answer has ended inside a call of the tool. */
  readonly onCut: (tool: string) => void;
  readonly requestId: string;
  /** The most bytes of content that are translated. */
  readonly maxContentBytes: number;
  /** The answer is kept to its end, for a part that may follow it. */
  readonly keepsAnswer: boolean;
}

/** What a block or a part of an answer takes in memory beside its content. */
const PART_BYTES = 256;
/**
 * Where the answer is kept, its words may be so much of the most that content may be: the end of the stream writes them
 * four times more.
 */
const KEPT_WORDS_SHARE = 1 / 3;
/** A stream may be so many times as long as its content: each word has a frame. */
const MAX_FRAMING_RATIO = 4;

export class StreamTranslation implements Tap {
  readonly stateIds: readonly string[] = [];
  readonly pendingId = null;
  readonly isBetweenFrames = true;
  readonly isTranslation = true;
  usage: Usage | null = null;
  uncountedBytes = 0;
  #isOutputCounted = false;
  #citations = 0;
  #streamBytes = 0;
  #wordBytes = 0;
  readonly #isKept: boolean;
  /** The content so far, and that of the call that is open, which is held until it is whole; null: none is. */
  #contentBytes = 0;
  #callFromBytes: number | null = null;
  model: string | null = null;
  stopReason: string | null = null;
  isRefusal = false;
  progress: TapState["progress"] = "open";
  failure: string | null = null;
  /** The upstream's own error object; null: the decoder found the failure. */
  #rawFailure: string | null = null;
  hasContent = false;
  /**
   * The gateway itself has ended the answer at a stop sequence and needs no more of the upstream's stream.
   */
  isCutShort = false;
  readonly #parts: TranslationParts;
  readonly #check = new CallCheck();
  #decoder: StreamDecoder;
  /** Usage of the parts before the last pause. */
  #earlier: Usage | null = null;
  /** Usage of each part before the last pause. */
  readonly #earlierParts: Usage[] = [];
  /** Usage of the part since then. */
  #part: Usage | null = null;
  #next: TranslatedRequest | null = null;
  #isLaterPart = false;
  /** The body has ended for good, so a pause is the end. */
  #isLast = false;
  /** Whether the answer has said anything since the last pause. */
  #hasSaid = false;
  /** Text that the client may read now. */
  #out = "";
  /**
   * The stream's beginning. It is held until content follows, because until then a failure can be retried.
   */
  #start = "";
  /** The stream's end. It waits for the committed row. */
  #last: string | null = null;
  #failMessage = "";

  constructor(parts: TranslationParts) {
    this.#parts = parts;
    this.#decoder = parts.decoder;
    this.#isKept = parts.keepsAnswer || parts.encoder.keepsAnswer;
  }

  /** The usage of each part of the answer; undefined: the answer did not pause. */
  get partUsages(): readonly Usage[] | undefined {
    if (this.#earlierParts.length === 0) return undefined;
    return this.#part === null ? this.#earlierParts : [...this.#earlierParts, this.#part];
  }

  get heldBytes(): number {
    const contentBytes =
      this.#contentBytes - (this.#isKept ? 0 : (this.#callFromBytes ?? this.#contentBytes));
    return this.#decoder.heldBytes + this.#start.length + contentBytes;
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (this.progress === "complete" || this.progress === "failed") return null;
    try {
      this.#streamBytes += chunk.length;
      if (this.#streamBytes > MAX_FRAMING_RATIO * this.#parts.maxContentBytes) throw tooLong();
      this.#decoder.push(chunk, this.#onDecoded);
    } catch (cause) {
      this.#fault(cause);
    }
    if (this.progress === "open" || this.progress === "finished") {
      this.progress = this.#decoder.isFinished ? "finished" : "open";
    }
    return this.#take();
  }

  /**
   * The upstream's body has ended well. True: the answer paused, and `takeNext` has the request that
   * continues it.
   */
  endBody(): boolean {
    if (this.progress === "complete" || this.progress === "failed") return false;
    const before = this.#decoder;
    try {
      before.end(this.#onDecoded);
    } catch (cause) {
      this.#fault(cause);
    }
    if (this.#decoder === before) return false;
    this.progress = "open";
    return true;
  }

  /** The request that continues a paused answer, once; null: the answer did not pause. */
  takeNext(): TranslatedRequest | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }

  end(): Uint8Array | null {
    this.#isLast = true;
    if (this.progress === "finished") this.endBody();
    const before = this.#take();
    const last =
      this.progress === "failed"
        ? this.renderFailure(this.#parts.errorOf(this.#rawFailure, this.#failMessage))
        : (this.#last ?? "");
    this.#last = null;
    if (before === null) return last === "" ? null : bytesOf(last);
    return last === "" ? before : Buffer.concat([before, bytesOf(last)]);
  }

  cut(): Uint8Array | null {
    return this.#take();
  }

  renderFailure(error: GatewayError): string {
    return this.#parts.encoder.fail(error, this.#parts.requestId);
  }

  /** A `GatewayError` of the codec ends this answer with a failure. */
  #fault(cause: unknown): void {
    if (!(cause instanceof GatewayError)) throw cause;
    this.#failed(cause.detail ?? null, cause.message);
  }

  readonly #onDecoded = (event: ModelEvent): void => {
    this.#countWritten(event);
    this.#parts.restorer.push(event, this.#onRestored);
  };

  /** Of the upstream's own events: what the gateway adds to an answer has no tokens. */
  #countWritten(event: ModelEvent): void {
    switch (event.type) {
      case "delta": {
        const bytes = Buffer.byteLength(event.text);
        this.uncountedBytes += bytes;
        this.#wordBytes += bytes;
        this.#addContent(bytes);
        return;
      }
      case "part":
        this.uncountedBytes += writtenBytes(event.part);
        this.#addContent(PART_BYTES + keptBytes(event.part));
        return;
      case "open":
        if (event.block.kind === "tool-call") this.#callFromBytes = this.#contentBytes;
        this.#addContent(PART_BYTES);
        return;
      case "close":
        this.#callFromBytes = null;
        return;
      case "annotation":
        this.#addContent(PART_BYTES);
        this.#citations++;
        checkCitations(this.#citations);
        return;
      case "usage":
        // Usage of the prompt alone can come along with text.
        this.#isOutputCounted = (event.usage.outputTokens ?? 0) > 0;
        if (this.#isOutputCounted) this.uncountedBytes = 0;
        return;
      case "end":
        // A decoder explains a garbled answer behind the last count; at the end that count is of the whole answer.
        if (this.#isOutputCounted) this.uncountedBytes = 0;
    }
  }

  /** An answer without an end would be kept until the memory is full. */
  #addContent(bytes: number): void {
    const { maxContentBytes } = this.#parts;
    this.#contentBytes += bytes;
    if (this.#contentBytes > maxContentBytes) throw tooLong();
    if (this.#isKept && this.#wordBytes > KEPT_WORDS_SHARE * maxContentBytes) throw tooLong();
  }

  readonly #onRestored = (event: ModelEvent): void => {
    const { stopWatch } = this.#parts;
    if (stopWatch === null) this.#onSeen(event);
    else if (stopWatch.push(event, this.#onSeen)) this.isCutShort = true;
  };

  readonly #onSeen = (event: ModelEvent): void => {
    this.#check.push(event, this.#onEvent);
  };

  readonly #onEvent = (event: ModelEvent): void => {
    if (this.progress === "complete" || this.progress === "failed") return;
    switch (event.type) {
      case "start":
        this.model ??= event.model;
        if (this.#isLaterPart) return;
        this.#parts.observer?.(event);
        this.#start = this.#parts.encoder.encode(event);
        return;
      case "usage": {
        this.#part = event.usage;
        // Usage of the prompt alone can come along with text.
        if ((event.usage.outputTokens ?? 0) > 0) this.uncountedBytes = 0;
        this.usage = this.#earlier === null ? event.usage : addUsage(this.#earlier, event.usage);
        this.#parts.observer?.(event);
        // Usage is no content: a failure behind it can still be retried.
        this.#start += this.#parts.encoder.encode({ type: "usage", usage: this.usage });
        return;
      }
      case "fail":
        this.#failed(event.raw, event.message);
        return;
      case "end":
        this.#ended(event);
        return;
      default:
        this.hasContent = true;
        this.#hasSaid ||= hasSaid(event);
        this.#parts.observer?.(event);
        this.#show(event);
    }
  };

  #show(event: ModelEvent): void {
    const { veil, encoder } = this.#parts;
    if (veil === null) {
      this.#write(encoder.encode(event));
      return;
    }
    // A stream that thinks unseen has begun all the same.
    this.#write("");
    veil.push(event, this.#onShown);
  }

  readonly #onShown = (event: ModelEvent): void => {
    this.#write(this.#parts.encoder.encode(event));
  };

  #ended(event: Extract<ModelEvent, { type: "end" }>): void {
    if (isPause(event.stop) && !this.#isLast) {
      const continuation = this.#parts.continuation(event.stop, this.#hasSaid);
      if (continuation !== null) {
        this.#next = continuation.request;
        this.#decoder = continuation.decoder;
        this.#hasSaid = false;
        this.#earlier = this.usage;
        if (this.#part !== null) this.#earlierParts.push(this.#part);
        this.#part = null;
        this.#isLaterPart = true;
        return;
      }
    }
    this.stopReason = event.stop.raw;
    this.isRefusal = event.stop.kind === "refusal" && !this.hasContent;
    const { cutTool } = this.#check;
    if (cutTool !== null) this.#parts.onCut(cutTool);
    this.#parts.observer?.(event);
    this.#write("");
    this.#last = this.#parts.encoder.encode(event);
    this.progress = "complete";
  }

  #failed(raw: string | null, message: string): void {
    this.progress = "failed";
    this.#rawFailure = raw;
    this.failure = raw ?? JSON.stringify({ message });
    this.#failMessage = message;
  }

  #write(text: string): void {
    this.#out += this.#start + text;
    this.#start = "";
  }

  #take(): Uint8Array | null {
    if (this.#out === "") return null;
    const bytes = bytesOf(this.#out);
    this.#out = "";
    return bytes;
  }
}

function tooLong(): GatewayError {
  return new GatewayError("upstream_garbage", REPLY_FAULTS.longAnswer);
}

function keptBytes(part: Extract<ModelEvent, { type: "part" }>["part"]): number {
  if (part.type === "image") return part.source.kind === "base64" ? part.source.data.length : 0;
  const sources = part.type === "search" ? part.sources.length : 0;
  return PART_BYTES * sources + (part.raw?.data.length ?? 0);
}

const encoder = new TextEncoder();

/** A third of the cost of `Buffer.from`, for texts as short as an event. */
function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}
