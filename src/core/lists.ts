/** Lists whose length a client or an upstream decides. */

/** Appends without a spread: a spread puts all entries on the call stack, which a long list exhausts. */
export function appendAll<T>(list: T[], more: Iterable<T>): void {
  for (const entry of more) list.push(entry);
}

/** First in, first out; no entry is undefined. A `shift` of a long array moves all that is left. */
export class Queue<T> {
  #entries: T[] = [];
  #at = 0;

  /** The oldest entry. */
  get first(): T | undefined {
    return this.#entries[this.#at];
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** Takes the oldest entry out. */
  take(): T | undefined {
    const entry = this.#entries[this.#at];
    if (entry === undefined) return undefined;
    this.#at++;
    // What was taken is let go of, at a cost that is shared by as many calls.
    if (this.#at * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#at);
      this.#at = 0;
    }
    return entry;
  }
}

/** Puts an entry at the end of the queue of a key. */
export function addToQueue<T>(queues: Map<string, Queue<T>>, key: string, entry: T): void {
  let queue = queues.get(key);
  if (queue === undefined) {
    queue = new Queue();
    queues.set(key, queue);
  }
  queue.push(entry);
}
