/** The contract of the HTTP client toward upstreams. */
import type { GatewayError } from "../core/errors.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import type { Watchdog } from "./watchdog.ts";

export interface UpstreamRequest {
  /** Absolute, `http:` or `https:`; sent as it is, without its fragment. */
  readonly url: string;
  readonly method: string;
  /** End-to-end headers. The transport writes `host`, `content-length` and `connection` itself. */
  readonly headers: HeaderLines;
  /** null for methods without a body. The bytes must not change until the call is over. */
  readonly body: Uint8Array | null;
  /** From the call to a usable connection, with TLS. */
  readonly connectTimeoutMs: number;
  /** From the call to the reply's head. */
  readonly firstByteTimeoutMs: number;
  /** The longest silence within the reply while the sink takes it. */
  readonly idleTimeoutMs: number;
  /**
   * Called once if the call still runs at the next watchdog tick, to set up abort handling for slow calls
   * only.
   */
  readonly onWait: (() => void) | null;
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

/** One exchange with an upstream. */
export interface Call {
  /**
   * Rejects with `GatewayError`: `upstream_connect` (no connection within `connectTimeoutMs`, refused, DNS, TLS),
   * `upstream_timeout` (no head in time), `upstream_cut` (broke off before the head), `upstream_garbage` (not HTTP, or
   * the head is too large), or the abort's reason. 1xx heads are skipped.
   */
  readonly head: Promise<ReplyHead>;
  /**
   * Starts the flow of the body; called once. Until then the call holds one read at most, and pauses the
   * socket.
   */
  pipe(sink: BodySink): void;
  /** Lets the body flow again after `chunk` returned false. */
  resume(): void;
  /**
   * Ends the call at any point: closes the connection at once unless the reply was whole. The sink gets nothing more;
   * a pending head rejects with `reason`.
   */
  abort(reason: GatewayError): void;
  /** The reason of `abort`, a time-out or a failure; null when the call was not ended by one. */
  readonly reason: GatewayError | null;
}

export interface Transport {
  send(request: UpstreamRequest): Call;
  /** Closes idle connections and stops the watchdog. Calls that run continue. */
  stop(): void;
  readonly watchdog: Watchdog;
}
