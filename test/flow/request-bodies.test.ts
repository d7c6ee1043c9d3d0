// Bodies of requests: bounded before and after decoding, in every encoding that clients use, with messages
// that help.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  constants as zlib,
  zstdCompressSync,
} from "node:zlib";
import { type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { exchangeBytes, openClient, type RawReply, request, requestBytes } from "../kit/raw-client.ts";
import { chunkOf, LAST_CHUNK, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, GEMINI, MESSAGES, RESPONSES, SSE_RECORDINGS } from "../kit/recordings.ts";

const LIMIT_BYTES = 1_000_000;
const MB = 1024 * 1024;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
  gateway = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
    server: `body_limit_bytes = ${LIMIT_BYTES}\nrequest_timeout_ms = 2000`,
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

function messageOf(reply: RawReply): string {
  return JSON.parse(reply.body.toString()).error.message;
}

const ENCODERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  GZIP: gzipSync,
  deflate: deflateSync,
  br: (bytes) => brotliCompressSync(bytes, { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync,
  identity: (bytes) => bytes,
};

for (const [encoding, encode] of Object.entries({
  ...ENCODERS,
  "deflate without a header": deflateRawSync,
})) {
  const headers = { "content-encoding": encoding.split(" ")[0] as string };

  test(`H-20 a ${encoding} body is understood and goes on plain`, async () => {
    for (const recording of SSE_RECORDINGS) {
      upstream.forget();
      const body = recording.body(false);
      const reply = await request(gateway.port, recording.wholePath, {
        body: encode(Buffer.from(body)),
        headers,
      });
      expect([recording.name, reply.status]).toEqual([recording.name, 200]);
      expect(upstream.seen[0]?.body.toString()).toBe(body);
      expect(upstream.seen[0]?.headers.get("content-encoding")).toBeUndefined();
    }
  });

  test(`H-20 a ${encoding} body over the limit is a 413, however small it was sent, and costs little memory`, async () => {
    const bomb = encode(Buffer.alloc(encoding === "identity" ? 2 * LIMIT_BYTES : 200 * MB, 0x20));
    await request(gateway.port, CHAT.wholePath, { body: "{}" });
    upstream.forget();
    const before = gateway.rssBytes();
    const reply = await request(gateway.port, MESSAGES.wholePath, { body: bomb, headers });
    expect(reply.status).toBe(413);
    expect(messageOf(reply)).toContain(String(LIMIT_BYTES));
    expect((gateway.rssBytes() - before) / MB).toBeLessThan(40);
    expect(upstream.seen).toHaveLength(0);
  });
}

for (const encoding of ["compress", "gzip, gzip", "gzip, zstd", "gzip;q=1", "aes128gcm", "__proto__"]) {
  test(`H-20 content-encoding "${encoding}" is a 415 that says what is understood`, async () => {
    const reply = await request(gateway.port, CHAT.wholePath, {
      body: gzipSync(gzipSync(CHAT.body(false))),
      headers: { "content-encoding": encoding },
    });
    expect(reply.status).toBe(415);
    expect(messageOf(reply)).toMatch(/gzip, deflate, br, zstd/);
  });
}

test("H-20 a body that is not what its encoding says is a 400 that names the encoding", async () => {
  for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
    const good = (ENCODERS[encoding] as (bytes: Uint8Array) => Uint8Array)(Buffer.from(CHAT.body(false)));
    for (const body of [Buffer.from("nothing of the kind"), good.subarray(0, good.length - 3)]) {
      const reply = await request(gateway.port, CHAT.wholePath, {
        body,
        headers: { "content-encoding": encoding },
      });
      expect([encoding, reply.status]).toEqual([encoding, 400]);
      // The beginning of a cut zstd frame is decoded, so that the JSON is incomplete and refused.
      expect(messageOf(reply)).toMatch(new RegExp(`${encoding}|ends before`));
    }
  }
});

test("a declared length over the limit is refused in the dialect", async () => {
  for (const recording of SSE_RECORDINGS) {
    const body = recording.body(false).padEnd(LIMIT_BYTES + 1);
    const reply = await request(gateway.port, recording.wholePath, { body });
    expect([recording.name, reply.status]).toEqual([recording.name, 413]);
    expect(messageOf(reply)).toContain("body_limit_bytes");
  }
  const exact = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false).padEnd(LIMIT_BYTES) });
  expect(exact.status).toBe(200);
});

test("H-21 a chunked body is taken, and refused once it is over the limit", async () => {
  upstream.forget();
  const head = requestBytes(CHAT.wholePath, {
    method: "POST",
    headers: { "transfer-encoding": "chunked", "content-type": "application/json" },
  });
  const good = Buffer.concat([
    head,
    ...Array.from(CHAT.body(false), (letter) => chunkOf(letter)),
    Buffer.from(LAST_CHUNK),
  ]);
  expect((await exchangeBytes(gateway.port, good)).status).toBe(200);
  expect(upstream.seen[0]?.body.toString()).toBe(CHAT.body(false));

  const before = gateway.rssBytes();
  const client = await openClient(gateway.port);
  client.send(head);
  const chunk = chunkOf(" ".repeat(100_000));
  for (let i = 0; i < 40 && !client.isClosed && client.receivedBytes === 0; i += 1) {
    client.send(chunk);
    await Bun.sleep(1);
  }
  expect((await client.reply()).status).toBe(413);
  client.leave();
  expect((gateway.rssBytes() - before) / MB).toBeLessThan(40);
});

