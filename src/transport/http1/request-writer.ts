/** Writes one request: head and body in one go while they are small, the rest of a large body without copying it. */

/** What it writes to: takes the first `sizeBytes` of `bytes` or fewer, and says how many. */
export interface Outlet {
  write(bytes: Uint8Array, sizeBytes: number): number;
}

/** Room for a head and a small body, shared by all writers: it is used up within `flush`. */
const SCRATCH = Buffer.allocUnsafe(64 * 1_024);

export class RequestWriter {
  readonly #outlet: Outlet;
  readonly #head: string;
  readonly #body: Uint8Array | null;
  /** What the system did not take yet; null before the first `flush`. */
  #rest: Uint8Array[] | null = null;
  #isStopped = false;

  /** `head` is Latin-1 text. */
  constructor(head: string, body: Uint8Array | null, outlet: Outlet) {
    this.#head = head;
    this.#body = body;
    this.#outlet = outlet;
  }

  /** Whether the whole request is with the system. */
  get isDone(): boolean {
    return this.#rest?.length === 0;
  }

  /** Writes until all is written or the system takes no more; to be called again when it does. */
  flush(): void {
    if (this.#isStopped) return;
    if (this.#rest === null) this.#rest = this.#writeFirst();
    const rest = this.#rest;
    while (rest.length > 0) {
      const bytes = rest[0] as Uint8Array;
      const written = this.#outlet.write(bytes, bytes.length);
      if (written < bytes.length) {
        rest[0] = bytes.subarray(written);
        return;
      }
      rest.shift();
    }
  }

  /** The rest is not sent any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Writes the head and what fits of the body at once; returns what is left. */
  #writeFirst(): Uint8Array[] {
    const headBytes = this.#head.length;
    if (headBytes > SCRATCH.length) {
      return this.#body === null ? [this.#latin1Head()] : [this.#latin1Head(), this.#body];
    }
    SCRATCH.write(this.#head, 0, "latin1");
    const room = SCRATCH.length - headBytes;
    const body = this.#body ?? new Uint8Array(0);
    const firstBytes = Math.min(room, body.length);
    SCRATCH.set(firstBytes === body.length ? body : body.subarray(0, firstBytes), headBytes);
    const written = this.#outlet.write(SCRATCH, headBytes + firstBytes);
    const rest: Uint8Array[] = [];
    if (written < headBytes) rest.push(this.#latin1Head().subarray(written));
    const bodyAt = Math.max(written - headBytes, 0);
    if (bodyAt < body.length) rest.push(body.subarray(bodyAt));
    return rest;
  }

  #latin1Head(): Buffer {
    return Buffer.from(this.#head, "latin1");
  }
}
