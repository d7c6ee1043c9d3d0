/**
 * What the gateway has observed of targets, for the orders that go by it. Only targets of such an order are
 * observed: without one, an attempt pays for one comparison.
 */
import type { ModelConfig } from "../../config/config.ts";
import { FirstByteTimes } from "./first-byte-times.ts";

/** Names of models may be the clients' own, so what is remembered of them needs a bound. */
const MAX_TARGETS = 1_000;

export class ObservedTarget {
  /** Attempts that run. */
  inFlight = 0;
  /** A stream begins sooner than a whole answer, so the two are not compared. */
  readonly streams = new FirstByteTimes();
  readonly wholes = new FirstByteTimes();
}

export class ObservedTargets {
  /** The target that was ordered last is the last. */
  readonly #targets = new Map<string, ObservedTarget>();
  /** By entry, then in the order of the entry's targets. A changed configuration has other entries. */
  readonly #credits = new WeakMap<ModelConfig, number[]>();

  /** null: the target is not observed. */
  find(upstream: string, model: string): ObservedTarget | null {
    return this.#targets.size === 0 ? null : (this.#targets.get(`${upstream}/${model}`) ?? null);
  }

  /** Observes the target from now on. */
  observe(upstream: string, model: string): ObservedTarget {
    const name = `${upstream}/${model}`;
    const target = this.#targets.get(name) ?? new ObservedTarget();
    this.#targets.delete(name);
    this.#targets.set(name, target);
    if (this.#targets.size > MAX_TARGETS) {
      const [oldest] = this.#targets.keys();
      if (oldest !== undefined) this.#targets.delete(oldest);
    }
    return target;
  }

  /** The credits of an entry's targets, for `weighted`. The caller changes them. */
  creditsOf(entry: ModelConfig): number[] {
    let credits = this.#credits.get(entry);
    if (credits === undefined) {
      credits = entry.targets.map(() => 0);
      this.#credits.set(entry, credits);
    }
    return credits;
  }
}
