/**
 * One exchange over one connection: writes the request, reads the reply, watches the time, and ends exactly
 * once.
 */
import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/header-view.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead, UpstreamRequest, WaitingCaller } from "../call.ts";
import type { Connection } from "../dial/connection.ts";
import type { Dial } from "../dial/dial.ts";
import type { ConnectionUser } from "../dial/wire.ts";
import { type Watchdog, Watched } from "../watchdog.ts";
import { BodyFlow } from "./body-flow.ts";
import { canDecode, Decoder } from "./decoder.ts";
import type { IdlePool } from "./pool.ts";
import type { ParsedHead } from "./reply-head.ts";
import { ReplyReader } from "./reply-reader.ts";
import { RequestWriter } from "./request-writer.ts";

/**
 * A used connection that breaks so soon after a request is taken for one that the upstream had closed, or forgotten,
 * before the request came. A server that breaks off later may have begun to work on it.
 */
const STALE_MS = 2_000;

export class Http1Call extends Watched implements Call, ConnectionUser {
  reason: GatewayError | null = null;
  readonly #connectTimeoutMs: number;
  readonly #firstByteTimeoutMs: number;
  readonly #idleTimeoutMs: number;
  readonly #waiting: WaitingCaller | null;
  readonly #isCodingKept: boolean;
  readonly #pool: IdlePool;
  readonly #dial: Dial;
  readonly #watchdog: Watchdog;
  #sentMs: number;
  readonly #reader: ReplyReader;
  readonly #flow = new BodyFlow(this);
  #waiter: HeadWaiter | null = null;
  #head: ReplyHead | null = null;
  /** null before `start`, and once the reply is whole or the call has failed. */
  #connection: Connection | null = null;
  #writer: RequestWriter | null = null;
  /** Head and body are kept until the reply begins, because a stale connection may have to be replaced. */
  #requestHead = "";
  #requestBody: Uint8Array | null = null;
  #decoder: Decoder | null = null;
  #isDecoderFull = false;
  #hasWaited = false;
  #isConnected = false;
  /** Bytes came since the watchdog's last check. */
  #hasMoved = false;
  #movedMs = 0;

  constructor(request: UpstreamRequest, pool: IdlePool, dial: Dial, watchdog: Watchdog, sentMs: number) {
    super();
    // Not the request itself: its body would stay in memory through a long reply.
    this.#connectTimeoutMs = request.connectTimeoutMs;
    this.#firstByteTimeoutMs = request.firstByteTimeoutMs;
    this.#idleTimeoutMs = request.idleTimeoutMs;
    this.#waiting = request.waiting;
    this.#isCodingKept = request.isCodingKept === true;
    this.#pool = pool;
    this.#dial = dial;
    this.#watchdog = watchdog;
    this.#sentMs = sentMs;
    this.#reader = new ReplyReader(request.method);
  }

  /** Sends the request over a connection that is open or connecting. `head` is the request's head as text. */
  start(head: string, body: Uint8Array | null, connection: Connection): void {
    this.#watchdog.add(this);
    this.#requestHead = head;
    this.#requestBody = body;
    this.#startOn(connection);
  }

