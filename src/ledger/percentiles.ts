/** Percentiles of many durations in little memory: counts in buckets of 1 % each. */

const BUCKET_FACTOR = Math.log(1.01);
/** A shorter duration counts as this one. */
const SHORTEST_MS = 0.001;

export class Percentiles {
  readonly #buckets = new Map<number, number>();
  #count = 0;

  add(durationMs: number): void {
    const bucket = Math.round(Math.log(Math.max(durationMs, SHORTEST_MS)) / BUCKET_FACTOR);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
  }

  /**
   * The smallest duration that at least the given share (0 to 1) does not exceed, within 1 %; null when there
   * are none.
   */
  at(share: number): number | null {
    if (this.#count === 0) return null;
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    let bucket = 0;
    for (bucket of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0;
      if (seen >= wanted) break;
    }
    return Math.exp(bucket * BUCKET_FACTOR);
  }
}
