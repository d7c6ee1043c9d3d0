/**
 * White space that keeps a connection open while a whole answer is awaited: some networks and clients give up on silence. The status is
 * sent with the first of it, so what goes wrong later is told by an error body that is cut off, which every SDK raises as an exception.
 */
import { ReplyStream, type ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { Exchange } from "../exchange.ts";

const SPACE = new Uint8Array([0x20]);

/** The answer itself when it comes within the interval, or is a stream; else a reply that waits for it. */
export async function keptAlive(
  exchange: Exchange,
  answered: Promise<Response>,
  intervalMs: number,
): Promise<Response> {
  // What was stored may be asked for as a stream.
  if (!exchange.route.hasBody) return await answered;
  do {
    const first = await within(answered, intervalMs);
    if (first !== null) return first;
    // A stream has its own pings.
    if (exchange.asksForStream === true) return await answered;
    // A request that is still being read cannot be answered yet.
  } while (exchange.asksForStream === null);
  exchange.client.suspendIdleTimeout();
  return new Response(new WaitingReply(answered, intervalMs).body, {
    headers: { "content-type": "application/json", "x-request-id": exchange.id, "request-id": exchange.id },
  });
}

/** null: it takes longer. */
async function within(answered: Promise<Response>, intervalMs: number): Promise<Response | null> {
  const { promise: waited, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, intervalMs, null);
  try {
    return await Promise.race([answered, waited]);
  } finally {
    clearTimeout(timer);
  }
}

class WaitingReply implements ReplyStreamOwner {
  readonly #answered: Promise<Response>;
  readonly #intervalMs: number;
  readonly #stream = new ReplyStream(this);
  #timer: ReturnType<typeof setInterval> | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #onDrained: (() => void) | null = null;
  #hasLeft = false;

  constructor(answered: Promise<Response>, intervalMs: number) {
    this.#answered = answered;
    this.#intervalMs = intervalMs;
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#stream.body;
  }

  started(): void {
    this.#stream.write(SPACE);
    this.#timer = setInterval(() => {
      if (!this.#stream.isBlocked) this.#stream.write(SPACE);
    }, this.#intervalMs);
    // What breaks the answer off breaks this one off.
    this.#follow().catch(() => this.#stream.cut());
  }

  drained(): void {
    this.#onDrained?.();
    this.#onDrained = null;
  }

  left(): void {
    this.#hasLeft = true;
    clearInterval(this.#timer);
    this.#onDrained?.();
    this.#reader?.cancel().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    const { body, status } = await this.#answered;
    clearInterval(this.#timer);
    if (body !== null) {
      this.#reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
      if (this.#hasLeft) await this.#reader.cancel();
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        if (!this.#stream.write(value)) await new Promise<void>((resolve) => (this.#onDrained = resolve));
      }
    }
    // Its status has been sent: ended well, an error would be taken for an answer.
    if (status >= 400) this.#stream.cut();
    else this.#stream.close();
  }
}
