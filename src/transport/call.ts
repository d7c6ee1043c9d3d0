/** What the relay sees of the HTTP client toward upstreams. */
import type { GatewayError } from "../core/errors.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import type { Watchdog } from "./watchdog.ts";

export interface UpstreamRequest {
  /** Absolute, `http:` or `https:`; sent as it is, a fragment left out. */
  readonly url: string;
  readonly method: string;
  /** End-to-end headers. `host`, `content-length` and `connection` are the client's own affair. */
  readonly headers: HeaderLines;
  /** null for methods without a body. Must not be changed until the call is over. */
  readonly body: Uint8Array | null;
  /** From the call to a usable connection, TLS included. */
  readonly connectTimeoutMs: number;
  /** From the call to the reply's head. */
  readonly firstByteTimeoutMs: number;
  /** Longest silence within the reply while it is being read. */
  readonly idleTimeoutMs: number;
  /** Called once when the call is not over at the watchdog's next tick: most are, and need nothing that is for long ones. */
  readonly onWait: (() => void) | null;
}

export interface ReplyHead {
  readonly status: number;
  readonly headers: HeaderView;
}

/** Takes the reply's body as it comes. */
export interface BodySink {
  /**
   * Bytes that came. They belong to the sink from now on (never reused by the transport). Returns false to pause:
   * nothing comes until `resume`.
   */
  chunk(bytes: Uint8Array): boolean;
  /**
   * Exactly once, last: null when the body is whole by HTTP's own rules, an error when it broke off or timed out.
   * Not called after `abort`.
   */
  end(error: GatewayError | null): void;
}

/** One exchange with an upstream. */
export interface Call {
  /**
   * Rejects with `GatewayError`: `upstream_connect` (no connection within `connectTimeoutMs`, refused, DNS, TLS),
   * `upstream_timeout` (no head in time), `upstream_cut` (broke before the head), `upstream_garbage` (not HTTP, head too
   * large), or the abort's reason. 1xx heads are skipped.
   */
  readonly head: Promise<ReplyHead>;
  /** Starts the flow of the body; once. Until then at most one read's worth is held, then the socket is paused. */
  pipe(sink: BodySink): void;
  /** Lets the body flow again after `chunk` returned false. */
  resume(): void;
  /**
   * Ends it at any point: the connection is closed at once unless the reply was whole; nothing is told to the sink any
   * more; a pending head rejects with `reason`.
   */
  abort(reason: GatewayError): void;
  /** Why it was ended, by `abort`, a time-out or a failure; null when it was not. */
  readonly reason: GatewayError | null;
}

export interface Transport {
  send(request: UpstreamRequest): Call;
  /** Closes idle connections and stops the watchdog. Calls under way go on. */
  stop(): void;
  readonly watchdog: Watchdog;
}
