// Between a client and an upstream of one dialect, bytes pass as they are, in both directions.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import {
  CHAT,
  familiesToml,
  GEMINI,
  MESSAGES,
  RECORDINGS,
  RESPONSES,
  type Recording,
  SSE_RECORDINGS,
  streamOf,
} from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, "{}"));
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      familiesToml(upstream.url),
      upstreamToml("plain", "openai", `${upstream.url}/v1`, { lines: "inject_usage = false" }),
      '[[models]]\nname = "house"\ntargets = ["openai/gpt-4.1"]',
      '[[models]]\nname = "maison-é"\ntargets = ["anthropic/claude-haiku-4-5"]',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Sends a body where a whole answer comes back, and returns the bytes that the upstream got. */
async function relayed(recording: Recording, path: string, body: string | Uint8Array): Promise<Buffer> {
  upstream.forget();
  upstream.answer = (arrived) => sendWhole(arrived, recording.whole);
  const reply = await request(gateway.port, path, { body });
  expect(reply.status).toBe(200);
  expect(upstream.seen).toHaveLength(1);
  return (upstream.seen[0] as RawUpstream["seen"][number]).body;
}

async function streamed(
  recording: Recording,
  pieces: readonly (string | Uint8Array)[],
  type = recording.streamType,
): Promise<RawReply> {
  upstream.answer = (arrived) => sendStream(arrived, pieces, type);
  return await request(gateway.port, recording.streamPath, { body: recording.body(true) });
}

/** Bodies that a parser and a printer would change. */
const ODD_MEMBERS = [
  '"metadata": {"model":"inner","a":1.0,"b":1e2,"c":9007199254740993,"d":-0.0,"e":1E+2}',
  '"x":"\\ud83d","y":"\\u0041\\/ \\u2028"',
  '"z":1, "z":2',
  '"10":1,"2":2,"__proto__":{"polluted":true}',
  '"tools":[{"model":"gpt-9","name":"model"}]',
].join(" ,\t");

const ODD_REQUESTS: readonly (readonly [Recording, string, (model: string) => string])[] = [
  [CHAT, CHAT.wholePath, (model) => ` {${ODD_MEMBERS}, "model" : ${model} , "messages":[] }\r\n \t`],
  [RESPONSES, RESPONSES.wholePath, (model) => `{"input":[{"model":"x"}],"model":${model},${ODD_MEMBERS}}`],
  [
    MESSAGES,
    MESSAGES.wholePath,
    (model) => `\n{"messages" :[{"model":1}],"model":${model},${ODD_MEMBERS}}\n\n`,
  ],
];

for (const [recording, path, body] of ODD_REQUESTS) {
  test(`H-27 ${recording.name}: a request that keeps its model passes byte for byte`, async () => {
    const sent = body(JSON.stringify(recording.model));
    expect((await relayed(recording, path, sent)).toString()).toBe(sent);
  });

  test(`H-28 ${recording.name}: of a renamed model's request only the model's value changes`, async () => {
    const prefixed = JSON.stringify(`${recording.family}/${recording.model}`);
    const got = await relayed(recording, path, body(prefixed));
    expect(got.toString()).toBe(body(JSON.stringify(recording.model)));
  });
}

test("H-27 gemini: a request passes byte for byte, whatever model its path names", async () => {
  const sent = `{ "contents" : [ {"model":"x"} ], "model":"models/other", ${ODD_MEMBERS} }  `;
  const got = await relayed(GEMINI, "/v1beta/models/gemini%2Fgemini-3-flash:generateContent", sent);
  expect(got.toString()).toBe(sent);
  expect(upstream.seen[0]?.target).toBe("/v1beta/models/gemini-3-flash:generateContent");
});

test("H-28 a model's key that is written with escapes is the model", async () => {
  const got = await relayed(CHAT, CHAT.wholePath, '{"mod\\u0065l":"ho\\u0075se","messages":[]}');
  expect(got.toString()).toBe('{"mod\\u0065l":"gpt-4.1","messages":[]}');
});

test("a model's name outside ASCII is understood, escaped or not", async () => {
  for (const written of ["maison-é", "maison-\\u00e9"]) {
    const got = await relayed(MESSAGES, MESSAGES.wholePath, `{"a":"é","model":"${written}","b":"é"}`);
    expect(got.toString()).toBe('{"a":"é","model":"claude-haiku-4-5","b":"é"}');
  }
});

test("H-27 bytes that are no valid UTF-8 pass as they are", async () => {
  const sent = Buffer.concat([
    Buffer.from('{"model":"gpt-4.1","messages":[{"role":"user","content":"'),
    Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    Buffer.from('"}]}'),
  ]);
  const got = await relayed(CHAT, CHAT.wholePath, sent);
  expect(got.equals(sent)).toBe(true);
});

