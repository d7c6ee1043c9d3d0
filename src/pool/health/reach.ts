/**
 * Which upstreams no connection can be made to, for people. It keeps no request away, as the breaker does, and knows of a
 * single failure.
 */
import type { Clock } from "../../core/clock.ts";

export interface AwayUpstream {
  readonly upstream: string;
  /** In words for people, with the repair; holds no secret. */
  readonly reason: string;
  readonly sinceMs: number;
}

export class Reach {
  readonly #clock: Clock;
  readonly #away = new Map<string, AwayUpstream>();
  /** Called when an upstream is away that was not, or is back. */
  onChange: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** No connection could be made. Returns whether that is news. */
  failed(upstream: string, reason: string): boolean {
    if (this.#away.get(upstream)?.reason === reason) return false;
    const sinceMs = this.#away.get(upstream)?.sinceMs ?? this.#clock.nowMs();
    this.#away.set(upstream, { upstream, reason, sinceMs });
    this.onChange?.();
    return true;
  }

  /** The upstream has replied, or a connection was made. */
  reached(upstream: string): void {
    if (this.#away.size > 0 && this.#away.delete(upstream)) this.onChange?.();
  }

  /** The configuration was read anew: what is led to elsewhere now will be found away anew. */
  forget(isChanged: (upstream: string) => boolean): void {
    const changed = [...this.#away.keys()].filter(isChanged);
    for (const upstream of changed) this.#away.delete(upstream);
    if (changed.length > 0) this.onChange?.();
  }

  /** null: nobody has found it away since it was reached last. */
  find(upstream: string): AwayUpstream | null {
    return this.#away.get(upstream) ?? null;
  }

  list(): readonly AwayUpstream[] {
    return [...this.#away.values()];
  }
}
