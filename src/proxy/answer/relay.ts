/**
 * Passes a streamed reply on as it comes, through a tap. The relay owns the end of the exchange: the row is
 * committed before the last bytes go out, a cut is reported in-band, and pings fill silence.
 */
import { GatewayError } from "../../core/errors.ts";
import { HeldBytes, memoryExhausted } from "../../core/memory-budget.ts";
import { bytesWithoutSecrets } from "../../core/redact.ts";
import type { Framing, Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { asGatewayError } from "../../http/error-reply.ts";
import { type AnswerStream, ReplyStream, type ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { BodySink, Call, ReplyHead } from "../../transport/call.ts";
import { type Watchdog, Watched } from "../../transport/watchdog.ts";
import type { WholeRead } from "../../transport/whole.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import { inBandSignal } from "../attempt/failure.ts";
import { captureStream } from "../capture/captured-reply.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { type Ending, settle, settleFailure } from "../settle.ts";
import { Opening } from "./opening.ts";
import { pingOf } from "./ping.ts";
import {
  type Beginning,
  COMPLETE_SILENCE_MS,
  DRAIN_MS,
  FINISHED_SILENCE_MS,
  MAX_EARLY_BYTES,
  type StreamedReply,
} from "./streamed-reply.ts";

type Phase =
  /** Nothing is known yet: a failure can still be retried. */
  | "beginning"
  /** The client hears that an answer comes; the client's stream has not started yet. */
  | "decided"
  /** Bytes flow. */
  | "flowing"
  /** The exchange has ended; the upstream may still send bytes that nobody needs. */
  | "over";

export class Relay extends Watched implements BodySink, ReplyStreamOwner {
  // What each chunk needs stands together, because between two events of a slow stream the processor's cache
  // forgets the relay.
  #phase: Phase = "beginning";
  readonly #watchdog: Watchdog;
  readonly #tap: Tap;
  #stream: AnswerStream;
  #lastReadMs: number;
  #lastWriteMs: number;
  #replyBytes = 0;
  #firstByteMs: number | null = null;
  #hasSent = false;
  readonly #attempt: RunningAttempt;
  readonly #head: ReplyHead;
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #call: Call;
  readonly #framing: Framing;
  readonly #pingIntervalMs: number;
  readonly #ping: Uint8Array | null;
  /** null: the beginning is known. The walk that waited for it is not kept through a long stream. */
  #onBegun: ((beginning: Beginning) => void) | null;
  #first: Uint8Array | null;
  /** How the body ended before the client's stream had started; undefined: it has not ended. */
  #earlyEnd: GatewayError | null | undefined = undefined;
  /** With `cut`: the exception of the gateway that ended the reply; undefined: the upstream ended it. */
  fault: unknown;
  readonly #isTranslated: boolean;
  /** What a translation keeps, and what waits for the client to read it. */
  readonly #kept: HeldBytes | null;
  #unread: HeldBytes | null = null;
  /** null: the body has begun. */
  #opening: Opening | null;
  /** Gets the rest of a body that is a JSON value in place of events. */
  #next: BodySink | null = null;

  constructor(
    { attempt, head, tap, framing, isEvents }: StreamedReply,
    first: Uint8Array | null,
    onBegun: (beginning: Beginning) => void,
  ) {
    super();
    const { gateway, exchange } = attempt.served;
    this.#attempt = attempt;
    this.#head = head;
    this.#gateway = gateway;
    this.#watchdog = gateway.transport.watchdog;
    this.#exchange = exchange;
    this.#call = attempt.call;
    this.#tap = tap;
    this.#framing = framing;
    this.#first = first;
    this.#onBegun = onBegun;
    this.#isTranslated = tap.isTranslation;
    this.#kept = tap.isTranslation ? new HeldBytes(exchange.memory) : null;
    // The client gets the upstream's JSON array as it is.
    const isArray = framing === "json-array" && !tap.isTranslation;
    this.#opening = first === null && (isEvents || isArray) ? new Opening(isArray) : null;
    this.#stream = captureStream(new ReplyStream(this), exchange.capture);
    this.#pingIntervalMs = gateway.snapshot.config.server.pingIntervalMs;
    this.#ping = pingOf(exchange.route.dialect, framing);
    this.#lastWriteMs = this.#watchdog.nowMs;
    this.#lastReadMs = this.#lastWriteMs;
  }

  /**
   * Waits until it is known how the reply begins: while nothing of an answer was sent, the request can be
   * retried. A client whose stream does not open early hears after a ping interval that an answer comes.
   */
  begin(): void {
    this.#watchdog.add(this);
    if (this.#first !== null) this.#decided("open");
  }

  /** The reply's body for the client. */
  get body(): ReadableStream<Uint8Array> | null {
    return this.#stream.body;
  }

  /** Goes on with the stream that the client has already, or with that of several clients. */
  join(stream: AnswerStream): void {
    this.#stream = stream;
    stream.handOver(this);
  }

  /** Gives the reply up before the client got anything. */
  discard(reason: GatewayError): void {
    this.#finish();
    this.#call.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#phase === "over") return this.#next === null || this.#next.chunk(bytes);
    this.#lastReadMs = this.#watchdog.nowMs;
    const begun = this.#opening === null ? bytes : this.#open(bytes, this.#opening);
    if (begun === null) return this.#phase === "beginning";
    let out: Uint8Array | null;
    try {
      out = this.#tap.push(begun);
      if (this.#kept?.set(this.#tap.heldBytes) === false) throw memoryExhausted();
    } catch (cause) {
      this.#broken(cause);
      return true;
    }
    if (this.#phase !== "flowing") return this.#takeEarly(out);
    // The answer goes on behind a chunk that passes as it is.
    if (out === begun) return this.#send(begun);
    const isTaken = out === null || this.#send(out);
    if (this.#isOver()) this.#conclude();
    return isTaken;
  }

  /** The body so far, once it begins as it is said to; null: it does not, or has not begun yet. */
  #open(bytes: Uint8Array, opening: Opening): Uint8Array | null {
    const found = opening.take(bytes);
    if (found === "blank") return null;
    this.#opening = null;
    if (found === "good") return opening.bytes;
    this.#first = opening.bytes;
    this.#decided(found === "json" ? "json" : "cut");
    return null;
  }

  /** With `json`: the beginning of the body, and the way to its rest. The relay is over. */
  takeJson(): WholeRead {
    this.#finish();
    const handOver = (sink: BodySink): void => {
      this.#next = sink;
    };
    return { bytes: this.#first as Uint8Array, isWhole: false, error: null, handOver };
  }

  /** A chunk that comes before the client's stream has started. */
  #takeEarly(out: Uint8Array | null): boolean {
    const { progress } = this.#tap;
    if (out !== null) this.#first = this.#first === null ? out : Buffer.concat([this.#first, out]);
    if (this.#first === null && progress === "open") return true;
    this.#decided(this.#first === null && progress === "failed" ? "failed" : "open");
    return this.#first === null || this.#first.length < MAX_EARLY_BYTES;
  }

  end(error: GatewayError | null): void {
    // An exception of the gateway goes to the client, whatever was to come.
    if (error?.kind === "internal") this.#broken(error.cause ?? error);
    else if (this.#next !== null) this.#next.end(error);
    else if (this.#phase === "over") this.#watchdog.delete(this);
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
    this.#unread?.set(0);
    this.#call.resume();
  }

  left(): void {
    if (this.#phase === "over") return;
    this.#finish();
    this.#call.abort(new GatewayError("upstream_cut", "the client left"));
    const ending = this.#gateway.isDraining
      ? this.#ending("error", "shutting_down")
      : this.#ending("client_left", null);
    settleFailure(this.#gateway, this.#exchange, ending, () => undefined);
    this.#attempt.verdict.endLease();
  }

  override check(nowMs: number): void {
    if (this.#phase === "over") {
      if (nowMs - this.#lastReadMs < DRAIN_MS) return;
      this.#watchdog.delete(this);
      this.#call.abort(new GatewayError("upstream_timeout", "the connection stayed open after the answer"));
      return;
    }
    // After its last mark an answer mostly ends at once; bytes behind the mark still belong to it.
    const waitMs = this.#tap.progress === "complete" ? COMPLETE_SILENCE_MS : FINISHED_SILENCE_MS;
    if (this.#isWhole() && nowMs - this.#lastReadMs >= waitMs) {
      if (this.#phase === "flowing") this.#conclude();
      return;
    }
    if (this.#phase === "flowing" && this.#stream.isBlocked) this.#checkReader(nowMs);
    if (this.#ping === null || nowMs - this.#lastWriteMs < this.#pingIntervalMs) return;
    if (this.#phase === "beginning") {
      if (!this.#exchange.opensEarly) this.#decided("open");
    } else if (this.#phase === "flowing" && this.#tap.isBetweenFrames && !this.#stream.isBlocked) {
      this.#lastWriteMs = nowMs;
      this.#stream.ping(this.#ping);
    }
  }

  /** Lets a client go that reads nothing: it would hold two connections for ever. Shared streams see to theirs. */
  #checkReader(nowMs: number): void {
    const { writeTimeoutMs } = this.#gateway.snapshot.config.server;
    if (this.#stream.body === null || nowMs - this.#lastWriteMs < writeTimeoutMs) return;
    this.left();
    this.#exchange.client.restoreIdleTimeout();
    this.#stream.fail(null, "");
  }

  /** An exception of the gateway costs this answer alone, and is no fault of the upstream. */
  #broken(cause: unknown): void {
    if (this.#phase === "beginning") {
      this.fault = cause;
      this.#decided("cut");
      return;
    }
    this.#finish();
    const error = asGatewayError(cause, this.#gateway.log, this.#exchange.id);
    if (error !== cause) this.#gateway.metrics.exceptions.add(1);
    this.#call.abort(error);
    const fail = (): void => this.#fail(error);
    if (this.#exchange.isSettled) fail();
    else settleFailure(this.#gateway, this.#exchange, this.#ending("error", error.kind), fail);
  }

  #decided(beginning: Beginning): void {
    this.#phase = "decided";
    this.#opening = null;
    const onBegun = this.#onBegun;
    this.#onBegun = null;
    onBegun?.(beginning);
  }

  #ending(outcome: Ending["outcome"], errorKind: Ending["errorKind"]): Ending {
    return {
      status: this.#head.status,
      outcome,
      errorKind,
      facts: this.#tap,
      replyBytes: this.#replyBytes,
      firstByteMs: this.#firstByteMs,
      isHeadSent: true,
    };
  }

  #send(bytes: Uint8Array): boolean {
    this.#replyBytes += bytes.byteLength;
    this.#firstByteMs ??= this.#gateway.clock.monotonicMs();
    this.#hasSent = true;
    this.#lastWriteMs = this.#watchdog.nowMs;
    if (this.#stream.write(bytes)) return true;
    this.#unread ??= new HeldBytes(this.#exchange.memory);
    this.#unread.set(bytes.byteLength);
    return false;
  }

  #ended(error: GatewayError | null): void {
    // A connection that breaks after the answer was whole loses nothing.
    if (this.#isWhole()) this.#conclude();
    else this.#lastStep(() => this.#cut(error));
    this.#watchdog.delete(this);
  }

  /** No event follows the last step, so an exception in it must not leave the exchange without an end. */
  #lastStep(step: () => void): void {
    this.#phase = "over";
    try {
      step();
    } catch (cause) {
      this.#broken(cause);
    }
  }

  /** Whether nothing is missing when the body ends here. */
  #isWhole(): boolean {
    const { progress } = this.#tap;
    if (progress !== "finished") return progress !== "open";
    return this.#isTranslated || !DIALECTS[this.#exchange.route.dialect].needsEndMark(this.#framing);
  }

  /** Whether nothing more is waited for: bytes behind the last mark belong to a relayed answer alone. */
  #isOver(): boolean {
    const { progress } = this.#tap;
    return progress === "failed" || (this.#isTranslated && progress === "complete");
  }

  /** The answer is whole, or failed in the upstream's own words: commit, then send the held bytes. */
  #conclude(): void {
    this.#lastStep(() => this.#settleAnswer());
  }

  #settleAnswer(): void {
    this.#lastReadMs = this.#watchdog.nowMs;
    if (this.#tap.isCutShort) {
      this.#watchdog.delete(this);
      this.#call.abort(new GatewayError("upstream_cut", "the answer ended at a stop sequence"));
    }
    const hasFailed = this.#tap.progress === "failed";
    if (hasFailed) {
      const signal = inBandSignal(this.#attempt, this.#head.headers, this.#tap.failure ?? "");
      this.#attempt.verdict.failedLate(signal, this.#head);
    }
    const last = this.#tap.end();
    // The words of an error, and what follows them, are no answer.
    const { secrets } = this.#attempt.credential.access;
    const held = hasFailed && last !== null ? bytesWithoutSecrets(last, secrets) : last;
    if (held !== null) {
      this.#replyBytes += held.byteLength;
      this.#firstByteMs ??= this.#gateway.clock.monotonicMs();
    }
    const ending = hasFailed ? this.#ending("error", "upstream_error") : this.#ending("ok", null);
    settle(this.#gateway, this.#exchange, ending, (failure) => {
      if (failure !== null) {
        this.#fail(failure);
        return;
      }
      this.#exchange.client.restoreIdleTimeout();
      this.#stream.finish(held);
      this.#attempt.verdict.endLease();
    });
  }

  /** The upstream broke off: whole frames go out, then the failure in-band, never a good end. */
  #cut(cause: GatewayError | null): void {
    const error =
      cause ?? new GatewayError("upstream_cut", "the upstream broke off before the end of its answer");
    const outcome = this.#attempt.verdict.cutLate(this.#head, error);
    const held = this.#tap.cut();
    if (held !== null) this.#replyBytes += held.byteLength;
    // The held bytes may say why the answer stopped: like a good end, they wait for the row.
    settleFailure(this.#gateway, this.#exchange, this.#ending(outcome, error.kind), () =>
      this.#fail(error, held),
    );
  }

  /**
   * Ends the client's stream with an error in its dialect, behind the whole frames that were held; where the framing
   * has no place for one, the connection breaks.
   */
  #fail(error: GatewayError, held: Uint8Array | null = null): void {
    if (held !== null) this.#hasSent = true;
    let text = "";
    try {
      text = this.#tap.renderFailure(error, this.#exchange.id, !this.#hasSent);
    } catch {
      // An exception may have left the encoder unable to write. The broken connection then tells the client.
    }
    // The time-out belongs to the request, so it is set before the stream ends.
    this.#exchange.client.restoreIdleTimeout();
    this.#stream.fail(held, text);
    this.#attempt.verdict.endLease();
  }

  #finish(): void {
    this.#phase = "over";
    this.#watchdog.delete(this);
  }
}
