/** The listening socket: Bun's server around a `RequestGate`. */

import type { BunServer, ConnectionClocks } from "./bun-client.ts";
import { type BunHandler, type GateContext, RequestGate } from "./request-gate.ts";
import type { HttpRoute } from "./route.ts";

/** PEM texts. `key` is a secret: never log it, never show it. */
interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * The listener's part of the configuration. `reload` takes over `hosts`, `corsOrigins`, `trustedProxies` and another
 * certificate.
 */
export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
  readonly hosts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly requestTimeoutMs: number;
  readonly idleConnectionMs: number;
  readonly tls: TlsPair | null;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** Throws the system's own error when a new certificate cannot be served; the old one stays then. */
  reload(config: ListenerConfig): void;
  /**
   * File descriptors have run out: closes connections without a request as far as Bun lets it, and accepts nothing
   * until `accept`. What runs goes on. Returns whether connections are left, which may give theirs back.
   */
  makeRoom(): boolean;
  /** Accepts connections again. Does nothing while it does. */
  accept(): void;
  /** Accepts nothing new; resolves when the last connection is closed. */
  stop(): Promise<void>;
  /** Requests whose reply is not out yet. */
  readonly pendingRequests: number;
  /** Closes every connection now. */
  kill(): Promise<void>;
}

/**
 * Bun refuses larger bodies by itself. The configured limit, which is reported in the dialect, is always
 * lower.
 */
const MAX_BODY_BYTES = 4 * 1024 ** 3;
/** Bun takes whole seconds, up to this many. */
const MAX_CLOCK_S = 255;
/** Bun looks at its clock once in so many seconds, and closes a connection up to one step too early. */
const CLOCK_STEP_S = 4;

/** How long two servers accept connections, one with the old certificate, one with the new one. */
const HANDOVER_MS = 300;

interface BunHandlers {
  readonly routes: Readonly<Record<string, BunHandler>>;
  readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  readonly error: (cause: unknown) => Response;
}

/** Starts listening. Throws the system's own error when the port is taken or a certificate is bad. */
export function listen(config: ListenerConfig, routes: readonly HttpRoute[], context: GateContext): Listener {
  return new BunListener(config, routes, context);
}

class BunListener implements Listener {
  readonly port: number;
  readonly url: string;
  readonly #gate: RequestGate;
  readonly #config: ListenerConfig;
  readonly #clocks: ConnectionClocks;
  #tls: TlsPair | null;
  /** The server that accepts, or the last one that did. */
  #server: BunServer;
  #isAccepting = true;
  #hasStopped = false;
  /** Servers with an older certificate: they accept nothing, and serve the connections that they have. */
  readonly #retired = new Set<BunServer>();