  #startOn(connection: Connection): void {
    this.#connection = connection;
    this.#writer = new RequestWriter(this.#requestHead, this.#requestBody, connection);
    if (connection.isOpen) this.ready();
  }

  #forgetRequest(): void {
    this.#requestHead = "";
    this.#requestBody = null;
  }

  /** Nothing of a reply has come over a used connection: a new connection gets the request. */
  #replaceStale(stale: Connection): void {
    this.#pool.dropAsOldAs(stale);
    this.#isConnected = false;
    this.#sentMs = this.#watchdog.nowMs;
    const connection = this.#dial.connect(stale.origin);
    connection.user = this;
    this.#startOn(connection);
  }

  /** Ends the call with an error, which goes to the waiter for the head or to the sink. */
  fail(error: GatewayError): void {
    if (this.reason !== null || this.#flow.hasEnd) return;
    this.#break(error);
    this.#flow.end(error);
  }

  awaitHead(waiter: HeadWaiter): void {
    if (this.#head === null && this.reason === null) this.#waiter = waiter;
    else queueMicrotask(() => this.#tell(waiter));
  }

  #tell(waiter: HeadWaiter): void {
    if (this.#head !== null) waiter.replied(this.#head);
    else waiter.failed(this.reason);
  }

  pipe(sink: BodySink): void {
    this.#flow.pipe(sink);
    this.#goOn();
  }

  resume(): void {
    this.#flow.resume();
    this.#goOn();
  }

  abort(reason: GatewayError): void {
    const wasOver = this.#flow.isOver;
    this.#flow.mute();
    if (this.reason === null && !wasOver) this.#break(reason);
  }

  ready(): void {
    this.#isConnected = true;
    this.#writer?.flush();
  }

  unreachable(error: GatewayError): void {
    this.fail(error);
  }

  drain(): void {
    this.#writer?.flush();
  }

  data(bytes: Buffer): void {
    this.#hasMoved = true;
    const reader = this.#reader;
    reader.feed(bytes);
    const { head, body, error } = reader;
    // A long silence may follow, and the view keeps all bytes of its read.
    reader.body = null;
    // First, so that a request that this reply sets off can use the connection again.
    if (reader.isWhole && error === null) this.#release();
    if (head !== null && this.#head === null && this.reason === null) this.#begin(head);
    if (body !== null && this.reason === null) this.#take(body);
    if (error !== null) this.fail(error);
    else if (reader.isWhole) this.#finish();
  }

  closed(isClean: boolean): void {
    if (isClean && this.#reader.finish()) {
      this.#release();
      this.#finish();
    } else {
      const connection = this.#connection as Connection;
      if (this.#isStale(connection)) this.#replaceStale(connection);
      else this.fail(this.#cutError(connection));
    }
  }

  #isStale({ isReused }: Connection): boolean {
    return isReused && this.#reader.isUntouched && this.#watchdog.nowMs - this.#sentMs < STALE_MS;
  }

  override check(nowMs: number): void {
    if (!this.#hasWaited) {
      this.#hasWaited = true;
      this.#waiting?.waits();
    }
    if (this.#head !== null) {
      this.#checkIdle(nowMs);
      return;
    }
    const connectTimeoutMs = this.#connectTimeoutMs;
    const firstByteTimeoutMs = this.#firstByteTimeoutMs;
    const silentMs = nowMs - this.#sentMs;
    if (!this.#isConnected && silentMs >= connectTimeoutMs) {
      this.fail((this.#connection as Connection).tooSlow(connectTimeoutMs));
    } else if (silentMs >= firstByteTimeoutMs) {
      const message = `the upstream did not answer within ${firstByteTimeoutMs} ms`;
      this.fail(new GatewayError("upstream_timeout", message));
    }
  }

  #checkIdle(nowMs: number): void {
    const idleTimeoutMs = this.#idleTimeoutMs;
    // Counted from the first check after the last bytes: late by a tick at most, and never early.
    if (this.#hasMoved || this.#flow.isBlocked) {
      this.#hasMoved = false;
      this.#movedMs = nowMs;
    } else if (nowMs - this.#movedMs >= idleTimeoutMs) {
      this.fail(new GatewayError("upstream_timeout", `the upstream sent nothing for ${idleTimeoutMs} ms`));
    }
  }

  #begin({ status, headers, framing }: ParsedHead): void {
    const coding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
    const isDecoded = coding !== "identity" && framing !== "none" && !this.#isCodingKept;
    if (isDecoded && !this.#decode(coding, headers)) return;
    this.#forgetRequest();
    // The upstream refused the request before all of it was sent: the rest is of no use.
    if (status >= 300) this.#writer?.stop();
    this.#head = { status, headers };
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.replied(this.#head);
  }

  /** Takes the coding off the body. Returns false when the call has failed. */
  #decode(coding: string, headers: HeaderList): boolean {
    if (!canDecode(coding)) {
      const message = "the upstream's reply has a content-encoding that was not asked for";
      this.fail(new GatewayError("upstream_garbage", message, { detail: coding }));
      return false;
    }
    headers.delete("content-encoding");
    headers.delete("content-length");
    this.#decoder = new Decoder(
      coding,
      this.#flow,
      this.#waiting?.memory ?? null,
      () => this.#onDecoderRoom(),
      (error) => this.fail(error),
    );
    return true;
  }

  #take(body: Uint8Array): void {
    let hasRoom: boolean;
    if (this.#decoder === null) {
      hasRoom = this.#flow.chunk(body);
    } else {
      hasRoom = this.#decoder.write(body);
      this.#isDecoderFull = !hasRoom;
    }
    if (!hasRoom) this.#connection?.pause();
  }

  #finish(): void {
    if (this.reason !== null) return;
    if (this.#decoder === null) this.#flow.end(null);
    else this.#decoder.end();
  }

  #onDecoderRoom(): void {
    this.#isDecoderFull = false;
    this.#goOn();
  }

  /** Lets the source flow, if the decoder and the sink have room. */
  #goOn(): void {
    if (this.#flow.isBlocked) return;
    this.#decoder?.resume();
    if (!this.#isDecoderFull) this.#connection?.resume();
    // Silence while the sink paused does not count.
    this.#hasMoved = true;
  }

  /** The reply is whole: gives the connection back, or closes it. */
  #release(): void {
    const connection = this.#connection as Connection;
    const { head, hasSurplus } = this.#reader;
    this.#connection = null;
    this.#watchdog.delete(this);
    if (head?.isKept === true && !hasSurplus && this.#writer?.isDone === true) {
      this.#pool.give(connection, head.keepAliveMs);
    } else {
      connection.terminate();
    }
  }

  #break(error: GatewayError): void {
    this.reason = error;
    this.#watchdog.delete(this);
    this.#connection?.terminate();
    this.#connection = null;
    this.#forgetRequest();
    this.#writer?.stop();
    this.#decoder?.destroy();
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.failed(error);
  }

  #cutError({ isReused, origin }: Connection): GatewayError {
    // Through a tunnel nobody can tell which of the two was it.
    const who = origin.proxy === null ? "the upstream" : `the upstream, or the proxy ${origin.proxy.name},`;
    return this.#head !== null
      ? new GatewayError("upstream_cut", `${who} broke off before the end of its answer`)
      : new GatewayError("upstream_cut", `${who} closed the connection before it answered`, {
          detail: isReused ? "the connection had been used before" : "the connection was new",
        });
  }
}
