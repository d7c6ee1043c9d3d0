/**
 * Holds a good reply back until its model has said something, for a request that may be asked elsewhere if
 * the reply turns out to be a mere refusal of its content. Only requests with `on_refusal` pass here.
 */
import { Buffer } from "node:buffer";
import type { Framing, Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { ReplyHead } from "../../transport/call.ts";
import { type Watchdog, Watched } from "../../transport/watchdog.ts";
import type { Watcher, WholeRead } from "../../transport/whole.ts";
import { withoutEndMark } from "../../wire/body-form.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import { allChanges } from "../attempt/changes.ts";
import type { RefusingAnswer } from "../attempt/outcome.ts";
import { goOnWith, ReadAheadCall } from "./read-ahead.ts";
import { relayedHeaders } from "./relayed-headers.ts";
import { FINISHED_SILENCE_MS } from "./streamed-reply.ts";
import { translatedHeaders } from "./translated-headers.ts";

/** A refusal is short. A longer reply passes. */
const MAX_HELD_BYTES = 64 * 1024;

/** The watchdog looks at it while the end of a refusal is waited for. */
export class RefusalGate extends Watched implements Watcher {
  readonly #attempt: RunningAttempt;
  readonly #head: ReplyHead;
  readonly #framing: Framing;
  readonly #deliver: () => void;
  readonly #tap: Tap;
  readonly #watchdog: Watchdog;
  #lastReadMs = 0;

  /** `deliver` delivers the reply from its beginning. */
  constructor(attempt: RunningAttempt, head: ReplyHead, framing: Framing, deliver: () => void) {
    super();
    const { dialect, peek, translated } = attempt.prepared;
    this.#attempt = attempt;
    this.#watchdog = attempt.served.gateway.transport.watchdog;
    this.#head = head;
    this.#framing = framing;
    this.#deliver = deliver;
    this.#tap = DIALECTS[dialect].makeTap({
      framing,
      peek: translated === null ? peek : null,
      isUsageInjected: false,
      maxHeldBytes: MAX_HELD_BYTES,
    });
  }

  /** A whole reply is read at once, a stream until something is known. */
  read(): void {
    this.#attempt.readWhole(MAX_HELD_BYTES, this, (read) => this.#onRead(read));
  }

  push(bytes: Uint8Array): void {
    this.#tap.push(bytes);
    if (this.#framing === "json") return;
    this.#watchdog.delete(this);
    this.#lastReadMs = this.#watchdog.nowMs;
    if (!this.isEnough && this.#mayEndHere()) this.#watchdog.add(this);
  }

  /** It is known whether the stream is a mere refusal. */
  get isEnough(): boolean {
    const { isRefusal, hasContent, progress } = this.#tap;
    if (this.#framing === "json") return false;
    return (hasContent && !isRefusal) || progress === "failed" || (isRefusal && progress === "complete");
  }

  #onRead(read: WholeRead): void {
    this.#watchdog.delete(this);
    if (this.#tap.isRefusal && this.#isWhole(read.isWhole)) {
      const refusing = refusingAnswer(this.#attempt, this.#head, this.#framing, read.bytes, this.#tap);
      if (refusing !== null) {
        this.#attempt.end(this.#attempt.refused(this.#head, this.#tap, refusing));
        return;
      }
    }
    goOnWith(this.#attempt, new ReadAheadCall(this.#attempt.call, read), this.#deliver);
  }

  /** A server may forget the last mark, and keep the connection open. */
  override check(nowMs: number): void {
    if (nowMs - this.#lastReadMs < FINISHED_SILENCE_MS) return;
    this.#watchdog.delete(this);
    this.#attempt.endReading();
  }

  /** Whether the client would miss nothing: counts of tokens and a mark of the end follow a reason to stop. */
  #isWhole(isBodyWhole: boolean): boolean {
    return this.#tap.progress === "complete" || (isBodyWhole && this.#mayEndHere());
  }

  #mayEndHere(): boolean {
    const { dialect } = this.#attempt.prepared;
    return this.#tap.progress === "finished" && !DIALECTS[dialect].needsEndMark(this.#framing);
  }
}

/** The refusal in the form that the client asked for; null: it has none. */
function refusingAnswer(
  attempt: RunningAttempt,
  head: ReplyHead,
  framing: Framing,
  bytes: Uint8Array,
  tap: Tap,
): RefusingAnswer | null {
  const { served, prepared } = attempt;
  const { exchange } = served;
  const { translated } = prepared;
  exchange.attempt.isStream = exchange.clientFraming !== "json";
  const { model, stopReason, stateIds } = tap;
  const { status } = head;
  // Its usage is booked with the failed attempt.
  const facts = { usage: null, model, stopReason, stateIds, ...NOTHING_MORE };
  if (translated === null) {
    const { isUsageAsked, peek, dialect } = prepared;
    const held = { framing, peek, isUsageInjected: isUsageAsked, maxHeldBytes: MAX_HELD_BYTES };
    const own = DIALECTS[dialect].makeTap(held);
    const parts = [own.push(bytes), own.end()].filter((part) => part !== null);
    exchange.attempt.dropped = allChanges(prepared);
    return { status, headers: relayedHeaders(attempt, head, framing), body: Buffer.concat(parts), facts };
  }
  exchange.attempt.dropped = translated.dropped;
  const read = framing === "json" ? withoutEndMark(bytes) : bytes;
  const reply = served.replies.readWhole(translated, framing, read);
  if (reply.stop === null) return null;
  const text = served.replies.writeWhole({ ...reply, stop: reply.stop }, exchange.clientFraming);
  const headers = translatedHeaders(exchange, exchange.clientFraming);
  return { status, headers, body: Buffer.from(text), facts };
}

const NOTHING_MORE = { uncountedBytes: 0, pendingId: null, isRefusal: true, isCutShort: false } as const;
