/** The contract of the HTTP client toward upstreams. */
import type { Via } from "../config/network/via.ts";
import type { GatewayError } from "../core/errors.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import type { MemoryShare } from "../core/memory-budget.ts";
import type { Dial } from "./dial/dial.ts";
import type { Watchdog } from "./watchdog.ts";

/** A caller that has something to set up for slow calls only, such as abort handling. */
export interface WaitingCaller {
  /** Called once if the call still runs at the next watchdog tick. */
  waits(): void;
  /** Where the call counts what it keeps to decode the reply; without one that is not counted. */
  readonly memory?: MemoryShare;
}

export interface UpstreamRequest {
  /** Absolute, `http:` or `https:`; sent as it is, without its fragment. */
  readonly url: string;
  readonly method: string;
  /** End-to-end headers. The transport writes `host`, `content-length` and `connection` itself. */
  readonly headers: HeaderLines;
  /** null for methods without a body. The bytes must not change until the call is over. */
  readonly body: Uint8Array | null;
  /** The way to the server. */
  readonly via: Via;
  /**
   * Checked addresses of the host, not empty, in place of what its name leads to. The connection serves this call alone,
   * because another call may have to go to other addresses.
   */
  readonly addresses?: readonly string[];
  /** A content coding that was not asked for stays on the body, and the reply keeps the header that names it. */
  readonly isCodingKept?: boolean;
  /** From the call to a usable connection, with TLS. */
  readonly connectTimeoutMs: number;
  /** From the call to the reply's head. */
  readonly firstByteTimeoutMs: number;
  /** The longest silence within the reply while the sink takes it. */
  readonly idleTimeoutMs: number;
  readonly waiting: WaitingCaller | null;
}

export interface ReplyHead {
  readonly status: number;
  readonly headers: HeaderView;
}

/** Takes the reply's body piece by piece. */
export interface BodySink {
  /**
   * The next bytes. They belong to the sink; the transport never reuses them. Returns false to pause: nothing comes
   * until `resume`.
   */
  chunk(bytes: Uint8Array): boolean;
  /**
   * Called exactly once, last: with null when the body is whole by HTTP's own rules, with an error when the body broke
   * off or timed out. Not called after `abort`.
   */
  end(error: GatewayError | null): void;
}

/** Hears how the reply to a call begins: one of the two is called, once. Neither may throw. */
export interface HeadWaiter {
  /** 1xx heads are skipped. */
  replied(head: ReplyHead): void;
  /**
   * No head will come. The cause is a `GatewayError`: `upstream_connect` (no connection within `connectTimeoutMs`,
   * refused, DNS, TLS), `proxy_failed` (the proxy on the way is at fault), `upstream_timeout` (no head in time), `upstream_cut` (broke off before the head),
   * `upstream_garbage` (not HTTP, or the head is too large), or the abort's reason. A call that has to be authorized
   * first may also fail with what the authorization threw.
   */
  failed(cause: unknown): void;
}

/** One exchange with an upstream. */
export interface Call {
  /**
   * Names who hears of the head, never before `awaitHead` returns. The head is told in the turn of the loop in which
   * the head comes, or in a microtask when the head has come before.
   */
  awaitHead(waiter: HeadWaiter): void;
  /**
   * Starts the flow of the body; called once. Until then the call holds one read at most, and pauses the
   * socket.
   */
  pipe(sink: BodySink): void;
  /** Lets the body flow again after `chunk` returned false. */
  resume(): void;
  /**
   * Ends the call at any point: closes the connection at once unless the reply was whole. The sink gets nothing more;
   * who waits for the head hears of `reason`.
   */
  abort(reason: GatewayError): void;
  /** The reason of `abort`, a time-out or a failure; null when the call was not ended by one. */
  readonly reason: GatewayError | null;
}

/** The head as a promise, for calls that are not a client's request. Rejects with the cause of `failed`. */
export function headOf(call: Call): Promise<ReplyHead> {
  return new Promise((resolve, reject) => call.awaitHead({ replied: resolve, failed: reject }));
}

/** A server with connections that are kept ready. */
export interface WarmServer {
  readonly url: string;
  readonly via: Via;
}

export interface Transport {
  send(request: UpstreamRequest): Call;
  /** Where all connections begin, also those of libraries that speak something else than HTTP. */
  readonly dial: Dial;
  /** The servers that connections are kept open to before a request needs them, in place of those of before. */
  keepWarm(servers: readonly WarmServer[]): void;
  /** Closes the connections that no call uses. */
  dropIdle(): void;
  /** Closes idle connections and stops the watchdog. Calls that run continue. */
  stop(): void;
  readonly watchdog: Watchdog;
}
