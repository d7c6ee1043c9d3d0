/**
 * One try of one target with one credential: lease → build → send → classify. Ends either with a reply for the client, or with
 * what went wrong and what that says about the credential; whether to go on is decided in `targets.ts`.
 */
import { GatewayError } from "../core/errors.ts";
import type { Framing, Tap } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import { type Peek, peekRequest, withModel, withUsageInjected } from "../dialects/peek.ts";
import { makeUpstreamHeaders } from "../http/headers.ts";
import type { Target } from "../plan/plan.ts";
import type { Lease } from "../pool/pool.ts";
import type { CredentialView, Snapshot, UpstreamView } from "../snapshot.ts";
import type { Call } from "../transport/client.ts";
import type { Signal } from "../upstreams/family.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { Relay } from "./relay.ts";
import { requestIdHeaders } from "./reply.ts";

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
      /** Nothing of an HTTP reply came: the upstream, not the credential. */
      readonly isTransport: boolean;
    }
  | { readonly clientLeft: true };

export interface AttemptInput {
  readonly gateway: Gateway;
  readonly snapshot: Snapshot;
  readonly exchange: Exchange;
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
}

export async function attempt(input: AttemptInput, lease: Lease): Promise<AttemptResult> {
  const { gateway, exchange, upstream, target } = input;
  const credential = upstream.credentials.get(lease.credentialId) as CredentialView;
  exchange.attempts += 1;
  exchange.upstream = upstream.name;
  exchange.credential = credential.name;
  exchange.modelUsed = target.model === "" ? null : target.model;
  const startedMs = gateway.clock.monotonicMs();
  const removeUsageChunk = needsUsage(input);
  const call = gateway.transport.send({
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
  });
  const tracked = new Tracked(input, lease, call, startedMs);
  const { signal } = exchange.client.request;
  signal.addEventListener("abort", tracked.onClientLeft);
  if (signal.aborted) tracked.onClientLeft();
  try {
    const response = await call.reply;
    if (response.status >= 400 || (response.status >= 300 && response.status < 400)) {
      return await tracked.refused(response);
    }
    return await tracked.answered(response, removeUsageChunk);
  } catch (cause) {
    return tracked.broke(cause);
  } finally {
    signal.removeEventListener("abort", tracked.onClientLeft);
  }
}

