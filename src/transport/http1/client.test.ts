import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import {
  makeRequest,
  makeTransport,
  ok,
  type RawUpstream,
  refusal,
  startRaw,
  startUpstream,
  take,
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

async function rawUpstream(onConnection: (socket: Socket) => void, host?: string): Promise<RawUpstream> {
  const upstream = await startRaw(onConnection, host);
  running.push(upstream);
  return upstream;
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("a request", () => {
  test("arrives as it was given, and the reply comes back", async () => {
    let seen = "";
    const upstream = await upstreamThat((socket, text) => {
      seen = text;
      socket.write(ok("hello", "X-Request-Id: 7\r\n"));
    });
    const reply = await take(transport.send(makeRequest(`${upstream.url}/v1/x?a=b`)));
    expect(seen).toBe(
      `POST /v1/x?a=b HTTP/1.1\r\nhost: ${upstream.url.slice(7)}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`,
    );
    expect([reply.status, reply.headers.get("x-request-id"), reply.body.toString(), reply.error]).toEqual([
      200,
      "7",
      "hello",
      null,
    ]);
  });

  test("goes to names and to IPv6 addresses", async () => {
    const upstream = await rawUpstream((socket) => socket.on("data", () => socket.write(ok("six"))), "::1");
    expect((await take(transport.send(makeRequest(upstream.url)))).body.toString()).toBe("six");
    const byName = upstream.url.replace("[::1]", "localhost");
    expect((await take(transport.send(makeRequest(byName)))).body.toString()).toBe("six");
  });

  test("carries a large body to an upstream that reads slowly", async () => {
    const body = Buffer.alloc(5 * 1_024 * 1_024);
    for (let i = 0; i < body.length; i++) body[i] = i % 251;
    const got: Buffer[] = [];
    let size = 0;
    const upstream = await rawUpstream((socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 50);
      socket.on("data", (bytes: Buffer) => {
        got.push(bytes);
        size += bytes.length;
        const head = (got[0] as Buffer).indexOf("\r\n\r\n") + 4;
        if (size === head + body.length) socket.write(ok("thanks"));
      });
    });
    const reply = await take(transport.send(makeRequest(upstream.url, { body })));
    expect(reply.body.toString()).toBe("thanks");
    const all = Buffer.concat(got);
    expect(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(body)).toBe(true);
  });

  test("whose body is refused half-way gets the refusal, and the connection is not used again", async () => {
    const upstream = await rawUpstream((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
      });
    });
    const body = Buffer.alloc(50 * 1_024 * 1_024);
    const reply = await take(transport.send(makeRequest(upstream.url, { body })));
    expect([reply.status, reply.body.toString(), reply.error]).toEqual([413, "big", null]);
    (upstream.sockets[0] as Socket).resume();
    await until(() => upstream.openCount() === 0);
  });
});

