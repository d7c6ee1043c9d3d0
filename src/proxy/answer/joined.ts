/** The clients of an answer that several requests get: those that joined it on its way, and those of a kept one. */
import { type Flight, type FlightEnd, FlightReader, type NoAnswer } from "../../cache/flight.ts";
import type { AnswerHead, AnswerOrigin } from "../../cache/kept-answer.ts";
import { GatewayError } from "../../core/errors.ts";
import { requestIdHeaders } from "../../http/error-reply.ts";
import {
  type AnswerStream,
  PASSED_ON_AT_ONCE,
  ReplyStream,
  type ReplyStreamOwner,
} from "../../http/reply-stream.ts";
import { Watched } from "../../transport/watchdog.ts";
import { captureBody, captureStream } from "../capture/captured-reply.ts";
import type { ServedRequest } from "../served-request.ts";
import { type Ending, settle, settleFailure } from "../settle.ts";
import type { Walk } from "../walk.ts";
import { inBandError } from "./in-band-error.ts";
import type { LeadPlace } from "./lead.ts";
import type { Lead, Sharing } from "./sharing.ts";

/** Who has the request of a shared answer to serve. */
export interface SharedOwner {
  /** The client gets this reply. */
  answered(reply: Response): void;
  /** The request that it followed has failed: it is sent itself, and the others follow it. */
  leads(request: ServedRequest, place: LeadPlace): void;
  /** The client gets no answer, and nothing of one was there. */
  unanswered(why: NoAnswer): void;
  /** The client has left before it got any of an answer. */
  left(): void;
}

/** A kept answer is sent in so many pieces before other requests get their turn. */
const PIECES_A_TURN = 128;

/** The part of a request whose answer is, or was, made for another one. */
export class SharedPart implements Sharing {
  readonly use: Sharing["use"];
  readonly ageS: number | null;
  readonly lead: Lead | null;
  origin: AnswerOrigin | null = null;

  constructor(use: Sharing["use"], ageS: number | null, lead: Lead | null) {
    this.use = use;
    this.ageS = ageS;
    this.lead = lead;
  }
}

/** Sees within a tick that the key of a request that waits has ended. */
class KeyWatch extends Watched {
  readonly #request: ServedRequest;
  readonly #ended: (error: GatewayError) => void;

  constructor(request: ServedRequest, ended: (error: GatewayError) => void) {
    super();
    this.#request = request;
    this.#ended = ended;
  }

  override check(): void {
    const { endOfKey } = this.#request;
    if (endOfKey !== null) this.#ended(endOfKey);
  }
}

/**
 * Takes the answer to its client. The row of the leader is settled where its answer is made; each other reader has a row
 * of its own, which is committed before the last bytes go out.
 */
export class SharedReader extends FlightReader implements ReplyStreamOwner, Walk {
  readonly #request: ServedRequest;
  readonly #key: string;
  readonly #flight: Flight;
  readonly #part: SharedPart;
  readonly #owner: SharedOwner;
  readonly #onAbort: () => void;
  /** While it waits for another request's answer to begin; null: it does not. */
  #keyWatch: KeyWatch | null = null;
  #head: AnswerHead | null = null;
  #stream: AnswerStream | null = null;
  #isDone = false;
  /** The row and the last bytes follow. */
  #isEnding = false;
  #replyBytes = 0;
  #firstByteMs: number | null = null;