  constructor(config: ListenerConfig, routes: readonly HttpRoute[], context: GateContext) {
    this.#config = config;
    this.#clocks = {
      idleS: clockSeconds(config.idleConnectionMs),
      sendingS: clockSeconds(config.requestTimeoutMs),
    };
    this.#gate = new RequestGate({ ...config, clocks: this.#clocks }, routes, context);
    this.#tls = config.tls;
    // A port that can be shared must be found free first: Bun would share it with another gateway as well.
    if (config.tls !== null && config.port !== 0) this.#serve(config.port, config.tls, false).stop(true);
    this.#server = this.#serve(config.port, config.tls, config.tls !== null);
    this.port = this.#server.port as number;
    const scheme = config.tls === null ? "http" : "https";
    const shownHost = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
    this.url = `${scheme}://${shownHost.includes(":") ? `[${shownHost}]` : shownHost}:${this.port}${config.basePath}`;
  }

  reload(changed: ListenerConfig): void {
    const { tls } = changed;
    // To switch TLS on or off needs a start.
    if (tls !== null && this.#tls !== null && !isSamePair(tls, this.#tls)) this.#renew(tls);
    this.#gate.reload(changed);
  }

  /**
   * A connection that has never had a request is closed by nothing but its time-out or the end of its server
   * (`closeIdleConnections` leaves it, Bun 1.4.5), so a server whose requests have ended is ended with all that it has.
   */
  makeRoom(): boolean {
    if (this.#hasStopped) return false;
    if (this.#isAccepting) {
      this.#isAccepting = false;
      this.#retired.add(this.#server);
      // A server that stops refuses the connections that wait to be accepted: Bun would spin on them.
      this.#forget(this.#server, this.#server.stop(false));
    }
    for (const server of this.#retired) {
      if (server.pendingRequests === 0) this.#forget(server, server.stop(true));
      else server.closeIdleConnections();
    }
    return [...this.#retired].some((server) => server.pendingRequests > 0);
  }

  accept(): void {
    if (this.#isAccepting || this.#hasStopped) return;
    try {
      this.#server = this.#serve(this.port, this.#tls, this.#tls !== null);
      this.#isAccepting = true;
    } catch {
      // Another program may have taken the port meanwhile: the next call tries again.
    }
  }

  #forget(server: BunServer, stopping: Promise<void>): void {
    stopping.then(
      () => this.#retired.delete(server),
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    this.#hasStopped = true;
    await Promise.all(this.#servers().map((server) => server.stop(false)));
  }

  async kill(): Promise<void> {
    this.#hasStopped = true;
    await Promise.all(this.#servers().map((server) => server.stop(true)));
  }

  get pendingRequests(): number {
    return this.#servers().reduce((sum, { pendingRequests }) => sum + pendingRequests, 0);
  }

  #servers(): readonly BunServer[] {
    return [...new Set([this.#server, ...this.#retired])];
  }

  /**
   * Bun cannot change a server's certificate (oven-sh/bun#43815), so a second server takes over the port. Both accept
   * connections for a moment: none is refused, and busy connections to the first server close after a reply, before
   * it stops. Its idle connections close then, as Bun's servers do.
   */
  #renew(tls: TlsPair): void {
    const before = this.#server;
    // Without descriptors no server accepts now; the next one has the certificate.
    if (this.#isAccepting) this.#server = this.#serve(this.port, tls, true);
    this.#tls = tls;
    if (before === this.#server) return;
    this.#retired.add(before);
    before.reload(lastReplies(this.#handlers()) as Parameters<BunServer["reload"]>[0]);
    setTimeout(() => {
      this.#forget(before, before.stop(false));
    }, HANDOVER_MS).unref?.();
  }

  #handlers(): BunHandlers {
    const gate = this.#gate;
    return {
      routes: gate.bunRoutes(),
      fetch: (request, server) => gate.unmatched(request, server),
      error: (cause) => gate.crashed(cause),
    };
  }

  #serve(port: number, tls: TlsPair | null, reusePort: boolean): BunServer {
    const options = {
      ...this.#handlers(),
      hostname: this.#config.host,
      port,
      idleTimeout: this.#clocks.idleS,
      maxRequestBodySize: MAX_BODY_BYTES,
      // In development Bun prints an excerpt of the source with a reply that is cut on purpose.
      development: false,
      // Without development Bun would share a port that is taken, and two gateways would each get half of the
      // requests.
      reusePort,
      ...(tls === null ? {} : { tls: { cert: tls.cert, key: tls.key } }),
    };
    return Bun.serve(options as Parameters<typeof Bun.serve>[0]) as unknown as BunServer;
  }
}

/** The handlers of a server that is about to stop: each reply is the last one on its connection. */
function lastReplies({ routes, fetch: unmatched, error }: BunHandlers): BunHandlers {
  return {
    routes: Object.fromEntries(
      Object.entries(routes).map(([path, handler]): [string, BunHandler] => [
        path,
        (request, server) => lastReply(handler(request, server)),
      ]),
    ),
    fetch: (request, server) => lastReply(unmatched(request, server)),
    error,
  };
}

async function lastReply(answering: Response | Promise<Response>): Promise<Response> {
  const reply = await answering;
  reply.headers.set("connection", "close");
  return reply;
}

function isSamePair(one: TlsPair, other: TlsPair): boolean {
  return one.cert === other.cert && one.key === other.key;
}

/** What Bun must be told so that a silence of `ms` does not end a connection. */
function clockSeconds(ms: number): number {
  return Math.min(Math.ceil(ms / 1_000) + CLOCK_STEP_S, MAX_CLOCK_S);
}
