// Real proxies between the gateway and its upstreams: what comes through, and what is told of a proxy that does not work.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { startSimulator } from "../../src/simulator/server/simulator.ts";
import { type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { openClient, type RawReply, request, requestBytes } from "../kit/raw-client.ts";
import { CHAT } from "../kit/recordings.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";
import {
  installOutboundProxies,
  LOGIN,
  LOGIN_IN_URL,
  type OutboundProxy,
  type OutboundProxyName,
  startOutboundProxy,
} from "./outbound-proxies.ts";

const FIXTURES = join(import.meta.dir, "../../src/transport/http1/fixtures");
const CA = join(FIXTURES, "ca.pem");
const STREAM = CHAT.frames.join("");

/** Requests that the upstreams have got. */
let requests = 0;
/** Ends the answer that is held after its first frame; null: none is. */
let letGo: (() => void) | null = null;
const upstreams: Bun.Server<undefined>[] = [];

async function answer(call: Request): Promise<Response> {
  requests++;
  if (call.method === "GET") return Response.json({ data: [{ id: CHAT.model, object: "model" }] });
  const body = await call.text();
  if (!body.includes('"stream":true'))
    return new Response(CHAT.whole, { headers: { "content-type": "application/json" } });
  const isHeld = body.includes("hold");
  const stream = new ReadableStream({
    async start(controller) {
      const [first = "", ...rest] = CHAT.frames;
      controller.enqueue(first + (rest.shift() ?? ""));
      if (isHeld) await new Promise<void>((resolve) => (letGo = resolve));
      controller.enqueue(rest.join(""));
      controller.close();
    },
  });
  return new Response(stream, { headers: { "content-type": CHAT.streamType } });
}

const urlOf = (at: number): string => `${upstreams[at]?.url.protocol}//localhost:${upstreams[at]?.port}/v1`;

beforeAll(async () => {
  await installOutboundProxies();
  const pem = readFileSync(join(FIXTURES, "localhost.pem"), "utf8");
  upstreams.push(Bun.serve({ port: 0, fetch: answer }));
  upstreams.push(Bun.serve({ port: 0, tls: { cert: pem, key: pem }, fetch: answer }));
}, 300_000);
afterAll(async () => {
  for (const upstream of upstreams) await upstream.stop(true);
});

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  letGo?.();
  for (const one of running.splice(0).toReversed()) await one.close();
});

async function startProxy(...args: Parameters<typeof startOutboundProxy>): Promise<OutboundProxy> {
  const proxy = await startOutboundProxy(...args);
  running.push(proxy);
  return proxy;
}

/** A gateway with the upstreams `plain` and `safe`. `lines`: of both. */
async function gatewayVia(lines: string, credentials?: string): Promise<Gateway> {
  const of = (name: string, at: number): string =>
    upstreamToml(name, "openai", urlOf(at), { lines: `${lines}\nca_file = "${CA}"` });
  const gateway = await startGateway({
    toml: `${KEYS_TOML}${of("plain", 0)}${credentials ?? ""}${of("safe", 1)}`,
  });
  running.push(gateway);
  return gateway;
}

function ask(gateway: Gateway, upstream: string, isStream: boolean): Promise<RawReply> {
  const body = CHAT.body(isStream).replace(CHAT.model, `${upstream}/${CHAT.model}`);
  return request(gateway.port, CHAT.wholePath, { body });
}

async function statesOf(gateway: Gateway): Promise<string[]> {
  const { out } = await gateway.command("credentials", "--json");
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).state);
}

const WAYS: readonly (readonly [name: OutboundProxyName, kind: string, hasLogin: boolean])[] = [
  ["squid", "http", false],
  ["squid", "http", true],
  ["dante", "socks5", false],
  ["dante", "socks5h", false],
  ["microsocks", "socks5", true],
  ["microsocks", "socks5h", true],
];

