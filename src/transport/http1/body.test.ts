import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import fc from "fast-check";
import { GatewayError } from "../../core/errors.ts";
import { headOf } from "../call.ts";
import {
  makeRequest,
  makeTransport,
  ok,
  type RawUpstream,
  refusal,
  startUpstream,
  take,
  takeBody,
  until,
} from "./fixtures/raw-upstream.ts";

const transport = makeTransport();
const running: RawUpstream[] = [];
afterEach(() => {
  for (const upstream of running.splice(0)) upstream.stop();
});
afterAll(() => transport.stop());

async function upstreamThat(
  onRequest: (socket: Socket, text: string, nth: number) => void,
): Promise<RawUpstream> {
  const upstream = await startUpstream(onRequest);
  running.push(upstream);
  return upstream;
}

const LEFT = new GatewayError("internal", "left");
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("a body", () => {
  test("that stays short is an error, however it was framed", async () => {
    const short: Record<string, (socket: Socket) => void> = {
      length: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
      chunk: (socket) => socket.end(`${CHUNKED}a\r\nhalf`),
      "last chunk": (socket) => socket.end(`${CHUNKED}4\r\nhalf\r\n`),
      "end of trailers": (socket) => socket.end(`${CHUNKED}4\r\nhalf\r\n0\r\n`),
      "clean close": (socket) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\nhalf");
        setTimeout(() => socket.resetAndDestroy(), 20);
      },
    };
    const upstream = await upstreamThat((socket, text) =>
      short[/x-way: (.*)\r\n/.exec(text)?.[1] ?? ""]?.(socket),
    );
    for (const way of Object.keys(short)) {
      const headers = [["x-way", way]] as const;
      const call = transport.send(makeRequest(upstream.url, { headers }));
      const { body, error } = await take(call);
      expect([way, body.toString(), error?.kind]).toEqual([way, "half", "upstream_cut"]);
      expect(call.reason).toBe(error);
    }
  });

  test("that goes on until the upstream closes is whole then", async () => {
    const upstream = await upstreamThat((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it"));
    const { body, error } = await take(transport.send(makeRequest(upstream.url)));
    expect([body.toString(), error]).toEqual(["all of it", null]);
  });

  test("with bad framing gives what was good, then an error", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}4\r\ngood\r\nrest\r\n`));
    const { body, error } = await take(transport.send(makeRequest(upstream.url)));
    expect([body.toString(), error?.kind]).toEqual(["good", "upstream_garbage"]);
    await until(() => upstream.openCount() === 0);
  });

  test("that falls silent times out, but only while it is being read", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}4\r\nhalf\r\n`));
    const call = transport.send(makeRequest(upstream.url, { idleTimeoutMs: 200 }));
    await headOf(call);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(call.reason).toBe(null);
    let isPaused = true;
    const ended = new Promise<GatewayError | null>((resolve) => {
      call.pipe({ chunk: () => !isPaused, end: resolve });
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(call.reason).toBe(null);
    isPaused = false;
    call.resume();
    expect((await ended)?.message).toBe("the upstream sent nothing for 200 ms");
    await until(() => upstream.openCount() === 0);
  });

  test("comes as it is sent, event by event", async () => {
    let socket: Socket | null = null;
    const upstream = await upstreamThat((from) => {
      socket = from;
      from.write(CHUNKED);
    });
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    const seen: string[] = [];
    call.pipe({
      chunk: (bytes) => {
        seen.push(Buffer.from(bytes).toString());
        return true;
      },
      end: () => seen.push("end"),
    });
    for (const event of ["one", "two", "six"]) {
      (socket as unknown as Socket).write(`3\r\n${event}\r\n`);
      await until(() => seen.at(-1) === event);
    }
    (socket as unknown as Socket).write("0\r\n\r\n");
    await until(() => seen.at(-1) === "end");
    expect(seen).toEqual(["one", "two", "six", "end"]);
  });

  test("gives nothing to a sink that pauses until it goes on, the end included", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}3\r\none\r\n0\r\n\r\n`));
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    const seen: string[] = [];
    call.pipe({
      chunk: (bytes) => {
        seen.push(Buffer.from(bytes).toString());
        return false;
      },
      end: (error) => seen.push(`end ${error}`),
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual(["one"]);
    call.resume();
    expect(seen).toEqual(["one", "end null"]);
  });

  test("ends with an error when its own sink throws", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    const cause = new Error("a mistake of ours");
    const error = await new Promise<GatewayError | null>((resolve) => {
      call.pipe({
        chunk: () => {
          throw cause;
        },
        end: resolve,
      });
    });
    expect([error?.kind, error?.cause]).toEqual(["internal", cause]);
    await until(() => upstream.openCount() === 0);
  });

  test("that is there whole ends with an error too when its own sink throws", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}3\r\none\r\n0\r\n\r\n`));
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    const cause = new Error("a mistake of ours");
    const ends: (GatewayError | null)[] = [];
    call.pipe({
      chunk: () => {
        throw cause;
      },
      end: (error) => void ends.push(error),
    });
    expect(ends.map((error) => [error?.kind, error?.cause])).toEqual([["internal", cause]]);
  });

  test("means the same however the upstream's bytes are split", async () => {
    const reply = Buffer.from(
      `HTTP/1.1 103 Early Hints\r\n\r\n${CHUNKED}5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nA: b\r\n\r\n`,
    );
    let places: number[] = [];
    const upstream = await upstreamThat((socket) => {
      socket.setNoDelay(true);
      const parts = [0, ...places].map((from, i) => reply.subarray(from, places[i]));
      const writeNext = (): void => {
        const part = parts.shift();
        if (part === undefined) return;
        socket.write(part);
        setTimeout(writeNext, 1);
      };
      writeNext();
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: reply.length - 1 }), { maxLength: 6 }),
        async (at) => {
          places = at.sort((a, b) => a - b);
          const { status, body, error } = await take(transport.send(makeRequest(upstream.url)));
          expect([status, body.toString(), error]).toEqual([200, "hello, world", null]);
        },
      ),
      { numRuns: 60 },
    );
    expect(upstream.sockets.length).toBe(1);
  });
});

