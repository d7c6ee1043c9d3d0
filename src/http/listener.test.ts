// What holds before anything is decided, seen from a socket: the handlers behind it only write down what
// reaches them.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { exchangeBytes, type RawReply } from "../../test/kit/raw-client.ts";
import { systemClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { Metrics } from "../core/metrics.ts";
import { ENDPOINT_PATHS } from "../dialects/endpoint-paths.ts";
import type { ClientRequest } from "./client-request.ts";
import { type Listener, type ListenerConfig, listen } from "./listener.ts";
import type { GateContext } from "./request-gate.ts";
import type { Handler, HttpRoute } from "./route.ts";

const CONFIG: ListenerConfig = {
  host: "127.0.0.1",
  port: 0,
  basePath: "",
  hosts: [],
  trustedProxies: ["127.0.0.1"],
  corsOrigins: [],
  requestTimeoutMs: 5_000,
  idleConnectionMs: 5_000,
  tls: null,
};

/** What reached a handler, in order. */
let reached: string[] = [];
/** What was logged as an error. */
const logged: string[] = [];

const saying =
  (name: string): Handler =>
  (client, { model }) => {
    if (client.search === "?throw") throw new Error("planted");
    reached.push(model === undefined ? name : `${name} ${model}`);
    return new Response(name, { headers: { "x-from": "handler" } });
  };

const ROUTES: readonly HttpRoute[] = [
  ...ENDPOINT_PATHS.map(({ routeOf, ...line }) => ({
    ...line,
    handler: async (client: ClientRequest, params: Parameters<Handler>[1]) => {
      const { endpoint } = routeOf(params);
      reached.push(`${client.request.method} ${endpoint}${client.search} from ${client.address()}`);
      if (client.search === "?throw") throw new Error("planted");
      return new Response("routed", { headers: { "x-from": "handler" } });
    },
  })),
  { methods: ["GET", "HEAD"], path: "/v1/models", handler: saying("models") },
  { methods: ["GET", "HEAD"], path: "/v1/models/{model...}", handler: saying("model") },
  { methods: ["GET", "HEAD"], path: "/", handler: saying("root") },
  { methods: ["GET", "HEAD"], path: "/healthz", handler: saying("healthz") },
  { methods: ["GET"], path: "/things", handler: saying("things") },
  { methods: ["POST"], path: "/things", handler: saying("a new thing") },
];

const CONTEXT: GateContext = {
  clock: systemClock,
  ids: { ulid: () => "01K00000000000000000000000", hex: () => "" },
  log: { ...silentLog, error: (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)}`) },
  metrics: new Metrics([]),
  requestLines: { refused: (_id, error, asked) => void logged.push(`${asked}: ${error.kind}`) },
};

let open: Listener;
let proxied: Listener;
beforeAll(() => {
  open = listen(CONFIG, ROUTES, CONTEXT);
  proxied = listen(
    { ...CONFIG, basePath: "/llm", hosts: ["gateway.example"], corsOrigins: ["https://app.example"] },
    ROUTES,
    CONTEXT,
  );
});
afterAll(async () => {
  await open.kill();
  await proxied.kill();
});
beforeEach(() => {
  reached = [];
  logged.splice(0);
});

async function send(
  listener: Listener,
  line: string,
  headers: readonly string[] = [],
  host: string | null = "localhost",
): Promise<RawReply & { readonly text: string }> {
  const lines = [...(host === null ? [] : [`Host: ${host}`]), "Connection: close", ...headers];
  const reply = await exchangeBytes(listener.port, `${line} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  return { ...reply, text: reply.body.toString() };
}

test.each([
  ["POST /v1/messages", "POST messages from 127.0.0.1"],
  ["POST /v1/messages/", "POST messages from 127.0.0.1"],
  ["POST //v1//messages".replace("//messages", "/messages"), "POST messages from 127.0.0.1"],
  ["POST /v1/chat/completions?a=1&b", "POST chat.completions?a=1&b from 127.0.0.1"],
  ["POST /v1beta/models/a%2Fb:countTokens", "POST countTokens from 127.0.0.1"],
  ["GET /v1/models/a/b", "model a/b"],
  ["GET /v1/models", "models"],
  ["GET /v1/models/", "models"],
  ["GET /healthz", "healthz"],
  ["GET /", "root"],
  ["GET /things", "things"],
  ["POST /things", "a new thing"],
])("%s reaches its handler", async (line, expected) => {
  expect((await send(open, line)).status).toBe(200);
  expect(reached).toEqual([expected]);
});

test.each([
  ["GET /constructor", 404],
  ["GET /__proto__", 404],
  ["GET /toString", 404],
  ["GET /nothing", 404],
  ["GET /a/b/c/d/e/f/g/h/i/j/k", 404],
  ["POST /v1/../v1/messages", 400],
  ["POST /v1/%2e%2e/messages", 400],
  ["POST /v1/x//y", 400],
  ["POST /v1/messages%00", 400],
  ["GET /v1/messages", 405],
  ["DELETE /v1/models", 405],
  ["POST /healthz", 405],
])("%s is refused with %d, in JSON, and reaches nobody", async (line, status) => {
  const reply = await send(open, line);
  expect(reply.status).toBe(status);
  expect(JSON.parse(reply.text).error.message.length).toBeGreaterThan(10);
  expect(reply.headers.get("x-request-id")).toBe("01K00000000000000000000000");
  expect(reached).toEqual([]);
});

test.each([null, "", "a b", "user@host", "host:99999", "a,b"])(
  "with the Host %j nothing is decided",
  async (host) => {
    const reply = await send(open, "POST /v1/messages", [], host);
    expect(reply.status).toBe(400);
    expect(reached).toEqual([]);
  },
);

test.each([
  ["DELETE /things", "GET, POST"],
  ["GET /v1/responses", "POST"],
  ["POST /v1/responses/resp_1", "GET, DELETE"],
])("%s is a 405 that allows %s", async (line, allow) => {
  const reply = await send(open, line);
  expect(reply.status).toBe(405);
  expect(reply.headers.get("allow")).toBe(allow);
});

test("an action that the gateway lacks is a missing route, not a model of that name", async () => {
  expect((await send(open, "POST /v1/models/m:batchGenerateContent")).status).toBe(404);
  expect((await send(open, "DELETE /v1/models/m:batchEmbedContents")).status).toBe(405);
});

test("two Hosts, two lengths and heaps of headers are refused", async () => {
  for (const headers of [
    ["Host: other"],
    ["Content-Length: 2", "Content-Length: 3"],
    ["Content-Length: 2, 2"],
    ["Content-Length: 2", "Transfer-Encoding: chunked"],
    Array.from({ length: 150 }, (_, i) => `X-H${i}: 1`),
  ]) {
    const reply = await send(open, "POST /v1/messages", headers);
    expect([headers[0], Math.floor(reply.status / 100)]).toEqual([headers[0], 4]);
  }
  expect(reached).toEqual([]);
});

test("under a base path the same is there, and beside it nothing", async () => {
  expect((await send(proxied, "POST /llm/v1/messages")).status).toBe(200);
  expect((await send(proxied, "GET /llm/healthz")).status).toBe(200);
  expect((await send(proxied, "GET /llm")).status).toBe(200);
  expect((await send(proxied, "GET /llm/")).status).toBe(200);
  reached = [];
  for (const path of ["/v1/messages", "/healthz", "/", "/llmv1/messages", "/LLM/healthz"]) {
    expect([path, (await send(proxied, `GET ${path}`)).status]).toEqual([path, 404]);
  }
  expect(reached).toEqual([]);
  expect(proxied.url).toEndWith(`:${proxied.port}/llm`);
});

test("only named hosts are answered, until a reload names others", async () => {
  const get = async (host: string): Promise<number> =>
    (await send(proxied, "GET /llm/healthz", [], host)).status;
  expect(await get("gateway.example")).toBe(200);
  expect(await get("other.example")).toBe(400);
  const config = { ...CONFIG, basePath: "/llm", corsOrigins: ["https://app.example"] };
  proxied.reload({ ...config, hosts: ["other.example"] });
  expect(await get("gateway.example")).toBe(400);
  expect(await get("other.example")).toBe(200);
  proxied.reload({ ...config, hosts: ["gateway.example"] });
});

test("the address is the one that a trusted proxy tells", async () => {
  await send(open, "POST /v1/messages", ["X-Forwarded-For: 6.6.6.6, 203.0.113.7"]);
  expect(reached).toEqual(["POST messages from 203.0.113.7"]);
});

test("a browser of a named origin may read the reply, errors too; another one may not", async () => {
  const from = (origin: string, line = "POST /llm/v1/messages") => send(proxied, line, [`Origin: ${origin}`]);
  const named = await from("https://app.example");
  expect(named.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(named.headers.get("x-from")).toBe("handler");
  expect(named.headers.get("vary")).toContain("Origin");
  expect(
    (await from("https://app.example", "GET /llm/nothing")).headers.get("access-control-allow-origin"),
  ).toBe("https://app.example");
  for (const origin of ["https://evil.example", "null", "https://app.example.evil", "http://app.example"]) {
    expect((await from(origin)).headers.has("access-control-allow-origin")).toBe(false);
  }
});

test("a preflight is answered here, with the methods and the headers that were asked for", async () => {
  const asked = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-api-key, x-new"];
  const named = await send(proxied, "OPTIONS /llm/v1/messages", ["Origin: https://app.example", ...asked]);
  expect(named.status).toBe(204);
  expect(named.headers.get("access-control-allow-methods")).toContain("POST");
  expect(named.headers.get("access-control-allow-headers")).toBe("x-api-key, x-new");
  const other = await send(proxied, "OPTIONS /llm/v1/messages", ["Origin: https://evil.example", ...asked]);
  expect(other.headers.has("access-control-allow-headers")).toBe(false);
  expect(reached).toEqual([]);
});

test.each(["POST /v1/messages?throw", "GET /healthz?throw"])(
  "an exception at %s is a 500 that tells nothing, and the next request is served",
  async (line) => {
    const reply = await send(open, line);
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain("planted");
    expect(JSON.parse(reply.text).error.message).toContain("internal");
    expect(logged).toEqual([expect.stringMatching(/an exception cost this request.*Error: planted/)]);
    expect(CONTEXT.metrics.exceptions.at().value).toBeGreaterThan(0);
    expect((await send(open, "GET /healthz")).status).toBe(200);
  },
);

test("HEAD has no body", async () => {
  const reply = await exchangeBytes(
    open.port,
    "HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  expect(reply.status).toBe(200);
  expect(reply.raw.toString()).toEndWith("\r\n\r\n");
});

test("a port that is taken is told by the system's own code", () => {
  expect(() => listen({ ...CONFIG, port: open.port }, ROUTES, CONTEXT)).toThrow(
    expect.objectContaining({ code: "EADDRINUSE" }),
  );
});
