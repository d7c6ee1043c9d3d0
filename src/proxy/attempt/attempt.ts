/**
 * One attempt: asks one target with one credential. It ends with a good head, which `answer/` delivers, or
 * with a failure and its meaning for the credential. `targets.ts` decides whether to go on.
 *
 * A state machine: each callback of the call takes one step and ends the attempt once. No promise is made on
 * the way.
 */
import { ERRORS, GatewayError } from "../../core/errors.ts";
import type { HeaderLines } from "../../core/header-view.ts";
import { type ByteRoom, type MemoryShare, memoryExhausted } from "../../core/memory-budget.ts";
import { headWithoutSecrets } from "../../core/redact.ts";
import { NO_REPAIRS } from "../../dialects/repair.ts";
import type { Drop } from "../../neutral/request.ts";
import type { Lease } from "../../pool/credential.ts";
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead, WaitingCaller } from "../../transport/call.ts";
import { type Watcher, type WholeRead, type WholeReader, WholeSink } from "../../transport/whole.ts";
import { AccessRefused, type UpstreamRequestParts } from "../../upstreams/authorization.ts";
import { renewAdmission } from "../admission/renew-admission.ts";
import { captureCall } from "../capture/captured-call.ts";
import type { ServedRequest } from "../served-request.ts";
import type { AnswerFacts } from "./answer-facts.ts";
import { credentialFor } from "./caller-login.ts";
import { clientLeft, neverSent } from "./ends.ts";
import { accessFailure, inBandFailure, refusedFailure } from "./failure.ts";
import type { AttemptFailure, AttemptResult, ClientLeft, Fault, RefusingAnswer } from "./outcome.ts";
import { passedAnswer } from "./passed-usage.ts";
import type { PreparedRequest } from "./prepare.ts";
import { sendRequest } from "./send.ts";
import { relayRequest, translatedRequest } from "./upstream-request.ts";
import { Verdict } from "./verdict.ts";

/** Shared by all attempts until a translation drops something. */
const NOTHING_DROPPED: readonly Drop[] = [];
const ERROR_BODY_BYTES = 64 * 1024;

/** Who began an attempt, and decides what follows. */
export interface AttemptOwner {
  /** The upstream has begun a good reply. The attempt goes on until the reply is delivered or has failed. */
  replied(attempt: RunningAttempt, head: ReplyHead): void;
  /** Called once. Must not throw. */
  ended(attempt: RunningAttempt, result: AttemptResult): void;
}

export class RunningAttempt implements HeadWaiter, WaitingCaller, WholeReader, ByteRoom {
  readonly served: ServedRequest;
  #prepared: PreparedRequest;
  readonly upstream: UpstreamView;
  readonly lease: Lease;
  readonly credential: CredentialView;
  readonly verdict: Verdict;
  /** null: a stream goes to the client, and what only a further attempt needs is not kept through it. */
  #owner: AttemptOwner | null;
  #call: Call | null = null;
  /** Hears the client leave; null: nobody listens. */
  #onClientLeft: (() => void) | null = null;
  #isOver = false;
  #hasLeft = false;
  #sink: BodySink | null = null;
  /** Takes the body that is read whole; null: none is. */
  #onWhole: ((read: WholeRead) => void) | null = null;
  /** The facts that the reply has stated so far. */
  #facts: AnswerFacts | null = null;
  /** What the attempt holds in memory beside the client's request. */
  #heldBytes = 0;

  constructor(
    served: ServedRequest,
    prepared: PreparedRequest,
    upstream: UpstreamView,
    lease: Lease,
    owner: AttemptOwner,
  ) {
    const { gateway, exchange } = served;
    const { target } = prepared;
    this.served = served;
    this.#prepared = prepared;
    this.upstream = upstream;
    this.lease = lease;
    this.credential = credentialFor(served, upstream, lease);
    this.verdict = new Verdict(gateway, exchange, upstream, target.model, this.credential, lease);
    this.#owner = owner;
    if (lease.hold !== null) exchange.keep(lease.hold);
    exchange.beginAttempt({
      upstream: upstream.name,
      place: this.credential.place,
      upstreamDialect: prepared.dialect,
      credential: this.credential.name,
      modelUsed: target.model === "" ? null : target.model,
      mayFallBack: prepared.translated === null && served.peek?.namesFallbacks === true,
      mayBeBilled: true,
      access: this.credential.access,
      isStream: false,
      dropped: NOTHING_DROPPED,
      upstreamRequestId: null,
    });
  }

  get prepared(): PreparedRequest {
    return this.#prepared;
  }

  /** Sends the request. The owner hears of the reply, never before `begin` returns. */
  begin(): void {
    const { exchange } = this.served;
    const { translated } = this.prepared;
    try {
      // The values that a translation is made of take about as much as the copy that is counted already.
      if (translated !== null && !this.take(translated.body.byteLength)) throw memoryExhausted();
      this.#call = this.#send(
        translated === null
          ? relayRequest(exchange, this.upstream, this.prepared, this.credential.urls, this.#fixedLines)
          : this.#translated(translated),
      );
    } catch (cause) {
      this.verdict.endLease();
      throw cause;
    }
    this.#call.awaitHead(this);
  }

