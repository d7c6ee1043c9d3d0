// Pages on real sockets that read as fast as the test says.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { EventRing } from "./event-ring.ts";
import { LiveStream } from "./live-stream.ts";

const MB = 1024 * 1024;
/** An event of 64 kB. */
const FAT = "x".repeat(64 * 1024);

let ring: EventRing;
let streams: LiveStream[];
let left: number;
let server: Bun.Server<undefined>;
const sockets: Socket[] = [];

beforeEach(() => {
  ring = new EventRing("a1");
  streams = [];
  left = 0;
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: (request) => {
      const stream: LiveStream = new LiveStream({
        ring,
        snapshot: () => ({ last: ring.last }),
        after: request.headers.get("last-event-id"),
        left: () => {
          streams = streams.filter((one) => one !== stream);
          left += 1;
        },
      });
      streams.push(stream);
      return new Response(stream.body, { headers: { "content-type": "text/event-stream" } });
    },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop(true);
});

interface Page {
  readonly socket: Socket;
  text(): string;
  /** Names and numbers of all whole events, in their order. */
  events(): readonly { readonly name: string; readonly number: number }[];
}

async function openPage(lastEventId: string | null = null): Promise<Page> {
  const socket = connect({ host: "127.0.0.1", port: server.port as number });
  sockets.push(socket);
  socket.on("error", () => undefined);
  const pieces: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => pieces.push(bytes));
  const resume = lastEventId === null ? "" : `last-event-id: ${lastEventId}\r\n`;
  const count = streams.length;
  socket.write(`GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n${resume}\r\n`);
  await until(() => streams.length > count);
  const text = (): string => Buffer.concat(pieces).toString("latin1");
  const events = () =>
    Array.from(text().matchAll(/event: (\w+)\r?\nid: a1-(\d+)\n/g), ([, name = "", number]) => ({
      name,
      number: Number(number),
    }));
  return { socket, text, events };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(5);
}

function tell(count: number): void {
  for (let i = 0; i < count; i++) {
    ring.add("requests", FAT);
    for (const stream of streams) stream.pump();
  }
}

test("a page that reads gets the snapshot, then each event once and in order", async () => {
  const page = await openPage();
  await until(() => page.events().length === 1);
  for (let round = 0; round < 20; round++) {
    tell(5);
    await until(() => page.events().length === 1 + 5 * (round + 1));
  }
  expect(page.events().map(({ name }) => name)).toEqual(["snapshot", ...Array(100).fill("requests")]);
  expect(page.events().map(({ number }) => number)).toEqual(Array.from({ length: 101 }, (_, i) => i));
});

test("a page that comes back gets what it has missed; one that was away for too long, a snapshot", async () => {
  tell(10);
  const page = await openPage("a1-4");
  await until(() => page.events().length === 6);
  expect(page.events().map(({ number }) => number)).toEqual([5, 6, 7, 8, 9, 10]);
  tell(200);
  const late = await openPage("a1-4");
  await until(() => late.events().length > 0);
  expect(late.events()[0]).toEqual({ name: "snapshot", number: 210 });
});

test("a page that does not read gets no more than the buffers hold, then a snapshot in place of all it has missed", async () => {
  const page = await openPage();
  await until(() => page.events().length === 1);
  page.socket.pause();
  const other = await openPage();
  // 200 MB of events, in small steps, so that the one that reads keeps up.
  for (let step = 0; step < 400; step++) {
    tell(8);
    await Bun.sleep(0);
  }
  const last = ring.last;
  page.socket.resume();
  await until(() => page.events().at(-1)?.number === last);
  expect(page.text().length).toBeLessThan(32 * MB);
  const names = page.events().map(({ name }) => name);
  const again = names.lastIndexOf("snapshot");
  expect(again).toBeGreaterThan(0);
  // Nothing is missing, neither before the last snapshot's gap nor behind it.
  const numbers = page.events().map(({ number }) => number);
  const behind = numbers.slice(again);
  expect(behind).toEqual(Array.from({ length: behind.length }, (_, i) => (behind[0] as number) + i));
  await until(() => other.events().at(-1)?.number === last);
  expect(left).toBe(0);
}, 60_000);

test("a stream that is ended gets no more events, also that of a page that does not read", async () => {
  const reading = await openPage();
  const slow = await openPage();
  await until(() => reading.events().length === 1 && slow.events().length === 1);
  slow.socket.pause();
  tell(400);
  for (const stream of streams) stream.end();
  tell(5);
  slow.socket.resume();
  for (const page of [reading, slow]) await until(() => page.text().endsWith("0\r\n\r\n"));
  expect(slow.events().at(-1)?.number).toBeLessThanOrEqual(400);
});

test("a page that leaves is noticed", async () => {
  const page = await openPage();
  page.socket.destroy();
  await until(() => left === 1);
  tell(5);
});
