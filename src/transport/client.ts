/**
 * The HTTP client toward upstreams on `fetch`: one request, its reply as it comes, and time-outs of our own. `fetch` cannot tell
 * connecting from waiting, so while a reply is silent a second, bare connection shows whether the place can be reached.
 */
import { connect } from "node:net";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, ReplyHead, Transport, UpstreamRequest } from "./call.ts";
import type { Watchdog, Watched } from "./watchdog.ts";

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
  readonly head: Promise<ReplyHead>;
  reason: GatewayError | null = null;
  readonly #request: UpstreamRequest;
  readonly #watchdog: Watchdog;
  readonly #sentMs: number;
  readonly #abort = new AbortController();
  #isProbing = false;
  #response: Response | null = null;
  #readingSinceMs = Number.POSITIVE_INFINITY;
  #onResume: (() => void) | null = null;

  constructor(request: UpstreamRequest, clock: Clock, watchdog: Watchdog) {
    this.#request = request;
    this.#watchdog = watchdog;
    this.#sentMs = clock.monotonicMs();
    watchdog.add(this);
    this.head = this.#send();
  }

  pipe(sink: BodySink): void {
    const body = this.#response?.body ?? null;
    if (body === null) queueMicrotask(() => this.#end(sink, null));
    else void this.#pump(body, sink);
  }

  resume(): void {
    this.#onResume?.();
  }

  abort(reason: GatewayError): void {
    this.reason ??= reason;
    this.#watchdog.delete(this);
    this.#abort.abort(reason);
    this.#onResume?.();
  }

  check(nowMs: number): void {
    if (this.#response === null) this.#checkHead(nowMs - this.#sentMs);
    else if (nowMs - this.#readingSinceMs >= this.#request.idleTimeoutMs) {
      this.#timeOut(`the upstream sent nothing for ${this.#request.idleTimeoutMs} ms`);
    }
  }

  #checkHead(silentMs: number): void {
    const { firstByteTimeoutMs, connectTimeoutMs } = this.#request;
    if (silentMs >= firstByteTimeoutMs) {
      this.#timeOut(`the upstream did not answer within ${firstByteTimeoutMs} ms`);
    } else if (!this.#isProbing && silentMs >= Math.min(1_000, connectTimeoutMs / 2)) {
      this.#isProbing = true;
      this.#probe(connectTimeoutMs - silentMs);
    }
  }

  #timeOut(message: string): void {
    this.abort(new GatewayError("upstream_timeout", message));
  }

  async #send(): Promise<ReplyHead> {
    const { url, method, headers, body } = this.#request;
    try {
      this.#response = await fetch(url, {
        method,
        headers,
        body,
        signal: this.#abort.signal,
        redirect: "manual",
        // Bun's own limit of five minutes would cut long answers off; ours are in `check`.
        timeout: false,
      } as RequestInit);
      return this.#response;
    } catch (cause) {
      this.#watchdog.delete(this);
      this.reason ??= asGatewayError(cause);
      throw this.reason;
    }
  }

  async #pump(body: ReadableStream<Uint8Array>, sink: BodySink): Promise<void> {
    const reader = body.getReader();
    let error: GatewayError | null = null;
    try {
      for (;;) {
        this.#readingSinceMs = this.#watchdog.nowMs;
        const step = await reader.read();
        this.#readingSinceMs = Number.POSITIVE_INFINITY;
        if (this.reason !== null || step.done) break;
        if (sink.chunk(step.value)) continue;
        await new Promise<void>((resolve) => {
          this.#onResume = resolve;
        });
        this.#onResume = null;
      }
    } catch (cause) {
      error = asGatewayError(cause);
    }
    this.#end(sink, error);
  }

  #end(sink: BodySink, error: GatewayError | null): void {
    const isAborted = this.reason !== null && this.reason.kind !== "upstream_timeout";
    this.#watchdog.delete(this);
    if (isAborted) return;
    this.reason ??= error;
    sink.end(this.reason);
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
  return new GatewayError("upstream_cut", "the upstream broke off its reply", { cause, detail });
}