function needsUsage({ exchange, upstream, peek }: AttemptInput): boolean {
  return (
    exchange.route.endpoint === "chat.completions" &&
    upstream.injectUsage &&
    peek !== null &&
    peek.stream &&
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
  if (search === "" || !/[?&]key=/i.test(search)) return search;
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => !/^key(=|$)/i.test(pair));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

function bodyFor({ body, peek, target }: AttemptInput, injectUsage: boolean): Uint8Array | null {
  if (body === null || peek === null) return body;
  const isRenamed = peek.model !== null && peek.model !== target.model;
  if (!injectUsage) return isRenamed ? withModel(body, peek, target.model) : body;
  const counted = withUsageInjected(body, peek);
  return isRenamed ? withModel(counted, peekRequest("openai-chat", counted), target.model) : counted;
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
  #hasLeft = false;
  #isReported = false;

  constructor(input: AttemptInput, lease: Lease, call: Call, startedMs: number) {
    this.#input = input;
    this.#lease = lease;
    this.#call = call;
    this.#startedMs = startedMs;
  }

  readonly onClientLeft = (): void => {
    this.#hasLeft = true;
    this.#call.abort(new GatewayError("upstream_cut", "the client left"));
  };

  /** The head of a good reply is there. */
  async answered(response: Response, removeUsageChunk: boolean): Promise<AttemptResult> {
    const { exchange } = this.#input;
    exchange.upstreamRequestId =
      response.headers.get("x-request-id") ?? response.headers.get("request-id") ?? null;
    const framing = framingOf(response, exchange);
    exchange.isStream = framing !== "json";
    const tap = DIALECTS[exchange.route.dialect].makeTap({
      framing,
      removeUsageChunk,
      maxHeldBytes: HELD_FRAME_BYTES,
    });
    exchange.tap = tap;
    if (response.body === null) return this.#garbage("the upstream's reply has no body");
    if (framing !== "json") return this.#stream(response, response.body, tap, framing);
    return this.#whole(response, response.body, tap);
  }

  async #whole(response: Response, body: ReadableStream<Uint8Array>, tap: Tap): Promise<AttemptResult> {
    const declared = response.headers.get("content-length");
    let bytes: Uint8Array;
    if (declared !== null && Number(declared) <= WHOLE_REPLY_BYTES) {
      this.#call.startRead();
      bytes = new Uint8Array(await response.arrayBuffer());
    } else {
      const read = await this.#readUpTo(body, WHOLE_REPLY_BYTES);
      if (read.rest !== null) return this.#stream(response, read.rest, tap, "json");
      bytes = read.bytes;
    }
    this.#call.done();
    tap.push(bytes);
    tap.end();
    if (tap.progress === "failed") return this.#failedInBand(response, tap.failure ?? "");
    if (tap.progress !== "complete") {
      return bytes.byteLength > 0 && /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 64)))
        ? this.#cut("the upstream's reply broke off")
        : this.#garbage("the upstream's reply is not JSON");
    }
    const { gateway, exchange, snapshot } = this.#input;
    this.#good(response);
    this.#over();
    exchange.status = response.status;
    exchange.outcome = "ok";
    exchange.replyBytes = bytes.byteLength;
    exchange.firstByteMs = gateway.clock.monotonicMs();
    const { row, committed } = exchange.settle(gateway);
    try {
      await committed;
    } catch (cause) {
      const error = cause as GatewayError;
      row.status = error.status;
      row.outcome = "error";
      row.errorKind = error.kind;
      throw cause;
    }
    return {
      reply: new Response(bytes as Uint8Array<ArrayBuffer>, {
        status: response.status,
        headers: { ...snapshot.filterReplyHeaders(response.headers), ...requestIdHeaders(exchange.id) },
      }),
    };
  }

  async #stream(
    response: Response,
    body: ReadableStream<Uint8Array>,
    tap: Tap,
    framing: Framing,
  ): Promise<AttemptResult> {
    const { gateway, exchange, snapshot, upstream } = this.#input;
    const relay = new Relay({
      gateway,
      exchange,
      call: this.#call,
      body,
      tap,
      framing,
      hooks: {
        failed: (failure) => {
          const signal = this.#classifyInBand(response, failure);
          this.#note(response.status, signal.class);
          gateway.pool.report(this.#lease, this.#input.target.model, signal);
          this.#isReported = true;
        },
        cut: () => {
          this.#note(response.status, "cut");
          gateway.breaker.failure(upstream.name);
        },
        over: () => this.#over(),
      },
    });
    const beginning = await relay.begin();
    if (beginning !== "open" || this.#hasLeft) {
      relay.discard(new GatewayError("upstream_cut", "given up before a byte was sent"));
      if (this.#hasLeft) return this.#left();
      if (beginning === "failed") return this.#failedInBand(response, tap.failure ?? "");
      if (this.#call.reason !== null) return this.broke(this.#call.reason);
      return this.#cut("the upstream closed the stream before it began");
    }
    this.#good(response);
    exchange.status = response.status;
    return {
      reply: new Response(relay.stream(), {
        status: response.status,
        headers: {
          ...snapshot.filterReplyHeaders(response.headers),
          ...requestIdHeaders(exchange.id),
          "cache-control": "no-cache, no-transform",
          "x-accel-buffering": "no",
        },
      }),
    };
  }

  /** An HTTP status that is not a success. */
  async refused(response: Response): Promise<AttemptResult> {
    const { gateway, upstream, target, snapshot } = this.#input;
    const read =
      response.body === null
        ? { bytes: new Uint8Array(0), rest: null }
        : await this.#readUpTo(response.body, ERROR_BODY_BYTES);
    if (read.rest !== null) await read.rest.cancel().catch(() => undefined);
    this.#call.done();
    const text = new TextDecoder().decode(read.bytes);
    const isRedirect = response.status < 400;
    const signal: Signal = isRedirect
      ? { class: "overload", reason: `the upstream answered with a redirect (${response.status})` }
      : upstream.family.classify({
          status: response.status,
          headers: response.headers,
          body: text,
          nowMs: gateway.clock.nowMs(),
          model: target.model,
        });
    this.#report(signal, response.status);
    const isJson = /^\s*[[{]/.test(text);
    return {
      signal,
      error: errorFor(signal, response.status),
      // Pages of a proxy or CDN in between are not the provider's words: the dialect's own error is given instead.
      kept:
        isRedirect || !isJson
          ? null
          : {
              status: response.status,
              headers: snapshot.filterReplyHeaders(response.headers),
              body: read.bytes as Uint8Array<ArrayBuffer>,
            },
      isTransport: false,
    };
  }

  /** The connection failed, or a time-out of ours ended it. */
  broke(cause: unknown): AttemptResult {
    if (this.#hasLeft) return this.#left();
    const reason = this.#call.reason ?? cause;
    if (!(reason instanceof GatewayError) || reason.kind === "ledger_unavailable") {
      this.#over();
      throw reason;
    }
    return this.#transportFault(reason);
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
    this.#input.gateway.metrics.attempts.add(1, this.#input.upstream.name, error.kind);
    this.#over();
    return { signal, error, kept: null, isTransport: true };
  }

  #failedInBand(response: Response, failure: string): AttemptResult {
    this.#call.done();
    this.#input.exchange.tap = null;
    const signal = this.#classifyInBand(response, failure);
    this.#report(signal, response.status);
    const status = this.#input.upstream.family.inBandStatus(failure);
    return {
      signal,
      error: errorFor(signal, status),
      kept: {
        status,
        headers: { "content-type": "application/json" },
        body: new TextEncoder().encode(failure),
      },
      isTransport: false,
    };
  }

  #left(): AttemptResult {
    this.#note(null, "client_left");
    this.#over();
    return { clientLeft: true };
  }

  #classifyInBand(response: Response, failure: string): Signal {
    const { gateway, upstream, target } = this.#input;
    return upstream.family.classify({
      status: upstream.family.inBandStatus(failure),
      headers: response.headers,
      body: failure,
      nowMs: gateway.clock.nowMs(),
      model: target.model,
    });
  }

  #good(response: Response): void {
    const { gateway, upstream, target } = this.#input;
    gateway.breaker.success(upstream.name);
    const signal = upstream.family.classifyOk(response.headers, gateway.clock.nowMs());
    gateway.metrics.attempts.add(1, upstream.name, "ok");
    if (signal.class === "ok") gateway.pool.confirm(this.#lease);
    else {
      gateway.pool.report(this.#lease, target.model, signal);
      this.#isReported = true;
    }
    if (this.#input.exchange.attempts > 1) this.#note(response.status, "ok");
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

  /** Reads up to a size; what is longer comes back as a stream that begins with what was read. */
  async #readUpTo(
    body: ReadableStream<Uint8Array>,
    limitBytes: number,
  ): Promise<{ bytes: Uint8Array; rest: ReadableStream<Uint8Array> | null }> {
    const reader = body.getReader();
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for (;;) {
      this.#call.startRead();
      const step = await reader.read();
      this.#call.endRead();
      if (step.done) return { bytes: Buffer.concat(chunks, sizeBytes), rest: null };
      chunks.push(step.value);
      sizeBytes += step.value.byteLength;
      if (sizeBytes > limitBytes) break;
    }
    const read = Buffer.concat(chunks, sizeBytes);
    let isFirst = true;
    const rest = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (isFirst) {
            isFirst = false;
            controller.enqueue(read);
            return;
          }
          const step = await reader.read();
          if (step.done) controller.close();
          else controller.enqueue(step.value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    return { bytes: read, rest };
  }
}

function framingOf(response: Response, exchange: Exchange): Framing {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) return "sse";
  return exchange.route.endpoint === "streamGenerateContent" ? "json-array" : "json";
}

/** What the client is told when the provider's own words are not for it. */
function errorFor(signal: Signal, status: number): GatewayError {
  if (signal.class === "overload") {
    return new GatewayError(
      "upstream_overloaded",
      `the upstream is overloaded or out of order (status ${status})`,
    );
  }
  return new GatewayError("upstream_error", `the upstream refused the request (status ${status})`);
}