  replied(received: ReplyHead): void {
    try {
      const head = headWithoutSecrets(received, this.credential.access.secrets);
      if (head.status < 300) this.#owner?.replied(this, head);
      else this.#onRefusal(head);
    } catch (cause) {
      this.end(this.broken(cause));
    }
  }

  failed(cause: unknown): void {
    this.end(this.broken(cause));
  }

  /** Ends the attempt, which stops to listen for the client. The first call counts. */
  end(result: AttemptResult): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.memory.give(this.#heldBytes);
    this.#stopListening();
    this.#owner?.ended(this, result);
  }

  /** A stream begins to flow to the client: the request cannot be sent again, and the stream may take long. */
  letGoOfRequest(): void {
    this.#prepared = { ...this.#prepared, body: null, peek: null, translated: null };
    this.served.letGoOfBody();
    this.#owner = null;
  }

  /** An HTTP status that is not a success. */
  #onRefusal(head: ReplyHead): void {
    this.served.exchange.attempt.mayBeBilled = false;
    this.readWhole(ERROR_BODY_BYTES, null, ({ bytes, isWhole }) => {
      if (!isWhole) this.call.abort(new GatewayError("upstream_garbage", "the upstream's error is too long"));
      const failure = refusedFailure(this, head, bytes, isWhole);
      this.verdict.failed(failure.signal, head.status, failure.room, failure.detour);
      this.end(failure);
    });
  }

  /** The call whose reply is the answer. An answer in several parts replaces it. */
  get call(): Call {
    return this.#call as Call;
  }

  /** The answer comes by this call from now on. */
  follow(call: Call): void {
    this.#call = call;
  }

  /**
   * Sends the request that continues a paused answer, with the same credential. Throws when the client's key has ended,
   * or has no room.
   */
  sendAgain(request: TranslatedRequest): Call {
    const { endOfKey, exchange } = this.served;
    if (endOfKey !== null) throw endOfKey;
    const { admission } = exchange;
    admission?.spent();
    renewAdmission(admission, this.served.gateway.clock);
    return this.#send(this.#translated(request));
  }

  #translated(request: TranslatedRequest): UpstreamRequestParts {
    const { model } = this.prepared.target;
    return translatedRequest(request, this.upstream, model, this.credential.urls, this.#fixedLines);
  }

  get #fixedLines(): HeaderLines {
    return this.credential.access.fixedLines ?? [];
  }

  #send(parts: UpstreamRequestParts): Call {
    const call = sendRequest(this.served.gateway, this.upstream, this.credential, parts, this);
    return this.served.exchange.capture === null ? call : captureCall(this, parts, call);
  }

  /** The answer's facts are read from here on. If the attempt fails, the usage among them is kept. */
  reads(facts: AnswerFacts): void {
    this.#facts = facts;
  }

  /**
   * Reads the reply's body whole, or its first `limitBytes` and a bit. `then` runs at once when the body is
   * there already. The client may leave meanwhile, or `then` may throw: that ends the attempt.
   */
  readWhole(limitBytes: number, watcher: Watcher | null, then: (read: WholeRead) => void): void {
    this.#onWhole = then;
    this.pipe(new WholeSink(limitBytes, watcher, this, this));
  }

  get memory(): MemoryShare {
    return this.served.exchange.memory;
  }

  /** Counts what the attempt holds; false: there is no room for so much. */
  take(bytes: number): boolean {
    const isTaken = this.memory.take(bytes);
    if (isTaken) this.#heldBytes += bytes;
    return isTaken;
  }

  /** What was read so far is all of the body. The call goes on: who ends the attempt ends it. */
  endReading(): void {
    this.#sink?.end(null);
  }

  wholeRead(read: WholeRead): void {
    const then = this.#onWhole;
    this.#onWhole = null;
    if (this.#hasLeft) {
      this.end(this.left());
      return;
    }
    try {
      then?.(read);
    } catch (cause) {
      this.end(this.broken(cause));
    }
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    // The client may have left before anybody read the body, and an aborted call tells its sink nothing.
    if (this.#hasLeft) sink.end(clientLeft());
    else this.call.pipe(sink);
  }

  /** The body goes on to another sink, which took it over. */
  pipedTo(sink: BodySink): void {
    this.#sink = sink;
  }

  /** Runs a step; an exception in it ends the attempt. */
  guard(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.end(this.broken(cause));
    }
  }

  /**
   * The call takes long: from here on the attempt hears when the client leaves, and the connection's idle
   * time-out is off. Most calls are over sooner and never pay for this.
   */
  waits(): void {
    // Once a reply goes to the client, the reply's stream hears of a client that leaves.
    if (this.#isOver || this.#onClientLeft !== null) return;
    const { client, leaving: signal } = this.served.exchange;
    client.suspendIdleTimeout();
    const onClientLeft = (): void => this.leave();
    this.#onClientLeft = onClientLeft;
    signal.addEventListener("abort", onClientLeft);
    if (signal.aborted) onClientLeft();
  }

  #stopListening(): void {
    const onClientLeft = this.#onClientLeft;
    if (onClientLeft === null) return;
    this.#onClientLeft = null;
    this.served.exchange.leaving.removeEventListener("abort", onClientLeft);
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The client has left, so nobody wants the reply. */
  leave(): void {
    if (this.#isOver || this.#hasLeft) return;
    this.#hasLeft = true;
    const reason = clientLeft();
    this.#call?.abort(reason);
    // An aborted call tells its sink nothing, but the attempt may wait for the sink.
    this.#sink?.end(reason);
  }

  /** The connection failed, a time-out ended it, or an exception was thrown. */
  broken(cause: unknown): AttemptFailure | ClientLeft | Fault {
    if (this.#hasLeft) return this.left();
    if (cause instanceof AccessRefused) {
      this.#keepReported();
      this.verdict.failed(cause.signal, cause.status);
      return accessFailure(cause);
    }
    const reason = cause instanceof GatewayError ? (this.call.reason ?? cause) : cause;
    if (reason instanceof GatewayError && ERRORS[reason.kind].origin === "upstream") {
      return this.transportFailed(reason);
    }
    this.#keepPassed();
    this.call.abort(new GatewayError("internal", "the request is given up"));
    this.verdict.endLease();
    // The transport wraps an exception of its sink; the log needs the exception itself.
    const isWrapped = reason instanceof GatewayError && reason.kind === "internal";
    return { kind: "fault", cause: isWrapped ? (reason.cause ?? reason) : reason };
  }

  /** The reply broke off (`upstream_cut`), or makes no sense (`upstream_garbage`). */
  transportFailed(error: GatewayError): AttemptFailure {
    // A connection that was closed before a word of an answer, and a page in its place, are no work that anybody bills.
    const hasWritten = error.kind !== "upstream_garbage" && (this.#facts?.uncountedBytes ?? 0) > 0;
    if (hasWritten || error.kind === "upstream_timeout") this.#keepPassed();
    else this.#keepReported();
    // Without a connection nothing was sent; anything else needs room all the same.
    if (!neverSent(error)) this.served.exchange.admission?.spent();
    this.call.abort(error);
    this.verdict.transportFailed(error);
    const signal = { class: "overload", reason: error.message } as const;
    return { kind: "failed", signal, error, upstreamReply: null, repairs: NO_REPAIRS };
  }

  /**
   * The upstream reported a failure inside a good reply, before content. `request`: the client's dialect is
   * another one.
   */
  failedInBand(head: ReplyHead, raw: string, request: TranslatedRequest | null): AttemptFailure {
    this.#keepReported();
    const failure = inBandFailure(this, head, raw, request);
    this.verdict.failed(failure.signal, head.status, null, failure.detour);
    return failure;
  }

  /** The answer is a mere refusal of the content. It is billed all the same, and kept for the client. */
  refused(head: ReplyHead, facts: AnswerFacts, refusing: RefusingAnswer): AttemptFailure {
    this.reads(facts);
    this.#keepPassed();
    const error = new GatewayError("bad_request", "the upstream refused to answer for the content");
    this.call.abort(error);
    this.verdict.refused(head);
    const signal = { class: "bad", reason: error.message } as const;
    const failure = { kind: "failed", signal, error, upstreamReply: null, repairs: NO_REPAIRS } as const;
    return { ...failure, detour: "refusal", refusing };
  }

  /** The reply is longer than the gateway may hold. */
  tooLong(head: ReplyHead): AttemptFailure {
    return this.unusable(
      head,
      "the upstream's reply is longer than server.reply_limit_bytes; ask for a stream, or for less",
    );
  }

  /**
   * The reply is good, but of no use to the client. A repeat would be the same, and would be paid for twice.
   */
  unusable(head: ReplyHead, message: string): AttemptFailure {
    const error = new GatewayError("upstream_garbage", message);
    this.#keepPassed();
    this.call.abort(error);
    const signal = { class: "bad", reason: error.message } as const;
    this.verdict.failed(signal, head.status);
    return { kind: "failed", signal, error, upstreamReply: null, repairs: NO_REPAIRS };
  }

  left(): ClientLeft {
    this.verdict.clientLeft();
    return { kind: "client-left", facts: this.#facts };
  }

  /** The attempt has failed, and the provider bills no more than it said so far. */
  #keepReported(): void {
    this.served.exchange.attempt.mayBeBilled = false;
    this.#keepPassed();
  }

  /** The attempt has failed, and the provider may bill what has passed. */
  #keepPassed(): void {
    const { gateway, exchange } = this.served;
    const answer = passedAnswer(gateway, exchange, this.#facts);
    exchange.keepUsage(answer, gateway.snapshot.prices, answer.usage !== (this.#facts?.usage ?? null));
    exchange.attempt.mayBeBilled = false;
    if (answer.usage !== null) exchange.admission?.spent();
  }
}
