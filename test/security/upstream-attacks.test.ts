// What an upstream tries on the clients of others: words that end a frame, headers of the gateway's own, statuses and codings that are none.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { DialectName } from "../../src/dialects/dialect.ts";
import { type Asked, answerWell, ask, WAYS, type Way, wayOf } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, replyHead, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import {
  CHAT,
  familiesToml,
  GEMINI,
  MESSAGES,
  RESPONSES,
  type Recording,
  SSE_RECORDINGS,
} from "../kit/recordings.ts";

const CREDENTIALS = ["sk-openai-credential", "sk-anthropic-credential", "sk-gemini-credential"];
const MB = 2 ** 20;
const BOMB_BYTES = 64 * MB;

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({ toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n") });
});
afterAll(async () => {
  const log = gateway.log();
  await gateway?.close();
  await upstream?.close();
  expect(log.split("\n").filter((line) => line.includes("exception"))).toEqual([]);
});

const whole = (recording: Recording): Way => ({ name: recording.name, recording, isStream: false });
const stream = (recording: Recording): Way => ({ name: recording.name, recording, isStream: true });
const OF: Readonly<Record<DialectName, Recording>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};
/** A model of each dialect's provider, by which a client of any dialect reaches it. */
const TARGETS: Readonly<Partial<Record<DialectName, string>>> = {
  "openai-chat": "openai/gpt-4.1",
  "anthropic-messages": "anthropic/claude-x",
  gemini: "gemini/gemini-x",
};

async function headersOf(way: Way): Promise<Headers> {
  const { recording, isStream } = way;
  const reply = await fetch(gateway.url + (isStream ? recording.streamPath : recording.wholePath), {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: recording.body(isStream),
  });
  await reply.arrayBuffer();
  return reply.headers;
}

/** Asks, and reads to the end without keeping anything. */
async function bytesOf({ recording, isStream }: Way): Promise<number> {
  let bytes = 0;
  const reply = await fetch(gateway.url + recording.wholePath, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    body: recording.body(isStream),
  });
  for await (const piece of reply.body ?? []) bytes += piece.length;
  return bytes;
}

test("headers by which the gateway tells its clients of cost, credential and losses are its own", async () => {
  upstream.answer = (arrived) =>
    sendWhole(arrived, wayOf(arrived).recording.whole, {
      "content-type": "application/json",
      "x-clewline-cost": "0.00",
      "x-clewline-credential": "another",
      "x-clewline-dropped": "everything",
      "x-clewline-changed": "nothing",
      "x-clewline-cache": "hit",
      "X-Clewline-Whatever": "1",
      "x-request-id": "spoofed",
      __proto__: "polluted",
      constructor: "polluted",
    });
  for (const recording of SSE_RECORDINGS) {
    const headers = await headersOf(whole(recording));
    expect([...headers.keys()].filter((name) => name.startsWith("x-clewline-"))).toEqual([]);
    expect(headers.get("x-request-id")).not.toBe("spoofed");
  }
});

/** Words that would end a frame, begin another one, or end the stream, if they were not written as JSON. */
const FRAME_WORDS = [
  "\n\ndata: [DONE]\n\n",
  '\r\n\r\nevent: error\r\ndata: {"type":"error"}\r\n\r\n',
  "\u2028data: x\u2029\u0085event: y",
  '"}]}\n\ndata: {"choices":[{"delta":{"content":"injected"}}]}\n\n',
  "id: 7\nretry: 1\n: comment\n",
  "],[\n,\r\n]",
  "\u0000\u001b[2J\u009b",
];
const MARK = "The clew";

/** Each `data:` of an event stream, parsed; a line that is none throws. */
function framesIn(text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (line === "" || line.startsWith(":") || /^event: [a-z_.]+$/.test(line)) return [];
    const data = /^data: (.*)$/s.exec(line)?.[1];
    if (data === undefined) throw new Error(`a line that belongs to no frame: ${JSON.stringify(line)}`);
    return data === "[DONE]" ? [] : [JSON.parse(data)];
  });
}

const textIn = (frames: readonly unknown[]): string => JSON.stringify(frames);

describe("words of a model that would end a frame", () => {
  for (const [from, model] of Object.entries(TARGETS)) {
    for (const to of SSE_RECORDINGS) {
      test(`are words of the answer: from ${from} to a client of ${to.dialect}`, async () => {
        for (const words of FRAME_WORDS) {
          const written = JSON.stringify(`${MARK}${words}`).slice(1, -1);
          const hostile = (frame: string): string => frame.replaceAll(MARK, () => written);
          upstream.answer = (arrived) => {
            const { recording, isStream } = wayOf(arrived);
            return isStream
              ? sendStream(arrived, recording.frames.map(hostile), recording.streamType)
              : sendWhole(arrived, hostile(recording.whole));
          };
          const streamed = await ask(gateway.url, stream(to), { model });
          expect([words, streamed.status]).toEqual([words, 200]);
          expect(textIn(framesIn(streamed.text))).toContain(written);
          const answer = await ask(gateway.url, whole(to), { model });
          expect(JSON.stringify(JSON.parse(answer.text))).toContain(written);
        }
      });
    }
  }

  test("are no frames in ids, names of tools, models and reasons either", async () => {
    const words = JSON.stringify("x\n\ndata: [DONE]\n\nevent: error\ndata: {}\n\n").slice(1, -1);
    for (const [from, model] of Object.entries(TARGETS)) {
      const hostile = (frame: string): string =>
        frame.replace(
          /("(?:id|model|modelVersion|responseId|finish_reason|stop_reason|finishReason|name)":\s*")([^"]*)"/g,
          `$1$2${words}"`,
        );
      upstream.answer = (arrived) => {
        const { recording, isStream } = wayOf(arrived);
        return isStream
          ? sendStream(arrived, recording.frames.map(hostile), recording.streamType)
          : sendWhole(arrived, hostile(recording.whole));
      };
      for (const to of SSE_RECORDINGS) {
        if (OF[from as DialectName] === to) continue;
        const answer = await ask(gateway.url, stream(to), { model });
        expect(() => framesIn(answer.text)).not.toThrow();
      }
    }
  });
});

