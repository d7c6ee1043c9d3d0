// What somebody with a key of their own tries: names that the language has, numbers that are none, words that end a line.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import { openClient } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, GEMINI, MESSAGES, RESPONSES, SSE_RECORDINGS } from "../kit/recordings.ts";

const BOB_KEY = "clw-key-of-bob-0123456789abcdef";
const NARROW_KEY = "clw-narrow-key-0123456789abcdef";
const METERED_KEY = "clw-metered-key-0123456789abcdef";
const key = (name: string, secret: string, more = ""): string =>
  `[[keys]]\nname = "${name}"\nkey = "${secret}"\n${more}\n`;

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: [
      key("alice", CLIENT_KEY),
      key("bob", BOB_KEY),
      key("narrow", NARROW_KEY, 'models = ["openai/allowed-*", "allowed-*", "gemini/allowed-*"]'),
      key("metered", METERED_KEY, "tokens_per_minute = 1000000"),
      familiesToml(upstream.url),
    ].join("\n"),
  });
});
afterAll(async () => {
  const log = gateway.log();
  await gateway?.close();
  await upstream?.close();
  // Whatever was tried, nothing was a fault of the program.
  expect(log.split("\n").filter((line) => line.includes("exception"))).toEqual([]);
});
beforeEach(() => upstream.forget());

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  secret = CLIENT_KEY,
) {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...headers },
    body: body as string,
  });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

const get = async (path: string, secret = CLIENT_KEY): Promise<Response> =>
  await fetch(gateway.url + path, { headers: { authorization: `Bearer ${secret}` } });

/** Names that every object of the language has. */
const INHERITED = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "__defineGetter__",
];

describe("names that every object of the language has", () => {
  test.each(INHERITED)("%s is no model, id, path or encoding", async (name) => {
    for (const { wholePath, body, model } of SSE_RECORDINGS) {
      for (const named of [name, `openai/${name}`, `${name}/gpt-4.1`, `${name}/${name}`]) {
        const reply = await post(
          wholePath.replace(model, encodeURIComponent(named)),
          body(false).replace(`"${model}"`, JSON.stringify(named)),
        );
        expect([named, [200, 400, 404].includes(reply.status)]).toEqual([named, true]);
      }
    }
    for (const path of [
      `/v1/models/${name}`,
      `/v1beta/models/${name}`,
      `/v1/responses/${name}`,
      `/v1/${name}`,
      `/${name}`,
      `/v1beta/models/x:${name}`,
      `/admin/${name}`,
      `/admin/api/${name}`,
    ])
      expect([path, (await get(path)).status < 500]).toEqual([path, true]);
    const explained = await post("/v1/explain", JSON.stringify({ path: name, body: {} }));
    expect(explained.status).toBe(400);
    expect((await post(CHAT.wholePath, CHAT.body(false), { "content-encoding": name })).status).toBe(415);
    expect((await post(CHAT.wholePath, CHAT.body(false), { [name]: name })).status).toBe(200);
    expect((await get(`/v1/models?${name}=1&${name}[x]=2`)).status).toBe(200);
  });

  test("as members of a body they change no other request, and pass where the dialect is the provider's", async () => {
    const hostile =
      '"__proto__":{"polluted":"yes","stream":true},"constructor":{"prototype":{"polluted":"yes"}},';
    for (const { wholePath, body, dialect, model } of SSE_RECORDINGS) {
      upstream.forget();
      const sent = body(false).replace("{", `{${hostile}`);
      expect((await post(wholePath, sent)).status).toBe(200);
      expect(upstream.seen.at(-1)?.body.toString()).toContain('"__proto__":{"polluted":"yes"');
      const other = dialect === "openai-chat" ? "anthropic/claude-x" : "openai/gpt-4.1";
      if (dialect !== "openai-responses" && dialect !== "gemini") {
        upstream.forget();
        await post(wholePath, sent.replace(`"${model}"`, `"${other}"`));
        expect(upstream.seen.at(-1)?.body.toString()).not.toContain("polluted");
      }
    }
    upstream.forget();
    await post(CHAT.wholePath, CHAT.body(false).replace("gpt-4.1", "anthropic/claude-x"));
    expect(upstream.seen.at(-1)?.body.toString()).not.toContain("polluted");
  });
});

