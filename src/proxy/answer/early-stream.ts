/**
 * The client's stream, opened before an answer has begun: the status 200, then pings, while the request still
 * looks for an answer. Pings are no part of an answer, so the request may go on to other credentials and
 * targets. The stream ends with the answer of the one that answers, or with an error in the client's dialect.
 */
import type { GatewayError } from "../../core/errors.ts";
import { requestIdHeaders } from "../../http/error-reply.ts";
import {
  type AnswerStream,
  PASSED_ON_AT_ONCE,
  ReplyStream,
  type ReplyStreamOwner,
} from "../../http/reply-stream.ts";
import { Watched } from "../../transport/watchdog.ts";
import { captureStream } from "../capture/captured-reply.ts";
import type { Exchange, OpenStream } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { inBandError } from "./in-band-error.ts";
import { noteOf, pingOf } from "./ping.ts";
import { reportOf } from "./report.ts";
import { contentTypeOf } from "./translated-headers.ts";

/** Headers that a client learns too late for its stream's head, and gets as a comment. */
const LATE_HEADERS = "x-clewline-";

export class EarlyStream extends Watched implements OpenStream, ReplyStreamOwner {
  /** What the client gets before its answer. */
  readonly reply: Response;
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #ping: Uint8Array;
  readonly #onLeft: () => void;
  readonly #stream: AnswerStream;
  #lastPingMs: number;

  /** `onLeft` is called once, if the client leaves before its answer begins. */
  constructor(gateway: Gateway, exchange: Exchange, onLeft: () => void) {
    super();
    const { clientFraming, route, id } = exchange;
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.#onLeft = onLeft;
    this.#stream = captureStream(new ReplyStream(this), exchange.capture);
    this.#ping = pingOf(route.dialect, clientFraming) as Uint8Array;
    this.#lastPingMs = gateway.transport.watchdog.nowMs;
    this.reply = new Response(this.#stream.body, {
      headers: {
        "content-type": contentTypeOf(clientFraming),
        ...requestIdHeaders(id),
        ...PASSED_ON_AT_ONCE,
      },
    });
    exchange.client.suspendIdleTimeout();
    this.#stream.write(this.#ping);
    gateway.transport.watchdog.add(this);
  }

  override check(nowMs: number): void {
    const { pingIntervalMs } = this.#gateway.snapshot.config.server;
    if (nowMs - this.#lastPingMs < pingIntervalMs || this.#stream.isBlocked) return;
    this.#lastPingMs = nowMs;
    this.#stream.write(this.#ping);
  }

  started(): void {}

  drained(): void {}

  left(): void {
    this.#stopPings();
    this.#onLeft();
  }

  release(headers: Readonly<Record<string, string>>): AnswerStream {
    this.#stopPings();
    this.#tell(headers);
    return this.#stream;
  }

  endWith(body: Uint8Array | null, headers: Readonly<Record<string, string>>): void {
    this.#stopPings();
    this.#tell(headers);
    this.#stream.finish(body);
  }

  fail(error: GatewayError): void {
    this.#stopPings();
    this.#stream.fail(null, inBandError(this.#exchange, error, true));
  }

  #tell(headers: Readonly<Record<string, string>>): void {
    const late = [
      ...Object.entries(headers).filter(([name]) => name.startsWith(LATE_HEADERS)),
      ...reportOf(this.#exchange),
    ];
    const { route, clientFraming } = this.#exchange;
    const note = noteOf(route.dialect, clientFraming, late);
    if (note !== null) this.#stream.write(note);
  }

  #stopPings(): void {
    this.#gateway.transport.watchdog.delete(this);
  }
}

/**
 * Opens the stream of a client that has waited long. null: the client gets its answer in another way, or has left, which
 * `leave` is told.
 */
export function openEarly(gateway: Gateway, exchange: Exchange, leave: () => void): EarlyStream | null {
  if (!exchange.opensEarly || exchange.isSettled) return null;
  if (exchange.client.request.signal.aborted) {
    leave();
    return null;
  }
  const early = new EarlyStream(gateway, exchange, leave);
  exchange.early = early;
  return early;
}