describe.each(WAYS)("%s as %s, login %p", (name, kind, hasLogin) => {
  test("answers of http and https upstreams come through, byte for byte, and connections are used again", async () => {
    const proxy = await startProxy(name, { hasLogin });
    const gateway = await gatewayVia(
      `proxy = "${kind}://${hasLogin ? LOGIN_IN_URL : ""}localhost:${proxy.port}"`,
    );
    for (const upstream of ["plain", "safe"]) {
      for (let i = 0; i < 3; i++) {
        const whole = await ask(gateway, upstream, false);
        expect([whole.status, whole.body.toString()]).toEqual([200, CHAT.whole]);
        const stream = await ask(gateway, upstream, true);
        expect([stream.status, stream.isWhole, stream.body.toString()]).toEqual([200, true, STREAM]);
      }
    }
    const metrics = await gateway.command("doctor", "--json");
    expect(JSON.parse(metrics.out)).toMatchObject({ ok: true, problems: 0 });
    if (name === "squid") {
      proxy.signal("SIGTERM");
      await until("squid has written its log", () => proxy.log().includes("CONNECT"));
      // The lists of models may come at the same time as the first answer.
      expect(proxy.log().split("CONNECT").length - 1).toBeLessThanOrEqual(8);
    }
  }, 120_000);
});

test("a wrong password is told as the proxy's refusal, without the password, and costs no credential", async () => {
  for (const [name, kind] of [
    ["squid", "http"],
    ["microsocks", "socks5h"],
  ] as const) {
    const proxy = await startProxy(name, { hasLogin: true });
    const gateway = await gatewayVia(
      `proxy = "${kind}://${encodeURIComponent(LOGIN.user)}:hunter2@localhost:${proxy.port}"`,
    );
    const before = requests;
    const reply = await ask(gateway, "safe", false);
    expect(reply.status).toBe(502);
    expect(JSON.parse(reply.body.toString()).error).toMatchObject({
      code: "proxy_failed",
      message: `the proxy ${kind}://localhost:${proxy.port} refuses the user and the password; check those in its address`,
    });
    expect(requests).toBe(before);
    expect(await statesOf(gateway)).toEqual(["ready", "ready"]);
    expect(gateway.log()).not.toContain("hunter2");
    expect(gateway.log()).not.toContain(LOGIN.user);
    await gateway.row(reply.headers.get("x-request-id"));
  }
}, 120_000);

test("a proxy that is gone, and one that is stuck, are told apart, and served through again when they are back", async () => {
  const proxy = await startProxy("squid");
  const gateway = await gatewayVia(`proxy = "http://127.0.0.1:${proxy.port}"\nconnect_timeout_ms = 500`);
  proxy.signal("SIGSTOP");
  const stuck = await ask(gateway, "safe", false);
  expect([stuck.status, JSON.parse(stuck.body.toString()).error.message]).toEqual([
    502,
    `the proxy http://127.0.0.1:${proxy.port} made no connection within 500 ms; check the proxy and the network`,
  ]);
  proxy.signal("SIGCONT");
  await until("the proxy goes on", async () => (await ask(gateway, "safe", false)).status === 200);
  await proxy.close();
  running.splice(running.indexOf(proxy), 1);
  const gone = await ask(gateway, "plain", false);
  expect([gone.status, JSON.parse(gone.body.toString()).error.message]).toEqual([
    502,
    `the proxy http://127.0.0.1:${proxy.port} cannot be reached; check its address and the network`,
  ]);
  expect(await statesOf(gateway)).toEqual(["ready", "ready"]);
}, 120_000);

test("a proxy that dies in the middle of a stream cuts it: the client gets an error, and no false end", async () => {
  for (const [name, kind] of [
    ["squid", "http"],
    ["dante", "socks5h"],
  ] as const) {
    const proxy = await startProxy(name);
    const gateway = await gatewayVia(`proxy = "${kind}://localhost:${proxy.port}"`);
    const body = CHAT.body(true).replace(CHAT.model, `safe/${CHAT.model}`).replace('"go"', '"hold"');
    const client = await openClient(gateway.port);
    client.send(requestBytes(CHAT.streamPath, { body }));
    await until("the stream has begun", () => client.receivedBytes > 300 && letGo !== null);
    proxy.kill();
    const reply = await client.reply();
    client.leave();
    const text = reply.body.toString();
    expect(text).toMatch(CHAT.errorMark);
    for (const mark of CHAT.endMarks) expect(text).not.toContain(mark);
    const row = await gateway.row(reply.headers.get("x-request-id"));
    expect(row).toMatchObject({ outcome: "upstream_cut", status: 200 });
    expect(await statesOf(gateway)).toEqual(["ready", "ready"]);
    letGo?.();
    letGo = null;
  }
}, 120_000);

