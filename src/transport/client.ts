/**
 * The HTTP client toward upstreams: one request, its reply's head, and time-outs of our own. `fetch` cannot tell connecting from
 * waiting, so while a reply is silent a second, bare connection to the same place shows whether it can be reached.
 */
import { connect } from "node:net";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Watchdog, Watched } from "./watchdog.ts";

export interface UpstreamRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  /** null for methods without a body. */
  readonly body: Uint8Array | null;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  /** Longest silence within the reply while it is being read. */
  readonly idleTimeoutMs: number;
}

/** One exchange with an upstream. `abort` ends it at any point; what is read after that rejects with `reason`. */
export interface Call {
  /**
   * The reply, once its head is there. Rejects with `GatewayError`: `upstream_connect` (cannot be reached),
   * `upstream_timeout` (no head in time), `upstream_cut` (the connection broke before the head), or the abort's reason.
   */
  readonly reply: Promise<Response>;
  abort(reason: Error): void;
  /** To be called around each read of the reply's body: silence counts only while somebody reads. */
  startRead(): void;
  endRead(): void;
  /** The reply's body is read to its end or given up: nothing is watched any more. */
  done(): void;
  /** Why it was aborted, by us or by a time-out; null when it was not. */
  readonly reason: Error | null;
}

export interface Transport {
  send(request: UpstreamRequest): Call;
  stop(): void;
  readonly watchdog: Watchdog;
}

/** Errors that Bun's `fetch` gives when no connection came about, so that the upstream saw nothing. */
const NOT_CONNECTED = new Set([
  "ConnectionRefused",
  "ECONNREFUSED",
  "FailedToOpenSocket",
  "ENOTFOUND",
  "EAI_AGAIN",
  "DNSLookupFailed",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

export function makeTransport(clock: Clock, watchdog: Watchdog): Transport {
  return {
    watchdog,
    stop: () => watchdog.stop(),
    send: (request) => new FetchCall(request, clock, watchdog),
  };
}

class FetchCall implements Call, Watched {
  readonly reply: Promise<Response>;
  reason: Error | null = null;
  readonly #request: UpstreamRequest;
  readonly #watchdog: Watchdog;
  readonly #sentMs: number;
  readonly #abort = new AbortController();
  #isProbing = false;
  #hasHead = false;
  #readingSinceMs = Number.POSITIVE_INFINITY;

  constructor(request: UpstreamRequest, clock: Clock, watchdog: Watchdog) {
    this.#request = request;
    this.#watchdog = watchdog;
    this.#sentMs = clock.monotonicMs();
    watchdog.add(this);
    this.reply = this.#send();
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.#watchdog.delete(this);
    this.#abort.abort(reason);
  }

  startRead(): void {
    this.#readingSinceMs = this.#watchdog.nowMs;
  }

  endRead(): void {
    this.#readingSinceMs = Number.POSITIVE_INFINITY;
  }

  done(): void {
    this.#watchdog.delete(this);
  }

  check(nowMs: number): void {
    if (this.#hasHead) this.#checkBody(nowMs);
    else this.#checkHead(nowMs - this.#sentMs);
  }

  #checkBody(nowMs: number): void {
    const { idleTimeoutMs } = this.#request;
    if (nowMs - this.#readingSinceMs < idleTimeoutMs) return;
    this.abort(new GatewayError("upstream_timeout", `the upstream sent nothing for ${idleTimeoutMs} ms`));
  }

  #checkHead(silentMs: number): void {
    const { firstByteTimeoutMs, connectTimeoutMs } = this.#request;
    if (silentMs >= firstByteTimeoutMs) {
      this.abort(
        new GatewayError("upstream_timeout", `the upstream did not answer within ${firstByteTimeoutMs} ms`),
      );
    } else if (!this.#isProbing && silentMs >= Math.min(1_000, connectTimeoutMs / 2)) {
      this.#isProbing = true;
      this.#probe(connectTimeoutMs - silentMs);
    }
  }

  async #send(): Promise<Response> {
    const { url, method, headers, body } = this.#request;
    try {
      const reply = await fetch(url, {
        method,
        headers,
        body,
        signal: this.#abort.signal,
        redirect: "manual",
        // Bun's own limit of five minutes would cut long answers off; ours are in `check`.
        timeout: false,
      } as RequestInit);
      this.#hasHead = true;
      return reply;
    } catch (cause) {
      this.done();
      throw this.reason ?? asGatewayError(cause);
    }
  }

  #probe(timeoutMs: number): void {
    const { hostname, port, protocol } = new URL(this.#request.url);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    });
    const timer = setTimeout(
      () => {
        socket.destroy();
        this.abort(
          new GatewayError(
            "upstream_connect",
            `no connection to the upstream within ${this.#request.connectTimeoutMs} ms; check its base_url and the network`,
          ),
        );
      },
      Math.max(timeoutMs, 1),
    );
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    // A refused probe says nothing that fetch itself will not say.
    socket.once("connect", done);
    socket.once("error", done);
  }
}

function asGatewayError(cause: unknown): GatewayError {
  const code = String((cause as { code?: unknown }).code ?? "");
  const detail = cause instanceof Error ? `${code} ${cause.message}` : String(cause);
  if (NOT_CONNECTED.has(code)) {
    return new GatewayError(
      "upstream_connect",
      "the upstream cannot be reached; check its base_url and the network",
      {
        cause,
        detail,
      },
    );
  }
  if (/CERT|TLS|SSL|SELF_SIGNED|VERIFY/i.test(code)) {
    return new GatewayError("upstream_connect", "the upstream's TLS certificate is not accepted", {
      cause,
      detail,
    });
  }
  return new GatewayError("upstream_cut", "the upstream closed the connection before it answered", {
    cause,
    detail,
  });
}
