/** The listening socket: Bun's server around a `RequestGate`. */

import type { BunServer } from "./bun-client.ts";
import { type GateContext, RequestGate } from "./request-gate.ts";
import type { HttpRoute } from "./route.ts";

/**
 * The listener's part of the configuration. `reload` takes over `hosts`, `corsOrigins` and `trustedProxies`.
 */
export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
  readonly hosts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly requestTimeoutMs: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
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
const MAX_IDLE_TIMEOUT_S = 255;

/** Starts listening. Throws the system's own error when the port is taken or a certificate is bad. */
export function listen(config: ListenerConfig, routes: readonly HttpRoute[], context: GateContext): Listener {
  const idleTimeoutS = Math.min(Math.ceil(config.requestTimeoutMs / 1_000), MAX_IDLE_TIMEOUT_S);
  const gate = new RequestGate({ ...config, idleTimeoutS }, routes, context);
  const options = {
    hostname: config.host,
    port: config.port,
    idleTimeout: idleTimeoutS,
    maxRequestBodySize: MAX_BODY_BYTES,
    // In development Bun prints an excerpt of the source with a reply that is cut on purpose.
    development: false,
    // Without development Bun would share a port that is taken, and two gateways would each get half of the
    // requests.
    reusePort: false,
    routes: gate.bunRoutes(),
    fetch: (request: Request, server: BunServer) => gate.unmatched(request, server),
    error: (cause: unknown) => gate.crashed(cause),
    ...(config.tls === null
      ? {}
      : { tls: { cert: Bun.file(config.tls.certFile), key: Bun.file(config.tls.keyFile) } }),
  };
  const server = Bun.serve(options as Parameters<typeof Bun.serve>[0]) as unknown as BunServer;
  const scheme = config.tls === null ? "http" : "https";
  const shownHost = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
  return {
    port: server.port as number,
    url: `${scheme}://${shownHost.includes(":") ? `[${shownHost}]` : shownHost}:${server.port}${config.basePath}`,
    reload: (changed) => gate.reload(changed),
    stop: () => server.stop(false),
    kill: () => server.stop(true),
    get pendingRequests() {
      return server.pendingRequests;
    },
  };
}
