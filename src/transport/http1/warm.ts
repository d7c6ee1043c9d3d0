/** Opens connections before a request needs them, where the configuration asks for some. */
import type { WarmServer } from "../call.ts";
import type { Dial } from "../dial/dial.ts";
import { type Origin, originOf } from "../dial/origin.ts";
import { type Watchdog, Watched } from "../watchdog.ts";
import type { IdlePool } from "./pool.ts";

const SWEEP_MS = 1_000;
/** After a connection that could not be made, or was closed at once, the server is left alone for so long. */
const REST_MS = 30_000;
/** A connection that is not made after so long is given up. */
const PATIENCE_MS = 30_000;

interface Kept {
  readonly origin: Origin;
  opening: number;
  restUntilMs: number;
}

export class WarmConnections extends Watched {
  readonly #pool: IdlePool;
  readonly #dial: Dial;
  readonly #watchdog: Watchdog;
  #kept: readonly Kept[] = [];
  #sweepAtMs = 0;

  constructor(pool: IdlePool, dial: Dial, watchdog: Watchdog) {
    super();
    this.#pool = pool;
    this.#dial = dial;
    this.#watchdog = watchdog;
  }

  /** Replaces the servers of before. Those whose way asks for no connections are left out. */
  keep(servers: readonly WarmServer[]): void {
    const origins = servers
      .filter(({ via }) => via.warmConnections > 0)
      .map(({ url, via }) => originOf(url, via));
    const unique = [...new Map(origins.map((origin) => [origin.key, origin])).values()];
    this.#kept = unique.map((origin) => ({ origin, opening: 0, restUntilMs: 0 }));
    if (unique.length === 0) this.#watchdog.delete(this);
    else this.#watchdog.add(this);
  }

  stop(): void {
    this.keep([]);
  }

  override check(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_MS;
    for (const kept of this.#kept) {
      const { origin, restUntilMs } = kept;
      const missing = origin.via.warmConnections - this.#pool.idleCount(origin.key) - kept.opening;
      for (let i = 0; i < missing && nowMs >= restUntilMs; i++) this.#open(kept);
    }
  }

  #open(kept: Kept): void {
    const connection = this.#dial.connect(kept.origin);
    kept.opening++;
    const over = (): void => {
      clearTimeout(timer);
      kept.opening--;
    };
    const failed = (): void => {
      over();
      kept.restUntilMs = this.#watchdog.nowMs + REST_MS;
    };
    const timer = setTimeout(() => {
      connection.terminate();
      failed();
    }, PATIENCE_MS);
    timer.unref();
    connection.user = {
      ready: () => {
        over();
        if (this.#kept.includes(kept)) this.#pool.give(connection, null);
        else connection.terminate();
      },
      unreachable: failed,
      data: () => connection.terminate(),
      drain: () => undefined,
      closed: failed,
    };
  }
}
