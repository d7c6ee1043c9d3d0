/** Writes one request: a small head and body in one write, the rest of a large body without a copy. */

export interface Outlet {
  /** Takes the first `sizeBytes` of `bytes`, or fewer. Returns how many it took. */
  write(bytes: Uint8Array, sizeBytes: number): number;
}

/**
 * Room for a head and a small body. All writers share it, because `flush` is done with it when it returns.
 */
const SCRATCH = Buffer.allocUnsafe(64 * 1_024);

export class RequestWriter {
  readonly #outlet: Outlet;
  readonly #head: string;
  /** null after the first `flush`: a written body is not kept through a long reply. */
  #body: Uint8Array | null;
  /** The bytes that the system has not taken yet; null before the first `flush`. */
  #rest: Uint8Array[] | null = null;
  #isStopped = false;

  /** `head` is Latin-1 text. */
  constructor(head: string, body: Uint8Array | null, outlet: Outlet) {
    this.#head = head;
    this.#body = body;
    this.#outlet = outlet;
  }

  /** The system has taken the whole request. */
  get isDone(): boolean {
    return this.#rest?.length === 0;
  }

  /**
   * Writes until the request is written or the system is full; to be called again when the system has room.
   */
  flush(): void {
    if (this.#isStopped) return;
    if (this.#rest === null) {
      this.#rest = this.#writeFirst();
      this.#body = null;
    }
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

  /** Leaves the rest unsent. */
  stop(): void {
    if (this.isDone) return;
    this.#isStopped = true;
    this.#rest = null;
    this.#body = null;
  }

  /** Writes the head and the first part of the body in one write. Returns the bytes that are left. */
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