describe("a key that may use some models", () => {
  const SECRET = "forbidden-model";
  const chat = (model: string): string => `{"model":${model},"messages":[{"role":"user","content":"go"}]}`;
  /** What a provider would take for the model, however it reads a member that is there twice, or in another case. */
  const modelsIn = (body: string): string[] =>
    [...body.matchAll(/"model"\s*:\s*("(?:[^"\\]|\\.)*")/gi)].map(([, text]) => JSON.parse(text as string));

  test.each([
    ["another one", chat(`"openai/${SECRET}"`)],
    ["two, the allowed one first", `{"model":"openai/allowed-x",${chat(`"openai/${SECRET}"`).slice(1)}`],
    ["two, the allowed one last", chat(`"openai/${SECRET}"`).replace(/}$/, ',"model":"openai/allowed-x"}')],
    [
      "an escaped name of the member",
      chat('"openai/allowed-x"').replace("{", `{"mod\\u0065l":"openai/${SECRET}",`),
    ],
    ["another case", chat('"openai/allowed-x"').replace("{", `{"Model":"${SECRET}",`)],
    ["a list", chat(`["openai/allowed-x","openai/${SECRET}"]`)],
    ["an object", chat(`{"id":"openai/${SECRET}"}`)],
    ["a way up", chat(`"openai/allowed-x/../${SECRET}"`)],
    ["a way up, escaped", chat(`"openai/allowed-x%2f..%2f${SECRET}"`)],
    ["a NUL", chat(`"openai/${SECRET}\\u0000allowed-x"`)],
    ["a line end", chat(`"openai/${SECRET}\\nopenai/allowed-x"`)],
    ["wide letters", chat('"ｏｐｅｎａｉ/ａｌｌｏｗｅｄ-x"')],
    ["a letter of no width", chat(`"openai/\u200b${SECRET}"`)],
    ["a blank before it", chat(`" openai/${SECRET}"`)],
    ["a list of fallbacks", chat('"openai/allowed-x"').replace("{", `{"models":["${SECRET}"],`)],
    ["a byte order mark", `\ufeff${chat(`"openai/${SECRET}"`)}`],
  ])("gets no other model by %s", async (_, body) => {
    const reply = await post(CHAT.wholePath, body, {}, NARROW_KEY);
    const asked = upstream.seen.flatMap((arrived) => modelsIn(arrived.body.toString()));
    expect(asked.filter((model) => model === SECRET)).toEqual([]);
    if (asked.length === 0) expect(reply.status).toBeGreaterThanOrEqual(400);
  });

  test.each([
    `"models":["${SECRET}"],"models":["allowed-x"],`,
    `"models":["allowed-x"],"models":["${SECRET}"],`,
    `"fallbacks":["${SECRET}"],"f\\u0061llbacks":["allowed-x"],`,
    `"fallbacks":[{"model":"${SECRET}"}],"models":[],"fallbacks":[],`,
  ])("A75 gets no other model by a list of fallbacks that is there twice: %s", async (lists) => {
    const body = chat('"openai/allowed-x"').replace("{", () => `{${lists}`);
    expect((await post(CHAT.wholePath, body, {}, NARROW_KEY)).status).toBe(403);
    expect(upstream.seen).toEqual([]);
  });

  test.each([
    `/v1beta/models/gemini/${SECRET}:generateContent`,
    `/v1beta/models/gemini%2F${SECRET}:generateContent`,
    `/v1beta/models/gemini/allowed-x%2F..%2F${SECRET}:generateContent`,
    `/v1beta/models/gemini/allowed-x/../${SECRET}:generateContent`,
    `/v1beta/models/gemini/allowed-x:generateContent/../../${SECRET}:generateContent`,
    `/v1beta/models/gemini/allowed-x%3FgenerateContent:generateContent`,
    `/v1/projects/p/locations/l/publishers/google/models/${SECRET}:generateContent`,
  ])("nor by the path %s", async (path) => {
    const client = await openClient(gateway.port);
    const body = GEMINI.body(false);
    client.send(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${NARROW_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const reply = await client.reply();
    client.leave();
    expect(upstream.seen.filter(({ target }) => target.includes(SECRET))).toEqual([]);
    expect(upstream.seen.every(({ target }) => /^\/v1beta\/models\/allowed-[^/?#]*:/.test(target))).toBe(
      true,
    );
    if (upstream.seen.length === 0) expect(reply.status).toBeGreaterThanOrEqual(400);
  });

  test.each([
    `allowed-x/../${SECRET}`,
    `allowed-x%2f..%2f${SECRET}`,
    `allowed-x\\..\\${SECRET}`,
    `allowed-x?${SECRET}`,
    `allowed-x#${SECRET}`,
  ])("nor by a translation to a path, with the model %s", async (model) => {
    for (const { wholePath, body, model: own, dialect } of SSE_RECORDINGS) {
      if (dialect === "gemini") continue;
      const asked = body(false).replace(`"${own}"`, JSON.stringify(`gemini/${model}`));
      await post(wholePath, asked, {}, NARROW_KEY);
    }
    for (const { target } of upstream.seen)
      expect(target).toMatch(/^\/v1beta\/models\/allowed-x[^?#]*:generateContent$/);
    expect(upstream.seen.filter(({ target }) => target.includes(`/models/${SECRET}`))).toEqual([]);
  });
});

describe("numbers that are none", () => {
  test("what a request takes of the limits of its key is never less than nothing, and never more than the request", async () => {
    const numbers = [
      "-1",
      "-1e308",
      "1e999",
      "-0",
      "0.5",
      '"7"',
      "null",
      "[]",
      "{}",
      "true",
      "1e-400",
      "18446744073709551616",
    ];
    for (const number of numbers) {
      for (const name of ["max_tokens", "max_completion_tokens", "n"]) {
        const body = CHAT.body(false).replace("{", `{"${name}":${number},`);
        await post(CHAT.wholePath, body, {}, METERED_KEY);
      }
      await post(
        MESSAGES.wholePath,
        MESSAGES.body(false).replace("{", `{"max_tokens":${number},`),
        {},
        METERED_KEY,
      );
      await post(
        RESPONSES.wholePath,
        RESPONSES.body(false).replace("{", `{"max_output_tokens":${number},`),
        {},
        METERED_KEY,
      );
      const config = `{"generationConfig":{"maxOutputTokens":${number},"candidateCount":${number}},`;
      await post(GEMINI.wholePath, GEMINI.body(false).replace("{", config), {}, METERED_KEY);
    }
    const own = (await (await get("/v1/key", METERED_KEY)).json()) as {
      limits: { used: number; reserved: number; limit: number; remaining: number }[];
    };
    const rows = (await gateway.rows()).filter((row) => row.key === "metered");
    const tokens = rows.reduce((sum, row) => sum + (row.input_tokens ?? 0) + (row.output_tokens ?? 0), 0);
    for (const limit of own.limits) {
      expect(limit.used).toBeGreaterThanOrEqual(0);
      expect(limit.used).toBeLessThanOrEqual(tokens);
      expect([limit.reserved, limit.remaining]).toEqual([0, limit.limit - limit.used]);
    }
  });
});

describe("a name that an account shares", () => {
  const named = async (secret: string, name: string, words = "go"): Promise<string | undefined> => {
    upstream.forget();
    const body = CHAT.body(false).replace('"go"', JSON.stringify(words));
    await post(CHAT.wholePath, body, { "idempotency-key": name }, secret);
    return upstream.seen.at(-1)?.headers.get("idempotency-key");
  };

  test("of a retry is the key's own: no other key gets the answer that a provider keeps under it", async () => {
    const [alice, again, bob, other, elsewhere] = [
      await named(CLIENT_KEY, "retry-1"),
      await named(CLIENT_KEY, "retry-1"),
      await named(BOB_KEY, "retry-1"),
      await named(CLIENT_KEY, "retry-2"),
      await named(CLIENT_KEY, "retry-1", "no"),
    ];
    expect(again).toBe(alice as string);
    expect(new Set([alice, bob, other, elsewhere]).size).toBe(4);
    expect(alice).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe("on a bare socket", () => {
  const BODY = CHAT.body(false);
  const head = (more: string): string =>
    `POST ${CHAT.wholePath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${CLIENT_KEY}\r\nContent-Length: ${BODY.length}\r\n${more}\r\n`;
  const send = async (bytes: string) => {
    const client = await openClient(gateway.port);
    client.send(Buffer.from(bytes, "latin1"));
    const reply = await client.reply();
    client.leave();
    return reply;
  };

  test.each([
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "Connection: authorization, content-length, host\r\n",
    "Connection: close, x-clewline-key, transfer-encoding\r\n",
    "Expect: 200-ok\r\n",
    "Expect: 100-continue\r\n",
    "Max-Forwards: 0\r\n",
    "TE: trailers, deflate;q=0.5\r\nTrailer: authorization\r\n",
  ])("%j steers nothing behind the gateway", async (more) => {
    const reply = await send(head(more) + BODY);
    expect([100, 200, 400, 417]).toContain(reply.status);
    for (const { headers, head: arrived } of upstream.seen) {
      expect(headers.get("authorization")).toBe("Bearer sk-openai-credential");
      expect(headers.get("host")).toBe(`127.0.0.1:${upstream.port}`);
      expect(arrived).not.toMatch(/upgrade|http2-settings|expect|max-forwards|^te:|trailer/im);
    }
  });

  test("TRACE and DEBUG repeat no header", async () => {
    for (const method of ["TRACE", "TRACK", "DEBUG"]) {
      const reply = await send(
        `${method} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: secret-cookie\r\n\r\n`,
      );
      expect(reply.raw.toString("latin1")).not.toContain("secret-cookie");
      expect(reply.status === 0 || reply.status >= 400).toBe(true);
    }
  });

  test("trailers are no headers: a key in them opens nothing", async () => {
    const size = BODY.length.toString(16);
    const chunked = `POST ${CHAT.wholePath} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nTrailer: authorization\r\n\r\n${size}\r\n${BODY}\r\n0\r\nauthorization: Bearer ${CLIENT_KEY}\r\n\r\n`;
    const reply = await send(chunked);
    expect([400, 401]).toContain(reply.status);
    expect(upstream.seen).toHaveLength(0);
  });

  test("a flood of requests on one connection, none of whose answers is read, holds little", async () => {
    const restBytes = gateway.rssBytes();
    const client = await openClient(gateway.port, { bytesPerSecond: 1 });
    const one = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    for (let n = 0; n < (IS_FULL ? 200 : 40); n++) client.send(one.repeat(1_000));
    const health = await fetch(`${gateway.url}/healthz`);
    expect(health.status).toBe(200);
    client.leave("rst");
    expect(gateway.rssBytes() - restBytes).toBeLessThan(100 * 2 ** 20);
  });

  test("a body in chunks of one byte, each with a long extension, costs what it is long", async () => {
    const restBytes = gateway.rssBytes();
    const client = await openClient(gateway.port);
    client.send(
      `POST ${CHAT.wholePath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${CLIENT_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `1;${"e".repeat(2_000)}\r\n \r\n`;
    for (let n = 0; n < 200 && !client.isClosed; n++) {
      client.send(chunk.repeat(50));
      await Bun.sleep(0);
    }
    client.send("0\r\n\r\n");
    const reply = await client.reply();
    client.leave();
    expect([0, 400, 413]).toContain(reply.status);
    expect(gateway.rssBytes() - restBytes).toBeLessThan(100 * 2 ** 20);
  });
});
