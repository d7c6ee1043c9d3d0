/** The newest rows, as live events bring them. */
import type { LiveFeed } from "../../lib/live.ts";
import type { RequestRow } from "./outcomes.ts";

const KEPT = 2_000;

export interface TailView {
  /** The newest first. */
  readonly rows: readonly RequestRow[];
  /** Rows that came while nothing moved. */
  readonly waiting: number;
  /** Rows that the gateway left out, because there were too many. */
  readonly left: number;
  readonly isPaused: boolean;
}

/**
 * Events may come hundreds of times a second: a view is made once a frame, however many there are. While it is paused,
 * what is seen stays as it is, and what comes is kept.
 */
export class Tail {
  #view: TailView = { rows: [], waiting: 0, left: 0, isPaused: false };
  #new: RequestRow[] = [];
  #left = 0;
  #isDue = false;
  readonly #watchers = new Set<() => void>();
  readonly #nextFrame: (run: () => void) => void;

  constructor(nextFrame: (run: () => void) => void) {
    this.#nextFrame = nextFrame;
  }

  get view(): TailView {
    return this.#view;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };

  /** `rows`: the oldest first. Returns nothing new for rows that are known. */
  push(rows: readonly RequestRow[], left: number): void {
    const known = new Set([...this.#new, ...this.#view.rows].map(({ id }) => id));
    for (const row of rows) if (!known.has(row.id)) this.#new.unshift(row);
    this.#new.length = Math.min(this.#new.length, KEPT);
    this.#left += left;
    this.#plan();
  }

  pause(isPaused: boolean): void {
    if (isPaused === this.#view.isPaused) return;
    this.#view = { ...this.#view, isPaused };
    this.#plan();
  }

  clear(): void {
    this.#new = [];
    this.#view = { ...this.#view, rows: [], waiting: 0 };
    this.#plan();
  }

  #plan(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#nextFrame(() => {
      this.#isDue = false;
      const { isPaused, rows } = this.#view;
      this.#view = isPaused
        ? { ...this.#view, waiting: this.#new.length, left: this.#left }
        : { isPaused, rows: [...this.#new, ...rows].slice(0, KEPT), waiting: 0, left: this.#left };
      if (!isPaused) this.#new = [];
      for (const watcher of this.#watchers) watcher();
    });
  }
}

/** Returns what ends it. */
export function feedTail(tail: Tail, feed: LiveFeed): () => void {
  const ends = [
    feed.on("snapshot", ({ requests }) => tail.push(requests, 0)),
    feed.on("requests", ({ rows, left }) => tail.push(rows, left)),
  ];
  return () => {
    for (const end of ends) end();
  };
}