test("a large request passes byte for byte", async () => {
  const sent = `{"messages":[{"role":"user","content":"${"\\n é".repeat(900_000)}"}],"model":"house"}`;
  const got = await relayed(CHAT, CHAT.wholePath, sent);
  expect(got.equals(Buffer.from(sent.replace('"house"', '"gpt-4.1"')))).toBe(true);
});

test("H-27, H-28 random JSON bodies pass byte for byte around the model", async () => {
  const member = fc.tuple(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 3 }));
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 6 }), fc.nat(6), async (members, place) => {
      const others = members.filter(([name]) => !["model", "stream", "stream_options"].includes(name));
      const parts = others.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
      const at = Math.min(place, parts.length);
      const body = (model: string) => `{${parts.toSpliced(at, 0, `"model":"${model}"`).join(" , ")}}`;
      expect((await relayed(CHAT, CHAT.wholePath, body("house"))).toString()).toBe(body("gpt-4.1"));
    }),
    { numRuns: IS_FULL ? 500 : 40 },
  );
});

for (const recording of SSE_RECORDINGS) {
  test(`H-29 ${recording.name}: a whole reply passes with its bytes, status and type`, async () => {
    const body = ` ${recording.whole.replaceAll(",", " ,")}\r\n\n`;
    upstream.answer = (arrived) =>
      sendWhole(arrived, body, { "content-type": "application/json; charset=x", "x-new": "1" }, "201 Made");
    const reply = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
    expect(reply.body.toString()).toBe(body);
    expect(reply.status).toBe(201);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=x");
    expect(reply.headers.get("x-new")).toBe("1");
  });

  test(`H-125 ${recording.name}: the provider's 400 passes byte for byte`, async () => {
    const body = '{ "error" : {"message":"no \\u00e9", "code":1.0, "type":"invalid_request_error"} }\n';
    upstream.answer = (arrived) =>
      sendWhole(arrived, body, { "content-type": "application/json" }, "400 Bad");
    const reply = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
    expect([reply.status, reply.body.toString()]).toEqual([400, body]);
  });

  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const) {
    test(`H-19 ${recording.name}: a reply compressed with ${encoding} although none was asked for is decoded`, async () => {
      const headers = { "content-type": "application/json", "content-encoding": encoding };
      upstream.answer = (arrived) => sendWhole(arrived, compress(recording.whole), headers);
      const reply = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
      expect(reply.body.toString()).toBe(recording.whole);
      expect(reply.headers.get("content-encoding")).toBeUndefined();
      upstream.answer = (arrived) =>
        sendWhole(arrived, compress(streamOf(recording)), {
          "content-type": recording.streamType,
          "content-encoding": encoding,
        });
      const stream = await request(gateway.port, recording.streamPath, { body: recording.body(true) });
      expect(stream.body.toString()).toBe(streamOf(recording).toString());
    });
  }
}

for (const recording of RECORDINGS) {
  test(`H-1 ${recording.name}: a stream passes byte for byte, in whatever pieces it comes`, async () => {
    const bytes = streamOf(recording);
    const whole = await streamed(recording, [bytes]);
    expect(whole.body.toString()).toBe(bytes.toString());
    expect(whole.headers.get("content-type")).toBe(recording.streamType);
    const byBytes = await streamed(
      recording,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    );
    expect(byBytes.body.toString()).toBe(bytes.toString());
    const step = IS_FULL ? 1 : 61;
    for (let at = 1; at < bytes.length; at += step) {
      const reply = await streamed(recording, [bytes.subarray(0, at), bytes.subarray(at)]);
      if (!reply.body.equals(bytes)) expect([at, reply.body.toString()]).toEqual([at, bytes.toString()]);
    }
  }, 600_000);

  test(`H-1 ${recording.name}: random splits change nothing`, async () => {
    const bytes = streamOf(recording);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect((await streamed(recording, pieces)).body.equals(bytes)).toBe(true);
      }),
      { numRuns: IS_FULL ? 300 : 15 },
    );
  }, 600_000);
}

