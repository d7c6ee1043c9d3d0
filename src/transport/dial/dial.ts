/**
 * The one place where connections begin: those of the HTTP client, and those of libraries that speak something else.
 * What is configured of proxies and TLS holds for all of them.
 */
import type { Duplex } from "node:stream";
import type { Via } from "../../config/network/via.ts";
import type { Clock } from "../../core/clock.ts";
import type { GatewayError } from "../../core/errors.ts";
import { Connection, type Surroundings, type TlsFacts } from "./connection.ts";
import { streamOver } from "./connection-stream.ts";
import { Names } from "./names.ts";
import { type Origin, originOf, type ServerAddress, serverOrigin } from "./origin.ts";
import { type ProxyHealth, ProxyHealths } from "./proxy-health.ts";

/** A connection that was made and closed. */
export interface Probe {
  readonly tookMs: number;
  /** The proxy on the way, without its login; null: none. */
  readonly proxy: string | null;
  readonly tls: TlsFacts | null;
}

export class Dial {
  readonly #clock: Clock;
  readonly #proxies: ProxyHealths;
  readonly #surroundings: Surroundings;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#proxies = new ProxyHealths(clock);
    this.#surroundings = { names: new Names(clock), proxies: this.#proxies };
  }

  /** For the HTTP client. */
  connect(origin: Origin): Connection {
    return new Connection(origin, this.#surroundings);
  }

  /**
   * A stream of Node to a server, for a library. Its owner destroys it. Rejects with `GatewayError`: `upstream_connect`
   * or `proxy_failed`.
   */
  open(server: ServerAddress): Promise<Duplex> {
    const { timeoutMs } = server;
    const connection = this.connect(serverOrigin(server));
    return new Promise((resolve, reject) => {
      const fail = (error: GatewayError): void => {
        clearTimeout(timer);
        stream.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(connection.tooSlow(timeoutMs)), timeoutMs);
      const ready = (): void => {
        clearTimeout(timer);
        resolve(stream);
      };
      const stream = streamOver(connection, { ready, unreachable: fail });
    });
  }

  /** Connects as the HTTP client does, and closes the connection. Rejects as `open` does. */
  probe(url: string, via: Via, timeoutMs: number): Promise<Probe> {
    const origin = originOf(url, via);
    const startedMs = this.#clock.monotonicMs();
    const connection = this.connect(origin);
    return new Promise((resolve, reject) => {
      const fail = (error: GatewayError): void => {
        clearTimeout(timer);
        connection.terminate();
        reject(error);
      };
      const timer = setTimeout(() => fail(connection.tooSlow(timeoutMs)), timeoutMs);
      const ready = (): void => {
        clearTimeout(timer);
        const tookMs = this.#clock.monotonicMs() - startedMs;
        resolve({ tookMs, proxy: origin.proxy?.name ?? null, tls: connection.tlsFacts() });
        connection.terminate();
      };
      const nothing = (): void => undefined;
      connection.user = { ready, unreachable: fail, data: nothing, drain: nothing, closed: nothing };
    });
  }

  /** The addresses of a name, of the last minutes when nobody can tell. Rejects when there are none. */
  lookUp(host: string): Promise<readonly string[]> {
    return this.#surroundings.names.lookUp(host);
  }

  /** How the proxies do that were used since the start. */
  proxies(): readonly ProxyHealth[] {
    return this.#proxies.list();
  }
}
