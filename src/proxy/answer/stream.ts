/**
 * Hands a streamed reply on as it comes, through the tap, byte-exact. Owns the end of the exchange: the row is committed before the
 * last bytes go out, a cut is told in-band, silence is filled with pings.
 */
import { GatewayError } from "../../core/errors.ts";
import type { Framing, Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { asGatewayError } from "../../http/error-reply.ts";
import { ReplyStream, type ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { BodySink, Call } from "../../transport/call.ts";
import type { Watched } from "../../transport/watchdog.ts";
import { correctRow, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";

/** How long an upstream may keep its connection open after the answer was complete, before it is cut off. */
const DRAIN_MS = 1_000;

/** Silence after which an answer that is whole, but whose dialect has no last word (or whose upstream forgot it), has ended. */
const FINISHED_SILENCE_MS = 5_000;

/** What a JSON array begins with. */
const OPENING_BRACKET = 0x5b;

/** Silence after the dialect's last mark, after which an upstream that keeps the connection open is not waited for. */
const COMPLETE_SILENCE_MS = 100;

const encoder = new TextEncoder();

/** How a reply has begun, before a byte of it has gone to the client. */
export type Beginning =
  /** Bytes for the client are there, or it has to be told that something is coming. */
  | "open"
  /** The upstream said in-band that it failed. */
  | "failed"
  /** It ended or broke before anything came. */
  | "cut"
  /** It is not what it says that it is. */
  | "garbage";

/** What the relay tells the attempt about failures that come too late for a retry. */
export interface RelayHooks {
  /** The upstream said in-band that it failed, after content. */
  failed(failure: string): void;
  /** The reply broke off after content. */
  cut(): void;
  /** The exchange is over, whichever way. */
  over(): void;
}

export interface RelayOptions {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly call: Call;
  readonly tap: Tap;
  readonly framing: Framing;
  readonly hooks: RelayHooks;
  /** What was read before the relay took over. */
  readonly first: Uint8Array | null;
}

type Phase =
  /** Nothing is known yet: a failure can still be retried. */
  | "beginning"
  /** The client is told that an answer comes; its stream has not started yet. */
  | "decided"
  /** Bytes flow. */
  | "flowing"
  /** The exchange has ended; the upstream may still send what nobody needs. */
  | "over";

export class Relay implements BodySink, ReplyStreamOwner, Watched {
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #call: Call;
  readonly #tap: Tap;
  readonly #framing: Framing;
  readonly #hooks: RelayHooks;
  readonly #stream: ReplyStream;
  readonly #pingIntervalMs: number;
  readonly #ping: Uint8Array | null;
  #phase: Phase = "beginning";
  #decide: ((beginning: Beginning) => void) | null = null;
  #first: Uint8Array | null;
  /** The body ended before the client's stream had started; undefined: it did not. */
  #earlyEnd: GatewayError | null | undefined = undefined;
  #lastWriteMs: number;
  #lastReadMs: number;
  #hasSent = false;
  /** With `cut`: the exception of ours that ended the reply; undefined: the upstream did. */
  fault: unknown;
  /** The bracket of the JSON array has come. */
  #isArray = false;
  /** The bytes that come are the client's dialect's array: what is none is garbage. */
  readonly #awaitsBracket: boolean;
  readonly #isTranslated: boolean;

  constructor(options: RelayOptions) {
    this.#gateway = options.gateway;
    this.#exchange = options.exchange;
    this.#call = options.call;
    this.#tap = options.tap;
    this.#framing = options.framing;
    this.#hooks = options.hooks;
    this.#first = options.first;
    this.#isTranslated = options.tap.isTranslation;
    this.#awaitsBracket = options.framing === "json-array" && !this.#isTranslated;
    this.#stream = new ReplyStream(this);
    this.#pingIntervalMs = options.gateway.snapshot.config.server.pingIntervalMs;
    this.#ping = pingOf(options.exchange, options.framing);
    this.#lastWriteMs = options.gateway.transport.watchdog.nowMs;
    this.#lastReadMs = this.#lastWriteMs;
  }

  /**
   * Waits until it is known how the reply begins. Only while nothing was sent can a request be retried, so this takes the first whole
   * frame, but not longer than a ping interval: then the client is told that something is coming.
   */
  begin(): Promise<Beginning> {
    this.#gateway.transport.watchdog.add(this);
    if (this.#first !== null) {
      this.#phase = "decided";
      return Promise.resolve("open");
    }
    return new Promise((resolve) => {
      this.#decide = resolve;
    });
  }

  /** The reply's body for the client. */
  get body(): ReadableStream<Uint8Array> {
    return this.#stream.body;
  }

  /** Gives the reply up before the client was told anything. */
  discard(reason: GatewayError): void {
    this.#finish();
    this.#call.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#phase === "over") return true;
    this.#lastReadMs = this.#gateway.transport.watchdog.nowMs;
    let out: Uint8Array | null;
    try {
      out = this.#tap.push(bytes);
    } catch (cause) {
      this.#broken(cause);
      return true;
    }
    const { progress } = this.#tap;
    if (this.#phase === "flowing") {
      const isTaken = out === null || this.#send(out);
      if (this.#isOver()) this.#conclude();
      return isTaken;
    }
    if (out !== null) this.#first = this.#first === null ? out : Buffer.concat([this.#first, out]);
    if (this.#awaitsBracket && this.#phase === "beginning" && !this.#isArray) {
      const start = firstOf(bytes);
      this.#isArray = start === OPENING_BRACKET;
      if (start !== undefined && !this.#isArray) {
        this.#decided("garbage");
        return false;
      }
    }
    if (this.#first === null && progress === "open") return true;
    this.#decided(this.#first === null && progress === "failed" ? "failed" : "open");
    return false;
  }

  end(error: GatewayError | null): void {
    if (this.#phase === "over") {
      this.#gateway.transport.watchdog.delete(this);
      // An exception of ours on the way to the end: the client is told, whatever was to come.
      if (error?.kind === "internal") this.#fail(error);
    } else if (error?.kind === "internal") this.#broken(error.cause ?? error);
    else if (this.#phase === "beginning") this.#decided("cut");
    else if (this.#phase === "decided") this.#earlyEnd = error;
    else this.#ended(error);
  }

  started(): void {
    if (this.#phase !== "decided") return;
    this.#phase = "flowing";
    const first = this.#first;
    this.#first = null;
    const isTaken = first === null || this.#send(first);
    if (this.#isOver()) this.#conclude();
    else if (this.#earlyEnd !== undefined) this.#ended(this.#earlyEnd);
    if (isTaken) this.#call.resume();
  }

  drained(): void {
    this.#call.resume();
  }

  left(): void {
    if (this.#phase === "over") return;
    this.#finish();
    this.#call.abort(new GatewayError("upstream_cut", "the client left"));
    const exchange = this.#exchange;
    exchange.outcome = this.#gateway.isDraining ? "error" : "client_left";
    if (this.#gateway.isDraining) exchange.errorKind = "shutting_down";
    exchange.settle(this.#gateway).committed.catch(() => undefined);
    this.#hooks.over();
  }

  check(nowMs: number): void {
    if (this.#phase === "over") {
      if (nowMs - this.#lastReadMs < DRAIN_MS) return;
      this.#gateway.transport.watchdog.delete(this);
      this.#call.abort(new GatewayError("upstream_timeout", "the connection stayed open after the answer"));
      return;
    }
    // After its last mark an answer mostly ends in the same breath; bytes behind the mark belong to it too.
    const waitMs = this.#tap.progress === "complete" ? COMPLETE_SILENCE_MS : FINISHED_SILENCE_MS;
    if (this.#isWhole() && nowMs - this.#lastReadMs >= waitMs) {
      if (this.#phase === "flowing") this.#conclude();
      return;
    }
    if (this.#ping === null || nowMs - this.#lastWriteMs < this.#pingIntervalMs) return;
    if (this.#phase === "beginning") this.#decided("open");
    else if (this.#phase === "flowing" && this.#tap.isBetweenFrames && !this.#stream.isBlocked) {
      this.#lastWriteMs = nowMs;
      this.#stream.write(this.#ping);
    }
  }

  /** An exception of ours: it costs this answer alone, and is no fault of the upstream's. */
  #broken(cause: unknown): void {
    if (this.#phase === "beginning") {
      this.fault = cause;
      this.#decided("cut");
      return;
    }
    this.#finish();
    const exchange = this.#exchange;
    const error = asGatewayError(cause, this.#gateway.log, exchange.id);
    this.#gateway.metrics.exceptions.add(1);
    this.#call.abort(error);
    exchange.outcome = "error";
    exchange.errorKind = error.kind;
    const tell = (): void => this.#fail(error);
    exchange.settle(this.#gateway).committed.then(tell, tell);
  }

  #decided(beginning: Beginning): void {
    this.#phase = "decided";
    this.#decide?.(beginning);
    this.#decide = null;
  }

  #send(bytes: Uint8Array): boolean {
    this.#exchange.replyBytes += bytes.byteLength;
    this.#exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
    this.#hasSent = true;
    this.#lastWriteMs = this.#gateway.transport.watchdog.nowMs;
    return this.#stream.write(bytes);
  }

  #ended(error: GatewayError | null): void {
    // Broken off after the answer was whole: nothing is missing.
    if (this.#isWhole()) this.#conclude();
    else this.#cut(error);
    this.#gateway.transport.watchdog.delete(this);
  }

  /** Whether nothing is missing when the body ends here. */
  #isWhole(): boolean {
    const { progress } = this.#tap;
    if (progress !== "finished") return progress !== "open";
    return this.#isTranslated || !DIALECTS[this.#exchange.route.dialect].needsEndMark(this.#framing);
  }

  /** Whether nothing more is waited for: bytes behind the last mark belong to an answer that passes as it is, not to one told anew. */
  #isOver(): boolean {
    const { progress } = this.#tap;
    return progress === "failed" || (this.#isTranslated && progress === "complete");
  }

  /** The answer is whole, or failed in the upstream's own words: commit, then let go of what was held. */
  #conclude(): void {
    this.#phase = "over";
    this.#lastReadMs = this.#gateway.transport.watchdog.nowMs;
    if (this.#tap.isCutShort) {
      this.#gateway.transport.watchdog.delete(this);
      this.#call.abort(new GatewayError("upstream_cut", "the answer ended at a stop sequence"));
    }
    const exchange = this.#exchange;
    if (this.#tap.progress === "failed") {
      exchange.outcome = "error";
      exchange.errorKind = "upstream_error";
      this.#hooks.failed(this.#tap.failure ?? "");
    } else {
      exchange.outcome = "ok";
    }
    const held = this.#tap.end();
    if (held !== null) {
      exchange.replyBytes += held.byteLength;
      exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
    }
    const { row, committed } = exchange.settle(this.#gateway);
    committed.then(
      () => {
        if (held !== null) this.#stream.write(held);
        this.#close();
      },
      (cause: unknown) => {
        // The row is still queued: what is written later has to say what the client was told.
        correctRow(row, cause as GatewayError);
        row.status = exchange.status;
        this.#fail(cause as GatewayError);
      },
    );
  }

  /** The upstream broke off: what is whole goes out, then the failure is told, never a good end. */
  #cut(cause: GatewayError | null): void {
    this.#phase = "over";
    const exchange = this.#exchange;
    const error =
      cause ?? new GatewayError("upstream_cut", "the upstream broke off before the end of its answer");
    exchange.outcome = "upstream_cut";
    exchange.errorKind = error.kind;
    this.#hooks.cut();
    const held = this.#tap.cut();
    if (held !== null) exchange.replyBytes += held.byteLength;
    // What is held may say why the answer stopped: like a good end, it waits for the row.
    const tell = (): void => {
      if (held !== null) {
        this.#hasSent = true;
        this.#stream.write(held);
      }
      this.#fail(error);
    };
    exchange.settle(this.#gateway).committed.then(tell, tell);
  }

  /** Ends the client's stream with an error in its dialect; where the framing has no place for one, the connection breaks. */
  #fail(error: GatewayError): void {
    const text = this.#tap.renderFailure(error, this.#exchange.id, !this.#hasSent);
    if (text === "") {
      this.#stream.cut();
    } else {
      this.#stream.write(encoder.encode(text));
    }
    this.#close();
  }

  #close(): void {
    this.#exchange.client.restoreIdleTimeout();
    this.#stream.close();
    this.#hooks.over();
  }

  #finish(): void {
    this.#phase = "over";
    this.#gateway.transport.watchdog.delete(this);
  }
}

/** The first byte that is not white space. */
function firstOf(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
}

const pings = new Map<string, Uint8Array | null>();

function pingOf(exchange: Exchange, framing: Framing): Uint8Array | null {
  const { dialect } = exchange.route;
  const known = pings.get(dialect + framing);
  if (known !== undefined) return known;
  const text = DIALECTS[dialect].ping(framing);
  const made = text === null ? null : encoder.encode(text);
  pings.set(dialect + framing, made);
  return made;
}
