/** The events for one page. A page that reads too slowly gets nothing until it has read, and then what it has missed, or all anew. */
import { Buffer } from "node:buffer";
import { ReplyStream, type ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { EventRing } from "./event-ring.ts";

export interface LiveStreamOptions {
  readonly ring: EventRing;
  /** The data of the event `snapshot`, as of now. */
  readonly snapshot: () => unknown;
  /** The id of the last event that the page has; null: none. */
  readonly after: string | null;
  /** The page is gone. */
  readonly left: () => void;
}

const PING = Buffer.from(": ping\n\n");

export class LiveStream implements ReplyStreamOwner {
  readonly #options: LiveStreamOptions;
  readonly #stream: ReplyStream;
  /** The number of the last event that was written; null: the page begins with a snapshot. */
  #sent: number | null;
  #isStarted = false;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#sent = options.ring.numberIn(options.after);
    this.#stream = new ReplyStream(this);
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#stream.body;
  }

  /** Writes what is new, as far as the page reads. */
  pump(): void {
    if (!this.#isStarted || this.#stream.isBlocked) return;
    const { ring } = this.#options;
    const missed = this.#sent === null ? null : ring.after(this.#sent);
    if (missed === null) {
      this.#sent = ring.last;
      this.#stream.write(ring.write("snapshot", ring.last, this.#options.snapshot()));
      return;
    }
    for (const { number, bytes } of missed) {
      this.#sent = number;
      if (!this.#stream.write(bytes)) return;
    }
  }

  ping(): void {
    if (this.#isStarted && !this.#stream.isBlocked) this.#stream.ping(PING);
  }

  end(): void {
    this.#stream.close();
  }

  started(): void {
    this.#isStarted = true;
    this.pump();
  }

  drained(): void {
    this.pump();
  }

  left(): void {
    this.#options.left();
  }
}
