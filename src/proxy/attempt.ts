/**
 * One try of one target with one credential: lease → build → send → classify. Ends either with a reply for the client, or with
 * what went wrong and what that says about the credential; whether to go on is decided in `targets.ts`.
 */
import { ERRORS, GatewayError } from "../core/errors.ts";
import type { Framing, Tap } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import { type Peek, rewriteRequest } from "../dialects/peek.ts";
import { makeUpstreamHeaders } from "../http/headers.ts";
import type { Target } from "../plan/plan.ts";
import type { Lease } from "../pool/pool.ts";
import type { CredentialView, UpstreamView } from "../snapshot.ts";
import type { BodySink, Call, ReplyHead } from "../transport/call.ts";
import { type WholeRead, WholeSink } from "../transport/whole.ts";
import type { Signal } from "../upstreams/family.ts";
import { correctRow, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { Relay } from "./relay.ts";
import { withoutCredential } from "./reply.ts";

/** A JSON reply up to this size is read whole before the client gets any of it, so that a broken one can be retried. */
const WHOLE_REPLY_BYTES = 1024 * 1024;
const ERROR_BODY_BYTES = 64 * 1024;
/** An unfinished frame up to this size is held back. */
const HELD_FRAME_BYTES = 64 * 1024;

/** The upstream's own error reply, kept in case it is what the client should see. */
export interface KeptReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type AttemptResult =
  | { readonly reply: Response }
  | {
      /** What the failure says about the credential; `overload` also for transport. */
      readonly signal: Signal;
      readonly error: GatewayError;
      readonly kept: KeptReply | null;
    }
  | { readonly clientLeft: true };

export interface AttemptInput {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
}

export async function attempt(input: AttemptInput, lease: Lease): Promise<AttemptResult> {
  const { gateway, exchange, upstream, target } = input;
  const credential = upstream.credentials.get(lease.credentialId) as CredentialView;
  exchange.beginAttempt(upstream.name, credential.name, target.model === "" ? null : target.model);
  const removeUsageChunk = needsUsage(input);
  let call: Call;
  let tracked: Tracked | null = null;
  try {
    call = gateway.transport.send({
      url: urlFor(input),
      method: exchange.client.request.method,
      headers: makeUpstreamHeaders(
        exchange.client.request.headers,
        credential.authHeader,
        upstream.family.defaultHeaders,
      ),
      body: bodyFor(input, removeUsageChunk),
      connectTimeoutMs: upstream.connectTimeoutMs,
      firstByteTimeoutMs: upstream.firstByteTimeoutMs,
      idleTimeoutMs: upstream.idleTimeoutMs,
      onWait: () => tracked?.listen(),
    });
  } catch (cause) {
    gateway.pool.release(lease);
    throw cause;
  }
  tracked = new Tracked(input, lease, call);
  try {
    const head = await call.head;
    return await (head.status >= 300 ? tracked.refused(head) : tracked.answered(head, removeUsageChunk));
  } catch (cause) {
    return tracked.broke(cause);
  } finally {
    tracked.stopListening();
  }
}

function needsUsage({ exchange, upstream, peek }: AttemptInput): boolean {
  return (
    exchange.route.endpoint === "chat.completions" &&
    upstream.injectUsage &&
    peek?.stream === true &&
    peek.includeUsage !== true
  );
}

function urlFor({ exchange, upstream, target }: AttemptInput): string {
  const { route, client } = exchange;
  const path =
    route.action === null ? route.path : `${route.path}${escapeModel(target.model)}:${route.action}`;
  return upstream.family.url(upstream.baseUrl, path) + withoutKey(client.search);
}

function escapeModel(model: string): string {
  return model.split("/").map(encodeURIComponent).join("/");
}

/** The query as it was, less the client's own key. */
function withoutKey(search: string): string {
  if (!/key|%/i.test(search)) return search;
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => nameOf(pair).toLowerCase() !== "key");
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** A pair's name as a server reads it, escapes and all. */
function nameOf(pair: string): string {
  const [name = ""] = new URLSearchParams(pair).keys();
  return name;
}

function bodyFor({ body, peek, target }: AttemptInput, injectUsage: boolean): Uint8Array | null {
  if (body === null || peek === null) return body;
  return rewriteRequest(body, peek, peek.model === null ? null : target.model, injectUsage);
}

function isCredentialFault(signal: Signal): boolean {
  return signal.class !== "ok" && signal.class !== "overload" && signal.class !== "bad";
}

/** One attempt under way: every path through it ends the lease, the call, and leaves a note where it failed. */
class Tracked {
  readonly #input: AttemptInput;
  readonly #lease: Lease;
  readonly #call: Call;
  readonly #startedMs: number;
  #isListening = false;
  #isAnswered = false;
  #hasLeft = false;
  #isReported = false;
  #sink: BodySink | null = null;

  constructor(input: AttemptInput, lease: Lease, call: Call) {
    this.#input = input;
    this.#lease = lease;
    this.#call = call;
    this.#startedMs = input.gateway.clock.monotonicMs();
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
    client.waits();
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

  readonly #onClientLeft = (): void => {
    this.#hasLeft = true;
    const reason = new GatewayError("upstream_cut", "the client left");
    this.#call.abort(reason);
    // An aborted call tells its sink nothing any more, but somebody may be waiting for it.
    this.#sink?.end(reason);
  };

  /** The head of a good reply is there. */
  async answered(head: ReplyHead, removeUsageChunk: boolean): Promise<AttemptResult> {
    const { exchange } = this.#input;
    exchange.upstreamRequestId = head.headers.get("x-request-id") ?? head.headers.get("request-id");
    const framing = framingOf(head, exchange);
    exchange.isStream = framing !== "json";
    const tap = DIALECTS[exchange.route.dialect].makeTap({
      framing,
      removeUsageChunk,
      keepsReplyId: this.#input.peek?.keepsReplyId ?? false,
      maxHeldBytes: HELD_FRAME_BYTES,
    });
    exchange.tap = tap;
    if (framing !== "json") return await this.#stream(head, tap, framing, null);
    const reading = this.#readWhole(WHOLE_REPLY_BYTES, tap);
    const read = reading instanceof Promise ? await reading : reading;
    if (this.#hasLeft) return this.#left();
    if (read.error !== null) throw read.error;
    return await (read.isWhole ? this.#whole(head, tap, read.bytes) : this.#stream(head, tap, "json", read));
  }

  /** Not a promise when all is there already, as it is with most short replies. */
  #readWhole(limitBytes: number, tap: Tap | null): WholeRead | Promise<WholeRead> {
    const whole = new WholeSink(limitBytes, tap);
    this.#sink = whole;
    this.#call.pipe(whole);
    return whole.isWhole ? whole : whole.read;
  }

  async #whole(head: ReplyHead, tap: Tap, bytes: Uint8Array): Promise<AttemptResult> {
    // A stored response that failed is a good answer to the question what became of it.
    const isStored = this.#input.exchange.route.endpoint === "responses.stored";
    if (tap.progress === "failed" && !isStored) return this.#failedInBand(head, tap.failure ?? "");
    const isEmpty = bytes.byteLength === 0 && (head.status === 204 || head.status === 205);
    if (tap.progress !== "complete" && tap.progress !== "failed" && !isEmpty) {
      return /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 64)))
        ? this.#cut("the upstream's reply broke off")
        : this.#garbage("the upstream's reply is not JSON");
    }
    const { gateway, exchange } = this.#input;
    this.#good(head);
    this.#over();
    exchange.status = head.status;
    exchange.outcome = "ok";
    exchange.replyBytes = bytes.byteLength;
    exchange.firstByteMs = gateway.clock.monotonicMs();
    const { row, committed } = exchange.settle(gateway);
    try {
      await committed;
    } catch (cause) {
      correctRow(row, cause as GatewayError);
      throw cause;
    }
    exchange.client.replied();
    return {
      reply: new Response(isEmpty ? null : (bytes as Uint8Array<ArrayBuffer>), {
        status: head.status,
        headers: gateway.snapshot.filterReplyHeaders(head.headers, exchange.id),
      }),
    };
  }

  async #stream(head: ReplyHead, tap: Tap, framing: Framing, read: WholeRead | null): Promise<AttemptResult> {
    const { gateway, exchange, upstream } = this.#input;
    const relay = new Relay({
      gateway,
      exchange,
      call: this.#call,
      tap,
      framing,
      first: read?.bytes ?? null,
      hooks: {
        failed: (failure) => {
          const signal = this.#classifyInBand(head, failure);
          this.#note(head.status, signal.class);
          if (signal.class === "overload") gateway.breaker.failure(upstream.name);
          gateway.pool.report(this.#lease, this.#input.target.model, signal);
          this.#isReported = true;
        },
        cut: () => {
          this.#note(head.status, "cut");
          gateway.breaker.failure(upstream.name);
        },
        over: () => this.#over(),
      },
    });
    this.#sink = relay;
    const begun = relay.begin();
    if (read === null) this.#call.pipe(relay);
    else read.handOver(relay);
    const beginning = await begun;
    if (beginning !== "open" || this.#hasLeft) {
      const { reason } = this.#call;
      relay.discard(new GatewayError("upstream_cut", "given up before a byte was sent"));
      if (this.#hasLeft) return this.#left();
      if (beginning === "failed") return this.#failedInBand(head, tap.failure ?? "");
      return reason === null
        ? this.#cut("the upstream closed the stream before it began")
        : this.broke(reason);
    }
    this.#good(head);
    exchange.status = head.status;
    exchange.client.waits();
    return {
      reply: new Response(relay.body, {
        status: head.status,
        headers: {
          ...gateway.snapshot.filterReplyHeaders(head.headers, exchange.id),
          "cache-control": "no-cache, no-transform",
          "x-accel-buffering": "no",
        },
      }),
    };
  }

  /** An HTTP status that is not a success. */
  async refused(head: ReplyHead): Promise<AttemptResult> {
    const { gateway, exchange, upstream, target } = this.#input;
    const { bytes, isWhole } = await this.#readWhole(ERROR_BODY_BYTES, null);
    if (this.#hasLeft) return this.#left();
    if (!isWhole) this.#call.abort(new GatewayError("upstream_garbage", "the upstream's error is too long"));
    const text = new TextDecoder().decode(bytes);
    const isRedirect = head.status < 400;
    const signal: Signal = isRedirect
      ? { class: "overload", reason: `the upstream answered with a redirect (${head.status})` }
      : upstream.family.classify({
          status: head.status,
          headers: head.headers,
          body: text,
          nowMs: gateway.clock.nowMs(),
          model: target.model,
        });
    this.#report(signal, head.status);
    return {
      signal,
      error: errorFor(signal, head.status),
      // Pages of a proxy or CDN in between are not the provider's words: the dialect's own error is given instead.
      kept:
        isRedirect || !isWhole || !/^\s*[[{]/.test(text)
          ? null
          : {
              status: head.status,
              headers: gateway.snapshot.filterReplyHeaders(head.headers, exchange.id),
              body: this.#forClient(text, bytes),
            },
    };
  }

  /** The connection failed, or a time-out of ours ended it. */
  broke(cause: unknown): AttemptResult {
    if (this.#hasLeft) return this.#left();
    const reason = this.#call.reason ?? cause;
    if (reason instanceof GatewayError && ERRORS[reason.kind].origin === "upstream") {
      return this.#transportFault(reason);
    }
    // A fault of ours or of the ledger: nobody else's, and not to be repeated.
    this.#call.abort(new GatewayError("internal", "given up"));
    this.#over();
    throw reason;
  }

  #cut(message: string): AttemptResult {
    return this.#transportFault(new GatewayError("upstream_cut", message));
  }

  #garbage(message: string): AttemptResult {
    return this.#transportFault(new GatewayError("upstream_garbage", message));
  }

  #transportFault(error: GatewayError): AttemptResult {
    this.#call.abort(error);
    this.#input.exchange.tap = null;
    const signal: Signal = { class: "overload", reason: error.message };
    this.#note(null, error.kind);
    this.#input.gateway.breaker.failure(this.#input.upstream.name);
    const { gateway, exchange, upstream } = this.#input;
    gateway.metrics.attempts.add(1, upstream.name, error.kind);
    gateway.log.warn(
      {
        requestId: exchange.id,
        upstream: upstream.name,
        credential: exchange.credential,
        kind: error.kind,
        detail: error.detail ?? error.message,
      },
      "an upstream could not be reached, or broke off",
    );
    this.#over();
    return { signal, error, kept: null };
  }

  #failedInBand(head: ReplyHead, failure: string): AttemptResult {
    this.#input.exchange.tap = null;
    const signal = this.#classifyInBand(head, failure);
    this.#report(signal, head.status);
    const body = DIALECTS[this.#input.exchange.route.dialect].wrapFailure(failure);
    const status = this.#input.upstream.family.inBandStatus(failure);
    return {
      signal,
      error: errorFor(signal, status),
      kept: {
        status,
        headers: { "content-type": "application/json" },
        body: this.#forClient(body, null),
      },
    };
  }

  /** The upstream's own words: its bytes, if they hold no secret. */
  #forClient(text: string, bytes: Uint8Array | null): Uint8Array<ArrayBuffer> {
    const { credentials } = this.#input.upstream;
    const { authHeader } = credentials.get(this.#lease.credentialId) as CredentialView;
    const shown = withoutCredential(text, authHeader);
    return (
      shown === text && bytes !== null ? bytes : new TextEncoder().encode(shown)
    ) as Uint8Array<ArrayBuffer>;
  }

  #left(): AttemptResult {
    this.#note(null, "client_left");
    this.#over();
    return { clientLeft: true };
  }

  #classifyInBand(head: ReplyHead, failure: string): Signal {
    const { gateway, upstream, target } = this.#input;
    return upstream.family.classify({
      status: upstream.family.inBandStatus(failure),
      headers: head.headers,
      body: failure,
      nowMs: gateway.clock.nowMs(),
      model: target.model,
    });
  }

  #good(head: ReplyHead): void {
    const { gateway, upstream, target } = this.#input;
    gateway.breaker.success(upstream.name);
    const signal = upstream.family.classifyOk(head.headers, gateway.clock.nowMs());
    gateway.metrics.attempts.add(1, upstream.name, "ok");
    if (signal.class === "ok") gateway.pool.confirm(this.#lease);
    else {
      gateway.pool.report(this.#lease, target.model, signal);
      this.#isReported = true;
    }
    if (this.#input.exchange.attempts > 1) this.#note(head.status, "ok");
  }

  #report(signal: Signal, status: number): void {
    const { gateway, upstream, target } = this.#input;
    if (signal.class === "overload") gateway.breaker.failure(upstream.name);
    else gateway.breaker.success(upstream.name);
    gateway.metrics.attempts.add(1, upstream.name, signal.class);
    if (isCredentialFault(signal)) {
      gateway.pool.report(this.#lease, target.model, signal);
      this.#isReported = true;
    }
    this.#note(status, signal.class);
    this.#over();
  }

  #note(status: number | null, signal: string): void {
    const { gateway, exchange, upstream } = this.#input;
    const ms = gateway.clock.monotonicMs() - this.#startedMs;
    exchange.noteAttempt(upstream.name, exchange.credential ?? "", status, signal, ms);
  }

  /** Ends the lease, once. */
  #over(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#input.gateway.pool.release(this.#lease);
  }
}

/** By what the reply says it is, not by what was asked; what says nothing, or is neither, is read whole and found to be garbage. */
function framingOf(head: ReplyHead, exchange: Exchange): Framing {
  const type = head.headers.get("content-type")?.toLowerCase() ?? "";
  if (type.startsWith("text/event-stream")) return "sse";
  const isArray = exchange.route.endpoint === "streamGenerateContent" && type.startsWith("application/json");
  return isArray ? "json-array" : "json";
}

/** What the client is told when the provider's own words are not for it. */
function errorFor(signal: Signal, status: number): GatewayError {
  if (signal.class === "overload") {
    return new GatewayError(
      "upstream_overloaded",
      `the upstream is overloaded or out of order (status ${status})`,
    );
  }
  if (signal.class === "bad") {
    // A page of a proxy or network edge before the provider: what it means still holds.
    return status === 413
      ? new GatewayError("body_too_large", "the request is larger than the upstream takes")
      : new GatewayError("bad_request", `the upstream refused the request (status ${status})`);
  }
  return new GatewayError("upstream_error", `the upstream refused the request (status ${status})`);
}
