// However an upstream's bytes come, a client of another dialect reads the same answer.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { answerWell, wayOf } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording, streamOf } from "../kit/recordings.ts";
import {
  askCell,
  asking,
  CELLS,
  CELLS_AND_ARRAYS,
  type Cell,
  cellOf,
  readTold,
  TEXT,
  translatedToml,
} from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The client's stream for these pieces of the upstream's stream, without ids and times. */
async function streamed(cell: Cell, pieces: readonly (Uint8Array | string)[]): Promise<string> {
  upstream.answer = (arrived) => sendStream(arrived, pieces, cell.upstream.streamType);
  const reply = await askCell(gateway, cell, true);
  return reply.body
    .toString()
    .replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, "ID")
    .replaceAll(/"(created|created_at)":\d+/g, '"$1":0');
}

const halves = (bytes: Buffer, at: number): Buffer[] => [bytes.subarray(0, at), bytes.subarray(at)];
const singly = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
/** Line ends as LF: Google's own are CRLF. */
const plain = (recording: Recording): readonly string[] =>
  recording.frames.map((frame) => frame.replaceAll("\r\n", "\n"));

for (const cell of CELLS_AND_ARRAYS) {
  test(`H-1 ${cell.name}: characters split anywhere, and every byte by itself`, async () => {
    const bytes = streamOf(cell.upstream);
    const whole = await streamed(cell, [bytes]);
    expect(readTold(cell.client, true, whole)).toMatchObject({ text: TEXT, isEnded: true });
    const inside = Array.from(bytes.keys()).filter((at) => ((bytes[at] as number) & 0xc0) === 0x80);
    for (const at of inside.filter((_, i) => IS_FULL || i % 4 === 0)) {
      const split = await streamed(cell, halves(bytes, at));
      if (split !== whole) expect([at, split]).toEqual([at, whole]);
    }
    expect(await streamed(cell, singly(bytes))).toBe(whole);
  }, 600_000);
}

for (const cell of CELLS) {
  test(`H-2 ${cell.name}: CRLF, lone CR and both, split between CR and LF`, async () => {
    const expected = await streamed(cell, plain(cell.upstream));
    const crlf = Buffer.from(plain(cell.upstream).join("").replaceAll("\n", "\r\n"));
    const cr = Buffer.from(plain(cell.upstream).join("").replaceAll("\n", "\r"));
    const mixed = Buffer.from(
      plain(cell.upstream)
        .map((frame, i) => frame.replaceAll("\n", ["\r\n", "\r", "\n"][i % 3] as string))
        .join(""),
    );
    for (const bytes of [crlf, cr, mixed]) {
      expect(await streamed(cell, [bytes])).toBe(expected);
      expect(await streamed(cell, singly(bytes))).toBe(expected);
      // Each CR is a piece's last byte once, all at the same time.
      const pieces = bytes
        .toString("latin1")
        .split(/(?<=\r)/)
        .map((piece) => Buffer.from(piece, "latin1"));
      expect(await streamed(cell, pieces)).toBe(expected);
    }
  }, 600_000);
}

