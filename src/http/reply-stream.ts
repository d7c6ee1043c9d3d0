/**
 * A reply's body that is written as it comes, on Bun's "direct" streams: half the CPU an event that pulled ones cost. Seen with Bun
 * 1.4.5: `pull` is called once and must return nothing; `write` copies, and gives a promise instead of a number when the client reads
 * too slowly; a client that leaves is told by `cancel`, at once.
 */

export interface ReplyStreamOwner {
  /** The server takes bytes from now on. */
  started(): void;
  /** After a `write` that returned false: the client has read what there was. */
  drained(): void;
  /** The client has left. */
  left(): void;
}

interface DirectController {
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number;
  close(error?: unknown): void;
}

export class ReplyStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #owner: ReplyStreamOwner;
  #controller: DirectController | null = null;
  #isOver = false;
  #isBlocked = false;

  constructor(owner: ReplyStreamOwner) {
    this.#owner = owner;
    this.body = new ReadableStream({
      type: "direct",
      pull: (controller: unknown): void => {
        this.#controller = controller as DirectController;
        owner.started();
      },
      cancel: (): void => {
        if (this.#isOver) return;
        this.#isOver = true;
        owner.left();
      },
    } as unknown as ConstructorParameters<typeof ReadableStream<Uint8Array>>[0]);
  }

  /** Whether the client has yet to read what was written. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Sends bytes now. False: they are taken, but the client is slow, so write no more until `drained`. */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver || this.#controller === null) return true;
    const written = this.#controller.write(bytes);
    if (typeof written === "number") {
      this.#controller.flush();
      return !this.#isBlocked;
    }
    if (!this.#isBlocked) {
      this.#isBlocked = true;
      const resume = (): void => {
        this.#isBlocked = false;
        if (!this.#isOver) this.#owner.drained();
      };
      written.then(resume, resume);
    }
    return false;
  }

  /** A good end. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
  }

  /** No good end: the connection is cut, so that the client cannot take what it got for whole. */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const controller = this.#controller;
    // Seen with Bun 1.4.5: closed in the same turn of the loop, what was just written never leaves.
    setTimeout(() => controller?.close(new Error("the upstream broke off")), 0);
  }
}