describe("a connection", () => {
  test("is used again, and the others are left to grow old", async () => {
    const upstream = await upstreamThat((socket) =>
      socket.write(ok(String(upstream.sockets.indexOf(socket)))),
    );
    const both = [transport.send(makeRequest(upstream.url)), transport.send(makeRequest(upstream.url))];
    const first = await Promise.all(both.map(take));
    expect(first.map(({ body }) => body.toString()).sort()).toEqual(["0", "1"]);
    const used = new Set<string>();
    for (let i = 0; i < 5; i++)
      used.add((await take(transport.send(makeRequest(upstream.url)))).body.toString());
    expect([used.size, upstream.sockets.length]).toEqual([1, 2]);
  });

  test("is there for the next request as soon as the reply is whole", async () => {
    const upstream = await upstreamThat((socket) => socket.write(`${CHUNKED}2\r\nhi\r\n0\r\n\r\n`));
    for (let i = 0; i < 20; i++) {
      expect((await take(transport.send(makeRequest(upstream.url)))).body.toString()).toBe("hi");
    }
    expect(upstream.sockets.length).toBe(1);
  });

  const notKept: Record<string, string> = {
    "the upstream says close": ok("x", "Connection: close\r\n"),
    "the upstream speaks HTTP/1.0": ok("x").replace("1.1", "1.0"),
    "there is more than the reply": `${ok("x")}HTTP/1.1 200 OK\r\n`,
    "it would be kept for a moment only": ok("x", "Keep-Alive: timeout=1\r\n"),
  };
  for (const [why, reply] of Object.entries(notKept)) {
    test(`is closed after a reply when ${why}`, async () => {
      const upstream = await upstreamThat((socket) => socket.write(reply));
      for (let i = 0; i < 3; i++) {
        const { body, error } = await take(transport.send(makeRequest(upstream.url)));
        expect([body.toString(), error]).toEqual(["x", null]);
      }
      expect(upstream.sockets.length).toBe(3);
      await until(() => upstream.openCount() === 0);
    });
  }

  test("that says something while idle is dropped", async () => {
    const upstream = await upstreamThat((socket) => socket.write(ok("x")));
    await take(transport.send(makeRequest(upstream.url)));
    (upstream.sockets[0] as Socket).write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    await until(() => upstream.openCount() === 0);
    expect((await take(transport.send(makeRequest(upstream.url)))).status).toBe(200);
    expect(upstream.sockets.length).toBe(2);
  });

  test("that the upstream closed while idle is not picked", async () => {
    const upstream = await upstreamThat((socket) => {
      socket.write(ok("x"));
    });
    await take(transport.send(makeRequest(upstream.url)));
    const socket = upstream.sockets[0] as Socket;
    socket.end();
    await until(() => socket.destroyed);
    expect((await take(transport.send(makeRequest(upstream.url)))).status).toBe(200);
  });

  /** Answers the first request of each connection; `breaking` gets any later one. */
  async function upstreamThatForgets(breaking: (socket: Socket) => void): Promise<RawUpstream> {
    return await upstreamThat((socket, _, nth) => {
      if (nth === 0) socket.write(ok(`answer ${upstreamRequests++}`));
      else breaking(socket);
    });
  }
  let upstreamRequests = 0;

  test.each([
    ["a reset", (socket: Socket) => socket.resetAndDestroy()],
    ["an end in order", (socket: Socket) => socket.end()],
  ])("that answers a second request with %s is replaced by a new one", async (_, breaking) => {
    const upstream = await upstreamThatForgets((socket) => breaking(socket));
    for (let i = 0; i < 4; i++) {
      const { status, error } = await take(transport.send(makeRequest(upstream.url)));
      expect([status, error]).toEqual([200, null]);
    }
    expect(upstream.sockets.length).toBe(4);
  });

  test("that is stale takes those with it that were not used since", async () => {
    const upstream = await upstreamThatForgets((socket) => socket.resetAndDestroy());
    await Promise.all(Array.from({ length: 6 }, () => take(transport.send(makeRequest(upstream.url)))));
    expect(upstream.openCount()).toBe(6);
    expect((await take(transport.send(makeRequest(upstream.url)))).status).toBe(200);
    await until(() => upstream.openCount() === 1);
    expect(upstream.sockets.length).toBe(7);
  });

  test("that is new and breaks is told, and the request is not sent again", async () => {
    let requests = 0;
    const upstream = await upstreamThat((socket) => {
      requests++;
      socket.resetAndDestroy();
    });
    const error = await refusal(transport.send(makeRequest(upstream.url)));
    expect([error.kind, requests, upstream.sockets.length]).toEqual(["upstream_cut", 1, 1]);
  });

  test.each([
    ["after the first byte of a reply", 0, "H"],
    ["after so long that the upstream may have worked", 2_300, ""],
  ])("that breaks %s is told, and the request is not sent again", async (_, afterMs, bytes) => {
    let requests = 0;
    const upstream = await upstreamThat((socket, _text, nth) => {
      requests++;
      if (nth === 0) socket.write(ok("x"));
      else setTimeout(() => socket.end(bytes), afterMs);
    });
    await take(transport.send(makeRequest(upstream.url)));
    const error = await refusal(transport.send(makeRequest(upstream.url)));
    expect([error.kind, requests, upstream.sockets.length]).toEqual(["upstream_cut", 2, 1]);
    expect(error.detail).toContain("used before");
  });

  test("that is stale and cannot be replaced says that the upstream cannot be reached", async () => {
    const upstream = await upstreamThatForgets((socket) => {
      upstream.server.close();
      socket.resetAndDestroy();
    });
    await take(transport.send(makeRequest(upstream.url)));
    expect((await refusal(transport.send(makeRequest(upstream.url)))).kind).toBe("upstream_connect");
  });

  test("is closed when idle once the transport has stopped, at once or after its reply", async () => {
    const own = makeTransport();
    const upstream = await upstreamThat((socket, text) => {
      if (text.includes("/slow")) setTimeout(() => socket.write(ok("late")), 50);
      else socket.write(ok("x"));
    });
    const slow = own.send(makeRequest(`${upstream.url}/slow`));
    await take(own.send(makeRequest(upstream.url)));
    own.stop();
    await until(() => upstream.openCount() === 1);
    expect((await take(slow)).body.toString()).toBe("late");
    await until(() => upstream.openCount() === 0);
  });
});

describe("a reply that never comes", () => {
  test("from a port where nobody listens", async () => {
    const upstream = await rawUpstream(() => undefined);
    upstream.stop();
    const call = transport.send(makeRequest(upstream.url));
    const error = await refusal(call);
    expect([error.kind, call.reason]).toEqual(["upstream_connect", error]);
  });

  test("from a name that does not exist", async () => {
    const error = await refusal(transport.send(makeRequest("http://no-such-host.invalid/")));
    expect(error.kind).toBe("upstream_connect");
  });

  test("because the URL is none", async () => {
    expect((await refusal(transport.send(makeRequest("nonsense")))).kind).toBe("internal");
  });

  test("because the upstream is silent for too long", async () => {
    const upstream = await upstreamThat(() => undefined);
    const error = await refusal(transport.send(makeRequest(upstream.url, { firstByteTimeoutMs: 150 })));
    expect([error.kind, error.message]).toEqual([
      "upstream_timeout",
      "the upstream did not answer within 150 ms",
    ]);
    await until(() => upstream.openCount() === 0);
  });

  test("because the upstream closes instead, in each way it can", async () => {
    const ways: ((socket: Socket) => void)[] = [
      (socket) => socket.end(),
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"),
      (socket) => socket.end("HTTP/1.1 100 Continue\r\n\r\n"),
    ];
    const upstream = await upstreamThat((socket, text) => {
      ways[Number(/x-way: (\d)/.exec(text)?.[1])]?.(socket);
    });
    for (let way = 0; way < ways.length; way++) {
      const headers = [["x-way", String(way)]] as const;
      expect((await refusal(transport.send(makeRequest(upstream.url, { headers })))).kind).toBe(
        "upstream_cut",
      );
    }
  });

  test("because what comes is not HTTP", async () => {
    const upstream = await rawUpstream((socket) => socket.write("220 mail.example ESMTP\r\n"));
    expect((await refusal(transport.send(makeRequest(upstream.url)))).kind).toBe("upstream_garbage");
    await until(() => upstream.openCount() === 0);
  });
});