const SPELLINGS: Readonly<Record<string, (frames: readonly string[]) => string>> = {
  "no space behind the colon": (frames) => frames.join("").replaceAll("data: ", "data:"),
  "two spaces behind the colon": (frames) => frames.join("").replaceAll("data: ", "data:  "),
  "several data lines": (frames) => frames.join("").replaceAll(/^data: \{/gm, "data: {\ndata:"),
  "data without a colon": (frames) => frames.map((frame) => `data\n\n${frame}`).join(""),
};
const BESIDE: Readonly<Record<string, (frames: readonly string[]) => string>> = {
  "a byte order mark": (frames) => `\uFEFF${frames.join("")}`,
  "comments between events and in them": (frames) =>
    frames.map((frame) => `: OPENROUTER PROCESSING\n\n: keep-alive\n${frame}:\n`).join(""),
  "id and retry fields": (frames) => `retry: 10\n\n${frames.map((frame) => `id: 7\n${frame}`).join("")}`,
  "line separators of Unicode": (frames) => frames.join("").replaceAll("leads", "le\u2028a\u2029d\u0085s"),
};

for (const [number, spellings] of [
  ["H-3", SPELLINGS],
  ["H-4", BESIDE],
] as const) {
  for (const [name, spell] of Object.entries(spellings)) {
    test(`${number} ${name}: read as the same events`, async () => {
      for (const cell of CELLS) {
        const expected = (await streamed(cell, plain(cell.upstream))).replaceAll(
          "leads",
          name.includes("Unicode") ? "le\u2028a\u2029d\u0085s" : "leads",
        );
        const bytes = Buffer.from(spell(plain(cell.upstream)));
        for (const pieces of [[bytes], singly(bytes)])
          expect([cell.name, await streamed(cell, pieces)]).toEqual([cell.name, expected]);
      }
    }, 600_000);
  }
}

const UNKNOWN: Readonly<Record<string, readonly string[]>> = {
  "openai-chat": [
    'data: {"id":"x","object":"chat.news","choices":[{"index":0,"delta":{"aura":{"x":1}},"finish_reason":null}]}\n\n',
    'event: news\ndata: {"news":true}\n\n',
  ],
  "openai-responses": [
    'event: response.aura.delta\ndata: {"type":"response.aura.delta","delta":"??","sequence_number":99}\n\n',
    'event: response.output_item.added\ndata: {"type":"response.output_item.added","output_index":9,"item":{"type":"aura","id":"a1"},"sequence_number":98}\n\n',
    'event: response.output_item.done\ndata: {"type":"response.output_item.done","output_index":9,"item":{"type":"aura","id":"a1"},"sequence_number":97}\n\n',
  ],
  "anthropic-messages": [
    'event: news\ndata: {"type":"news","x":1}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"aura_delta","aura":"??"}}\n\n',
  ],
  gemini: ['data: {"candidates":[{"content":{"role":"model","parts":[{"aura":{"x":1}}]},"index":0}]}\n\n'],
};

for (const cell of CELLS) {
  test(`H-5 ${cell.name}: events, deltas and parts that nobody knows are skipped`, async () => {
    const frames = plain(cell.upstream);
    const expected = readTold(cell.client, true, await streamed(cell, frames));
    const at = cell.upstream.dialect === "gemini" ? 2 : 5;
    const odd = [...frames.slice(0, at), ...(UNKNOWN[cell.upstream.dialect] ?? []), ...frames.slice(at)];
    for (const pieces of [odd, singly(Buffer.from(odd.join("")))]) {
      const body = await streamed(cell, pieces);
      const { frames: _, ...told } = readTold(cell.client, true, body);
      const { frames: __, ...wanted } = expected;
      expect(told).toEqual(wanted);
      expect(body).not.toMatch(/aura|news|\?\?/);
    }
  });
}

const MB = 1024 * 1024;

/** A stream with one delta of that much text. */
function fatStream(recording: Recording, sizeBytes: number): Buffer {
  const fat = "x".repeat(sizeBytes);
  // Only dialects that stream the text once: an event that repeats the whole text would double the length.
  return Buffer.from(
    recording.frames
      .map((frame) => (frame.includes('" leads — "') ? frame.replace(" leads — ", fat) : frame))
      .join(""),
  );
}

for (const cell of [
  cellOf("openai-chat", "anthropic-messages"),
  cellOf("anthropic-messages", "openai-responses"),
  cellOf("openai-responses", "gemini"),
  cellOf("gemini", "openai-chat"),
]) {
  test(`H-6 ${cell.name}: one line of 20 MB passes in linear time`, async () => {
    const bytes = fatStream(cell.upstream, 20 * MB);
    upstream.answer = (arrived) => sendWhole(arrived, bytes, { "content-type": cell.upstream.streamType });
    const { path, body } = asking(cell.client, cell.model, true);
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      body,
    });
    const told = readTold(cell.client, true, await reply.text());
    expect([told.isEnded, told.error]).toEqual([true, null]);
    expect(told.text.length).toBeGreaterThan(20 * MB);
  }, 600_000);
}

test("H-6 one line beyond server.reply_limit_bytes: an error in the stream, and the upstream is left", async () => {
  const narrow = await startGateway({
    toml: translatedToml(upstream.url),
    server: `reply_limit_bytes = ${MB}`,
  });
  try {
    upstream.forget();
    upstream.answer = async (arrived) => {
      const { recording } = wayOf(arrived);
      await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
      // The stream never ends: only a gateway that gives up closes it.
      await arrived.send(chunkOf(fatStream(recording, 3 * MB)));
    };
    const replies = await Promise.all(CELLS.map((cell) => askCell(narrow, cell, true)));
    for (const [i, reply] of replies.entries()) {
      const { name, client } = CELLS[i] as Cell;
      const text = reply.body.toString();
      const told = readTold(client, true, text);
      expect([name, reply.isWhole, told.isEnded]).toEqual([name, true, false]);
      expect(told.error).not.toBeNull();
    }
    await Promise.all(upstream.seen.map((arrived) => arrived.closed));
  } finally {
    await narrow.close();
  }
}, 600_000);

