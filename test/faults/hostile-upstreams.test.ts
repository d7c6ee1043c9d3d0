/**
 * An upstream as an attacker: whatever it sends, memory stays bounded, no other server is asked, and
 * impossible counts are not believed.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { CLIENT_KEY, type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Answering,
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { type Asked, answerWell, ask, requestFor, WAYS, type Way } from "./asking.ts";

const MEGABYTE = 1024 * 1024;
const FLOOD_BYTES = (IS_FULL ? 1024 : 160) * MEGABYTE;
/** The most that any of these replies may add to the gateway's memory. */
const GROWTH_BYTES = 100 * MEGABYTE;
const HEADERS_BYTES = 32 * MEGABYTE;

const whole = (recording: Recording): Way => ({
  name: `${recording.name} whole`,
  recording,
  isStream: false,
});
const stream = (recording: Recording): Way => ({
  name: `${recording.name} stream`,
  recording,
  isStream: true,
});

let upstream: RawUpstream;
let trap: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((request) => answerWell(request));
  trap = await startRawUpstream((request) => sendWhole(request, "{}"));
  const lines = "connect_timeout_ms = 1000\nfirst_byte_timeout_ms = 1000\nidle_timeout_ms = 1000";
  gateway = await startGateway({
    toml: [
      upstreamToml("anthropic", "anthropic", upstream.url, { lines }),
      upstreamToml("gemini", "gemini", upstream.url, { lines }),
      upstreamToml("openai", "openai", `${upstream.url}/v1`, { lines }),
      KEYS_TOML,
    ].join("\n"),
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
  await trap.close();
});

// A success between the tests, so that the breaker counts no failures in a row.
beforeEach(async () => {
  upstream.answer = (request) => answerWell(request);
  for (let tries = 0; tries < 30; tries += 1) {
    const answers = await Promise.all(WAYS.map((way) => ask(gateway.url, way)));
    if (answers.every(({ completeAtMs }) => completeAtMs !== null)) return;
    await Bun.sleep(100);
  }
  throw new Error("the gateway does not serve any more");
});

/** The highest growth of the gateway's memory while `work` ran. */
async function growthDuring<T>(work: () => Promise<T>): Promise<{ result: T; growthBytes: number }> {
  const restBytes = gateway.rssBytes();
  let peakBytes = restBytes;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, gateway.rssBytes());
  }, 10);
  try {
    const result = await work();
    return { result, growthBytes: Math.max(peakBytes, gateway.rssBytes()) - restBytes };
  } finally {
    clearInterval(timer);
  }
}

/** Sends pieces until so many bytes went out, or the other side has closed. */
async function flood(request: Arrived, piece: Buffer, limitBytes: number): Promise<number> {
  let sentBytes = 0;
  while (sentBytes < limitBytes && !request.isClosed) {
    await request.send(piece);
    sentBytes += piece.length;
    // Lets the event loop see that the other side has closed.
    await Bun.sleep(0);
  }
  return sentBytes;
}

/** Reads an answer to its end without keeping it. */
async function drain(way: Way): Promise<{ status: number; bytes: number; isBroken: boolean }> {
  const { path, body } = requestFor(way);
  let bytes = 0;
  let status = 0;
  try {
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(120_000),
    });
    status = reply.status;
    for await (const piece of reply.body ?? []) bytes += piece.length;
    return { status, bytes, isBroken: false };
  } catch {
    return { status, bytes, isBroken: true };
  }
}