describe("an abort", () => {
  test("before the connection, the head, within the body or after it: the upstream sees it and the sink hears nothing", async () => {
    const upstream = await upstreamThat((socket, text) => {
      if (text.includes("/body")) socket.write(`${CHUNKED}4\r\nhalf\r\n`);
    });
    const early = transport.send(makeRequest(`${upstream.url}/head`));
    early.abort(LEFT);
    expect(await refusal(early)).toBe(LEFT);

    const waiting = transport.send(makeRequest(`${upstream.url}/head`));
    await new Promise((resolve) => setTimeout(resolve, 20));
    waiting.abort(LEFT);
    expect(await refusal(waiting)).toBe(LEFT);

    const reading = transport.send(makeRequest(`${upstream.url}/body`));
    await headOf(reading);
    const seen: unknown[] = [];
    reading.pipe({ chunk: () => seen.push("chunk") > 0, end: () => seen.push("end") });
    await until(() => seen.length === 1);
    reading.abort(LEFT);
    await until(() => upstream.openCount() === 0);
    expect([seen, reading.reason]).toEqual([["chunk"], LEFT]);
  });

  test("while nobody reads, or while the sink pauses, closes the connection too", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}4\r\nhalf\r\n`));
    const unread = transport.send(makeRequest(upstream.url));
    await headOf(unread);
    const paused = transport.send(makeRequest(upstream.url));
    await headOf(paused);
    paused.pipe({ chunk: () => false, end: () => undefined });
    unread.abort(LEFT);
    paused.abort(LEFT);
    await until(() => upstream.openCount() === 0);
  });

  test("of a whole reply leaves its connection to others, and says nothing when all was told", async () => {
    const upstream = await upstreamThat((socket) => socket.write(ok("x")));
    const call = transport.send(makeRequest(upstream.url));
    await take(call);
    call.abort(LEFT);
    expect(call.reason).toBe(null);
    const unread = transport.send(makeRequest(upstream.url));
    await headOf(unread);
    unread.abort(LEFT);
    expect((await take(transport.send(makeRequest(upstream.url)))).status).toBe(200);
    expect(upstream.sockets.length).toBe(1);
  });

  test("from within the sink ends it there", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}1\r\na\r\n`));
    const call = transport.send(makeRequest(upstream.url));
    await headOf(call);
    const seen: string[] = [];
    call.pipe({
      chunk: () => {
        call.abort(LEFT);
        return seen.push("chunk") > 0;
      },
      end: () => seen.push("end"),
    });
    await until(() => upstream.openCount() === 0);
    expect(seen).toEqual(["chunk"]);
  });

  test("of a reply that failed, which a pausing sink does not know yet, keeps it from being told", async () => {
    const upstream = await upstreamThat((socket) => {
      socket.write(`${CHUNKED}1\r\na\r\n`);
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const call = transport.send(makeRequest(upstream.url));
    const { promise, resolve } = Promise.withResolvers<void>();
    await headOf(call);
    const seen: string[] = [];
    call.pipe({
      chunk: () => {
        resolve();
        return false;
      },
      end: () => seen.push("end"),
    });
    await promise;
    await new Promise((done) => setTimeout(done, 60));
    call.abort(LEFT);
    call.resume();
    expect(seen).toEqual([]);
  });
});

test("nothing but what was asked for is read before anybody reads, however much comes", async () => {
  let written = 0;
  const block = Buffer.alloc(1_024 * 1_024);
  const upstream = await upstreamThat((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${200 * block.length}\r\n\r\n`);
    const write = (): void => {
      while (written < 200 * block.length) {
        written += block.length;
        if (!socket.write(block)) {
          socket.once("drain", write);
          return;
        }
      }
    };
    write();
  });
  const call = transport.send(makeRequest(upstream.url));
  await headOf(call);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const writtenUnread = written;
  expect(writtenUnread).toBeLessThan(20 * block.length);
  const { body, error } = await takeBody(call);
  expect([body.length, error]).toEqual([200 * block.length, null]);
});