test("H-21 Expect: 100-continue and HTTP/1.0 are understood", async () => {
  const body = CHAT.body(false);
  const client = await openClient(gateway.port);
  const bytes = requestBytes(CHAT.wholePath, { body, headers: { expect: "100-continue" } });
  client.send(bytes.subarray(0, bytes.length - body.length));
  await Bun.sleep(100);
  client.send(body);
  expect((await client.reply()).status).toBe(200);
  client.leave();

  const old = requestBytes(CHAT.wholePath, { body }).toString().replace("HTTP/1.1", "HTTP/1.0");
  const reply = await exchangeBytes(gateway.port, old);
  expect([reply.status, reply.body.toString()]).toEqual([200, CHAT.whole]);
});

test("a request that comes slowly is taken; one that stops is given up", async () => {
  const bytes = requestBytes(CHAT.wholePath, { body: CHAT.body(false) });
  const slow = await openClient(gateway.port);
  for (let at = 0; at < bytes.length; at += 40) {
    slow.send(bytes.subarray(at, at + 40));
    await Bun.sleep(40);
  }
  expect((await slow.reply()).status).toBe(200);
  slow.leave();
  const stopped = await openClient(gateway.port);
  stopped.send(bytes.subarray(0, bytes.length - 5));
  const reply = await stopped.reply(20_000);
  expect([0, 400, 408]).toContain(reply.status);
  stopped.leave();
});

const DEEP = `{"model":"gpt-4.1","messages":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;

/** Bodies that reach no upstream, and the words that the refusal must have. */
const BAD: readonly (readonly [string, RegExp])[] = [
  ["", /empty|JSON/],
  ["  ", /JSON/],
  ["hello", /JSON/],
  ['{"model":"gpt-4.1"', /JSON/],
  ['{"model":"gpt-4.1"}}', /JSON/],
  ['{"model":"gpt-4.1",}', /JSON/],
  ["{'model':'gpt-4.1'}", /JSON/],
  ['[{"model":"gpt-4.1"}]', /object/],
  ['"gpt-4.1"', /object/],
  ["null", /object/],
  ['{"messages":[]}', /model/],
  ['{"model":5}', /model/],
  ['{"model":null}', /model/],
  ['{"model":""}', /model/],
  ['{"model":["gpt-4.1"]}', /model/],
  ['{"model":"gpt-4.1","model":"gpt-4o"}', /model/],
  ['{"model":"gpt-4.1","mod\\u0065l":"gpt-4o"}', /model/],
  ['{"model":"gpt-4.1","stream":"yes"}', /stream/],
  ['{"model":"gpt-4.1","stream":1}', /stream/],
  ['{"model":"\\ud83d"}', /model/],
  [DEEP, /deep|nest/],
];

for (const [body, named] of BAD) {
  test(`a body such as ${body.slice(0, 40)} is refused with its reason, in each dialect`, async () => {
    upstream.forget();
    for (const recording of [CHAT, MESSAGES, RESPONSES]) {
      // A Responses request may continue a stored prompt or response, which names the model.
      if (recording === RESPONSES && body === '{"messages":[]}') continue;
      const sent = body.replaceAll("gpt-4.1", recording.model);
      const reply = await request(gateway.port, recording.wholePath, { body: sent });
      expect([recording.name, reply.status, messageOf(reply).slice(0, 300)]).toEqual([
        recording.name,
        body.includes('""') || body.includes("ud83d") ? reply.status : 400,
        expect.stringMatching(named),
      ]);
      expect(reply.status === 400 || reply.status === 404).toBe(true);
      expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({ outcome: "refused" });
    }
    expect(upstream.seen).toHaveLength(0);
  });
}

test("Gemini's bodies are refused with their reason too", async () => {
  for (const [body, named] of BAD) {
    if (/model|stream/.test(body) && !/^[["]|\[\[|}}|,}|1"$|'/.test(body)) continue;
    const reply = await request(gateway.port, GEMINI.wholePath, { body });
    if (body === '{"messages":[]}') expect(reply.status).toBe(200);
    else {
      expect([body.slice(0, 40), reply.status]).toEqual([body.slice(0, 40), 400]);
      expect(messageOf(reply)).toMatch(named);
    }
  }
});

test("what a refusal says of the body's text is short, and holds no control characters", async () => {
  const body = `{"model":"\\u0000\\u001b[31m${"x".repeat(50_000)}"}`;
  const reply = await request(gateway.port, CHAT.wholePath, { body });
  expect(reply.status).toBe(404);
  expect(reply.body.length).toBeLessThan(2_000);
  expect(gateway.log()).not.toContain("\u001b");
});
