/** A79, A81: bodies that look like requests, whose framing is odd, or that unpack to nothing for as long as they are. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { answerWell } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { openClient } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";
import { cpuMsOf } from "./cpu.ts";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({ toml: KEYS_TOML + upstreamToml("up", "openai", `${upstream.url}/v1`) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => upstream.forget());

const AUTH = `authorization: Bearer ${CLIENT_KEY}`;
const BODY = CHAT.body(false);
const HIDDEN = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n${AUTH}\r\ncontent-length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;
const LENGTH = `content-length: ${Buffer.byteLength(HIDDEN)}`;
const CHUNKED = "transfer-encoding: chunked";
const IN_CHUNK = `${Buffer.byteLength(HIDDEN).toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;

/** The first line, further headers, and what stands before the hidden request. */
const CASES: readonly (readonly [line: string, headers: string, before: string])[] = [
  ["POST /v1/chat/completions", LENGTH, ""],
  ["POST /v1/nothing", `${AUTH}\r\n${LENGTH}`, ""],
  ["GET /v1/models", `${AUTH}\r\n${LENGTH}`, ""],
  ["OPTIONS /v1/models", LENGTH, ""],
  ["POST /healthz", LENGTH, ""],
  ["POST /v1/nothing", `expect: 100-continue\r\n${LENGTH}`, ""],
  ["POST /v1/nothing", `connection: upgrade\r\nupgrade: h2c\r\n${LENGTH}`, ""],
  ["POST /v1/nothing", `content-length: 0\r\n${LENGTH}`, ""],
  ["POST /v1/nothing", "content-length: +9", ""],
  ["POST /v1/nothing", "content-length: 0x9", ""],
  ["POST /v1/nothing", "content-length: 18446744073709551616", ""],
  ["POST /v1/nothing", `content-length: 4\r\n${CHUNKED}`, "0\r\n\r\n"],
  ["POST /v1/nothing", "transfer-encoding: identity", ""],
  ["POST /v1/nothing", "transfer-encoding: chunked, identity", "0\r\n\r\n"],
  ["POST /v1/nothing", "transfer-encoding: gzip, chunked", "0\r\n\r\n"],
  ["POST /v1/nothing", "transfer-encoding : chunked\r\ncontent-length: 0", ""],
  ["POST /v1/nothing", "transfer-encoding: \u000bchunked\r\ncontent-length: 0", ""],
  ["POST /v1/nothing", CHUNKED, "10000000000000000\r\n"],
  ["POST /v1/nothing", CHUNKED, "0x0\r\n\r\n"],
  ["POST /v1/nothing", CHUNKED, "-1\r\n\r\n"],
  ["POST /v1/nothing", CHUNKED, "0\n\n"],
  ["POST /v1/nothing", `x: a\r\n ${LENGTH}`, ""],
  ["POST /v1/nothing", `x: a\r${LENGTH}\r\ncontent-length: 0`, ""],
];

test.each(CASES)(
  "A79 %s with %j: what is hidden in the body is no request",
  async (line, headers, before) => {
    const client = await openClient(gateway.port);
    client.send(`${line} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n\r\n${before}${HIDDEN}`);
    const first = await client.reply();
    expect([first.status > 0, first.status < 500]).toEqual([true, true]);
    // Whatever comes behind it on the same connection has come by then.
    client.send("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    await Promise.race([client.reply(), client.closed]);
    expect(upstream.seen).toEqual([]);
    client.leave();
  },
);

test("A79 nor in a chunk of a request that has no body", async () => {
  const client = await openClient(gateway.port);
  client.send(`GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n${AUTH}\r\n${CHUNKED}\r\n\r\n${IN_CHUNK}`);
  expect((await client.reply()).status).toBe(200);
  client.send("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  expect((await client.reply()).body.toString()).not.toContain("clew leads");
  expect(upstream.seen).toEqual([]);
  client.leave();
});

test.each([
  ["gzip", gzipSync(Buffer.alloc(0))],
  ["zstd", zstdCompressSync(Buffer.alloc(0))],
  ["zstd", Buffer.from("502a4d1800000000", "hex")],
])(
  "A81 thirty megabytes of %s that unpack to nothing cost little",
  async (coding, piece) => {
    const body = Buffer.alloc(30_000_000 - (30_000_000 % piece.length), piece);
    const before = cpuMsOf(gateway.pid);
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-encoding": coding },
      body,
    });
    await reply.arrayBuffer();
    expect([reply.status, cpuMsOf(gateway.pid) - before < 1_500]).toEqual([400, true]);
  },
  60_000,
);

test("A83 thousands of query parameters are left out, and named within a bound", async () => {
  const search = Array.from({ length: 1_500 }, (_, n) => `p${n}=1`).join("&");
  const reply = await fetch(`${gateway.url}/v1/chat/completions?${search}`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    body: BODY,
  });
  await reply.arrayBuffer();
  const named = reply.headers.get("x-clewline-dropped") ?? "";
  expect([reply.status, named.length > 100, named.length < 2_100]).toEqual([200, true, true]);
  expect(upstream.seen[0]?.target).toBe("/v1/chat/completions");
});
