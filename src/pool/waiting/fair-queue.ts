/**
 * One line for each key: served in turn by key, and in order within a key. Bounded in count and in bytes; when it is full,
 * the key that holds most gives way. Knows neither what is waited for nor a clock.
 */

/** What may stand in a line. */
export interface Queued {
  readonly key: string;
  /** What it keeps in memory while it waits. */
  readonly sizeBytes: number;
}

/** What becomes of one that was looked at: it stays, its key has had its turn, or it leaves without one. */
export type Look = "stays" | "served" | "leaves";

export interface QueueLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
}

/** The place of one in its line. */
export class Place<T extends Queued> {
  readonly item: T;
  /** null: it has left. Only the queue changes the fields. */
  line: Line<T> | null = null;
  previous: Place<T> | null = null;
  next: Place<T> | null = null;

  constructor(item: T) {
    this.item = item;
  }
}

class Line<T extends Queued> {
  readonly key: string;
  first: Place<T> | null = null;
  last: Place<T> | null = null;
  count = 0;
  bytes = 0;
  /** The one that the running round looks at next. */
  upcoming: Place<T> | null = null;

  constructor(key: string) {
    this.key = key;
  }

  add(place: Place<T>): void {
    place.line = this;
    place.previous = this.last;
    if (this.last === null) this.first = place;
    else this.last.next = place;
    this.last = place;
    this.count += 1;
    this.bytes += place.item.sizeBytes;
  }

  remove(place: Place<T>): void {
    const { previous, next } = place;
    if (this.upcoming === place) this.upcoming = next;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    place.line = null;
    place.previous = null;
    place.next = null;
    this.count -= 1;
    this.bytes -= place.item.sizeBytes;
  }
}

export class FairQueue<T extends Queued> {
  /** The line that has waited longest for its turn first. Only lines that somebody stands in. */
  readonly #lines = new Map<string, Line<T>>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Puts the item at the end of its key's line. The result names those that had to leave for it, the youngest of the keys
   * that hold most; null: the queue is full, and no key holds more than this one would.
   */
  add(item: T, limits: QueueLimits): { readonly place: Place<T>; readonly left: readonly T[] } | null {
    const leaving = this.#leavingFor(item, limits);
    if (leaving === null) return null;
    for (const place of leaving) this.remove(place);
    const place = new Place(item);
    let line = this.#lines.get(item.key);
    if (line === undefined) {
      line = new Line(item.key);
      this.#lines.set(item.key, line);
    }
    line.add(place);
    this.#count += 1;
    this.#bytes += item.sizeBytes;
    return { place, left: leaving.map((each) => each.item) };
  }

  /** Does nothing when it has left. */
  remove(place: Place<T>): void {
    const { line } = place;
    if (line === null) return;
    line.remove(place);
    this.#count -= 1;
    this.#bytes -= place.item.sizeBytes;
    if (line.count === 0) this.#lines.delete(line.key);
  }

  /**
   * Looks at each once, in turn: at those of a line until one is served, then at those of the next line. A line that was
   * served goes behind all others. `look` must not add to the queue.
   */
  serve(look: (item: T) => Look): void {
    let lines = [...this.#lines.values()];
    for (const line of lines) line.upcoming = line.first;
    while (lines.length > 0) lines = lines.filter((line) => this.#serveOne(line, look));
  }

  /** False: nobody is left in the line to look at. */
  #serveOne(line: Line<T>, look: (item: T) => Look): boolean {
    for (let place = line.upcoming; place !== null; place = line.upcoming) {
      line.upcoming = place.next;
      const result = look(place.item);
      if (result === "stays") continue;
      this.remove(place);
      if (result === "leaves") continue;
      if (line.count === 0) return false;
      this.#lines.delete(line.key);
      this.#lines.set(line.key, line);
      return line.upcoming !== null;
    }
    return false;
  }

  #leavingFor({ key, sizeBytes }: T, { maxCount, maxBytes }: QueueLimits): readonly Place<T>[] | null {
    let tooMany = this.#count + 1 - maxCount;
    let tooLarge = this.#bytes + sizeBytes - maxBytes;
    if (tooMany <= 0 && tooLarge <= 0) return [];
    const own = this.#lines.get(key);
    const share = { count: (own?.count ?? 0) + 1, bytes: (own?.bytes ?? 0) + sizeBytes };
    const ends = [...this.#lines.values()].map(({ last, count, bytes }) => ({ last, count, bytes }));
    const leaving: Place<T>[] = [];
    while (tooMany > 0 || tooLarge > 0) {
      const by = tooMany > 0 ? "count" : "bytes";
      const most = ends.reduce<(typeof ends)[number] | null>(
        (found, end) => (found === null || end[by] > found[by] ? end : found),
        null,
      );
      if (most === null || most.last === null || most[by] <= share[by]) return null;
      const { item } = most.last;
      leaving.push(most.last);
      most.last = most.last.previous;
      most.count -= 1;
      most.bytes -= item.sizeBytes;
      tooMany -= 1;
      tooLarge -= item.sizeBytes;
    }
    return leaving;
  }
}
