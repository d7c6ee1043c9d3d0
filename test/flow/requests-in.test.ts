// Requests of clients: keys in all their forms, paths in all their spellings, methods, host names and
// origins.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { exchangeBytes, type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import {
  CHAT,
  type DialectName,
  familiesToml,
  GEMINI,
  MESSAGES,
  RESPONSES,
  type Recording,
  SSE_RECORDINGS,
} from "../kit/recordings.ts";

const OTHER_KEY = "clw-other-key-abcdef";

let upstream: RawUpstream;
let gateway: Gateway;
/** Behind a proxy, under a path, for named hosts and one foreign origin. */
let proxied: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, wholeFor(arrived.target)));
  const toml = [
    KEYS_TOML,
    `[[keys]]\nname = "other"\nkey = "${OTHER_KEY}"`,
    familiesToml(upstream.url),
    '[[models]]\nname = "fast"\ntargets = ["anthropic/claude-haiku-4-5"]',
  ].join("\n");
  gateway = await startGateway({ toml });
  proxied = await startGateway({
    toml,
    basePath: "/llm",
    server: [
      'base_path = "/llm"',
      'hosts = ["gateway.example.com"]',
      'trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8"]',
      'cors_origins = ["https://app.example.com"]',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await proxied?.close();
  await upstream?.close();
});

function wholeFor(target: string): string {
  if (target.includes("/messages")) return MESSAGES.whole;
  if (target.includes("/responses")) return RESPONSES.whole;
  return target.includes(":") ? GEMINI.whole : CHAT.whole;
}

/**
 * The kind of a reply's error in the dialect's own terms; fails when the reply is no whole error of that
 * dialect.
 */
function errorOf(dialect: DialectName, reply: RawReply): { type: string; message: string } {
  expect(reply.headers.get("content-type")).toContain("application/json");
  const body = JSON.parse(reply.body.toString());
  if (dialect === "anthropic-messages") {
    expect(body).toMatchObject({ type: "error", request_id: reply.headers.get("request-id") });
    return body.error;
  }
  if (dialect === "gemini") {
    expect(body.error.code).toBe(reply.status);
    return { type: body.error.status, message: body.error.message };
  }
  expect(Object.keys(body.error).toSorted()).toEqual(["code", "message", "param", "type"]);
  return { type: body.error.code, message: body.error.message };
}

const KEY_FORMS: Readonly<
  Record<string, (key: string) => { headers?: Record<string, string>; query?: string }>
> = {
  bearer: (key) => ({ headers: { authorization: `Bearer ${key}` } }),
  "bearer in lower case": (key) => ({ headers: { authorization: `bearer ${key}` } }),
  "x-api-key": (key) => ({ headers: { "x-api-key": key } }),
  "x-goog-api-key": (key) => ({ headers: { "x-goog-api-key": key } }),
  "api-key": (key) => ({ headers: { "api-key": key } }),
  "?key=": (key) => ({ query: `key=${encodeURIComponent(key)}` }),
};

function withQuery(path: string, query: string | undefined): string {
  return query === undefined ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

for (const [name, form] of Object.entries(KEY_FORMS)) {
  test(`H-134 the key as ${name} opens every dialect, and stays here`, async () => {
    for (const recording of SSE_RECORDINGS) {
      upstream.forget();
      const { headers = {}, query } = form(CLIENT_KEY);
      const path = withQuery(recording.wholePath, query);
      const reply = await request(gateway.port, path, { key: null, headers, body: recording.body(false) });
      expect([recording.name, reply.status]).toEqual([recording.name, 200]);
      const sent = upstream.seen[0]?.head ?? "";
      expect(sent).not.toContain(CLIENT_KEY);
      expect(sent).toContain(`sk-${recording.family}-credential`);
      expect(gateway.log()).not.toContain(CLIENT_KEY);
    }
  });

  test(`a wrong key as ${name} is the dialect's 401, whatever else is wrong`, async () => {
    const { headers = {}, query } = form("wrong");
    for (const recording of SSE_RECORDINGS) {
      upstream.forget();
      for (const [body, more] of [
        [recording.body(false), {}],
        ["no json", {}],
        ["", {}],
        ['{"model":"nobody"}', { "content-encoding": "compress" }],
      ] as const) {
        const path = withQuery(recording.wholePath, query);
        const reply = await request(gateway.port, path, {
          key: null,
          headers: { ...headers, ...more },
          body,
        });
        expect([recording.name, reply.status]).toEqual([recording.name, 401]);
        expect(errorOf(recording.dialect, reply).message).toContain("key");
      }
      expect(upstream.seen).toHaveLength(0);
    }
  });
}

test("H-134 of several keys the first valid one counts, in the documented order", async () => {
  const send = async (headers: Record<string, string>, query?: string): Promise<string> => {
    const path = withQuery(CHAT.wholePath, query);
    const reply = await request(gateway.port, path, { key: null, headers, body: CHAT.body(false) });
    return (await gateway.row(reply.headers.get("x-request-id"))).key;
  };
  expect(await send({ authorization: `Bearer ${CLIENT_KEY}`, "x-api-key": OTHER_KEY })).toBe("tester");
  expect(await send({ authorization: "Bearer dummy", "x-api-key": OTHER_KEY })).toBe("other");
  expect(await send({ "x-api-key": CLIENT_KEY, "x-goog-api-key": OTHER_KEY })).toBe("tester");
  expect(await send({ "x-goog-api-key": OTHER_KEY, "api-key": CLIENT_KEY })).toBe("other");
  expect(await send({ "api-key": "wrong" }, `key=${OTHER_KEY}`)).toBe("other");
});

test("no key at all is a 401 with a request id and no row", async () => {
  const before = (await gateway.rows()).length;
  const reply = await request(gateway.port, CHAT.wholePath, { key: null, body: CHAT.body(false) });
  expect(reply.status).toBe(401);
  expect(reply.headers.get("x-request-id")).toMatch(/^[0-9A-Z]{26}$/);
  expect((await gateway.rows()).length).toBe(before);
});

const PATHS: readonly (readonly [Recording, string, string])[] = [
  ...["/v1/chat/completions", "/chat/completions", "/v1/v1/chat/completions", "//v1/chat/completions"].map(
    (path) => [CHAT, path, "/v1/chat/completions"] as const,
  ),
  [CHAT, "/v1//chat/completions", "/v1/chat/completions"],
  [CHAT, "/v1/chat/completions/", "/v1/chat/completions"],
  [CHAT, "/v1beta/openai/chat/completions", "/v1/chat/completions"],
  [CHAT, "/v1/chat/completions?api-version=1&key=x&b=%20", "/v1/chat/completions?api-version=1"],
  [RESPONSES, "/v1/responses", "/v1/responses"],
  [RESPONSES, "/responses", "/v1/responses"],
  [MESSAGES, "/v1/messages?beta=true", "/v1/messages?beta=true"],
  [MESSAGES, "/messages", "/v1/messages"],
  [MESSAGES, "/v1/v1/messages?beta=true", "/v1/messages?beta=true"],
  [MESSAGES, "/v1/messages/count_tokens", "/v1/messages/count_tokens"],
  [GEMINI, "/v1/models/gemini-3-flash:generateContent", "/v1/models/gemini-3-flash:generateContent"],
  [
    GEMINI,
    "/v1beta/models/gemini-3-flash:generateContent?key=x",
    "/v1beta/models/gemini-3-flash:generateContent",
  ],
  [GEMINI, "/v1beta/gemini-3-flash:generateContent", "/v1beta/models/gemini-3-flash:generateContent"],
  [
    GEMINI,
    "/v1beta/models/gemini/gemini-3-flash:generateContent",
    "/v1beta/models/gemini-3-flash:generateContent",
  ],
  [
    GEMINI,
    "/v1beta/models/gemini%2Fgemini-3-flash%3AgenerateContent",
    "/v1beta/models/gemini-3-flash:generateContent",
  ],
  [GEMINI, "/v1beta/models/gemini-3-flash:countTokens", "/v1beta/models/gemini-3-flash:countTokens"],
];

for (const [recording, path, target] of PATHS) {
  test(`${recording === GEMINI ? "H-21, H-31" : "H-21"} ${path} is understood`, async () => {
    upstream.forget();
    const reply = await request(gateway.port, path, { body: recording.body(false) });
    expect([reply.status, upstream.seen[0]?.target]).toEqual([200, target]);
  });
}

test("other methods are a 405 that says which are right", async () => {
  for (const recording of SSE_RECORDINGS) {
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      const reply = await request(gateway.port, recording.wholePath, { method });
      expect([recording.name, method, reply.status, reply.headers.get("allow")]).toEqual([
        recording.name,
        method,
        405,
        "POST",
      ]);
      expect(errorOf(recording.dialect, reply).message).toContain(method);
    }
  }
  expect((await request(gateway.port, "/healthz", { method: "POST", body: "" })).status).toBe(405);
  expect((await request(gateway.port, "/v1/models", { method: "POST", body: "" })).status).toBe(405);
});

test("H-22 HEAD, OPTIONS and probes are answered at once, without the upstream", async () => {
  upstream.forget();
  const head = async (path: string) => (await fetch(`${gateway.url}${path}`, { method: "HEAD" })).status;
  expect(await head("/")).toBe(200);
  expect(await head("/healthz")).toBe(200);
  expect(await head("/api/hello")).toBe(404);
  expect((await request(gateway.port, "/", { key: null })).status).toBe(200);
  for (const path of ["/v1/messages", "/v1/chat/completions", "/nowhere", "/"]) {
    expect([path, (await request(gateway.port, path, { method: "OPTIONS", key: null })).status]).toEqual([
      path,
      204,
    ]);
  }
  expect(upstream.seen).toHaveLength(0);
});

test("/healthz needs no key and says that it is alive", async () => {
  const reply = await request(gateway.port, "/healthz", { key: null });
  expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([200, { status: "alive" }]);
});

test("a path that leads nowhere is a 404 in the dialect that it looks like", async () => {
  for (const [path, dialect] of [
    ["/v1/nothing", "openai-chat"],
    ["/v1/responses/a/b/c/d", "openai-responses"],
    ["/v1/messages/batches", "anthropic-messages"],
    ["/v1beta/models/gemini-3-flash:paint", "gemini"],
    ["/v1beta/files", "gemini"],
    ["/admin", "openai-chat"],
    ["/admin/api/session", "openai-chat"],
    ["/v1/a/b/c/d/e/f/g/h/i/j/k", "openai-chat"],
  ] as const) {
    const reply = await request(gateway.port, path, { body: "{}" });
    expect([path, reply.status]).toEqual([path, 404]);
    errorOf(dialect, reply);
  }
});

test("an unknown model is a 404 that names the nearest, a route that the upstream has nothing like a 400", async () => {
  for (const recording of SSE_RECORDINGS) {
    const unknown = "fasd";
    const path =
      recording.dialect === "gemini" ? `/v1beta/models/${unknown}:generateContent` : recording.wholePath;
    const body = recording.body(false).replace(recording.model, unknown);
    const reply = await request(gateway.port, path, { body });
    expect([recording.name, reply.status]).toEqual([recording.name, 404]);
    expect(errorOf(recording.dialect, reply).message).toMatch(/fasd.*"fast"/);
  }
  const foreign = await request(gateway.port, "/v1/embeddings", { body: '{"model":"fast","input":"x"}' });
  expect(foreign.status).toBe(400);
  expect(errorOf("openai-chat", foreign).message).toContain("anthropic");
});

test("H-31, H-134 what a key says in the query is neither forwarded nor in the log nor in an error", async () => {
  for (const query of [
    `key=${CLIENT_KEY}&alt=sse`,
    "alt=sse&KEY=clw-other-secret",
    "alt=sse&k%65y=clw-other-secret",
  ]) {
    upstream.forget();
    const path = `/v1beta/models/gemini-3-flash:streamGenerateContent?${query}`;
    const reply = await request(gateway.port, path, { body: GEMINI.body(true) });
    const seen = upstream.seen.map((one) => one.head).join("");
    expect(seen).toContain("alt=sse");
    for (const text of [seen, gateway.log(), reply.raw.toString()]) {
      expect(text).not.toContain(CLIENT_KEY);
      expect(text).not.toContain("clw-other-secret");
    }
  }
});

test("H-119, H-135 headers that are the client's own affair stay here; the rest passes", async () => {
  upstream.forget();
  await request(gateway.port, MESSAGES.wholePath, {
    body: MESSAGES.body(false),
    headers: {
      connection: "close, x-hop",
      "x-hop": "1",
      cookie: "a=b",
      origin: "https://x.example",
      "x-forwarded-for": "1.2.3.4",
      "x-api-key": "other",
      "openai-organization": "org",
      te: "trailers",
      "anthropic-beta": "oauth-2025-04-20, some-beta-1",
      "anthropic-new-thing": "yes",
      "x-stainless-retry-count": "1",
      "user-agent": "tester/1",
    },
  });
  const headers = upstream.seen[0]?.headers ?? new Map<string, string>();
  for (const name of ["x-hop", "cookie", "origin", "x-forwarded-for", "openai-organization", "te"]) {
    expect([name, headers.get(name)]).toEqual([name, undefined]);
  }
  expect(headers.get("x-api-key")).toBe("sk-anthropic-credential");
  expect(headers.get("authorization")).toBeUndefined();
  expect(headers.get("anthropic-beta")).toBe("some-beta-1");
  expect(headers.get("anthropic-new-thing")).toBe("yes");
  expect(headers.get("x-stainless-retry-count")).toBe("1");
  expect(headers.get("user-agent")).toBe("tester/1");
  expect(headers.get("accept-encoding")).toBe("identity");
});

test("a client's own request id is on the record, a silly one is not", async () => {
  for (const [sent, kept] of [
    ["trace-1", "trace-1"],
    ["x".repeat(200), null],
    ["a b", null],
  ] as const) {
    const reply = await request(gateway.port, CHAT.wholePath, {
      body: CHAT.body(false),
      headers: { "x-request-id": sent },
    });
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({ client_request_id: kept });
  }
});

test("other origins get nothing by default, a named one gets what a browser needs", async () => {
  const origin = "https://app.example.com";
  const closed = await request(gateway.port, "/v1/models", { headers: { origin } });
  expect(closed.headers.get("access-control-allow-origin")).toBeUndefined();
  const ask = (headers: Record<string, string>, method = "OPTIONS") =>
    request(proxied.port, "/llm/v1/chat/completions", {
      method,
      key: method === "OPTIONS" ? null : CLIENT_KEY,
      headers,
      ...(method === "POST" ? { body: CHAT.body(false) } : {}),
    });
  const preflight = await ask({
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,x-a",
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
  expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
  expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,x-a");
  const good = await ask({ origin }, "POST");
  expect([good.status, good.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
  for (const bad of ["https://app.example.com.evil.com", "null", "http://app.example.com"]) {
    expect((await ask({ origin: bad }, "POST")).headers.get("access-control-allow-origin")).toBeUndefined();
  }
});

test("under a base path all is there, beside it nothing", async () => {
  const statusOf = async (path: string) =>
    (await request(proxied.port, path, path.includes("chat") ? { body: CHAT.body(false) } : {})).status;
  expect(await statusOf("/llm/v1/chat/completions")).toBe(200);
  expect(await statusOf("/llm/healthz")).toBe(200);
  expect(await statusOf("/llm/")).toBe(200);
  expect(await statusOf("/llm")).toBe(200);
  expect(await statusOf("/v1/chat/completions")).toBe(404);
  expect(await statusOf("/llmx/healthz")).toBe(404);
  expect(await statusOf("/healthz")).toBe(404);
});

test("only the names of server.hosts, addresses and localhost are answered to", async () => {
  for (const [host, status] of [
    ["gateway.example.com", 200],
    ["GATEWAY.example.com:8484", 200],
    ["localhost:1", 200],
    ["127.0.0.1", 200],
    ["[::1]:80", 200],
    ["evil.example.com", 400],
    ["gateway.example.com.evil.com", 400],
  ] as const) {
    const bytes = `GET /llm/healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
    expect([host, (await exchangeBytes(proxied.port, bytes)).status]).toEqual([host, status]);
  }
});

test("the client's address is read through trusted proxies only", async () => {
  const addressOf = async (one: Gateway, path: string, forwarded: string) => {
    const reply = await request(one.port, path, {
      body: CHAT.body(false),
      headers: { "x-forwarded-for": forwarded },
    });
    return (await one.row(reply.headers.get("x-request-id"))).client_address;
  };
  const path = "/llm/v1/chat/completions";
  expect(await addressOf(proxied, path, "203.0.113.9, 10.1.2.3")).toBe("203.0.113.9");
  expect(await addressOf(proxied, path, "1.1.1.1, 203.0.113.9, 10.1.2.3")).toBe("203.0.113.9");
  expect(await addressOf(proxied, path, "nonsense")).toBe("127.0.0.1");
  expect(await addressOf(gateway, CHAT.wholePath, "203.0.113.9")).toBe("127.0.0.1");
});
