/**
 * One try of one target with one credential: lease → build → send → classify. Ends either with a reply for the client, or with
 * what went wrong and what that says about the credential; whether to go on is decided in `targets.ts`.
 */
import { ERRORS, GatewayError } from "../../core/errors.ts";
import type { Framing, Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Lease } from "../../pool/pool.ts";
import type { CredentialView } from "../../snapshot.ts";
import { droppedHeader } from "../../translate/drops.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { BodySink, Call, ReplyHead } from "../../transport/call.ts";
import { type WholeRead, WholeSink } from "../../transport/whole.ts";
import { repairFor } from "../../upstreams/repair.ts";
import type { Signal } from "../../upstreams/signal.ts";
import { Relay } from "../answer/stream.ts";
import { type Answering, isEventStream, translatedAnswer } from "../answer/translated.ts";
import { correctRow } from "../exchange.ts";
import type { AttemptInput, AttemptResult } from "./outcome.ts";
import { errorFor, foreignError } from "./upstream-error.ts";
import { asksForUsage, type Outgoing, relayed, translated as translatedRequest } from "./upstream-request.ts";
import { AttemptReport } from "./verdict.ts";

/** A JSON reply up to this size is read whole before the client gets any of it, so that a broken one can be retried. */
const WHOLE_REPLY_BYTES = 1024 * 1024;
const ERROR_BODY_BYTES = 64 * 1024;
/** An unfinished frame up to this size is held back. */
const HELD_FRAME_BYTES = 64 * 1024;

export async function attempt(input: AttemptInput, lease: Lease): Promise<AttemptResult> {
  const { gateway, exchange, upstream, target, translated } = input;
  const credential = upstream.credentials.get(lease.credentialId) as CredentialView;
  const dialect = translated?.dialect ?? exchange.route.dialect;
  exchange.beginAttempt(upstream.name, dialect, credential.name, target.model === "" ? null : target.model);
  const isUsageInjected = translated === null && asksForUsage(input);
  let call: Call;
  let tracked: Tracked | null = null;
  try {
    const outgoing =
      translated === null
        ? relayed(input, credential.authHeader)
        : translatedRequest(translated, upstream, credential.authHeader);
    call = send(input, outgoing, () => tracked?.listen());
  } catch (cause) {
    gateway.pool.release(lease);
    throw cause;
  }
  tracked = new Tracked(input, lease, call);
  try {
    const head = await call.head;
    return await (head.status >= 300 ? tracked.refused(head) : tracked.answered(head, isUsageInjected));
  } catch (cause) {
    return tracked.broke(cause);
  } finally {
    tracked.stopListening();
  }
}

function send({ gateway, upstream }: AttemptInput, outgoing: Outgoing, onWait: (() => void) | null): Call {
  return gateway.transport.send({
    ...outgoing,
    connectTimeoutMs: upstream.connectTimeoutMs,
    firstByteTimeoutMs: upstream.firstByteTimeoutMs,
    idleTimeoutMs: upstream.idleTimeoutMs,
    onWait,
  });
}

/** One attempt under way: every path through it ends the lease, the call, and leaves a note where it failed. */
class Tracked implements Answering {
  readonly #input: AttemptInput;
  readonly report: AttemptReport;
  /** A translated answer may take more than one. */
  #call: Call;
  #isListening = false;
  #isAnswered = false;
  hasLeft = false;
  #sink: BodySink | null = null;

  constructor(input: AttemptInput, lease: Lease, call: Call) {
    this.#input = input;
    this.report = new AttemptReport(input, lease);
    this.#call = call;
  }

