/**
 * Hands a streamed reply on: pulled by the client's reading, through the tap, byte-exact. Owns the end of the exchange: the row is
 * committed before the last bytes go out, a cut is told in-band, silence is filled with pings.
 */
import { GatewayError } from "../core/errors.ts";
import type { Framing, Tap } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { Call } from "../transport/client.ts";
import type { Watched } from "../transport/watchdog.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** How long an upstream may keep its connection open after the answer was complete, before it is cut off. */
const DRAIN_MS = 1_000;

/** Silence after which an answer that is whole, but whose dialect has no last word (or whose upstream forgot it), has ended. */
const FINISHED_SILENCE_MS = 5_000;

/** How a reply has begun, before a byte of it has gone to the client. */
export type Beginning =
  /** Bytes for the client are there, or it has to be told that something is coming. */
  | "open"
  /** The upstream said in-band that it failed. */
  | "failed"
  /** It ended or broke before anything came. */
  | "cut";

/** What the relay tells the attempt about failures that come too late for a retry. */
export interface RelayHooks {
  /** The upstream said in-band that it failed, after content. */
  failed(failure: string): void;
  /** The reply broke off, or was garbage, after content. */
  cut(): void;
  /** The exchange is over, whichever way. */
  over(): void;
}

interface Reader {
  read(): Promise<Step>;
  cancel(reason?: unknown): Promise<void>;
}
type Step = { done: boolean; value?: Uint8Array | undefined };

export class Relay implements Watched {
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #call: Call;
  readonly #tap: Tap;
  readonly #framing: Framing;
  readonly #hooks: RelayHooks;
  readonly #reader: Reader;
  readonly #pingIntervalMs: number;
  readonly #ping: Uint8Array | null;
  #first: Uint8Array | null = null;
  #pendingRead: Promise<Step> | null = null;
  #onSilence: (() => void) | null = null;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #isWaiting = false;
  #lastWriteMs: number;
  #lastReadMs: number;
  #hasSent = false;
  #isOver = false;

  constructor(options: {
    gateway: Gateway;
    exchange: Exchange;
    call: Call;
    body: ReadableStream<Uint8Array>;
    tap: Tap;
    framing: Framing;
    hooks: RelayHooks;
  }) {
    this.#gateway = options.gateway;
    this.#exchange = options.exchange;
    this.#call = options.call;
    this.#tap = options.tap;
    this.#framing = options.framing;
    this.#hooks = options.hooks;
    this.#reader = options.body.getReader();
    this.#pingIntervalMs = options.gateway.snapshot.config.server.pingIntervalMs;
    const ping = DIALECTS[options.exchange.route.dialect].ping(options.framing);
    this.#ping = ping === null ? null : new TextEncoder().encode(ping);
    this.#lastWriteMs = options.gateway.transport.watchdog.nowMs;
    this.#lastReadMs = this.#lastWriteMs;
  }