describe("statuses and ends that are none", () => {
  const serve = async (bytes: string): Promise<Asked[]> => {
    upstream.answer = async (arrived) => {
      await arrived.send(bytes);
      arrived.fin();
    };
    const answers = [await ask(gateway.url, whole(CHAT)), await ask(gateway.url, stream(MESSAGES))];
    upstream.answer = (arrived) => answerWell(arrived);
    // Each failure is followed by a good answer, so that no breaker is what answers.
    for (const way of [whole(CHAT), stream(MESSAGES)]) expect((await ask(gateway.url, way)).status).toBe(200);
    return answers;
  };

  test.each([
    [
      "a switch of protocols",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ],
    ["no content", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["no content that has content", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello"],
    ["a reset of content", "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"],
    [
      "a part of a file",
      'HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-1/9\r\ncontent-length: 2\r\n\r\n{"',
    ],
    ["an unchanged file", "HTTP/1.1 304 Not Modified\r\n\r\n"],
    ["HTTP/0.9", "<html>hello</html>"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\n{}"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\n{}"],
    ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"],
    ["a length that is too long", 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"choices":[]}'],
    ["a coding that is not known", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"],
    [
      "a length beside chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ["a header without a colon", "HTTP/1.1 200 OK\r\ncontent-length 2\r\n\r\n{}"],
    ["a NUL in a header", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\n{}"],
    ["a folded header", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\n{}"],
  ])("%s is no answer, and is told in the client's dialect", async (_, bytes) => {
    for (const { completeAtMs, status, text } of await serve(bytes)) {
      expect([completeAtMs, status >= 400]).toEqual([null, true]);
      expect(JSON.parse(text)).toHaveProperty("error");
    }
  });

  test("what comes in trailers stays with the upstream", async () => {
    upstream.answer = async (arrived) => {
      const { whole: body } = wayOf(arrived).recording;
      const head = replyHead("200 OK", { "content-type": "application/json", trailer: "x-leak" }, "chunked");
      const size = Buffer.byteLength(body).toString(16);
      await arrived.send(
        `${head}${size}\r\n${body}\r\n0\r\nx-leak: ${CREDENTIALS[0]}\r\nset-cookie: a=b\r\n\r\n`,
      );
    };
    const reply = await ask(gateway.url, whole(CHAT));
    expect(reply.status).toBe(200);
    expect(reply.text).not.toContain("x-leak");
    for (const credential of CREDENTIALS) expect(gateway.log() + reply.text).not.toContain(credential);
    upstream.answer = (arrived) => answerWell(arrived);
    expect((await ask(gateway.url, whole(CHAT))).status).toBe(200);
  });
});

describe("an answer that nobody asked to be compressed", () => {
  const CODINGS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };
  const answerWith = (bytes: Buffer, coding: string): void => {
    upstream.answer = (arrived) =>
      sendWhole(arrived, bytes, { "content-type": "application/json", "content-encoding": coding });
  };

  test.each(Object.entries(CODINGS))(
    "in %s is read, spoiled it is refused, and a bomb passes in bounded memory",
    async (coding, compress) => {
      answerWith(compress(Buffer.from(CHAT.whole)), coding);
      const good = await ask(gateway.url, whole(CHAT));
      expect(good.completeAtMs).not.toBeNull();
      const restBytes = gateway.rssBytes();
      const bomb = compress(
        Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(BOMB_BYTES, "a"), Buffer.from('"}')]),
      );
      answerWith(bomb, coding);
      expect(await bytesOf(whole(CHAT))).toBeLessThanOrEqual(BOMB_BYTES + 8);
      answerWith(compress(compress(Buffer.from(CHAT.whole))), `${coding}, ${coding}`);
      expect((await ask(gateway.url, whole(CHAT))).completeAtMs).toBeNull();
      answerWith(compress(Buffer.from(CHAT.whole)).subarray(0, -6), coding);
      expect((await ask(gateway.url, whole(CHAT))).completeAtMs).toBeNull();
      expect(gateway.rssBytes() - restBytes).toBeLessThan(150 * MB);
      upstream.answer = (arrived) => answerWell(arrived);
      expect((await ask(gateway.url, whole(CHAT))).status).toBe(200);
    },
  );
});

describe("names that every object of the language has", () => {
  test("in an answer are members like others, also where it is translated", async () => {
    const members =
      '"__proto__":{"polluted":"yes","content":"injected"},"constructor":{"prototype":{"polluted":"yes"}},';
    for (const [, model] of Object.entries(TARGETS)) {
      upstream.answer = (arrived) => {
        const { recording, isStream } = wayOf(arrived);
        const hostile = (frame: string): string =>
          frame.replaceAll("{", (brace) => `${brace}${members}`).replaceAll(",}", "}");
        return isStream
          ? sendStream(arrived, recording.frames.map(hostile), recording.streamType)
          : sendWhole(arrived, hostile(recording.whole));
      };
      for (const way of WAYS) await ask(gateway.url, way, { model });
    }
    upstream.answer = (arrived) => answerWell(arrived);
    for (const way of WAYS) {
      const answer = await ask(gateway.url, way);
      expect([way.name, answer.completeAtMs !== null, answer.text.includes("polluted")]).toEqual([
        way.name,
        true,
        false,
      ]);
    }
  });
});