  /**
   * The answer takes its time: from here on the client may leave, and wait for longer than it was given to send its request. Most
   * answers are there before, and are spared what it costs to watch for that. A client that has left by now is seen as well.
   */
  listen(): void {
    // From the stream on, the relay hears of a client that leaves.
    if (this.#isAnswered) return;
    this.#isListening = true;
    const { client } = this.#input.exchange;
    client.suspendIdleTimeout();
    const { signal } = client.request;
    signal.addEventListener("abort", this.#onClientLeft);
    if (signal.aborted) this.#onClientLeft();
  }

  stopListening(): void {
    this.#isAnswered = true;
    if (this.#isListening) {
      this.#input.exchange.client.request.signal.removeEventListener("abort", this.#onClientLeft);
    }
  }

  /** Asks once more with the same credential; its answer goes on with the one under way. */
  sendAgain(request: TranslatedRequest): Call {
    const { authHeader } = this.report.credential;
    const outgoing = translatedRequest(request, this.#input.upstream, authHeader);
    return send(this.#input, outgoing, () => this.listen());
  }

  get call(): Call {
    return this.#call;
  }

  /** From now on the answer comes by this call. */
  follow(call: Call): void {
    this.#call = call;
  }

  readonly #onClientLeft = (): void => {
    this.hasLeft = true;
    const reason = new GatewayError("upstream_cut", "the client left");
    this.#call.abort(reason);
    // An aborted call tells its sink nothing any more, but somebody may be waiting for it.
    this.#sink?.end(reason);
  };

  /** The head of a good reply is there. */
  async answered(head: ReplyHead, isUsageInjected: boolean): Promise<AttemptResult> {
    const { gateway, exchange } = this.#input;
    exchange.upstreamRequestId = head.headers.get("x-request-id") ?? head.headers.get("request-id");
    const { translated, translator } = this.#input;
    const framing = framingOf(head, translated, translator.framing());
    const other = translated ?? (this.#hasOtherForm(framing) ? await translator.sameDialect() : null);
    if (other !== null) return await translatedAnswer(this, this.#input, head, other, framing);
    exchange.isStream = framing !== "json";
    const tap = DIALECTS[exchange.route.dialect].makeTap({
      framing,
      isUsageInjected,
      peek: this.#input.peek,
      maxHeldBytes: HELD_FRAME_BYTES,
    });
    exchange.tap = tap;
    const headers = gateway.snapshot.filterReplyHeaders(head.headers, exchange.id);
    exchange.dropped = this.#input.dropped;
    if (exchange.dropped.length > 0) headers["x-clewline-dropped"] = droppedHeader(exchange.dropped);
    if (framing !== "json") return await this.stream(head, tap, framing, headers);
    const reading = this.readWhole(WHOLE_REPLY_BYTES, tap);
    const read = reading instanceof Promise ? await reading : reading;
    if (this.hasLeft) return this.left();
    if (read.error !== null) throw read.error;
    if (read.isWhole) return await this.#whole(head, tap, read.bytes, headers);
    return await this.stream(head, tap, "json", headers, read);
  }

  /**
   * Whether the upstream answers in another form than it was asked for: JSON for a stream, a stream for JSON. Read and written anew, it
   * has the form that the client waits for.
   */
  #hasOtherForm(framing: Framing): boolean {
    const { exchange, peek, translator } = this.#input;
    const { isGenerative, action } = exchange.route;
    if (!isGenerative) return false;
    // Gemini says in its path what is asked for.
    if (action !== null) return framing !== translator.framing();
    return (peek?.stream === true) === (framing === "json");
  }

  /** Not a promise when all is there already, as it is with most short replies. */
  readWhole(limitBytes: number, tap: Tap | null): WholeRead | Promise<WholeRead> {
    const whole = new WholeSink(limitBytes, tap);
    this.#sink = whole;
    this.#call.pipe(whole);
    return whole.isWhole ? whole : whole.read;
  }

  async #whole(
    head: ReplyHead,
    tap: Tap,
    bytes: Uint8Array,
    headers: Record<string, string>,
  ): Promise<AttemptResult> {
    // A stored response that failed is a good answer to the question what became of it.
    const isStored = this.#input.exchange.route.endpoint === "responses.stored";
    if (tap.progress === "failed" && !isStored) return this.failedInBand(head, tap.failure ?? "", null);
    const isEmpty = bytes.byteLength === 0 && (head.status === 204 || head.status === 205);
    if (tap.progress !== "complete" && tap.progress !== "failed" && !isEmpty) {
      return /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 64)))
        ? this.cut("the upstream's reply broke off")
        : this.garbage("the upstream's reply is not JSON");
    }
    return await this.settled(head, isEmpty ? null : (bytes as Uint8Array<ArrayBuffer>), headers);
  }

  /** The answer is there as a whole: the row first, then the reply. */
  async settled(
    head: ReplyHead,
    body: Uint8Array<ArrayBuffer> | null,
    headers: Record<string, string>,
  ): Promise<AttemptResult> {
    const { gateway, exchange } = this.#input;
    this.report.good(head);
    this.report.over();
    exchange.status = head.status;
    exchange.outcome = "ok";
    exchange.replyBytes = body?.byteLength ?? 0;
    exchange.firstByteMs = gateway.clock.monotonicMs();
    const { row, committed } = exchange.settle(gateway);
    try {
      await committed;
    } catch (cause) {
      correctRow(row, cause as GatewayError);
      throw cause;
    }
    exchange.client.restoreIdleTimeout();
    return { reply: new Response(body, { status: head.status, headers }) };
  }

