/** The listening socket: Bun's server around a `RequestGate`. */

import type { BunServer, ConnectionClocks } from "./bun-client.ts";
import { type GateContext, RequestGate } from "./request-gate.ts";
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
  #server: BunServer;
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

  async stop(): Promise<void> {
    await Promise.all(this.#servers().map((server) => server.stop(false)));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#servers().map((server) => server.stop(true)));
  }

  get pendingRequests(): number {
    return this.#servers().reduce((sum, { pendingRequests }) => sum + pendingRequests, 0);
  }

  #servers(): readonly BunServer[] {
    return [this.#server, ...this.#retired];
  }

  /**
   * Bun cannot change a server's certificate (oven-sh/bun#43815), so a second server takes over the port. Both listen
   * before the first one stops: no connection finds the port closed.
   */
  #renew(tls: TlsPair): void {
    const before = this.#server;
    this.#server = this.#serve(this.port, tls, true);
    this.#tls = tls;
    this.#retired.add(before);
    // TODO
    before.stop(false).finally(() => this.#retired.delete(before));
  }

  #serve(port: number, tls: TlsPair | null, reusePort: boolean): BunServer {
    const gate = this.#gate;
    const options = {
      hostname: this.#config.host,
      port,
      idleTimeout: this.#clocks.idleS,
      maxRequestBodySize: MAX_BODY_BYTES,
      // In development Bun prints an excerpt of the source with a reply that is cut on purpose.
      development: false,
      // Without development Bun would share a port that is taken, and two gateways would each get half of the
      // requests.
      reusePort,
      routes: gate.bunRoutes(),
      fetch: (request: Request, server: BunServer) => gate.unmatched(request, server),
      error: (cause: unknown) => gate.crashed(cause),
      ...(tls === null ? {} : { tls: { cert: tls.cert, key: tls.key } }),
    };
    return Bun.serve(options as Parameters<typeof Bun.serve>[0]) as unknown as BunServer;
  }
}

function isSamePair(one: TlsPair, other: TlsPair): boolean {
  return one.cert === other.cert && one.key === other.key;
}

/** What Bun must be told so that a silence of `ms` does not end a connection. */
function clockSeconds(ms: number): number {
  return Math.min(Math.ceil(ms / 1_000) + CLOCK_STEP_S, MAX_CLOCK_S);
}
