import { afterEach, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { DIRECT } from "../../config/network/via.ts";
import { headOf, type Transport } from "../call.ts";
import {
  makeRequest,
  makeTransport,
  ok,
  refusal,
  take,
  takeBody,
  until,
} from "../http1/fixtures/raw-upstream.ts";
import {
  pem,
  startHttpProxy,
  startSocksProxy,
  TEST_TLS,
  type TestProxy,
  type TestProxyOptions,
  viaProxy,
} from "./fixtures/proxies.ts";

const running: { stop(): void }[] = [];
afterEach(() => {
  for (const thing of running.splice(0)) thing.stop();
});

function started<T extends { stop(): void }>(thing: T): T {
  running.push(thing);
  return thing;
}

function transport(): Transport {
  return started(makeTransport());
}

/** Answers each request with its number on this connection. `onRequest` may answer in its place. */
async function upstreamPort(isSecure: boolean, onRequest?: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const onSocket = (socket: Socket): void => {
    let count = 0;
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", () => {
      count++;
      if (onRequest === undefined) socket.write(ok(`reply ${count}`));
      else onRequest(socket);
    });
  };
  const server = isSecure
    ? createTlsServer({ cert: pem("localhost"), key: pem("localhost") }, onSocket)
    : createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  started({
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return (server.address() as AddressInfo).port;
}

const KINDS = ["http", "https", "socks5", "socks5h"] as const;
type Kind = (typeof KINDS)[number];

async function startProxy(kind: Kind, options: TestProxyOptions = {}): Promise<TestProxy> {
  const certificate = kind === "https" ? { certificate: "localhost" } : {};
  const isHttp = kind === "http" || kind === "https";
  return started(await (isHttp ? startHttpProxy : startSocksProxy)({ ...certificate, ...options }));
}

describe.each(KINDS)("through a proxy of the kind %s", (kind) => {
  test.each(["http", "https"])(
    "an upstream of %s is reached, and the connection is used again",
    async (scheme) => {
      const port = await upstreamPort(scheme === "https");
      const proxy = await startProxy(kind);
      const via = viaProxy(`${kind}://localhost:${proxy.port}`, TEST_TLS);
      const client = transport();
      for (const text of ["reply 1", "reply 2"]) {
        const { status, body, error } = await take(
          client.send(makeRequest(`${scheme}://localhost:${port}/`, { via })),
        );
        expect([status, body.toString(), error]).toEqual([200, text, null]);
      }
      expect(proxy.asked).toHaveLength(1);
      expect(client.dial.proxies()).toMatchObject([
        { name: `${kind}://localhost:${proxy.port}`, isWorking: true, connections: 1, failures: 0 },
      ]);
    },
  );

  test("user and password are shown to it, and no upstream is asked with wrong ones", async () => {
    let requests = 0;
    const port = await upstreamPort(false, (socket) => {
      requests++;
      socket.write(ok("in"));
    });
    const proxy = await startProxy(kind, { login: "us er:p@ss:word" });
    const client = transport();
    const good = viaProxy(`${kind}://us%20er:p%40ss%3Aword@localhost:${proxy.port}`, TEST_TLS);
    const request = makeRequest(`http://localhost:${port}/`, { via: good });
    expect((await take(client.send(request))).body.toString()).toBe("in");
    for (const [login, words] of [
      ["us%20er:wrong@", "refuses the user and the password; check those in its address"],
      ["", "asks for a user and a password; write them into its address"],
    ]) {
      const via = viaProxy(`${kind}://${login}localhost:${proxy.port}`, TEST_TLS);
      const error = await refusal(client.send({ ...request, via }));
      expect([error.kind, error.message]).toEqual([
        "proxy_failed",
        `the proxy ${kind}://localhost:${proxy.port} ${words}`,
      ]);
      expect(JSON.stringify(error)).not.toContain("wrong");
    }
    expect(requests).toBe(1);
    expect(client.dial.proxies()).toMatchObject([{ isWorking: false, connections: 1, failures: 2 }]);
  });

  test("an upstream that it cannot reach is told from a proxy that cannot be reached", async () => {
    const proxy = await startProxy(kind);
    const client = transport();
    const name = `${kind}://localhost:${proxy.port}`;
    const request = makeRequest("http://localhost:1/", { via: viaProxy(name, TEST_TLS) });
    const behind = await refusal(client.send(request));
    expect(behind.kind).toBe("proxy_failed");
    expect(behind.message).toContain(`the proxy ${name} cannot reach `);
    expect(client.dial.proxies()).toMatchObject([{ isWorking: true }]);
    proxy.stop();
    const gone = await refusal(client.send(request));
    expect([gone.kind, gone.message]).toEqual([
      "proxy_failed",
      `the proxy ${name} cannot be reached; check its address and the network`,
    ]);
    expect(client.dial.proxies()).toMatchObject([
      { isWorking: false, lastFailure: { message: gone.message } },
    ]);
  });

  test("one that says nothing is given up at the time-out for connections, and its connection is closed", async () => {
    const proxy = await startProxy(kind, { answer: "" });
    const name = `${kind}://localhost:${proxy.port}`;
    const request = makeRequest("http://localhost:1/", {
      via: viaProxy(name, TEST_TLS),
      connectTimeoutMs: 200,
    });
    const error = await refusal(transport().send(request));
    expect([error.kind, error.message]).toEqual([
      "proxy_failed",
      `the proxy ${name} made no connection within 200 ms; check the proxy and the network`,
    ]);
    await until(() => proxy.openCount() === 0);
  });

  test("one that dies in the middle of an answer cuts the answer, and names itself", async () => {
    const port = await upstreamPort(true, (socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    );
    const proxy = await startProxy(kind);
    const name = `${kind}://localhost:${proxy.port}`;
    const call = transport().send(
      makeRequest(`https://localhost:${port}/`, { via: viaProxy(name, TEST_TLS) }),
    );
    await headOf(call);
    const body = takeBody(call);
    proxy.cut();
    const { error } = await body;
    expect([error?.kind, error?.message]).toEqual([
      "upstream_cut",
      `the upstream, or the proxy ${name}, broke off before the end of its answer`,
    ]);
  });

  test("one that speaks another language is told, without a byte of the request", async () => {
    const proxy = await startProxy(kind, { answer: "SSH-2.0-OpenSSH\r\n" });
    const via = viaProxy(`${kind}://localhost:${proxy.port}`, TEST_TLS);
    const error = await refusal(transport().send(makeRequest("http://localhost:1/", { via })));
    expect(error.kind).toBe("proxy_failed");
    expect(error.message).toContain("proxies do; check its kind");
  });
});

test("a name is looked up by every kind but socks5", async () => {
  const port = await upstreamPort(false);
  for (const kind of KINDS) {
    const proxy = await startProxy(kind);
    const via = viaProxy(`${kind}://localhost:${proxy.port}`, TEST_TLS);
    const client = transport();
    if (kind === "socks5") {
      expect((await take(client.send(makeRequest(`http://localhost:${port}/`, { via })))).status).toBe(200);
      expect(proxy.asked[0]).toMatch(/^(127\.0\.0\.1|0:0:0:0:0:0:0:1):\d+$/);
      expect((await refusal(client.send(makeRequest("http://nobody.test/", { via })))).kind).toBe(
        "upstream_connect",
      );
    } else {
      expect((await take(client.send(makeRequest(`http://up.test:${port}/`, { via })))).status).toBe(200);
      expect(proxy.asked).toEqual([`up.test:${port}`]);
    }
  }
});

test("connections are shared by nobody who takes another way", async () => {
  const port = await upstreamPort(false);
  const [first, second] = [await startProxy("http"), await startProxy("socks5h")];
  const client = transport();
  const vias = [
    DIRECT,
    viaProxy(`http://localhost:${first.port}`),
    viaProxy(`socks5h://localhost:${second.port}`),
    viaProxy(`socks5h://me:word@localhost:${second.port}`),
  ];
  for (const nth of [1, 2]) {
    for (const via of vias) {
      const { body } = await take(client.send(makeRequest(`http://localhost:${port}/`, { via })));
      expect(body.toString()).toBe(`reply ${nth}`);
    }
  }
  expect([first.asked.length, second.asked.length]).toEqual([1, 2]);
});

test("an HTTP proxy's refusal of the connection names what to allow", async () => {
  for (const [status, words] of [
    ["403 Forbidden", "does not allow connections to up.test:443 (status 403); allow them there"],
    ["405 No", "does not allow connections to up.test:443 (status 405); allow them there"],
    ["504 Late", "cannot reach up.test:443 (status 504); check the base_url, and the network of the proxy"],
  ]) {
    const proxy = await startProxy("http", { answer: `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno` });
    const name = `http://localhost:${proxy.port}`;
    const error = await refusal(transport().send(makeRequest("https://up.test/", { via: viaProxy(name) })));
    expect([error.kind, error.message]).toEqual(["proxy_failed", `the proxy ${name} ${words}`]);
  }
});

test("the certificate of an upstream, and of an https proxy, must be trusted on the way too", async () => {
  const port = await upstreamPort(true);
  const plain = await startProxy("http");
  const untrusted = viaProxy(`http://localhost:${plain.port}`);
  const upstream = await refusal(
    transport().send(makeRequest(`https://localhost:${port}/`, { via: untrusted })),
  );
  expect(upstream.kind).toBe("upstream_connect");
  expect(upstream.message).toContain("the upstream's TLS certificate is not accepted");
  const foreign = await startProxy("https", { certificate: "self-signed" });
  const via = viaProxy(`https://localhost:${foreign.port}`, TEST_TLS);
  for (const scheme of ["http", "https"]) {
    const error = await refusal(transport().send(makeRequest(`${scheme}://localhost:${port}/`, { via })));
    expect(error.kind).toBe("proxy_failed");
    expect(error.message).toContain("no TLS connection that can be trusted");
  }
  expect(foreign.asked).toEqual([]);
});

test("a large body goes up and a larger one comes down through TLS within TLS, at the pace of a slow reader", async () => {
  const SIZE = 8_000_000;
  let got = 0;
  const sink = createTlsServer({ cert: pem("localhost"), key: pem("localhost") }, (socket) => {
    let head = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      got += bytes.length;
      if (head === "") head = bytes.toString("latin1");
      if (got < SIZE) return;
      got = Number.NEGATIVE_INFINITY;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
      socket.write(Buffer.alloc(SIZE, 7));
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, resolve));
  started({ stop: () => sink.close() });
  const proxy = await startProxy("https");
  const via = viaProxy(`https://localhost:${proxy.port}`, TEST_TLS);
  const url = `https://localhost:${(sink.address() as AddressInfo).port}/`;
  const call = transport().send(makeRequest(url, { via, body: Buffer.alloc(SIZE, 1) }));
  let sizeBytes = 0;
  let pauses = 0;
  const error = await new Promise((resolve) => {
    call.pipe({
      chunk: (bytes) => {
        sizeBytes += bytes.length;
        if (pauses >= 20) return true;
        pauses++;
        setTimeout(() => call.resume(), 1);
        return false;
      },
      end: resolve,
    });
  });
  expect([error, sizeBytes, pauses]).toEqual([null, SIZE, 20]);
});
