/** How each proxy has done lately, for people and metrics. */
import type { ProxyServer } from "../../config/network/via.ts";
import type { Clock } from "../../core/clock.ts";
import type { GatewayError } from "../../core/errors.ts";

/** The configuration bounds the number of proxies; a proxy that is gone from it stays until the next start. */
const MAX_PROXIES = 1_024;

export interface ProxyHealth {
  /** Without user and password: `socks5h://proxy.example:1080`. */
  readonly name: string;
  /** The last connection was made. */
  readonly isWorking: boolean;
  readonly connections: number;
  readonly failures: number;
  /** What the last failure was, and when; null: there was none. */
  readonly lastFailure: { readonly message: string; readonly atMs: number } | null;
}

export class ProxyHealths {
  readonly #clock: Clock;
  readonly #healths = new Map<string, ProxyHealth>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The proxy has made a connection, or has told that the server behind it cannot be reached. */
  worked({ name }: ProxyServer): void {
    const before = this.#of(name);
    this.#set({ ...before, isWorking: true, connections: before.connections + 1 });
  }

  failed({ name }: ProxyServer, { message }: GatewayError): void {
    const before = this.#of(name);
    const lastFailure = { message, atMs: this.#clock.nowMs() };
    this.#set({ ...before, isWorking: false, failures: before.failures + 1, lastFailure });
  }

  /** Those that were used since the start. */
  list(): readonly ProxyHealth[] {
    return [...this.#healths.values()];
  }

  #of(name: string): ProxyHealth {
    const unknown = { name, isWorking: true, connections: 0, failures: 0, lastFailure: null };
    return this.#healths.get(name) ?? unknown;
  }

  #set(health: ProxyHealth): void {
    if (this.#healths.size < MAX_PROXIES || this.#healths.has(health.name)) {
      this.#healths.set(health.name, health);
    }
  }
}
