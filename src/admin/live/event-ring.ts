/** The last events, so that a page that was away for a moment misses none. Bounded by number and by bytes. */
import { Buffer } from "node:buffer";

const MAX_EVENTS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

export interface LiveEvent {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class EventRing {
  /** Numbers of another process mean other events. */
  readonly #mark: string;
  readonly #events: LiveEvent[] = [];
  #sizeBytes = 0;
  #next = 1;

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** The number of the newest event. */
  get last(): number {
    return this.#next - 1;
  }

  add(name: string, data: unknown): void {
    const event = { number: this.#next, bytes: this.write(name, this.#next, data) };
    this.#next += 1;
    this.#events.push(event);
    this.#sizeBytes += event.bytes.byteLength;
    while (this.#events.length > MAX_EVENTS || (this.#sizeBytes > MAX_BYTES && this.#events.length > 1))
      this.#sizeBytes -= this.#events.shift()?.bytes.byteLength ?? 0;
  }

  /** The bytes of an event. JSON has no line breaks of its own. */
  write(name: string, number: number, data: unknown): Uint8Array {
    return Buffer.from(`event: ${name}\nid: ${this.#mark}-${number}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** The events after this one; null: some of them are gone. */
  after(number: number): readonly LiveEvent[] | null {
    if (number > this.last) return null;
    const first = this.#events[0]?.number ?? this.#next;
    return number + 1 < first ? null : this.#events.slice(number + 1 - first);
  }

  /** The number in an id that a page has sent; null: it is of another process, or none. */
  numberIn(id: string | null): number | null {
    const [, mark, digits] = /^(\w+)-(\d{1,15})$/.exec(id ?? "") ?? [];
    return mark === this.#mark ? Number(digits) : null;
  }

  /** What comes later does not follow what came before. */
  clear(): void {
    this.#events.length = 0;
    this.#sizeBytes = 0;
    this.#next += 1;
  }
}