/** Streams that a careless reader would print differently. */
const ODDITIES: Readonly<Record<string, (frames: readonly string[]) => string>> = {
  "H-2 a stream with CRLF line ends": (frames) =>
    frames.join("").replaceAll("\r\n", "\n").replaceAll("\n", "\r\n"),
  "H-2 a stream with lone CR line ends": (frames) =>
    frames.join("").replaceAll("\r\n", "\n").replaceAll("\n", "\r"),
  "H-4 a stream with a byte order mark": (frames) => `\uFEFF${frames.join("")}`,
  "H-4 a stream with comments and empty frames between": (frames) =>
    frames.map((frame) => `: OPENROUTER PROCESSING\n\n${frame}\n\n:\n`).join(""),
  "H-4 a stream with id and retry fields": (frames) =>
    `retry: 10\n\n${frames.map((frame) => `id: 7\n${frame}`).join("")}`,
  "H-5 a stream with unknown events": (frames) =>
    [frames[0], 'event: news\ndata: {"type":"news","x":1.0}\n\n', ...frames.slice(1)].join(""),
  "H-3 a stream with unknown fields and data without a space": (frames) =>
    frames.map((frame) => `colour: blue\n${frame.replace("data: ", "data:")}`).join(""),
  "H-3 a stream with data over several lines": (frames) =>
    frames.map((frame) => frame.replace(/^(data: \{)/m, "$1\ndata:")).join(""),
  "a stream with line separators of Unicode in a text": (frames) =>
    frames.join("").replaceAll("leads", "le\u2028a\u2029d\u0085s"),
  "H-11 a stream with text after the end": (frames) => `${frames.join("")}: bye\n\n`,
  "a stream with white space around": (frames) => `\n\n\n${frames.join("\n\n\n")}\n\n\n`,
};

for (const [name, change] of Object.entries(ODDITIES)) {
  test(`${name} passes byte for byte`, async () => {
    for (const recording of SSE_RECORDINGS) {
      const bytes = Buffer.from(change(recording.frames));
      for (const pieces of [
        [bytes],
        Array.from({ length: bytes.length / 37 + 1 }, (_, i) => bytes.subarray(i * 37, i * 37 + 37)),
      ]) {
        const reply = await streamed(recording, pieces);
        expect([recording.name, reply.isWhole, reply.body.toString()]).toEqual([
          recording.name,
          true,
          bytes.toString(),
        ]);
      }
    }
  });
}

const CHAT_BODY = '{"stream" : true, "model":"MODEL","messages":[]}';
const isUsageFrame = (frame: string): boolean => frame.includes('"choices":[]');
const withoutUsage = CHAT.frames.filter((frame) => !isUsageFrame(frame)).join("");

async function chatStream(model: string, options: string, frames = CHAT.frames): Promise<[string, RawReply]> {
  upstream.forget();
  upstream.answer = (arrived) => sendStream(arrived, frames, CHAT.streamType);
  const body = CHAT_BODY.replace("MODEL", model).replace("[]}", `[]${options}}`);
  const reply = await request(gateway.port, CHAT.streamPath, { body });
  return [upstream.seen[0]?.body.toString() ?? "", reply];
}

for (const options of [
  "",
  ',"stream_options":{}',
  ',"stream_options":null',
  ',"stream_options": {"include_usage":false }',
  ',"stream_options":{"include_obfuscation":false}',
]) {
  test(`H-42 usage is asked for on a chat stream and taken out again, with options "${options}"`, async () => {
    const [sent, reply] = await chatStream("house", options);
    expect(JSON.parse(sent)).toMatchObject({ model: "gpt-4.1", stream_options: { include_usage: true } });
    if (options.includes("obfuscation")) expect(sent).toContain('"include_obfuscation":false');
    expect(sent.startsWith('{"stream') || sent.startsWith("{")).toBe(true);
    expect(reply.body.toString()).toBe(withoutUsage);
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
      input_tokens: CHAT.inputTokens,
      output_tokens: CHAT.outputTokens,
      usage_state: "final",
    });
  });
}

test("H-43 usage that rides on the last chunk with a choice stays in the stream", async () => {
  const frames = CHAT.frames
    .filter((frame) => !isUsageFrame(frame))
    .map((frame) =>
      frame.replace(
        '"finish_reason":"stop"}],"usage":null',
        '"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}',
      ),
    );
  const [, reply] = await chatStream("house", "", frames);
  expect(reply.body.toString()).toBe(frames.join(""));
  expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
    input_tokens: 3,
    output_tokens: 4,
  });
});

test("with inject_usage off a chat stream passes as it is and its usage is an estimate, not 0", async () => {
  const [sent, reply] = await chatStream(
    "plain/gpt-4.1",
    "",
    CHAT.frames.filter((frame) => !isUsageFrame(frame)),
  );
  expect(sent).toBe(CHAT_BODY.replace("MODEL", "gpt-4.1"));
  expect(reply.body.toString()).toBe(withoutUsage);
  expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
    outcome: "ok",
    input_tokens: expect.any(Number),
    output_tokens: expect.any(Number),
    usage_state: "estimated",
  });
});
