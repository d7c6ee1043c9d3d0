/**
 * Idle connections by origin. The one that was used last is used next, so that the others reach their age and
 * close.
 */
import type { Clock } from "../../core/clock.ts";
import type { Connection } from "../dial/connection.ts";
import { type Watchdog, Watched } from "../watchdog.ts";

const MAX_IDLE_PER_ORIGIN = 512;
const MAX_IDLE_MS = 60_000;
/** Taken off an upstream's own limit, because the upstream counts from a little earlier. */
const MARGIN_MS = 1_000;
const SWEEP_MS = 1_000;

export class IdlePool extends Watched {
  readonly #clock: Clock;
  readonly #watchdog: Watchdog;
  readonly #idle = new Map<string, Connection[]>();
  #sweepAtMs = 0;
  #isStopped = false;

  constructor(clock: Clock, watchdog: Watchdog) {
    super();
    this.#clock = clock;
    this.#watchdog = watchdog;
    watchdog.add(this);
  }

  /** An open connection that no call uses, or null. */
  take(originKey: string): Connection | null {
    const idle = this.#idle.get(originKey);
    if (idle === undefined) return null;
    const nowMs = this.#clock.monotonicMs();
    for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
      if (connection.isOpen && connection.idleUntilMs > nowMs) {
        connection.onLost = null;
        return connection;
      }
      connection.terminate();
    }
    return null;
  }

  /** How many connections wait for a call. */
  idleCount(originKey: string): number {
    return this.#idle.get(originKey)?.length ?? 0;
  }

  /**
   * Takes back a connection whose last reply is whole. `keepAliveMs` is the upstream's own limit; null: it
   * named none.
   */
  give(connection: Connection, keepAliveMs: number | null): void {
    const idleMs = keepAliveMs === null ? MAX_IDLE_MS : Math.min(keepAliveMs - MARGIN_MS, MAX_IDLE_MS);
    if (this.#isStopped || idleMs <= 0 || !connection.isOpen || connection.origin.addresses !== null) {
      connection.terminate();
      return;
    }
    const { key } = connection.origin;
    let idle = this.#idle.get(key);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(key, idle);
    }
    connection.user = null;
    connection.onLost = this.#onLost;
    connection.isReused = true;
    connection.idleUntilMs = this.#clock.monotonicMs() + idleMs;
    connection.resume();
    idle.push(connection);
    if (idle.length > MAX_IDLE_PER_ORIGIN) idle.shift()?.terminate();
  }

  /** Closes the idle connections that were not used later than this one, which the upstream had closed. */
  dropAsOldAs({ origin, idleUntilMs }: Connection): void {
    const idle = this.#idle.get(origin.key);
    if (idle === undefined) return;
    const kept = idle.filter((connection) => connection.idleUntilMs > idleUntilMs);
    for (const connection of idle) if (connection.idleUntilMs <= idleUntilMs) connection.terminate();
    if (kept.length === 0) this.#idle.delete(origin.key);
    else this.#idle.set(origin.key, kept);
  }

  override check(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_MS;
    for (const [key, idle] of this.#idle) {
      const kept = idle.filter((connection) => connection.idleUntilMs > nowMs);
      if (kept.length === idle.length && kept.length > 0) continue;
      for (const connection of idle) if (connection.idleUntilMs <= nowMs) connection.terminate();
      if (kept.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, kept);
    }
  }

  /** Closes all idle connections, and each one that comes back later. */
  stop(): void {
    this.#isStopped = true;
    this.#watchdog.delete(this);
    this.dropAll();
  }

  /** Closes all idle connections. */
  dropAll(): void {
    for (const idle of this.#idle.values()) for (const connection of idle) connection.terminate();
    this.#idle.clear();
  }

  readonly #onLost = (connection: Connection): void => {
    const idle = this.#idle.get(connection.origin.key);
    const at = idle === undefined ? -1 : idle.lastIndexOf(connection);
    if (at >= 0) idle?.splice(at, 1);
  };
}