  constructor(request: ServedRequest, at: Omit<LeadPlace, "failures">, part: SharedPart, owner: SharedOwner) {
    super(part.lead !== null);
    this.#request = request;
    this.#key = at.key;
    this.#flight = at.flight;
    this.#part = part;
    this.#owner = owner;
    this.#onAbort = () => this.leave();
    const { client } = request.exchange;
    client.suspendIdleTimeout();
    client.request.signal.addEventListener("abort", this.#onAbort);
  }

  /** The answer is on its way for another request, and has not begun. */
  wait(): void {
    if (this.#head !== null || this.#isDone) return;
    this.#keyWatch = new KeyWatch(this.#request, (error) => this.#giveUp(error));
    this.#request.gateway.transport.watchdog.add(this.#keyWatch);
  }

  begun(head: AnswerHead): void {
    this.#head = head;
    this.#endWait();
    const { exchange, endOfKey } = this.#request;
    const { early, client } = exchange;
    const isFormed = early === null || isOpened(head, exchange.clientFraming);
    const refusal = this.isLeader ? null : (endOfKey ?? (isFormed ? null : otherForm()));
    if (refusal !== null) {
      this.#giveUp(refusal);
      return;
    }
    // From here on the request is not sent any more.
    if (!this.isLeader) this.#request.letGoOfBody();
    if (!head.isStreamed) return;
    client.suspendIdleTimeout();
    const headers = this.#headers(head);
    if (early !== null) {
      this.#stream = early.release(headers);
      this.#stream.handOver(this);
      return;
    }
    const stream = captureStream(new ReplyStream(this), exchange.capture);
    this.#stream = stream;
    const all = { ...headers, ...PASSED_ON_AT_ONCE };
    this.#owner.answered(new Response(stream.body, { status: head.status, headers: all }));
  }

  more(): void {
    if (this.#isDone || this.#isEnding || this.#head === null) return;
    if (this.#head.isStreamed) this.#pump();
    else if (this.#flight.end?.kind === "whole") this.#deliver(this.#head, this.#flight.end);
  }

  started(): void {
    this.drained();
  }

  drained(): void {
    this.isBlocked = false;
    this.#pump();
    this.#flight.moved();
  }

  left(): void {
    this.leave();
  }

  ping(bytes: Uint8Array): void {
    if (this.#stream?.isBlocked === false) this.#stream.ping(bytes);
  }

  lead(failures: number): void {
    this.#done();
    const { exchange } = this.#request;
    exchange.sharing = null;
    exchange.admission?.release();
    exchange.admission = null;
    this.#owner.leads(this.#request, { key: this.#key, flight: this.#flight, failures });
  }

  none(why: NoAnswer | null): void {
    if (this.#isDone) return;
    const stream = this.#stream;
    if (stream === null || why === null) {
      this.#done();
      if (!this.isLeader && why !== null) this.#owner.unanswered(why);
      return;
    }
    const { gateway, exchange } = this.#request;
    const tell = (): void =>
      this.#end(() => stream.fail(null, inBandError(exchange, why.error, this.#replyBytes === 0)));
    this.#isEnding = true;
    if (exchange.isSettled) tell();
    else settleFailure(gateway, exchange, this.#ending("error", why.errorKind), tell);
  }

  tooSlow(): void {
    if (this.#isDone) return;
    this.#done();
    this.#takeSoFar();
    const { gateway, exchange } = this.#request;
    const ending = this.#ending("error", "client_too_slow");
    settleFailure(gateway, exchange, ending, () => this.#stream?.fail(null, ""));
  }

  leave(): void {
    if (this.#isDone) return;
    this.#done();
    const { gateway, exchange } = this.#request;
    if (!this.isLeader && !exchange.isSettled) this.#takeSoFar();
    this.#flight.leave(this);
    if (this.isLeader) {
      if (this.#stream === null) this.#owner.answered(new Response(null, { status: 499 }));
    } else if (this.#stream === null) {
      this.#owner.left();
    } else if (!exchange.isSettled) {
      const isCut = gateway.isDraining;
      const ending = isCut ? this.#ending("error", "shutting_down") : this.#ending("client_left", null);
      settleFailure(gateway, exchange, ending, () => undefined);
    }
  }

  #pump(): void {
    const stream = this.#stream;
    if (stream === null || this.#isDone || this.#isEnding || this.isBlocked) return;
    for (let pieces = 1; ; pieces++) {
      const piece = this.#flight.take(this);
      if (piece === null) break;
      this.#count(piece);
      if (!stream.write(piece)) {
        this.isBlocked = true;
        return;
      }
      if (pieces === PIECES_A_TURN) {
        this.isBlocked = true;
        setImmediate(() => this.drained());
        return;
      }
    }
    const { end } = this.#flight;
    if (end !== null) this.#finish(stream, end);
  }

  #count(bytes: Uint8Array | null): void {
    if (bytes === null) return;
    this.#replyBytes += bytes.byteLength;
    this.#firstByteMs ??= this.#request.gateway.clock.monotonicMs();
  }

  /** The last bytes wait for the row. */
  #finish(stream: AnswerStream, end: FlightEnd): void {
    this.#isEnding = true;
    const { gateway, exchange } = this.#request;
    if (end.kind === "whole") {
      const isFirst = this.#replyBytes === 0;
      this.#count(end.tail);
      this.#settled(end.origin, (failure) => {
        if (failure === null) this.#end(() => stream.finish(end.tail));
        else this.#end(() => stream.fail(null, inBandError(exchange, failure, isFirst)));
      });
      return;
    }
    const { cause, held, words } = end;
    this.#count(held);
    const tell = (): void =>
      this.#end(() => stream.fail(held, words.replaceAll(cause.requestId, exchange.id)));
    if (this.isLeader) {
      tell();
      return;
    }
    this.#takeFrom(cause.origin);
    settleFailure(gateway, exchange, this.#ending(cause.outcome, cause.errorKind), tell);
  }

  #deliver(head: AnswerHead, { tail, origin }: Extract<FlightEnd, { kind: "whole" }>): void {
    this.#isEnding = true;
    this.#firstByteMs = this.#request.gateway.clock.monotonicMs();
    this.#count(tail);
    this.#settled(origin, (failure) => {
      if (failure !== null) {
        this.#giveUp(failure);
        return;
      }
      const headers = this.#headers(head);
      const { exchange } = this.#request;
      const { early } = exchange;
      this.#end(() => {
        if (early !== null) early.endWith(tail, headers);
        else {
          captureBody(exchange.capture, tail);
          this.#owner.answered(replyOf(head.status, headers, tail));
        }
      });
    });
  }

  #settled(origin: AnswerOrigin, then: (failure: GatewayError | null) => void): void {
    if (this.isLeader) {
      then(null);
      return;
    }
    const { gateway, exchange } = this.#request;
    this.#takeFrom(origin);
    settle(gateway, exchange, this.#ending("ok", null), then);
  }

  #takeFrom(origin: AnswerOrigin): void {
    this.#part.origin = origin;
    this.#request.exchange.answerFrom(origin, this.#head?.isStreamed === true);
  }

  /** A client that gets no end has used what was made by then: it may have all but the last piece. */
  #takeSoFar(): void {
    const origin = this.#firstByteMs === null ? null : this.#flight.originSoFar;
    if (origin !== null) this.#takeFrom(origin);
  }

  #ending(outcome: Ending["outcome"], errorKind: Ending["errorKind"]): Ending {
    return {
      status: this.#head?.status ?? 200,
      outcome,
      errorKind,
      facts: null,
      replyBytes: this.#replyBytes,
      firstByteMs: this.#firstByteMs,
      isHeadSent: this.#stream !== null,
    };
  }

  #headers({ headers }: AnswerHead): Record<string, string> {
    return { ...headers, ...requestIdHeaders(this.#request.exchange.id) };
  }

  /** The client gets the error in place of an answer. */
  #giveUp(error: GatewayError): void {
    if (this.#isDone) return;
    this.#done();
    this.#flight.leave(this);
    this.#owner.unanswered({ outcome: "refused", errorKind: error.kind, error, reply: null });
  }

  #end(end: () => void): void {
    if (this.#isDone) return;
    this.#done();
    this.#request.exchange.client.restoreIdleTimeout();
    end();
    this.#flight.leave(this);
  }

  #endWait(): void {
    if (this.#keyWatch !== null) this.#request.gateway.transport.watchdog.delete(this.#keyWatch);
    this.#keyWatch = null;
  }

  #done(): void {
    this.#isDone = true;
    this.#endWait();
    this.#request.exchange.client.request.signal.removeEventListener("abort", this.#onAbort);
  }
}

function otherForm(): GatewayError {
  return new GatewayError(
    "upstream_garbage",
    "the upstream answered in another form than the client asked for",
  );
}

/** Whether the answer has the form of the stream that was opened for it. */
function isOpened({ headers }: AnswerHead, framing: string): boolean {
  return framing !== "sse" || headers["content-type"]?.startsWith("text/event-stream") === true;
}

function replyOf(status: number, headers: Record<string, string>, body: Uint8Array | null): Response {
  return new Response(body as Uint8Array<ArrayBuffer> | null, { status, headers });
}