describe("heads", () => {
  const lineOf = (text: string): Buffer => Buffer.from(text);
  const heads: Readonly<Record<string, Answering>> = {
    "headers without an end": async (request) => {
      await request.send("HTTP/1.1 200 OK\r\n");
      await flood(request, lineOf(`x-more: ${"a".repeat(8_000)}\r\n`), HEADERS_BYTES);
      request.fin();
    },
    "one header without an end": async (request) => {
      await request.send("HTTP/1.1 200 OK\r\nx-more: ");
      await flood(request, Buffer.alloc(65_536, "a"), HEADERS_BYTES);
      request.fin();
    },
    "a status line without an end": async (request) => {
      await request.send("HTTP/1.1 200 ");
      await flood(request, Buffer.alloc(65_536, "O"), HEADERS_BYTES);
      request.fin();
    },
    "interim answers without an end": async (request) => {
      await flood(
        request,
        lineOf("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(500)),
        HEADERS_BYTES,
      );
      request.fin();
    },
    "a head that drips": async (request) => {
      await request.send("HTTP/1.1 200 OK\r\nx-more: ");
      while (!request.isClosed) {
        await request.send("a");
        await Bun.sleep(50);
      }
    },
    "no HTTP at all": (request) => request.send("SSH-2.0-OpenSSH_9.9\r\n\r\n\r\n"),
    "lengths that contradict each other": async (request) => {
      await request.send('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{"a":1}');
      request.fin();
    },
    "chunks that are none": async (request) => {
      await request.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
      await request.send("zz\r\n{}\r\n0\r\n\r\n");
      request.fin();
    },
  };

  test.each(Object.entries(heads))(
    "%s: an error of the upstream, in bounded memory",
    async (_, answer) => {
      for (const way of [whole(CHAT), stream(MESSAGES)]) {
        upstream.answer = answer;
        const { result, growthBytes } = await growthDuring(() => ask(gateway.url, way));
        expect([way.name, result.completeAtMs, result.status >= 500]).toEqual([way.name, null, true]);
        expect(JSON.parse(result.text)).toHaveProperty("error");
        expect(growthBytes).toBeLessThan(GROWTH_BYTES);
      }
    },
    60_000,
  );
});

describe("bodies", () => {
  const piece = Buffer.alloc(65_536, "x");
  const openStream = (type: string): string => replyHead("200 OK", { "content-type": type }, "chunked");

  test("H-6 one event without an end is cut off or passed on, in bounded memory", async () => {
    upstream.answer = async (request) => {
      await request.send(openStream("text/event-stream"));
      await request.send(chunkOf('data: {"choices":[{"delta":{"content":"'));
      await flood(request, chunkOf(piece), FLOOD_BYTES);
      request.rst();
    };
    const { result, growthBytes } = await growthDuring(() => drain(stream(CHAT)));
    expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    expect(result.bytes).toBeLessThan(FLOOD_BYTES * 1.1);
  }, 600_000);

  test("an answer in one piece without an end likewise", async () => {
    upstream.answer = async (request) => {
      await request.send(openStream("application/json"));
      await request.send(chunkOf('{"choices":[{"message":{"content":"'));
      await flood(request, chunkOf(piece), FLOOD_BYTES);
      request.rst();
    };
    const { result, growthBytes } = await growthDuring(() => drain(whole(CHAT)));
    expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    expect(result.isBroken || result.status >= 500).toBe(true);
  }, 600_000);

  test("an error without an end likewise", async () => {
    upstream.answer = async (request) => {
      await request.send(replyHead("400 Bad Request", { "content-type": "application/json" }, "chunked"));
      await flood(request, chunkOf(piece), FLOOD_BYTES);
      request.rst();
    };
    const { result, growthBytes } = await growthDuring(() => drain(whole(CHAT)));
    expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    expect(result.bytes).toBeLessThan(MEGABYTE);
    expect(result.status).toBeGreaterThanOrEqual(400);
  }, 600_000);

  test("comments without an end are no answer", async () => {
    upstream.answer = async (request) => {
      await request.send(openStream("text/event-stream"));
      await flood(request, chunkOf(": nothing\n\n".repeat(1_000)), 16 * MEGABYTE);
      request.fin();
    };
    const { result, growthBytes } = await growthDuring(() => ask(gateway.url, stream(MESSAGES)));
    expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    expect(result.completeAtMs).toBeNull();
  }, 600_000);

  const bombs: readonly (readonly [string, string, number])[] = [
    ["an answer", "200 OK", 400],
    ["an error", "400 Bad Request", 400],
  ];
  test.each(bombs)(
    "%s that is a compression bomb does not fill the memory",
    async (_, status, megabytes) => {
      const bomb = gzipSync(
        Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(megabytes * MEGABYTE, "a"), Buffer.from('"}')]),
      );
      upstream.answer = (request) =>
        sendWhole(request, bomb, { "content-type": "application/json", "content-encoding": "gzip" }, status);
      const { growthBytes } = await growthDuring(() => drain(whole(CHAT)));
      expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    },
    60_000,
  );

  test("bytes that are no UTF-8 pass as they are", async () => {
    const odd = Buffer.concat([
      Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"'),
      Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80, 0xff, 0xfe, 0xf8, 0x88]),
      Buffer.from('"},"finish_reason":null}]}\n\n'),
    ]);
    const frames = [CHAT.frames[0] ?? "", odd, ...CHAT.frames.slice(1)];
    upstream.answer = (request) => sendStream(request, frames);
    const { path, body } = requestFor(stream(CHAT));
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}` },
      body,
    });
    const got = Buffer.from(await reply.arrayBuffer());
    expect(got.equals(Buffer.concat(frames.map((frame) => Buffer.from(frame as string))))).toBe(true);
  });

  test("an answer that goes on after its end is taken to its end only", async () => {
    upstream.answer = async (request) => {
      await request.send(openStream("text/event-stream"));
      for (const frame of CHAT.frames) await request.send(chunkOf(frame));
      await flood(request, chunkOf(piece), FLOOD_BYTES);
      await request.send(LAST_CHUNK);
    };
    const { result, growthBytes } = await growthDuring(() => ask(gateway.url, stream(CHAT)));
    expect(growthBytes).toBeLessThan(GROWTH_BYTES);
    expect(result.text.length).toBeLessThan(MEGABYTE);
    expect(result.completeAtMs).not.toBeNull();
  }, 600_000);
});

describe("redirects", () => {
  test.each([301, 302, 303, 307, 308])("a %d is an error and never followed", async (status) => {
    trap.forget();
    for (const to of [
      `${trap.url}/v1/secrets`,
      "/v1/elsewhere",
      `//127.0.0.1:${trap.port}/`,
      "file:///etc/passwd",
    ]) {
      upstream.forget();
      upstream.answer = (request) => sendWhole(request, "", { location: to }, `${status} Elsewhere`);
      const answer = await ask(gateway.url, whole(CHAT));
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(upstream.seen.every(({ target }) => target === "/v1/chat/completions")).toBe(true);
      expect(answer.text).not.toContain(to);
      upstream.answer = (request) => answerWell(request);
      await ask(gateway.url, whole(CHAT));
    }
    expect(trap.seen).toHaveLength(0);
  });
});

