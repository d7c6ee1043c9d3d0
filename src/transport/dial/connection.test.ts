import { afterEach, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { DIRECT } from "../../config/network/via.ts";
import type { Clock } from "../../core/clock.ts";
import { makeHttp1Transport } from "../http1/client.ts";
import {
  makeRequest,
  makeTransport,
  ok,
  refusal,
  startUpstream,
  take,
  until,
} from "../http1/fixtures/raw-upstream.ts";
import { callSmall } from "../small-call.ts";
import { makeWatchdog } from "../watchdog.ts";
import { Connection } from "./connection.ts";
import { startHttpProxy, startSocksProxy, TEST_TLS, viaProxy } from "./fixtures/proxies.ts";
import { Names } from "./names.ts";
import { originOf } from "./origin.ts";
import { ProxyHealths } from "./proxy-health.ts";

const running: { stop(): void }[] = [];
afterEach(() => {
  for (const thing of running.splice(0)) thing.stop();
});

function started<T extends { stop(): void }>(thing: T): T {
  running.push(thing);
  return thing;
}

let nowMs = 1_000;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

/** Whether a connection to the URL comes about, with what is known of names. */
function outcome(url: string, names: Names): Promise<string> {
  const connection = new Connection(originOf(url, DIRECT), { names, proxies: new ProxyHealths(clock) });
  return new Promise((resolve) => {
    connection.user = {
      ready: () => resolve("ready"),
      unreachable: ({ message }) => resolve(message),
      data: () => undefined,
      drain: () => undefined,
      closed: () => undefined,
    };
    running.push({ stop: () => connection.terminate() });
  });
}

test("a name that nobody knows any more leads where it led, for five minutes", async () => {
  const upstream = started(await startUpstream((socket) => socket.write(ok("x"))));
  const url = upstream.url.replace("127.0.0.1", "gone.invalid");
  const names = new Names(clock);
  const unknown = "the upstream's host name is not known; check its base_url";
  expect(await outcome(url, names)).toBe(unknown);
  names.reached("gone.invalid", "127.0.0.1");
  expect(await outcome(url, names)).toBe("ready");
  nowMs += 299_000;
  expect([await outcome(url, names), await names.lookUp("gone.invalid")]).toEqual(["ready", ["127.0.0.1"]]);
  nowMs += 2_000;
  expect(await outcome(url, names)).toBe(unknown);
  expect(await names.lookUp("gone.invalid").catch(() => "rejected")).toBe("rejected");
});

test("a server that is gone is not looked for at an address of before", async () => {
  const names = new Names(clock);
  names.reached("localhost", "127.0.0.1");
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  expect(await outcome(`http://localhost:${port}/`, names)).toBe(
    "the upstream cannot be reached; check its base_url and the network",
  );
});

test("a library gets a stream that leads through the proxy, and whose first bytes may be the server's", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write("220 ready\r\n");
    socket.on("data", (bytes) => {
      if (bytes.toString() === "QUIT\r\n") socket.end("221 bye\r\n");
      else socket.write(bytes);
    });
  }).listen(0);
  await once(server, "listening");
  started({ stop: () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const proxies = [
    started(await startHttpProxy()),
    started(await startSocksProxy()),
    started(await startHttpProxy({ certificate: "localhost" })),
  ];
  const vias = [
    DIRECT,
    ...["http", "socks5", "https"].map((kind, i) =>
      viaProxy(`${kind}://localhost:${proxies[i]?.port}`, kind === "https" ? TEST_TLS : null),
    ),
  ];
  const { dial } = started(makeTransport());
  for (const via of vias) {
    const stream = await dial.open({ host: "localhost", port, isSecure: false, via, timeoutMs: 10_000 });
    let said = "";
    stream.on("data", (bytes: Buffer) => {
      said += bytes.toString("latin1");
    });
    await until(() => said === "220 ready\r\n");
    const large = Buffer.alloc(3_000_000, "x");
    stream.write(large);
    await until(() => said.length === 11 + large.length);
    stream.write("QUIT\r\n");
    await once(stream, "end");
    expect(said.slice(11 + large.length)).toBe("221 bye\r\n");
    stream.destroy();
  }
  for (const proxy of proxies) {
    expect(proxy.asked).toHaveLength(1);
    await until(() => proxy.openCount() === 0);
  }
});

