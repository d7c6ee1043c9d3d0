/**
 * White space that keeps a connection open while a whole answer is awaited: some networks and clients give up on silence. The status is
 * sent with the first of it, so what goes wrong later is told by an error body that is cut off, which every SDK raises as an exception.
 */
import type { Exchange } from "./exchange.ts";

const SPACE = new Uint8Array([0x20]);

/** The answer itself when it comes within the interval, or is a stream; else a reply that waits for it. */
export async function keptAlive(
  exchange: Exchange,
  answered: Promise<Response>,
  intervalMs: number,
): Promise<Response> {
  do {
    const first = await within(answered, intervalMs);
    if (first !== null) return first;
    // A stream has its own pings.
    if (exchange.asksForStream === true) return await answered;
    // A request that is still being read cannot be answered yet.
  } while (exchange.asksForStream === null && exchange.route.hasBody);
  exchange.client.waits();
  return new Response(waitingBody(answered, intervalMs), {
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

function waitingBody(answered: Promise<Response>, intervalMs: number): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let inner: ReadableStreamDefaultReader<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(SPACE);
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > -16) controller.enqueue(SPACE);
      }, intervalMs);
      const response = await answered;
      clearInterval(timer);
      if (response.status >= 400) {
        controller.enqueue(new Uint8Array(await response.arrayBuffer()));
        // Without this, a client would take the error for an answer: its status has been sent.
        controller.error(
          new Error(`the answer failed with status ${response.status} after its status was sent`),
        );
        return;
      }
      if (response.body === null) {
        controller.close();
        return;
      }
      const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
      inner = reader;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        controller.enqueue(value);
      }
      controller.close();
    },
    async cancel(reason) {
      clearInterval(timer);
      await inner?.cancel(reason);
    },
  });
}