  /**
   * Reads until it is known how the reply begins. Only while nothing was sent can a request be retried, so this waits for the first
   * whole frame, but not longer than a ping interval: then the client is told that something is coming.
   */
  async begin(): Promise<Beginning> {
    const { watchdog } = this.#gateway.transport;
    this.#isWaiting = true;
    watchdog.add(this);
    const silence =
      this.#ping === null
        ? null
        : new Promise<"silence">((resolve) => {
            this.#onSilence = () => resolve("silence");
          });
    for (;;) {
      const read = this.#read();
      const step = await (silence === null ? read : Promise.race([read, silence])).catch(() => null);
      if (step === "silence") {
        this.#pendingRead = read;
        this.#onSilence = null;
        return "open";
      }
      if (step === null || step.done) {
        if (step !== null && this.#tap.progress !== "open")
          return this.#tap.progress === "failed" ? "failed" : "open";
        return "cut";
      }
      this.#first = this.#tap.push(step.value as Uint8Array);
      const { progress } = this.#tap;
      if (progress === "failed" && this.#first === null) return "failed";
      if (this.#first !== null || progress !== "open") {
        this.#onSilence = null;
        return "open";
      }
    }
  }

  /** The reply's body for the client. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#clientLeft(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Gives the reply up without an end for the client: before it was told anything. */
  discard(reason: Error): void {
    this.#isOver = true;
    this.#gateway.transport.watchdog.delete(this);
    this.#call.abort(reason);
    this.#reader.cancel(reason).catch(() => undefined);
  }

  /** The client left before a byte was sent, or while the stream ran. */
  #clientLeft(): void {
    if (this.#isOver) return;
    this.#finish();
    this.discard(new GatewayError("upstream_cut", "the client left"));
    const exchange = this.#exchange;
    exchange.outcome = "client_left";
    exchange.settle(this.#gateway).committed.catch(() => undefined);
    this.#hooks.over();
  }

  check(nowMs: number): void {
    if (!this.#isWaiting) return;
    if (this.#tap.progress === "finished" && nowMs - this.#lastReadMs >= FINISHED_SILENCE_MS) {
      this.#call.abort(
        new GatewayError("upstream_timeout", "the upstream kept the connection open after its answer"),
      );
      return;
    }
    if (this.#ping === null || nowMs - this.#lastWriteMs < this.#pingIntervalMs) return;
    if (!this.#tap.isBetweenFrames) return;
    this.#lastWriteMs = nowMs;
    if (this.#onSilence !== null) {
      this.#onSilence();
      return;
    }
    this.#controller?.enqueue(this.#ping);
  }

  #read(): Promise<Step> {
    const pending = this.#pendingRead;
    this.#pendingRead = null;
    if (pending !== null) return pending;
    this.#call.startRead();
    return this.#reader.read();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const first = this.#first;
    if (first !== null) {
      this.#first = null;
      this.#send(controller, first);
      return;
    }
    for (;;) {
      if (this.#tap.progress === "complete" || this.#tap.progress === "failed") return this.#end(controller);
      let step: Step;
      try {
        this.#isWaiting = true;
        step = await this.#read();
      } catch (cause) {
        if (this.#isOver) return;
        // Broken off after the answer was whole: nothing is missing.
        if (this.#tap.progress === "finished") return await this.#end(controller);
        return await this.#cut(controller, cause);
      } finally {
        this.#isWaiting = false;
        this.#call.endRead();
      }
      if (this.#isOver) return;
      if (step.done) {
        if (this.#tap.progress === "open") return this.#cut(controller, null);
        return this.#end(controller);
      }
      this.#lastReadMs = this.#gateway.transport.watchdog.nowMs;
      const out = this.#tap.push(step.value as Uint8Array);
      if (out !== null) {
        this.#send(controller, out);
        return;
      }
    }
  }

  #send(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
    this.#exchange.replyBytes += bytes.byteLength;
    this.#exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
    this.#hasSent = true;
    this.#lastWriteMs = this.#gateway.transport.watchdog.nowMs;
    controller.enqueue(bytes);
  }

  /** The answer is whole, or failed in the upstream's own words: commit, then let go of what was held. */
  async #end(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#finish();
    const exchange = this.#exchange;
    const { failure } = this.#tap;
    const held = this.#tap.end();
    if (held !== null) exchange.replyBytes += held.byteLength;
    if (this.#tap.progress === "failed") {
      exchange.outcome = "error";
      exchange.errorKind = "upstream_error";
      this.#hooks.failed(failure ?? "");
    } else {
      exchange.outcome = "ok";
    }
    this.#drain();
    const { row, committed } = exchange.settle(this.#gateway);
    try {
      await committed;
      if (held !== null) controller.enqueue(held);
    } catch (cause) {
      // The row is still queued: what is written later has to say what the client was told.
      row.outcome = "error";
      row.errorKind = "ledger_unavailable";
      this.#sendError(controller, cause);
    }
    controller.close();
    this.#hooks.over();
  }

  /** The upstream broke off: what is whole goes out, then the failure is told, never a good end. */
  async #cut(controller: ReadableStreamDefaultController<Uint8Array>, cause: unknown): Promise<void> {
    this.#finish();
    const exchange = this.#exchange;
    const error =
      this.#call.reason instanceof GatewayError
        ? this.#call.reason
        : new GatewayError("upstream_cut", "the upstream broke off before the end of its answer", { cause });
    this.#call.abort(error);
    this.#reader.cancel(error).catch(() => undefined);
    exchange.outcome = "upstream_cut";
    exchange.errorKind = error.kind;
    this.#hooks.cut();
    const held = this.#tap.cut();
    if (held !== null) this.#send(controller, held);
    await exchange.settle(this.#gateway).committed.catch(() => undefined);
    if (this.#framing === "json") {
      // One JSON value has no place for an error: the connection breaks, as the upstream's did.
      controller.error(error);
    } else {
      this.#sendError(controller, error);
      controller.close();
    }
    this.#hooks.over();
  }

  #sendError(controller: ReadableStreamDefaultController<Uint8Array>, cause: unknown): void {
    const { route, id } = this.#exchange;
    const error = cause instanceof GatewayError ? cause : new GatewayError("internal", "an internal error");
    const text = DIALECTS[route.dialect].renderStreamError(error, id, this.#framing, !this.#hasSent);
    controller.enqueue(new TextEncoder().encode(text));
  }

  /** Reads what the upstream still sends after the end, so that its connection can be used again; not for long. */
  #drain(): void {
    const call = this.#call;
    const reader = this.#reader;
    const timer = setTimeout(
      () =>
        call.abort(
          new GatewayError("upstream_timeout", "the upstream kept the connection open after its answer"),
        ),
      DRAIN_MS,
    );
    const rest = async (): Promise<void> => {
      try {
        for (;;) if ((await reader.read()).done) break;
      } finally {
        clearTimeout(timer);
        call.done();
      }
    };
    rest().catch(() => undefined);
  }

  #finish(): void {
    this.#isOver = true;
    this.#isWaiting = false;
    this.#gateway.transport.watchdog.delete(this);
  }
}
