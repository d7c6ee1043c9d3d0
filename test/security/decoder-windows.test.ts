/** A94: what decoders keep of compressed replies is in the budget of memory, and so are long lines and events. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, METRICS_KEY, METRICS_TOML, startGateway, until } from "../kit/gateway.ts";
import { type Arrived, chunkOf, type RawUpstream, replyHead, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

const MB = 1024 * 1024;
const BUDGET_BYTES = 64 * MB;
const STREAMS = 12;

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: `${translatedToml(upstream.url)}\n${METRICS_TOML}`,
    server: `memory_bytes = ${BUDGET_BYTES}`,
  });
});
afterEach(async () => {
  for (const arrived of upstream.seen) arrived.rst();
  upstream.forget();
  await until("nothing is held any more", async () => (await heldBytes()) === 0);
});
afterAll(async () => {
  expect(gateway.log()).not.toContain("exception");
  await gateway?.close();
  await upstream?.close();
});

async function heldBytes(): Promise<number> {
  const reply = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_KEY}` },
  });
  return Number(/^clewline_memory_bytes (\d+)/m.exec(await reply.text())?.[1]);
}

function ask(stream: boolean): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "openai-chat/qwen3-32b",
      stream,
      messages: [{ role: "user", content: "Hi" }],
    }),
  });
}

const EVENT =
  'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n';
/** An event, and so much behind it that each window is full. */
const LONG = Buffer.from(EVENT + ": blank\n\n".repeat((20 * MB) / 9));
const brotli = (windowLog: number): Buffer =>
  brotliCompressSync(LONG, {
    params: { [constants.BROTLI_PARAM_LGWIN]: windowLog, [constants.BROTLI_PARAM_QUALITY]: 5 },
  });

/** How many such replies there is room for, beside bodies. */
const CODINGS: Readonly<Record<string, readonly [coding: string, body: () => Buffer, most: number]>> = {
  "Brotli with the largest window": ["br", () => brotli(24), 4],
  "Brotli with a window of 4 MiB": ["br", () => brotli(22), STREAMS],
  zstd: ["zstd", () => zstdCompressSync(LONG), 8],
  gzip: ["gzip", () => gzipSync(LONG), STREAMS],
};

test.each(Object.entries(CODINGS))(
  "A94 replies in %s take their windows out of the budget",
  async (_, row) => {
    const [coding, body, most] = row;
    const packed = body();
    upstream.answer = async (arrived: Arrived) => {
      const headers = { "content-type": "text/event-stream", "content-encoding": coding };
      await arrived.send(
        Buffer.concat([Buffer.from(replyHead("200 OK", headers, "chunked")), chunkOf(packed)]),
      );
      await arrived.closed;
    };
    const replies = await Promise.all(Array.from({ length: STREAMS }, () => ask(true)));
    const good = replies.filter(({ status }) => status === 200);
    expect(good.length).toBeLessThanOrEqual(most);
    expect(good.length).toBeGreaterThanOrEqual(Math.min(most, STREAMS) - 1);
    expect(await heldBytes()).toBeLessThanOrEqual(BUDGET_BYTES + STREAMS * MB);
    for (const reply of replies.filter(({ status }) => status !== 200)) {
      expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await reply.text()).toContain("server.memory_bytes");
    }
    // What needs no room is served meanwhile.
    upstream.answer = (arrived) => answerWell(arrived);
    expect((await ask(false)).status).toBe(200);
    for (const reply of good) await reply.body?.cancel();
  },
  60_000,
);

test("A94 the window of a whole reply is given back with it", async () => {
  const packed = brotliCompressSync(CHAT.whole);
  upstream.answer = (arrived) =>
    arrived.send(
      Buffer.concat([
        Buffer.from(
          replyHead(
            "200 OK",
            { "content-type": "application/json", "content-encoding": "br" },
            packed.length,
          ),
        ),
        packed,
      ]),
    );
  for (let n = 0; n < 20; n++) {
    const reply = await ask(false);
    expect([reply.status, await reply.text()]).toEqual([200, CHAT.whole]);
  }
  expect(await heldBytes()).toBe(0);
}, 60_000);