test("a stream that cannot be had is refused in time, and leaves no socket behind", async () => {
  const silent = started(await startHttpProxy({ answer: "" }));
  const { dial } = started(makeTransport());
  const via = viaProxy(`http://localhost:${silent.port}`);
  const opening = dial.open({ host: "mail.test", port: 25, isSecure: false, via, timeoutMs: 100 });
  const error = await opening.catch((cause) => cause);
  expect([error.kind, error.message]).toEqual([
    "proxy_failed",
    `the proxy http://localhost:${silent.port} made no connection within 100 ms; check the proxy and the network`,
  ]);
  await until(() => silent.openCount() === 0);
});

test("connections are kept ready before a request needs them, and no more than that", async () => {
  const transport = started(makeHttp1Transport(clock, makeWatchdog(clock)));
  const upstream = started(await startUpstream((socket) => socket.write(ok("x"))));
  transport.keepWarm([
    { url: `${upstream.url}/v1`, via: { ...DIRECT, warmConnections: 2 } },
    { url: `${upstream.url}/v2`, via: { ...DIRECT, warmConnections: 2 } },
    { url: "http://127.0.0.1:1/", via: { ...DIRECT, warmConnections: 2 } },
  ]);
  await until(() => {
    nowMs += 100;
    return upstream.openCount() === 2;
  });
  expect((await take(transport.send(makeRequest(upstream.url)))).status).toBe(200);
  expect(upstream.sockets.length).toBe(2);
  // One that the upstream closes is replaced, and after a minute all are.
  upstream.sockets[0]?.destroy();
  await until(() => {
    nowMs += 100;
    return upstream.openCount() === 2 && upstream.sockets.length === 3;
  });
  transport.keepWarm([]);
  nowMs += 61_000;
  await until(() => upstream.openCount() === 0);
  expect(upstream.sockets.length).toBe(3);
});

test("a small call has its whole reply, and an end when the reply is too long, too slow or not wanted any more", async () => {
  const transport = started(makeTransport());
  const upstream = started(
    await startUpstream((socket, text) => {
      if (text.includes("/slow")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      else if (!text.includes("/mute"))
        socket.write(ok("tea!", "X-Kind: small\r\n").replace("200 OK", "418 Tea"));
    }),
  );
  const call = (path: string, more: object = {}) =>
    callSmall(transport, {
      url: `${upstream.url}${path}`,
      method: "POST",
      headers: [["content-type", "text/plain"]],
      body: "ü",
      via: DIRECT,
      timeoutMs: 10_000,
      limitBytes: 100,
      ...more,
    });
  const reply = await call("/");
  expect([reply.status, reply.headers.get("x-kind"), reply.bytes.length]).toEqual([418, "small", 4]);
  const kindOf = (one: Promise<unknown>): Promise<string> =>
    one.then(String, ({ kind, message }) => `${kind}: ${message}`);
  expect(await kindOf(call("/", { limitBytes: 3 }))).toBe(
    "upstream_garbage: the reply is longer than 3 bytes",
  );
  for (const path of ["/slow", "/mute"]) {
    expect(await kindOf(call(path, { timeoutMs: 100 }))).toStartWith("upstream_timeout: ");
    const leaving = new AbortController();
    const left = kindOf(call(path, { signal: leaving.signal }));
    leaving.abort();
    expect(await left).toBe("upstream_cut: the call is not wanted any more");
  }
  expect(await kindOf(call("/", { signal: AbortSignal.abort() }))).toStartWith("upstream_cut");
  await until(() => upstream.openCount() <= 1);
});

test("checked addresses are used in place of the name, one after the other, over a connection of their own", async () => {
  const transport = started(makeTransport());
  const hosts: string[] = [];
  const upstream = started(
    await startUpstream((socket, text) => {
      hosts.push(/\r\nhost: (\S+)\r\n/.exec(text)?.[1] ?? "");
      socket.write(ok("x"));
    }),
  );
  const url = upstream.url.replace("127.0.0.1", "gone.invalid");
  for (const addresses of [["127.0.0.1"], ["127.0.0.9", "127.0.0.1"]]) {
    expect((await take(transport.send(makeRequest(url, { addresses })))).status).toBe(200);
  }
  expect([hosts, upstream.sockets.length]).toEqual([[url.slice(7), url.slice(7)], 2]);
  expect((await refusal(transport.send(makeRequest(url, { addresses: ["127.0.0.9"] })))).kind).toBe(
    "upstream_connect",
  );
  const proxy = started(await startHttpProxy());
  const via = viaProxy(`http://localhost:${proxy.port}`);
  expect((await take(transport.send(makeRequest(url, { addresses: ["127.0.0.1"], via })))).status).toBe(200);
  expect(proxy.asked).toEqual([upstream.url.slice(7)]);
});
