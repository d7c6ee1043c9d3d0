/**
 * A reply in one dialect, read and written anew in another: decode → restore names → watch for stops → encode. To the relay it is a tap,
 * so that pings, cuts, the ledger and back-pressure are what they are for bytes that pass.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { StreamDecoder, StreamEncoder } from "../dialects/codec.ts";
import type { Tap, TapState } from "../dialects/dialect.ts";
import type { CallRestorer } from "../neutral/answer/restore.ts";
import type { StopWatch } from "../neutral/answer/stop-watch.ts";
import type { ModelEvent, Stop } from "../neutral/event.ts";
import { addUsage, type Usage } from "../neutral/usage.ts";
import { hasSaid, isPause } from "./continuation.ts";

export interface TranslationParts {
  readonly decoder: StreamDecoder;
  readonly encoder: StreamEncoder;
  readonly restorer: CallRestorer;
  /** null: the upstream keeps to the stop sequences itself. */
  readonly stopWatch: StopWatch | null;
  /** Sees every event that the client gets; null: nobody needs to. */
  readonly observer: ((event: ModelEvent) => void) | null;
  /** What the client is told of a failure that the upstream told in-band (`raw`), or that we found (`raw` null). */
  readonly errorOf: (raw: string | null, message: string) => GatewayError;
  /** Asks the provider to go on after a pause, behind a part that said something or did not; null: the pause is the end. */
  readonly nextHop: (stop: Stop, hasSaid: boolean) => StreamDecoder | null;
  readonly requestId: string;
}

export class Translation implements Tap {
  readonly stateIds: readonly string[] = [];
  readonly isBetweenFrames = true;
  readonly isTranslation = true;
  usage: Usage | null = null;
  model: string | null = null;
  stopReason: string | null = null;
  progress: TapState["progress"] = "open";
  failure: string | null = null;
  /** The same, if the upstream told it. */
  #rawFailure: string | null = null;
  hasContent = false;
  /** The gateway itself has ended the answer, at a stop sequence: the upstream's rest is not wanted. */
  isCutShort = false;
  readonly #parts: TranslationParts;
  #decoder: StreamDecoder;
  #earlier: Usage | null = null;
  #isLaterHop = false;
  /** Nothing more is waited for: a pause is the end. */
  #isLast = false;
  /** Since the last pause. */
  #hasSaid = false;
  /** What the client reads next. */
  #out = "";
  /** The reply's beginning, until there is something behind it: before that, a failure can still be retried. */
  #start = "";
  /** What ends the stream; waits for the row. */
  #last: string | null = null;
  #failMessage = "";

  constructor(parts: TranslationParts) {
    this.#parts = parts;
    this.#decoder = parts.decoder;
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (this.progress === "complete" || this.progress === "failed") return null;
    this.#guarded(() => this.#decoder.push(chunk, this.#onDecoded));
    if (this.progress === "open" || this.progress === "finished") {
      this.progress = this.#decoder.isFinished ? "finished" : "open";
    }
    return this.#take();
  }

  /** The upstream's body has ended well. True: the provider is asked to go on, more is to come. */
  endBody(): boolean {
    if (this.progress === "complete" || this.progress === "failed") return false;
    const before = this.#decoder;
    this.#guarded(() => before.end(this.#onDecoded));
    if (this.#decoder === before) return false;
    this.progress = "open";
    return true;
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

  /** An exception of ours costs this answer alone, and is told as one. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      this.#failed(cause.detail ?? null, cause.message);
    }
  }

  readonly #onDecoded = (event: ModelEvent): void => {
    this.#parts.restorer.push(event, this.#onRestored);
  };

  readonly #onRestored = (event: ModelEvent): void => {
    const { stopWatch } = this.#parts;
    if (stopWatch === null) this.#onEvent(event);
    else if (stopWatch.push(event, this.#onEvent)) this.isCutShort = true;
  };

  readonly #onEvent = (event: ModelEvent): void => {
    if (this.progress === "complete" || this.progress === "failed") return;
    switch (event.type) {
      case "start":
        this.model ??= event.model;
        if (this.#isLaterHop) return;
        this.#parts.observer?.(event);
        this.#start = this.#parts.encoder.encode(event);
        return;
      case "usage": {
        this.usage = this.#earlier === null ? event.usage : addUsage(this.#earlier, event.usage);
        this.#parts.observer?.(event);
        // What it comes to is told at the end by most dialects; none shows content with it.
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
        this.#write(this.#parts.encoder.encode(event));
    }
  };

  #ended(event: Extract<ModelEvent, { type: "end" }>): void {
    if (isPause(event.stop) && !this.#isLast) {
      const decoder = this.#parts.nextHop(event.stop, this.#hasSaid);
      if (decoder !== null) {
        this.#decoder = decoder;
        this.#hasSaid = false;
        this.#earlier = this.usage;
        this.#isLaterHop = true;
        return;
      }
    }
    this.stopReason = event.stop.raw;
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

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}
