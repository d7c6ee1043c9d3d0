/**
 * The body of a reply, written as the upstream sends it, on one of Bun's "direct" streams: an event costs
 * half the CPU of a pulled stream. Seen with Bun 1.4.5: `pull` is called once and must return nothing;
 * `write` copies its bytes, and returns a promise in place of a number when the client reads too slowly;
 * `cancel` reports at once that the client has left.
 */
import { Buffer } from "node:buffer";

/**
 * Headers of each reply whose bytes come one by one: without them a proxy may keep the bytes until there are
 * more (nginx), or pack them. Caddy and HAProxy pass bytes on as they come.
 */
export const PASSED_ON_AT_ONCE = {
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const;

/** Where a relay writes an answer: the stream of its client, or that of several. */
export interface AnswerStream {
  /** null: the clients have streams of their own. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Written bytes wait for the client to read them. */
  readonly isBlocked: boolean;
  /** From here on another owner hears of the stream: at once that it has started, if it has. */
  handOver(owner: ReplyStreamOwner): void;
  /** False: the next `write` must wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** A sign of life, which is no part of the answer. */
  ping(bytes: Uint8Array): void;
  /** The good end, behind the last bytes. */
  finish(bytes: Uint8Array | null): void;
  /** The end by a failure: whole frames, then the words of the failure; without words the connection breaks. */
  fail(bytes: Uint8Array | null, words: string): void;
}

export interface ReplyStreamOwner {
  /** The server takes bytes from then on. */
  started(): void;
  /** After a `write` that returned false: the client has read all bytes. */
  drained(): void;
  left(): void;
}

interface DirectController {
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number;
  close(error?: unknown): void;
}

const encoder = new TextEncoder();

export class ReplyStream implements AnswerStream {
  readonly body: ReadableStream<Uint8Array>;
  #owner: ReplyStreamOwner;
  #controller: DirectController | null = null;
  /** What was written before the server took bytes. */
  #unsent: Uint8Array | null = null;
  #isOver = false;
  #isCut = false;
  #isBlocked = false;

  constructor(owner: ReplyStreamOwner) {
    this.#owner = owner;
    this.body = new ReadableStream({
      type: "direct",
      pull: (controller: unknown): void => {
        this.#start(controller as DirectController);
      },
      cancel: (): void => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#owner.left();
      },
    } as unknown as ConstructorParameters<typeof ReadableStream<Uint8Array>>[0]);
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  handOver(owner: ReplyStreamOwner): void {
    this.#owner = owner;
    if (this.#controller !== null && !this.#isOver) owner.started();
  }

  /**
   * Sends bytes at once, or when the server takes them. Returns false when the client is slow: the bytes are
   * taken, and the next `write` must wait for `drained`.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (this.#controller === null) {
      this.#unsent = this.#unsent === null ? bytes : Buffer.concat([this.#unsent, bytes]);
      return true;
    }
    return this.#send(this.#controller, bytes);
  }

  #send(controller: DirectController, bytes: Uint8Array): boolean {
    const written = controller.write(bytes);
    if (typeof written === "number") {
      controller.flush();
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

  ping(bytes: Uint8Array): void {
    this.write(bytes);
  }

  finish(bytes: Uint8Array | null): void {
    if (bytes !== null) this.write(bytes);
    this.close();
  }

  fail(bytes: Uint8Array | null, words: string): void {
    if (bytes !== null) this.write(bytes);
    if (words === "") {
      this.cut();
      return;
    }
    this.finish(encoder.encode(words));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
  }

  /** Cuts the connection, so that the client cannot take the reply for a whole one. */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isCut = true;
    if (this.#controller !== null) breakOff(this.#controller);
  }

  #start(controller: DirectController): void {
    this.#controller = controller;
    const unsent = this.#unsent;
    this.#unsent = null;
    if (unsent !== null) this.#send(controller, unsent);
    if (this.#isCut) breakOff(controller);
    else if (this.#isOver) controller.close();
    else this.#owner.started();
  }
}

/** Seen with Bun 1.4.5: bytes that were written in the same turn of the loop as the close never leave. */
function breakOff(controller: DirectController): void {
  setTimeout(() => controller.close(new Error("the upstream broke off")), 0);
}