describe("counts of tokens", () => {
  const ODD = [-1, -1e308, 1e308, 1.5, 2 ** 63, "12", null, [], {}, true, Number.MAX_SAFE_INTEGER];

  /** The recorded answer with every count replaced. */
  const withCounts = (text: string, odd: unknown): string =>
    text.replace(
      /("[A-Za-z_]*(?:tokens|TokenCount)"):\s*\d+/g,
      (_, key: string) => `${key}:${JSON.stringify(odd)}`,
    );

  const asWhole = async (recording: Recording, odd: unknown): Promise<Asked> => {
    upstream.answer = (request) => sendWhole(request, withCounts(recording.whole, odd));
    return await ask(gateway.url, whole(recording));
  };
  const asStream = async (recording: Recording, odd: unknown): Promise<Asked> => {
    const frames = recording.frames.map((frame) => withCounts(frame, odd));
    upstream.answer = (request) => sendStream(request, frames, recording.streamType);
    return await ask(gateway.url, stream(recording));
  };

  test("H-149 absurd ones are not believed, and never cost the answer", async () => {
    const answers: Asked[] = [];
    for (const recording of [CHAT, RESPONSES, MESSAGES, GEMINI]) {
      for (const odd of ODD) answers.push(await asWhole(recording, odd), await asStream(recording, odd));
    }
    expect(answers.filter(({ completeAtMs }) => completeAtMs === null)).toEqual([]);
    const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
    const unbelievable: string[] = [];
    for (const { way, requestId } of answers) {
      const row = rows.get(requestId ?? "");
      if (row === undefined) throw new Error(`${way.name} ${requestId} is not in the ledger`);
      for (const count of [row.input_tokens, row.output_tokens]) {
        const isSane = count === null || (Number.isSafeInteger(count) && count >= 0);
        if (!isSane)
          unbelievable.push(`${way.name}: ${JSON.stringify([row.input_tokens, row.output_tokens])}`);
      }
    }
    expect(unbelievable).toEqual([]);
    const { exitCode, out } = await gateway.command("usage", "--json");
    expect(exitCode).toBe(0);
    expect(out).not.toMatch(/:-\d|e\+|NaN|Infinity/);
  }, 600_000);
});
