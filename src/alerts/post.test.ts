import { afterEach, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:tls";
import { portOf, sockets, startRaw, stopServers, until } from "../transport/fixtures/file-servers.ts";
import type { Channel } from "./channel.ts";
import type { Call } from "./delivery.ts";
import { makeChannel } from "./fixtures/channels.ts";
import { startReceiver, type Taken } from "./fixtures/receiver.ts";
import { sendUnderTest, type TestSendOptions } from "./fixtures/send-under-test.ts";
import { signedHeaders } from "./forms.ts";

const NOW = 1_764_410_400_123;
const CALL: Call = { id: "alert_1", event: '{"type":"alerts.test","text":"Grüße"}', text: "Grüße" };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

afterEach(stopServers);

function post(url: string, changes: Partial<Channel> = {}, options: TestSendOptions = {}) {
  return sendUnderTest(options)(makeChannel({ url, ...changes }), CALL, NOW);
}

test("a call carries the event, with the headers that receivers of Standard Webhooks check", async () => {
  const { url, port, taken } = await startReceiver();
  expect(await post(url, { secret: SECRET })).toEqual({ isTaken: true, status: 200 });
  const [one] = taken as [Taken];
  const body = Buffer.from(CALL.event);
  const signed = createHmac("sha256", Buffer.alloc(32, 7))
    .update(`alert_1.1764410400.${CALL.event}`)
    .digest("base64");
  expect(one).toEqual({
    method: "POST",
    url: "/hooks/secret-path?a=b",
    body: CALL.event,
    headers: {
      host: `127.0.0.1:${port}`,
      connection: "close",
      "content-type": "application/json",
      "content-length": String(body.length),
      "accept-encoding": "identity",
      "user-agent": "clewline",
      "webhook-id": "alert_1",
      "webhook-timestamp": "1764410400",
      "webhook-signature": `v1,${signed}`,
    },
  });
});

test("the signature is that of the vector that libraries for Standard Webhooks are tested with", () => {
  const headers = signedHeaders(
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330,
    Buffer.from('{"test": 2432232314}'),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  );
  expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

test("without a secret there is no signature, and a chat gets the text alone", async () => {
  const { url, taken } = await startReceiver((response) => response.writeHead(204).end());
  expect(await post(url, { format: "chat" })).toEqual({ isTaken: true, status: 204 });
  expect(taken[0]?.body).toBe('{"text":"Grüße"}');
  expect(taken[0]?.headers["webhook-signature"]).toBeUndefined();
});

test("a refusal is told with its status, its wait and the beginning of its body", async () => {
  const { url, port } = await startReceiver((response) =>
    response.writeHead(429, { "retry-after": "7" }).end(`no\u0000 \n ${"x".repeat(5_000)}`),
  );
  const delivery = await post(url);
  expect(delivery).toEqual({
    isTaken: false,
    status: 429,
    problem: `http://127.0.0.1:${port} refuses the call with status 429`,
    retryAfterMs: 7_000,
    body: `no ${"x".repeat(297)}`,
  });
});

test("a wait that is no number is none, and a long one is cut", async () => {
  for (const [header, expected] of [
    ["Wed, 21 Oct 2099 07:28:00 GMT", null],
    ["-5", null],
    ["", null],
    ["1e9", 3_600_000],
  ] as const) {
    const { url } = await startReceiver((response) =>
      response.writeHead(503, { "retry-after": header }).end(),
    );
    expect(await post(url)).toMatchObject({ status: 503, retryAfterMs: expected });
  }
});

test("a redirect is not followed, and where it leads is not told", async () => {
  const inside = await startReceiver();
  for (const status of [301, 302, 303, 307, 308]) {
    const { url } = await startReceiver((response) =>
      response.writeHead(status, { location: `${inside.url}/x` }).end(),
    );
    const delivery = await post(url);
    expect(delivery).toMatchObject({ isTaken: false, status });
    expect(JSON.stringify(delivery)).toContain("which is not followed");
    expect(JSON.stringify(delivery)).not.toContain("secret-path");
  }
  expect(inside.taken).toEqual([]);
});

test("nothing goes to an address that is not public, unless that is allowed", async () => {
  const { url, port, taken } = await startReceiver();
  const strict = { allowPrivate: false };
  const problem = "leads to an address that is not public; set alerts.allow_private = true if it is meant";
  for (const host of [
    "127.0.0.1",
    "localhost",
    "0x7f000001",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "10.0.0.1",
  ])
    expect(await post(`http://${host}:${port}/x`, strict)).toMatchObject({
      isTaken: false,
      status: null,
      problem: expect.stringContaining(problem),
    });
  const answers: Readonly<Record<string, readonly string[]>> = {
    "inside.test": ["10.0.0.7"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
  };
  const resolve = (host: string) => Promise.resolve(answers[host] ?? []);
  for (const host of Object.keys(answers))
    expect(await post(`http://${host}:${port}/x`, strict, { resolve })).toMatchObject({
      problem: `http://${host}:${port} ${problem}`,
    });
  expect(taken).toEqual([]);
  expect(await post(url)).toMatchObject({ isTaken: true });
});

test("a name is looked up once for a call, so that no later answer leads it elsewhere", async () => {
  const { port, taken } = await startReceiver();
  let lookups = 0;
  const resolve = () => Promise.resolve([lookups++ === 0 ? "127.0.0.1" : "127.0.0.9"]);
  expect(await post(`http://rebind.test:${port}/x`, {}, { resolve })).toMatchObject({ isTaken: true });
  expect([lookups, taken.map(({ headers }) => headers.host)]).toEqual([1, [`rebind.test:${port}`]]);
  // The second call asks again, and gets an address at which nobody listens.
  expect(await post(`http://rebind.test:${port}/x`, {}, { resolve })).toMatchObject({ status: null });
  expect([lookups, taken.length]).toEqual([2, 1]);
});

test("a name that first leads out and then inside is refused the second time", async () => {
  let lookups = 0;
  const resolve = () => Promise.resolve([lookups++ === 0 ? "192.0.2.1" : "127.0.0.1"]);
  const { port, taken } = await startReceiver();
  for (let call = 0; call < 2; call++)
    expect(await post(`http://rebind.test:${port}/x`, { allowPrivate: false }, { resolve })).toMatchObject({
      problem: expect.stringContaining("not public"),
    });
  expect([lookups, taken]).toEqual([2, []]);
});

test("an unknown name, a closed port and a strange answer are told", async () => {
  const unknown = await post(
    "https://nobody.test/secret-path",
    {},
    { resolve: () => Promise.reject(new Error("ENOTFOUND")) },
  );
  expect(unknown).toMatchObject({
    problem: "https://nobody.test has no address that DNS knows",
    status: null,
  });
  const { port } = await startReceiver();
  stopServers();
  expect(await post(`http://127.0.0.1:${port}/secret-path`)).toMatchObject({
    problem: `http://127.0.0.1:${port} cannot be reached`,
  });
  for (const said of [
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "no HTTP",
    "",
  ]) {
    const raw = await startRaw(said);
    expect(await post(`http://127.0.0.1:${raw}/`)).toMatchObject({ isTaken: false, status: null });
  }
});

test("a certificate that nobody vouches for is refused", async () => {
  const pem = readFileSync(`${import.meta.dir}/../transport/http1/fixtures/localhost.pem`);
  const port = await portOf(
    createTlsServer({ cert: pem, key: pem }, (socket) => socket.on("error", () => socket.destroy())),
  );
  expect(await post(`https://localhost:${port}/`)).toMatchObject({
    problem: `https://localhost:${port} has a TLS certificate that is not accepted`,
  });
});

test("a receiver that never answers, and DNS that never does, are given up, and the connection is closed", async () => {
  const { url } = await startReceiver(() => undefined);
  const slow = await post(url, {}, { timeoutMs: 50 });
  expect(slow).toMatchObject({
    isTaken: false,
    status: null,
    problem: expect.stringContaining("did not answer within 50 ms"),
  });
  await until(() => [...sockets].every((socket) => socket.destroyed));
  const dns = await post(
    "https://a.test/",
    {},
    { timeoutMs: 50, resolve: () => new Promise(() => undefined) },
  );
  expect(dns).toMatchObject({ problem: "https://a.test did not answer within 50 ms" });
});

test("a refusal whose body never ends is given up as well", async () => {
  const { url } = await startReceiver((response) => response.writeHead(500).write("wait"));
  expect(await post(url, {}, { timeoutMs: 50 })).toMatchObject({ isTaken: false });
});
