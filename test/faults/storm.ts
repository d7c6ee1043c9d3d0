/**
 * Clients that misbehave: they leave, stop halfway, send wrong lengths, and send odd bytes to every route.
 * Repeatable by seed.
 */
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { CLIENT_KEY } from "../kit/gateway.ts";
import { requestFor, WAYS } from "./asking.ts";
import type { Chance } from "./seeded.ts";

const PATHS = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/responses/resp_1",
  "/v1/responses/resp_1/cancel",
  "/v1/responses/resp_1/input_items",
  "/v1/responses/input_tokens",
  "/v1/responses/compact",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/embeddings",
  "/v1/models",
  "/v1/models/gpt-4.1",
  "/v1beta/models",
  "/v1beta/models/gemini-3-flash:generateContent",
  "/v1beta/models/gemini-3-flash:streamGenerateContent",
  "/v1beta/models/gemini%2Fgemini-3-flash:countTokens",
  "/v1beta/openai/chat/completions",
  "/v1/v1/messages",
  "/chat/completions",
  "/healthz",
  "/readyz",
  "/metrics",
  "/",
  "/v1/../v1/messages",
  "//v1/messages",
  "/v1/messages?beta=true&key=%ff",
];
const METHODS = [
  "POST",
  "POST",
  "POST",
  "GET",
  "PUT",
  "DELETE",
  "OPTIONS",
  "HEAD",
  "PATCH",
  "TRACE",
  "BREW",
  "post",
];
const ODD_HEADERS = [
  "content-encoding: gzip",
  "content-encoding: zstd, br, gzip",
  "content-encoding: \xff",
  "transfer-encoding: chunked",
  "transfer-encoding: chunked, chunked",
  "content-length: 18446744073709551616",
  "content-length: -1",
  "content-type: text/\x00plain",
  "expect: 100-continue",
  "connection: upgrade, host",
  "upgrade: websocket",
  "x-request-id: \xff\xfe",
  "anthropic-beta: oauth-2025-04-20, ,,;",
  "anthropic-version: constructor",
  `x-long: ${"a".repeat(8_000)}`,
  "range: bytes=0-",
  "origin: null",
  "__proto__: x",
  "host: a host/with?everything#in it",
];
const ODD_BODIES = [
  "",
  "null",
  "[]",
  "{",
  '{"model":',
  '{"model":null}',
  '{"model":{"a":1},"stream":"yes"}',
  '{"model":"gpt-4.1","model":"claude-haiku-4-5"}',
  '{"__proto__":{"model":"gpt-4.1"},"constructor":1}',
  `{"model":"${"m".repeat(100_000)}"}`,
  `{"model":"gpt-4.1","messages":${"[".repeat(20_000)}`,
  `{"model":"gpt-4.1","x":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`,
  '{"model":"gpt\\ud800","stream":true}',
  '{"model":"\\u0000\\n","messages":[]}',
  `{"model":"gpt-4.1","n":${"9".repeat(5_000)}}`,
  '\ufeff{"model":"gpt-4.1"}',
];

/** How long a bad client stays at most. */
const STAY_MS = 300;

/** Misbehaves once; resolves when the connection is closed. */
export async function misbehave(port: number, chance: Chance): Promise<void> {
  const [bytes, stayMs] = chance.pick(KINDS)(chance);
  await new Promise<void>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => {
      // Two pieces test the bytes that a parser holds back between them.
      const at = chance.whole(0, bytes.length);
      socket.write(bytes.subarray(0, at));
      socket.write(bytes.subarray(at));
    });
    const timer = setTimeout(
      () => (chance.next() < 0.5 ? socket.destroy() : socket.resetAndDestroy()),
      stayMs,
    );
    socket.on("data", () => undefined);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

type Kind = (chance: Chance) => readonly [bytes: Buffer, stayMs: number];

const KINDS: readonly Kind[] = [
  // Leaves at some moment between its request and the end of the answer.
  (chance) => [goodRequest(chance), chance.whole(0, 40)],
  (chance) => [goodRequest(chance), chance.whole(0, 3)],
  // Leaves after half a request.
  (chance) => {
    const bytes = goodRequest(chance);
    return [bytes.subarray(0, chance.whole(1, bytes.length - 1)), chance.whole(0, STAY_MS)];
  },
  // Odd bytes in a good request.
  (chance) => {
    const bytes = goodRequest(chance);
    for (let count = chance.whole(1, 8); count > 0; count -= 1)
      bytes[chance.whole(0, bytes.length - 1)] = chance.whole(0, 255);
    return [bytes, STAY_MS];
  },
  // No HTTP at all.
  (chance) => [chance.bytes(chance.whole(1, 2_000)), chance.whole(0, 50)],
  // Every route with every method, odd headers and odd bodies.
  (chance) => [oddRequest(chance, Buffer.from(chance.pick(ODD_BODIES))), STAY_MS],
  (chance) => [oddRequest(chance, Buffer.from(chance.pick(ODD_BODIES))), STAY_MS],
  (chance) => [oddRequest(chance, chance.bytes(chance.whole(0, 500))), STAY_MS],
  (chance) => [oddRequest(chance, gzipSync(Buffer.alloc(chance.whole(1, 2_000_000)))), STAY_MS],
];

function goodRequest(chance: Chance): Buffer {
  const { path, body } = requestFor(chance.pick(WAYS));
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${CLIENT_KEY}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function oddRequest(chance: Chance, body: Buffer): Buffer {
  const lines = [`${chance.pick(METHODS)} ${chance.pick(PATHS)} HTTP/1.1`, "host: 127.0.0.1"];
  lines.push(chance.next() < 0.8 ? `x-api-key: ${CLIENT_KEY}` : "authorization: Bearer \xff");
  if (chance.next() < 0.7) lines.push(`content-length: ${body.length + chance.pick([0, 0, 0, 1, -1])}`);
  for (let count = chance.whole(0, 2); count > 0; count -= 1) lines.push(chance.pick(ODD_HEADERS));
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
