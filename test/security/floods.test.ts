/** P3, P7: what clients and upstreams send costs memory in proportion, and all of it together has a bound. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway, until } from "../kit/gateway.ts";
import {
  type Answering,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { cpuMsOf } from "./cpu.ts";

const MEGABYTE = 1024 * 1024;
const METRICS_KEY = "metrics-key-0123456789abcdef";
const OTHER_KEY = "clw-other-client-0123456789";

let upstream: RawUpstream;
let gateway: Gateway;
let release: () => void = () => undefined;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: `${translatedToml(upstream.url)}\n[[keys]]\nname = "other"\nkey = "${OTHER_KEY}"\n[metrics]\nkey = "${METRICS_KEY}"`,
  });
  // Warm, so that what follows is the cost of the work alone.
  for (let n = 0; n < 20; n++) await small(CLIENT_KEY);
});
afterEach(() => release());
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  key = CLIENT_KEY,
): Promise<Response> {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body,
  });
}

async function small(key: string): Promise<number> {
  const body = JSON.stringify({
    model: "openai-chat/qwen3-32b",
    messages: [{ role: "user", content: "Hi" }],
  });
  const reply = await post("/v1/chat/completions", body, {}, key);
  await reply.arrayBuffer();
  return reply.status;
}

async function metric(name: string): Promise<number> {
  const reply = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_KEY}` },
  });
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(await reply.text())?.[1]);
}

/** The highest resident memory while the work ran. */
async function peakDuring<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly peakBytes: number }> {
  let peakBytes = gateway.rssBytes();
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, gateway.rssBytes());
  }, 5);
  try {
    return { result: await work(), peakBytes: Math.max(peakBytes, gateway.rssBytes()) };
  } finally {
    clearInterval(timer);
  }
}

