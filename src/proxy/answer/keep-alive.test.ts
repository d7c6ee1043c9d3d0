// White space while a whole answer is awaited: the rest of the answer comes no faster than the client reads,
// and stops when it leaves.
import { afterEach, expect, test } from "bun:test";
import { openClient } from "../../../test/kit/raw-client.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import type { Accepted } from "../accepted.ts";
import { keptAlive } from "./keep-alive.ts";

const MB = 1024 * 1024;
const ACCEPTED = {
  id: "01K00000000000000000000000",
  route: makeRoute("chat.completions", "/v1/chat/completions"),
  client: { suspendIdleTimeout: () => undefined },
} as unknown as Accepted;

let server: Bun.Server<undefined>;

afterEach(() => server.stop(true));

function serve(answered: () => Promise<Response>): void {
  server = Bun.serve({
    port: 0,
    development: false,
    fetch: () =>
      keptAlive(
        ACCEPTED,
        () => false,
        answered(),
        20,
        () => undefined,
      ),
  });
}

test("a large answer waits for a client that reads slowly, and ends when it leaves", async () => {
  let made = 0;
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  serve(async () => {
    await Bun.sleep(50);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        made += MB;
        controller.enqueue(new Uint8Array(MB).fill(0x20));
        await Bun.sleep(0);
      },
      cancel: () => resolve(),
    });
    return new Response(body);
  });
  const client = await openClient(server.port as number, { bytesPerSecond: 1 });
  client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  // As much as the kernel's buffers take, and no more however long the client does not read.
  let before = -1;
  while (made === 0 || made !== before) {
    before = made;
    await Bun.sleep(200);
  }
  expect(made).toBeLessThan(32 * MB);
  client.leave("rst");
  await cancelled;
});

test("an answer that breaks off does not end well", async () => {
  for (const answered of [
    async (): Promise<Response> => {
      await Bun.sleep(50);
      return new Response('{"error":{}}', { status: 502 });
    },
    async (): Promise<Response> => {
      await Bun.sleep(50);
      throw new Error("a fault of ours");
    },
  ]) {
    serve(answered);
    const client = await openClient(server.port as number);
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const reply = await client.reply();
    expect([reply.status, reply.isWhole]).toEqual([200, false]);
    server.stop(true);
  }
});
