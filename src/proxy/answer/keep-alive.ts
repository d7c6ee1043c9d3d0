/**
 * Sends white space while a client waits for a whole answer, because some networks and clients give up on
 * silence. The status goes out with the first white space, so a later error is a body that is cut off: every
 * SDK raises that as an exception.
 */
import { requestIdHeaders } from "../../http/error-reply.ts";
import { PASSED_ON_AT_ONCE, ReplyStream, type ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { Accepted } from "../accepted.ts";

const SPACE = new Uint8Array([0x20]);

/**
 * The answer itself when it comes within the interval or is a stream; otherwise a reply that waits for the
 * answer, whose headers `addHeaders` completes.
 */
export async function keptAlive(
  { id, route, client }: Accepted,
  asksForStream: () => boolean | null,
  answered: Promise<Response>,
  intervalMs: number,
  addHeaders: (headers: Record<string, string>) => void,
): Promise<Response> {
  // A request for a stored object may ask for a stream.
  if (!route.hasBody) return await answered;
  do {
    const first = await within(answered, intervalMs);
    if (first !== null) return first;
    // A stream has its own pings.
    if (asksForStream() === true) return await answered;
    // The gateway cannot answer a request that it is still reading.
  } while (asksForStream() === null);
  client.suspendIdleTimeout();
  const headers = { "content-type": "application/json", ...requestIdHeaders(id), ...PASSED_ON_AT_ONCE };
  addHeaders(headers);
  return new Response(new WaitingReply(answered, intervalMs).body, { headers });
}

/** null: the answer takes longer. */
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
    // An answer that breaks off breaks this reply off.
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
    // Status 200 has been sent: with a good end, the client would take an error for an answer.
    if (status >= 400) this.#stream.cut();
    else this.#stream.close();
  }
}
