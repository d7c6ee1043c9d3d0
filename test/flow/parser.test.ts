// Ambiguous HTTP requests: the gateway refuses them, and none of them hides a second request.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { openClient, type RawReply } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
  gateway = await startGateway({ toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n") });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Replies to wrong keys come late. */
const SILENCE_MS = 2_000;

/** Sends bytes and reads the reply until the other side closes or is quiet for a while. */
async function rawReplies(bytes: string): Promise<{ replies: RawReply[]; isClosed: boolean }> {
  const client = await openClient(gateway.port);
  client.send(Buffer.from(bytes, "latin1"));
  const replies: RawReply[] = [];
  for (;;) {
    const reply = await client.reply(SILENCE_MS).catch(() => null);
    if (reply === null || reply.status === 0) break;
    replies.push(reply);
    if (client.isClosed) break;
  }
  const { isClosed } = client;
  client.leave();
  return { replies, isClosed };
}

const BODY = CHAT.body(false);
const LENGTH = `Content-Length: ${BODY.length}`;
const START = "POST /v1/chat/completions HTTP/1.1\r\n";
const HOST = "Host: 127.0.0.1\r\n";
const AUTH = `Authorization: Bearer ${CLIENT_KEY}\r\n`;
/** A second request that hides in the body of the first one and must never be served. */
const SMUGGLED = `POST /v1/chat/completions?smuggled HTTP/1.1\r\n${HOST}${AUTH}${LENGTH}\r\n\r\n${BODY}`;
const withHeaders = (headers: string, body = BODY): string =>
  `${START}${HOST}${AUTH}${headers}\r\n\r\n${body}`;
const chunked = (body: string, headers = "Transfer-Encoding: chunked"): string => withHeaders(headers, body);
const CHUNKS = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

/** The outcome of a request. "refused": a reply of 4xx or 5xx, or a closed connection without a reply. */
type Expected = "refused" | "served" | "served or refused";

const CASES: readonly (readonly [string, Expected, string])[] = [
  ["a plain request", "served", withHeaders(LENGTH)],
  ["a chunked one", "served", chunked(CHUNKS)],
  [
    "a length and chunks",
    "refused",
    withHeaders(`${LENGTH}\r\nTransfer-Encoding: chunked`, CHUNKS + SMUGGLED),
  ],
  [
    "chunks and a length",
    "refused",
    withHeaders(`Transfer-Encoding: chunked\r\nContent-Length: 4`, CHUNKS + SMUGGLED),
  ],
  ["two different lengths", "refused", withHeaders(`${LENGTH}\r\nContent-Length: 5`, BODY + SMUGGLED)],
  ["the same length twice", "refused", withHeaders(`${LENGTH}\r\n${LENGTH}`)],
  ["a list as length", "refused", withHeaders(`${LENGTH}, ${BODY.length}`)],
  ["a length with a plus", "refused", withHeaders(`Content-Length: +${BODY.length}`)],
  ["a negative length", "refused", withHeaders("Content-Length: -1")],
  ["a hexadecimal length", "refused", withHeaders(`Content-Length: 0x${BODY.length.toString(16)}`)],
  ["a huge length", "refused", withHeaders("Content-Length: 99999999999999999999999")],
  ["a length with letters", "refused", withHeaders(`Content-Length: ${BODY.length}a`)],
  ["an empty length", "refused", withHeaders("Content-Length: ", SMUGGLED)],
  ["another transfer coding", "refused", chunked(CHUNKS + SMUGGLED, "Transfer-Encoding: xchunked")],
  ["chunked not last", "refused", chunked(CHUNKS + SMUGGLED, "Transfer-Encoding: chunked, identity")],
  ["identity before chunked", "refused", chunked(CHUNKS, "Transfer-Encoding: identity, chunked")],
  [
    "chunked twice",
    "refused",
    chunked(CHUNKS + SMUGGLED, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
  ],
  ["a space before the colon", "refused", withHeaders(`Content-Length : ${BODY.length}`)],
  [
    "a space before the colon of a coding",
    "refused",
    chunked(CHUNKS + SMUGGLED, "Transfer-Encoding : chunked"),
  ],
  ["a vertical tab in a coding", "refused", chunked(CHUNKS + SMUGGLED, "Transfer-Encoding:\vchunked")],
  ["bare LF as line ends", "refused", withHeaders(LENGTH).replaceAll("\r\n", "\n")],
  ["one bare LF in the head", "refused", withHeaders(`X-A: b\n${LENGTH}`)],
  ["a bare CR in a value", "refused", withHeaders(`X-A: b\rc\r\n${LENGTH}`)],
  ["a NUL in a value", "refused", withHeaders(`X-A: b\0c\r\n${LENGTH}`)],
  ["a folded header", "refused", withHeaders(`X-A: b\r\n c\r\n${LENGTH}`)],
  ["a chunk size that is none", "refused", chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`)],
  ["a negative chunk size", "refused", chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`)],
  ["a huge chunk size", "refused", chunked(`ffffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`)],
  ["a chunk size with 0x", "refused", chunked(`0x${CHUNKS}`)],
  ["a bare LF in a chunk line", "refused", chunked(CHUNKS.replace("\r\n", "\n") + SMUGGLED)],
  ["a bare LF in a chunk extension", "refused", chunked(CHUNKS.replace("\r\n", ";a\nb\r\n") + SMUGGLED)],
  ["a chunk longer than it says", "refused", chunked(`5\r\n${BODY}\r\n0\r\n\r\n`)],
  ["chunk data without its end", "refused", chunked(`${BODY.length.toString(16)}\r\n${BODY}0\r\n\r\n`)],
  ["a chunk extension", "served or refused", chunked(CHUNKS.replace("\r\n", ";name=value\r\n"))],
  ["trailers", "served or refused", chunked(CHUNKS.replace(/\r\n\r\n$/, "\r\nX-Trailer: 1\r\n\r\n"))],
  ["no Host", "refused", withHeaders(LENGTH).replace(HOST, "")],
  ["two Hosts", "refused", withHeaders(`Host: other\r\n${LENGTH}`)],
  ["an empty Host", "refused", withHeaders(LENGTH).replace(HOST, "Host: \r\n")],
  ["a head of 40 kB", "refused", withHeaders(`X-A: ${"b".repeat(40_000)}\r\n${LENGTH}`)],
  [
    "150 headers",
    "refused",
    withHeaders(`${Array.from({ length: 150 }, (_, i) => `X-${i}: 1\r\n`).join("")}${LENGTH}`),
  ],
  ["an unknown version", "refused", withHeaders(LENGTH).replace("HTTP/1.1", "HTTP/3.7")],
  ["no version", "refused", withHeaders(LENGTH).replace(" HTTP/1.1", "")],
  ["HTTP/1.0 with chunks", "refused", chunked(CHUNKS + SMUGGLED).replace("HTTP/1.1", "HTTP/1.0")],
  ["HTTP/2's preface", "refused", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a TLS hello", "refused", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
  ["a space in the target", "refused", withHeaders(LENGTH).replace("/v1/chat", "/v1 /chat")],
  [
    "a whole URL of another host as target",
    "refused",
    withHeaders(LENGTH).replace("/v1/chat", "http://evil@x/v1/../chat"),
  ],
  ["CONNECT", "refused", `CONNECT 10.0.0.1:80 HTTP/1.1\r\n${HOST}${AUTH}\r\n`],
  ["an unknown method", "refused", withHeaders(LENGTH).replace("POST", "BREW")],
  [
    "a body where none is expected",
    "served or refused",
    `GET /healthz HTTP/1.1\r\n${HOST}${LENGTH}\r\n\r\n${BODY}`,
  ],
];

for (const [name, expected, bytes] of CASES) {
  test(`${name}: ${expected}, and nothing smuggled`, async () => {
    upstream.forget();
    const { replies, isClosed } = await rawReplies(bytes);
    const served = replies.filter((reply) => reply.status < 400);
    if (expected === "served") expect(replies.map((reply) => reply.status)).toEqual([200]);
    if (expected === "refused") {
      expect(served.map((reply) => reply.raw.toString())).toEqual([]);
      expect(replies.length > 0 || isClosed).toBe(true);
      expect(upstream.seen).toHaveLength(0);
    }
    for (const reply of replies)
      expect([reply.status, isHttpError(reply.status)]).toEqual([reply.status, true]);
    expect(upstream.seen.filter((one) => one.target.includes("smuggled"))).toHaveLength(0);
    expect(served.length).toBeLessThanOrEqual(1);
  });
}

function isHttpError(status: number): boolean {
  return [200, 400, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505].includes(status);
}

test("a request that does not wait for the answer before it: both are answered in order, or the connection closes", async () => {
  // Bun closes a connection when a second request comes before the first reply; clients that pipeline repeat
  // the request.
  const { replies, isClosed } = await rawReplies(withHeaders(LENGTH) + withHeaders(LENGTH));
  for (const reply of replies) expect([reply.status, reply.isWhole]).toEqual([200, true]);
  expect(replies.length === 2 || isClosed).toBe(true);
  const health = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
  expect((await rawReplies(health + health)).replies.map((reply) => reply.status)).toEqual([200, 200]);
});

const HOSTS: readonly (readonly [string, boolean])[] = [
  ["127.0.0.1", true],
  ["127.0.0.1:8484", true],
  ["localhost", true],
  ["LOCALHOST:1", true],
  ["gateway.example.com", true],
  ["gateway.example.com.", true],
  ["a_b.example", true],
  ["[::1]", true],
  ["[::1]:8484", true],
  ["xn--bcher-kva.example", true],
  ["", false],
  [" ", false],
  ["x/#@evil", false],
  ["localhost:4000/#@x", false],
  ["x?", false],
  ["x#y", false],
  ["user@x", false],
  ["a, b", false],
  ["a b", false],
  ["a:b", false],
  ["a:99999", false],
  ["a:80:90", false],
  ["[::1", false],
  ["[zz]", false],
  ["http://a", false],
  ["a\\b", false],
  ["-a.example", false],
  ["a..b", false],
  ["%61", false],
];

/** Paths, with the outcome of a POST by a client with a key. */
const TARGETS: readonly (readonly [string, "chat" | 400 | 404 | 405])[] = [
  ["/v1/chat/completions", "chat"],
  ["/v1/chat/completions/", "chat"],
  ["//v1/chat/completions", "chat"],
  ["/v1//chat/completions", "chat"],
  ["/v1/v1/chat/completions", "chat"],
  ["/v1/chat/completions?x=/../healthz", "chat"],
  ["/v1/chat/completions?x=%2e%2e", "chat"],
  ["/v1/chat%2Fcompletions", 400],
  ["/v1/chat/%63ompletions", "chat"],
  ["/v1/%2e%2e/v1/chat/completions", 400],
  ["/v1/../v1/chat/completions", 400],
  ["/v1/./chat/completions", 400],
  ["/v1/%2e/chat/completions", 400],
  ["/healthz/../v1/chat/completions", 400],
  ["/healthz/%2e%2e/v1/chat/completions", 400],
  ["/healthz/..%2fv1/chat/completions", 400],
  ["/healthz%2f..%2fv1%2fchat%2fcompletions", 400],
  ["/v1/chat/completions/../../../healthz", 400],
  ["/v1\\chat\\completions", 400],
  ["/v1/chat/completions%5c", 400],
  ["/v1/chat/completions%00", 400],
  ["/v1/chat/completions%0d%0a", 400],
  ["/v1/chat/completions%09", 400],
  ["/v1/chat/completions%7f", 400],
  ["/v1/chat/completions;a=b", 404],
  ["/v1/chat/completions.json", 404],
  ["/V1/chat/completions", 404],
  ["/v1/CHAT/completions", 404],
  ["/v1/chat", 404],
  ["/v2/chat/completions", 404],
  ["/v1/v1/v1/chat/completions", 404],
  ["///v1/chat/completions", 400],
  ["/v1/chat///completions", 400],
  ["/v1beta/openai/chat/completions", "chat"],
  ["/v1beta/models/..:generateContent", 404],
  ["/v1beta/models/a%2F..%2Fb:generateContent", 400],
  ["/healthz", 405],
  ["/healthz/x", 404],
  ["/", 405],
  ["*", 400],
];

/** The outcome of a request; `served`: an upstream was asked. */
async function send(
  method: string,
  target: string,
  host: string,
  key: string,
): Promise<[number, boolean, RawReply | null]> {
  upstream.forget();
  const bytes = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${key}${LENGTH}\r\nConnection: close\r\n\r\n${BODY}`;
  const { replies } = await rawReplies(bytes);
  return [replies[0]?.status ?? 0, upstream.seen.length > 0, replies[0] ?? null];
}

test("whatever the Host, a path is either served with a key or not at all", async () => {
  for (const [host, isGood] of HOSTS) {
    for (const [target, outcome] of TARGETS) {
      const [status, isServed, reply] = await send("POST", target, host, AUTH);
      const place = [host, target];
      // Health checks may send an empty Host, and these paths tell nobody anything of a request.
      if (!isGood && !(host.trim() === "" && (target === "/healthz" || target === "/"))) {
        expect([...place, status === 400 || status === 0, isServed]).toEqual([...place, true, false]);
        continue;
      }
      // Pages without a key answer to near names only: a page of another site may have made a far one point here.
      const isStrange = /\.(com|example)\.?$/.test(host) && (target === "/healthz" || target === "/");
      const expected = isStrange ? 400 : outcome === "chat" ? 200 : outcome;
      expect([...place, status, isServed]).toEqual([...place, expected, outcome === "chat"]);
      if (reply !== null && status === 400 && reply.body.length > 0) {
        expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
      }
      const [bare, isServedBare] = await send("POST", target, host, "");
      expect([...place, isServedBare]).toEqual([...place, false]);
      if (outcome === "chat") expect([...place, bare]).toEqual([...place, 401]);
    }
  }
}, 600_000);
