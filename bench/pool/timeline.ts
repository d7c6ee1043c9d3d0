/** Time that passes only from one event to the next: the clock that the modules of the gateway get. */
import type { Clock } from "../../src/core/clock.ts";

interface Due {
  readonly atMs: number;
  /** Events of one time happen in the order in which they were asked for. */
  readonly order: number;
  readonly run: () => void;
}

/** A Sunday; nothing depends on it. */
const START_MS = Date.parse("2026-11-29T12:00:00Z");

export class Timeline implements Clock {
  readonly #heap: Due[] = [];
  #atMs = 0;
  #order = 0;

  nowMs(): number {
    return START_MS + this.#atMs;
  }

  /** Since the beginning. */
  monotonicMs(): number {
    return this.#atMs;
  }

  after(ms: number, run: () => void): void {
    this.#push({ atMs: this.#atMs + Math.max(0, ms), order: this.#order++, run });
  }

  /** Runs the next event; false: there is none. */
  step(): boolean {
    const due = this.#pop();
    if (due === undefined) return false;
    this.#atMs = Math.max(this.#atMs, due.atMs);
    due.run();
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent] as Due, due)) break;
      heap[at] = heap[parent] as Due;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (isBefore(last, heap[child] as Due)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
