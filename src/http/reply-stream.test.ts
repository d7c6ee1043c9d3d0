// Over a real socket: what the stream promises is what Bun's server does with it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { ReplyStream, type ReplyStreamOwner } from "./reply-stream.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Notes what it is told; `onStart` acts within `started`. */
class Owner implements ReplyStreamOwner {
  readonly stream = new ReplyStream(this);
  readonly told: string[] = [];
  #waiting: (() => void)[] = [];
  readonly #onStart: (stream: ReplyStream) => void;

  constructor(onStart: (stream: ReplyStream) => void) {
    this.#onStart = onStart;
  }

  started(): void {
    this.#note("started");
    this.#onStart(this.stream);
  }

  drained(): void {
    this.#note("drained");
  }

  left(): void {
    this.#note("left");
  }

  async hears(what: string): Promise<void> {
    while (!this.told.includes(what)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #note(what: string): void {
    this.told.push(what);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A client that can be seen to get bytes, and to be closed. */
class Client {
  readonly socket: Socket;
  text = "";
  receivedBytes = 0;
  isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.on("data", (bytes) => {
      this.receivedBytes += bytes.length;
      if (this.receivedBytes < 100_000) this.text += bytes.toString("latin1");
      this.#changed();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
      this.#changed();
    });
    this.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

let server: Bun.Server<undefined>;
let owner: Owner;
let onStart: (stream: ReplyStream) => void;
let onMade: (stream: ReplyStream) => void;
let client: Client;

beforeAll(() => {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: () => {
      owner = new Owner(onStart);
      onMade(owner.stream);
      return new Response(owner.stream.body);
    },
  });
});
afterAll(() => server.stop(true));
beforeEach(() => {
  onStart = () => undefined;
  onMade = () => undefined;
});
afterEach(() => void client?.socket.destroy());

/** Asks, and waits until the stream has started. */
async function start(): Promise<void> {
  client = new Client(server.port as number);
  const before = owner;
  while (owner === before) await Bun.sleep(1);
  await owner.hears("started");
}

test("bytes reach the client with the write, not with the end", async () => {
  await start();
  for (const word of ["first", "second", "third"]) {
    expect(owner.stream.write(encode(word))).toBe(true);
    await client.until(() => client.text.includes(word));
  }
  expect(owner.told).toEqual(["started"]);
});

test("close is a good end, and after it nothing is sent and nobody is told", async () => {
  await start();
  owner.stream.write(encode("all"));
  owner.stream.close();
  expect(owner.stream.write(encode("late"))).toBe(true);
  owner.stream.close();
  owner.stream.cut();
  await client.until(() => client.text.endsWith("0\r\n\r\n"));
  expect(client.text).toContain("all");
  expect(client.text).not.toContain("late");
  expect(client.isClosed).toBe(false);
  client.socket.destroy();
  await Bun.sleep(20);
  expect(owner.told).toEqual(["started"]);
});

test("a cut closes the connection without the mark of a good end", async () => {
  await start();
  owner.stream.write(encode("half"));
  await client.until(() => client.text.includes("half"));
  owner.stream.cut();
  await client.until(() => client.isClosed);
  expect(client.text).not.toContain("0\r\n\r\n");
  expect(owner.told).toEqual(["started"]);
});

test("write and close within the start make a whole reply", async () => {
  onStart = (stream) => {
    stream.write(encode("at once"));
    stream.close();
  };
  await start();
  await client.until(() => client.text.includes("at once"));
  await client.until(() => /0\r\n\r\n$|content-length: 7\r\n/i.test(client.text));
});

test("a cut within the start is a cut", async () => {
  onStart = (stream) => {
    stream.write(encode("half"));
    stream.cut();
  };
  await start();
  await client.until(() => client.isClosed);
  expect(client.text).not.toContain("0\r\n\r\n");
});

test("an empty good reply ends too", async () => {
  onStart = (stream) => stream.close();
  await start();
  await client.until(() => /0\r\n\r\n$|content-length: 0\r\n/i.test(client.text));
});

/** Serves a stream that was written to before the server took bytes. */
function serveEarly(write: (stream: ReplyStream) => void): void {
  onMade = write;
  client = new Client(server.port as number);
}

test("what is written before the start comes first", async () => {
  onStart = (stream) => {
    stream.write(encode("third"));
    stream.close();
  };
  serveEarly((stream) => {
    expect(stream.write(encode("first "))).toBe(true);
    expect(stream.write(encode("second "))).toBe(true);
    expect(stream.isBlocked).toBe(false);
  });
  await client.until(() => client.text.includes("third"));
  expect(client.text.replace(/\r\n[0-9a-f]+\r\n/g, "")).toContain("first second third");
  expect(owner.told).toEqual(["started"]);
});

test("a stream that was closed before the start is whole, and its owner hears of no start", async () => {
  serveEarly((stream) => {
    stream.write(encode("all"));
    stream.close();
    stream.cut();
  });
  await client.until(() => client.text.includes("all"));
  await client.until(() => /0\r\n\r\n$|content-length: 3\r\n/i.test(client.text));
  expect(owner.told).toEqual([]);
});

test("a stream that was cut before the start is cut", async () => {
  serveEarly((stream) => {
    stream.write(encode("half"));
    stream.cut();
  });
  await client.until(() => client.isClosed);
  expect(client.text).not.toContain("0\r\n\r\n");
  expect(owner.told).toEqual([]);
});

test("a new owner hears of the start at once, and alone of what follows", async () => {
  await start();
  const next = new Owner((stream) => void stream);
  owner.stream.handOver(next);
  expect(next.told).toEqual(["started"]);
  client.socket.destroy();
  await next.hears("left");
  expect(owner.told).toEqual(["started"]);
});

test("before the start, the new owner is the one who hears of it", async () => {
  let next: Owner | undefined;
  serveEarly((stream) => {
    next = new Owner(() => undefined);
    stream.handOver(next);
    expect(next.told).toEqual([]);
  });
  while (next === undefined) await Bun.sleep(1);
  await next.hears("started");
  expect(owner.told).toEqual([]);
});

test("a client that leaves is told once, and what is written then goes nowhere", async () => {
  await start();
  owner.stream.write(encode("word"));
  await client.until(() => client.text.includes("word"));
  client.socket.destroy();
  await owner.hears("left");
  expect(owner.stream.write(encode("more"))).toBe(true);
  owner.stream.close();
  await Bun.sleep(20);
  expect(owner.told).toEqual(["started", "left"]);
});

const CHUNK = new Uint8Array(256 * 1024).fill(120);
/** Far more than the kernel's buffers hold. */
const MAX_CHUNKS = 400;

/** Writes until told to stop; returns how many chunks were taken. */
function fill(stream: ReplyStream): number {
  for (let count = 1; count <= MAX_CHUNKS; count += 1) if (!stream.write(CHUNK)) return count;
  throw new Error("a client that does not read was never too slow");
}

test("a client that does not read stops the writer; when it reads again, the writer goes on and nothing is lost", async () => {
  await start();
  client.socket.pause();
  let chunks = fill(owner.stream);
  expect(owner.stream.isBlocked).toBe(true);
  expect(owner.told).not.toContain("drained");
  for (let round = 0; round < 2; round += 1) {
    client.socket.resume();
    await owner.hears("drained");
    expect(owner.stream.isBlocked).toBe(false);
    owner.told.splice(0);
    client.socket.pause();
    chunks += fill(owner.stream);
  }
  client.socket.resume();
  owner.stream.close();
  // Head and chunk sizes come on top.
  await client.until(() => client.receivedBytes >= chunks * CHUNK.byteLength);
  expect(client.receivedBytes - chunks * CHUNK.byteLength).toBeLessThan(1_000 + chunks * 20);
});

test("a client that leaves while it is waited for has left; the writer is not called on", async () => {
  await start();
  client.socket.pause();
  fill(owner.stream);
  client.socket.destroy();
  await owner.hears("left");
  await Bun.sleep(20);
  expect(owner.told).toEqual(["started", "left"]);
});