test("tokens of Vertex AI are got through the credential's proxy, and nothing goes beside it", async () => {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  running.push(simulator);
  const proxy = await startProxy("microsocks");
  const vertex = (name: string, port: number): string =>
    vertexToml(name, simulator, { credentialLines: `proxy = "socks5h://localhost:${port}"` });
  const gateway = await startGateway({
    toml: `[metrics]\nkey = "scrape"\n${KEYS_TOML}${vertex("reached", proxy.port)}${vertex("cut-off", 1)}`,
  });
  running.push(gateway);
  const askVertex = (name: string): Promise<RawReply> =>
    request(gateway.port, `/v1beta/models/${name}/gemini-2.5-flash:generateContent`, {
      body: '{"contents":[{"role":"user","parts":[{"text":"go"}]}]}',
    });
  const { status, body } = await askVertex("cut-off");
  expect([status, body.toString()]).toEqual([503, expect.stringContaining("socks5h://localhost:1")]);
  expect(simulator.requests()).toEqual([]);
  expect((await askVertex("reached")).status).toBe(200);
  expect(simulator.requests().filter(({ path }) => isForToken(path))).toHaveLength(1);
  const metrics = (await request(gateway.port, "/metrics", { key: "scrape" })).body.toString();
  expect(metrics).toContain(`clewline_proxy_working{proxy="socks5h://localhost:${proxy.port}"} 1`);
}, 60_000);

test("an upstream that the proxy cannot reach, or may not, is told as that", async () => {
  const proxy = await startProxy("squid");
  const toml =
    KEYS_TOML +
    upstreamToml("away", "openai", "http://127.0.0.1:1/v1", {
      lines: `proxy = "http://localhost:${proxy.port}"`,
    });
  const gateway = await startGateway({ toml });
  running.push(gateway);
  const { status, body } = await ask(gateway, "away", false);
  expect(status).toBe(502);
  expect(JSON.parse(body.toString()).error.message).toBe(
    `the proxy http://localhost:${proxy.port} cannot reach 127.0.0.1:1 (status 503); check the base_url, and the network of the proxy`,
  );
}, 60_000);

test("a credential behind a dead proxy costs no request, while another one has a way", async () => {
  const spare = '[[upstreams.credentials]]\nname = "spare"\napi_key = "sk-spare"\nproxy = "direct"\n';
  const gateway = await gatewayVia('proxy = "http://127.0.0.1:1"', spare);
  for (let i = 0; i < 30; i++) expect((await ask(gateway, "plain", false)).status).toBe(200);
  expect(await statesOf(gateway)).toEqual(["ready", "ready", "ready"]);
  const rows = await gateway.rows();
  expect(new Set(rows.map(({ credential }) => credential))).toEqual(new Set(["spare"]));
}, 60_000);

test("the health of each proxy is on /metrics, without its login", async () => {
  const proxy = await startProxy("squid", { hasLogin: true });
  const gateway = await startGateway({
    toml: `[metrics]\nkey = "scrape"\n${KEYS_TOML}${upstreamToml("plain", "openai", urlOf(0), {
      lines: `proxy = "http://${LOGIN_IN_URL}localhost:${proxy.port}"`,
    })}`,
  });
  running.push(gateway);
  await ask(gateway, "plain", false);
  const page = async (): Promise<string> =>
    (await request(gateway.port, "/metrics", { key: "scrape" })).body.toString();
  expect(await page()).toContain(`clewline_proxy_working{proxy="http://localhost:${proxy.port}"} 1`);
  await proxy.close();
  running.splice(running.indexOf(proxy), 1);
  await until("the kept connection is gone", async () => (await ask(gateway, "plain", false)).status === 502);
  const after = await page();
  expect(after).toContain(`clewline_proxy_working{proxy="http://localhost:${proxy.port}"} 0`);
  expect(after).toContain('clewline_upstream_reachable{upstream="plain"} 1');
  expect(after).not.toContain(LOGIN.user);
}, 60_000);