test("H-6 a whole reply beyond server.reply_limit_bytes is an error of the upstream", async () => {
  const narrow = await startGateway({
    toml: translatedToml(upstream.url),
    server: `reply_limit_bytes = ${MB}`,
  });
  try {
    const cell = cellOf("anthropic-messages", "openai-chat");
    upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole.replace("leads", "x".repeat(2 * MB)));
    const reply = await askCell(narrow, cell, false);
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(JSON.parse(reply.body.toString())).toMatchObject({ type: "error", error: { type: "api_error" } });
    upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole.replace("leads", "x".repeat(MB / 2)));
    expect((await askCell(narrow, cell, false)).status).toBe(200);
  } finally {
    await narrow.close();
  }
});

test("H-10 a Chat stream that ends behind its finish reason, without [DONE], is whole", async () => {
  for (const client of [RESPONSES, MESSAGES, GEMINI]) {
    const cell = cellOf(client.dialect, "openai-chat");
    for (const upTo of [CHAT.terminalFrom + 1, CHAT.frames.length - 1]) {
      const frames = CHAT.frames.slice(0, upTo);
      for (const pieces of [frames, singly(Buffer.from(frames.join("")))]) {
        const told = readTold(client, true, await streamed(cell, pieces));
        expect([cell.name, told.text, told.isEnded, told.error]).toEqual([cell.name, TEXT, true, null]);
      }
    }
  }
});

test("H-11 what comes behind [DONE] is not read", async () => {
  for (const client of [RESPONSES, MESSAGES, GEMINI]) {
    const cell = cellOf(client.dialect, "openai-chat");
    const expected = await streamed(cell, CHAT.frames);
    const more = [...CHAT.frames, (CHAT.frames[1] as string).replace("The clew", "late"), "data: [DONE]\n\n"];
    for (const pieces of [more, [more.join("")], singly(Buffer.from(more.join("")))])
      expect(await streamed(cell, pieces)).toBe(expected);
  }
});

test("H-12 every answer ends with its last mark, although the upstream stays open", async () => {
  upstream.forget();
  upstream.answer = async (arrived) => {
    const { recording } = wayOf(arrived);
    await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
    await arrived.send(chunkOf(streamOf(recording)));
  };
  const replies = await Promise.all(CELLS.map((cell) => askCell(gateway, cell, true)));
  for (const [i, reply] of replies.entries()) {
    const { name, client } = CELLS[i] as Cell;
    expect([name, reply.isWhole]).toEqual([name, true]);
    expect(readTold(client, true, reply.body.toString())).toMatchObject({ text: TEXT, isEnded: true });
  }
  // The gateway closes the sockets as well.
  await Promise.all(upstream.seen.map((arrived) => arrived.closed));
}, 600_000);

const ENCODERS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

for (const [encoding, compress] of Object.entries(ENCODERS)) {
  test(`H-19 replies compressed with ${encoding} are read: streams, whole answers and errors`, async () => {
    for (const cell of CELLS) {
      const headers = { "content-type": "application/json", "content-encoding": encoding };
      upstream.answer = (arrived) => sendWhole(arrived, compress(cell.upstream.whole), headers);
      const whole = await askCell(gateway, cell, false);
      expect(readTold(cell.client, false, whole.body.toString())).toMatchObject({ text: TEXT });
      expect(whole.headers.get("content-encoding")).toBeUndefined();
      upstream.answer = (arrived) =>
        sendWhole(arrived, compress(streamOf(cell.upstream)), {
          ...headers,
          "content-type": cell.upstream.streamType,
        });
      const stream = await askCell(gateway, cell, true);
      expect(readTold(cell.client, true, stream.body.toString())).toMatchObject({ text: TEXT });
      const error = '{"type":"error","error":{"code":400,"type":"invalid_request_error","message":"no é"}}';
      upstream.answer = (arrived) => sendWhole(arrived, compress(error), headers, "400 Bad Request");
      const refused = await askCell(gateway, cell, true);
      expect([refused.status, refused.headers.get("content-encoding")]).toEqual([400, undefined]);
      expect(refused.body.toString()).toContain("no é");
    }
  });
}

test("H-20 a compressed request is translated like any other", async () => {
  for (const cell of CELLS) {
    for (const [encoding, compress] of Object.entries(ENCODERS)) {
      upstream.forget();
      upstream.answer = (arrived) => answerWell(arrived);
      const { path, body } = asking(cell.client, cell.model, false);
      await request(gateway.port, path, { body });
      const reply = await request(gateway.port, path, {
        body: compress(body),
        headers: { "content-length": String(compress(body).length), "content-encoding": encoding },
      });
      expect([cell.name, encoding, reply.status]).toEqual([cell.name, encoding, 200]);
      expect(upstream.seen[1]?.body.equals(upstream.seen[0]?.body as Buffer)).toBe(true);
      expect(upstream.seen[1]?.headers.get("content-encoding")).toBeUndefined();
    }
  }
});