  #relay(head: ReplyHead, tap: Tap, framing: Framing, read: WholeRead | null): Relay {
    const { gateway, exchange } = this.#input;
    const relay = new Relay({
      gateway,
      exchange,
      call: this.#call,
      tap,
      framing,
      first: read?.bytes ?? null,
      hooks: {
        failed: (failure) => this.report.failedLate(head, failure),
        cut: () => this.report.cutLate(head),
        over: () => this.report.over(),
      },
    });
    this.#sink = relay;
    return relay;
  }

  /** Hands the body on as it comes; `read` is what was read of it already. */
  async stream(
    head: ReplyHead,
    tap: Tap,
    framing: Framing,
    headers: Record<string, string>,
    read: WholeRead | null = null,
  ): Promise<AttemptResult> {
    const { exchange } = this.#input;
    const relay = this.#relay(head, tap, framing, read);
    const begun = relay.begin();
    if (read === null) this.#call.pipe(relay);
    else read.handOver(relay);
    const beginning = await begun;
    if (beginning !== "open" || this.hasLeft) {
      const { reason } = this.#call;
      relay.discard(new GatewayError("upstream_cut", "given up before a byte was sent"));
      if (this.hasLeft) return this.left();
      if (relay.fault !== undefined) throw relay.fault;
      if (beginning === "failed") return this.failedInBand(head, tap.failure ?? "", this.#input.translated);
      return reason === null
        ? this.cut("the upstream closed the stream before it began")
        : this.broke(reason);
    }
    this.report.good(head);
    exchange.status = head.status;
    exchange.client.suspendIdleTimeout();
    return {
      reply: new Response(relay.body, {
        status: head.status,
        headers: { ...headers, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" },
      }),
    };
  }

  /** An HTTP status that is not a success. */
  async refused(head: ReplyHead): Promise<AttemptResult> {
    const { gateway, exchange, upstream, target } = this.#input;
    const { bytes, isWhole } = await this.readWhole(ERROR_BODY_BYTES, null);
    if (this.hasLeft) return this.left();
    if (!isWhole) this.#call.abort(new GatewayError("upstream_garbage", "the upstream's error is too long"));
    const text = new TextDecoder().decode(bytes);
    const isRedirect = head.status < 400;
    const classified: Signal = isRedirect
      ? { class: "overload", reason: `the upstream answered with a redirect (${head.status})` }
      : upstream.family.classify({
          status: head.status,
          headers: head.headers,
          body: text,
          nowMs: gateway.clock.nowMs(),
          model: target.model,
        });
    const { translated } = this.#input;
    const dialect = translated?.dialect ?? exchange.route.dialect;
    const mayRepair = classified.class === "bad" || classified.class === "forbid";
    const repair = mayRepair ? repairFor(dialect, head.status, text) : null;
    // The wording is ours: worded otherwise, the credential may well ask for this model.
    const signal: Signal =
      translated !== null && repair !== null
        ? { class: "bad", reason: "the request is worded otherwise than the upstream wants" }
        : classified;
    this.report.failed(signal, head.status);
    if (translated !== null) {
      const error = foreignError(
        translated.codec,
        signal,
        head.status,
        this.report.shown(text),
        gateway.clock.nowMs(),
      );
      return { signal, error, kept: null, repair };
    }
    return {
      signal,
      error: errorFor(signal, head.status),
      repair,
      // Pages of a proxy or CDN in between are not the provider's words: the dialect's own error is given instead.
      kept:
        isRedirect || !isWhole || !/^\s*[[{]/.test(text)
          ? null
          : {
              status: head.status,
              headers: gateway.snapshot.filterReplyHeaders(head.headers, exchange.id),
              body: this.report.forClient(text, bytes),
            },
    };
  }

  /** The connection failed, or a time-out of ours ended it. */
  broke(cause: unknown): AttemptResult {
    if (this.hasLeft) return this.left();
    const reason = cause instanceof GatewayError ? (this.#call.reason ?? cause) : cause;
    if (reason instanceof GatewayError && ERRORS[reason.kind].origin === "upstream") {
      return this.#transportFault(reason);
    }
    // A fault of ours or of the ledger: nobody else's, and not to be repeated.
    this.#call.abort(new GatewayError("internal", "given up"));
    this.report.over();
    throw reason;
  }

  cut(message: string): AttemptResult {
    return this.#transportFault(new GatewayError("upstream_cut", message));
  }

  garbage(message: string): AttemptResult {
    return this.#transportFault(new GatewayError("upstream_garbage", message));
  }

  #transportFault(error: GatewayError): AttemptResult {
    this.#call.abort(error);
    return { signal: this.report.transportFault(error), error, kept: null, repair: null };
  }

  failedInBand(head: ReplyHead, failure: string, translated: TranslatedRequest | null): AttemptResult {
    this.#input.exchange.tap = null;
    const signal = this.report.classifyInBand(head.headers, failure);
    this.report.failed(signal, head.status);
    const status = this.#input.upstream.family.inBandStatus(failure);
    const dialect = translated?.dialect ?? this.#input.exchange.route.dialect;
    const repair = signal.class === "bad" ? repairFor(dialect, status, failure) : null;
    if (translated !== null) {
      return { signal, error: this.report.inBandError(translated, failure, ""), kept: null, repair };
    }
    return {
      signal,
      error: errorFor(signal, status),
      repair,
      kept: {
        status,
        headers: { "content-type": "application/json" },
        body: this.report.forClient(DIALECTS[dialect].wrapFailure(failure), null),
      },
    };
  }

  left(): AttemptResult {
    this.report.note(null, "client_left");
    this.report.over();
    return { clientLeft: true };
  }
}

/**
 * By what the reply says it is, not by what was asked, but for Gemini's JSON array, which says no more than that it is JSON; what says
 * nothing, or is neither, is read whole and found to be garbage.
 */
function framingOf(head: ReplyHead, translated: TranslatedRequest | null, asked: Framing): Framing {
  const type = head.headers.get("content-type")?.toLowerCase() ?? "";
  if (isEventStream(type)) return "sse";
  const isArray = translated === null && asked === "json-array" && type.startsWith("application/json");
  return isArray ? "json-array" : "json";
}