test("P3 482 kB of gzip hold less than 300 MB, are refused beyond the budget, and leave nothing", async () => {
  const idleBytes = gateway.rssBytes();
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  upstream.answer = async (arrived) => {
    await promise;
    await answerWell(arrived);
  };
  const text = JSON.stringify({
    model: "openai-chat/qwen3-32b",
    messages: [{ role: "user", content: "a".repeat(33_000_000) }],
  });
  const packed = gzipSync(text);
  expect(packed.length * 15).toBeLessThan(700_000);
  const { result: statuses, peakBytes } = await peakDuring(async () => {
    const running = Array.from({ length: 15 }, () =>
      post("/v1/chat/completions", packed, { "content-encoding": "gzip" }).then(async (reply) => {
        await reply.arrayBuffer();
        return [reply.status, reply.headers.get("retry-after")] as const;
      }),
    );
    await until("some are refused", async () => (await metric("clewline_memory_refusals")) > 0);
    expect(await metric("clewline_memory_bytes")).toBeGreaterThan(33_000_000);
    expect(await metric("clewline_memory_bytes")).toBeLessThanOrEqual(
      await metric("clewline_memory_limit_bytes"),
    );
    // Small requests of others go on meanwhile.
    const other = small(OTHER_KEY);
    await Bun.sleep(1_000);
    resolve();
    expect(await other).toBe(200);
    return Promise.all(running);
  });
  const refused = statuses.filter(([status]) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(statuses.length - refused.length).toBeGreaterThan(0);
  for (const [, retryAfter] of refused) expect(Number(retryAfter)).toBeGreaterThan(0);
  expect(peakBytes / MEGABYTE).toBeLessThan(300);
  expect(await metric("clewline_memory_bytes")).toBe(0);
  await until("the memory is given back", () => gateway.rssBytes() < 1.5 * idleBytes, 30_000);
}, 180_000);

test("P3 one key has half of the budget while another key has a request", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  upstream.answer = async (arrived) => {
    await promise;
    await answerWell(arrived);
  };
  const large = JSON.stringify({
    model: "openai-chat/qwen3-32b",
    messages: [{ role: "user", content: "a".repeat(10 * MEGABYTE) }],
  });
  const waits = small(OTHER_KEY);
  await until("the other key's request waits", () => upstream.seen.some(({ body }) => body.length < 500));
  const running = Array.from({ length: 5 }, () => post("/v1/chat/completions", large));
  await until("some are refused", async () => (await metric("clewline_memory_refusals")) > 0);
  expect(await metric("clewline_memory_bytes")).toBeLessThanOrEqual(96 * MEGABYTE + 500);
  resolve();
  const statuses = (await Promise.all(running)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBe(4);
  expect(statuses.filter((status) => status === 503).length).toBe(1);
  expect(await waits).toBe(200);
}, 180_000);

describe("P7 a reply of an upstream grows the gateway by less than 100 MB, for half a second of CPU at most:", () => {
  const chat = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const sse = (type: string, data: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const times = (count: number, frame: (n: number) => string): string[] => {
    const pieces: string[] = [];
    for (let n = 0; n < count; n += 1_000) {
      let piece = "";
      for (let i = n; i < Math.min(n + 1_000, count); i++) piece += frame(i);
      pieces.push(piece);
    }
    return pieces;
  };
  const call = (name: string, text: string): object => ({
    tool_calls: [{ index: 0, id: "c", type: "function", function: { name, arguments: text } }],
  });
  const grounded = (indices: number): string =>
    JSON.stringify({
      candidates: [
        {
          content: { role: "model", parts: [{ text: "abcdefghij" }] },
          finishReason: "STOP",
          index: 0,
          groundingMetadata: {
            groundingChunks: [{ web: { uri: "https://example.com", title: "E" } }],
            groundingSupports: [
              { segment: { startIndex: 0, endIndex: 10 }, groundingChunkIndices: new Array(indices).fill(0) },
            ],
          },
        },
      ],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    });
  const asked = { messages: [{ role: "user", content: "Hi" }] };
  const CASES: Readonly<
    Record<string, { readonly path: string; readonly body: object; readonly answer: Answering }>
  > = {
    "a new container in each delta": {
      path: "/v1/messages",
      body: { model: "anthropic-messages/claude-sonnet-4-6", max_tokens: 9, stream: true, ...asked },
      answer: (arrived) =>
        sendStream(arrived, [
          sse("message_start", {
            message: {
              id: "m",
              type: "message",
              role: "assistant",
              model: "m",
              content: [],
              usage: { input_tokens: 1, output_tokens: 1 },
            },
          }),
          ...times(40_000, (n) =>
            sse("message_delta", {
              delta: { container: { id: `container_${n}` } },
              usage: { output_tokens: 2 },
            }),
          ),
          sse("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }),
          sse("message_stop", {}),
        ]),
    },
    "fragments of a call that repeat its name": {
      path: "/v1/messages",
      body: { model: "openai-chat/qwen3-32b", max_tokens: 9, stream: true, ...asked },
      answer: (arrived) =>
        sendStream(arrived, [
          chat(call("f", '{"a":"')),
          ...times(16_000, () => chat(call("f", "x}"))),
          chat({}, "tool_calls"),
          "data: [DONE]\n\n",
        ]),
    },
    "a support of a million sources": {
      path: "/v1/chat/completions",
      body: { model: "gemini/gemini-3-flash", ...asked },
      answer: (arrived) => sendWhole(arrived, grounded(1_000_000)),
    },
    "pieces of arguments far into a list": {
      path: "/v1/chat/completions",
      body: { model: "gemini/gemini-3-flash", stream: true, ...asked },
      answer: (arrived) => {
        const part = (functionCall: object): string =>
          `data: ${JSON.stringify({ candidates: [{ index: 0, content: { role: "model", parts: [{ functionCall }] } }] })}\n\n`;
        return sendStream(arrived, [
          part({ name: "f", willContinue: true }),
          ...times(10_000, (n) =>
            part({
              partialArgs: [{ jsonPath: `$.a[${(n + 1) * 1_000}]`, stringValue: "x" }],
              willContinue: true,
            }),
          ),
        ]);
      },
    },
    "a byte of payload in each kilobyte of framing": {
      path: "/v1/chat/completions",
      body: { model: "openai-chat/qwen3-32b", ...asked },
      answer: async (arrived) => {
        await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
        const chunk = `1;${"e".repeat(1_000)}\r\n `;
        const piece = `${chunk}\r\n`.repeat(1_000);
        for (let n = 0; n < 900 && !arrived.isClosed; n++) {
          await arrived.send(piece);
          await Bun.sleep(0);
        }
        await arrived.send(LAST_CHUNK);
      },
    },
    "a byte in each chunk": {
      path: "/v1/messages",
      body: { model: "openai-chat/qwen3-32b", max_tokens: 9, ...asked },
      answer: async (arrived) => {
        await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
        const piece = chunkOf(" ").toString().repeat(10_000);
        for (let n = 0; n < 100 && !arrived.isClosed; n++) {
          await arrived.send(piece);
          await Bun.sleep(0);
        }
        await arrived.send(chunkOf("{}").toString() + LAST_CHUNK.toString());
      },
    },
  };
  for (const [name, { path, body, answer }] of Object.entries(CASES)) {
    test(name, async () => {
      // What came before must not count as this one's, and the breaker must be closed.
      upstream.answer = (arrived) => answerWell(arrived);
      expect(await small(CLIENT_KEY)).toBe(200);
      upstream.answer = answer;
      const restBytes = gateway.rssBytes();
      const before = cpuMsOf(gateway.pid);
      const read = async (): Promise<number> => {
        const reply = await post(path, JSON.stringify(body));
        let size = 0;
        try {
          for await (const piece of reply.body ?? []) size += piece.length;
        } catch {
          // Cut, because the reply makes no sense.
        }
        return size;
      };
      const { result: bytes, peakBytes } = await peakDuring(read);
      expect((peakBytes - restBytes) / MEGABYTE).toBeLessThan(100);
      expect(bytes / MEGABYTE).toBeLessThan(20);
      const first = cpuMsOf(gateway.pid);
      // A pause of the collector can spoil one look.
      await read();
      expect(Math.min(first - before, cpuMsOf(gateway.pid) - first)).toBeLessThanOrEqual(500);
    }, 120_000);
  }
});
