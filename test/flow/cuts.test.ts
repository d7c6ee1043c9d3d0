// An upstream that is cut off is never shown as a finished answer, wherever the cut falls and however it is
// made.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { openClient, type RawReply, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import {
  CHAT,
  familiesToml,
  GEMINI,
  GEMINI_ARRAY,
  MESSAGES,
  RECORDINGS,
  RESPONSES,
  type Recording,
  SSE_RECORDINGS,
  streamOf,
} from "../kit/recordings.ts";
import { readTold, TEXT } from "./translated.ts";

// Each repeat follows a pause, and some tests make many.
setDefaultTimeout(120_000);

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined, { lists: "apart" });
  gateway = await startGateway({ toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n") });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** How a connection goes away: `short` is a FIN before the announced length. */
const WAYS = ["fin", "rst", "short"] as const;
type Way = (typeof WAYS)[number];

function makeHead(type: string, way: Way, bytes: Buffer): string {
  return replyHead("200 OK", { "content-type": type }, way === "short" ? bytes.length + 1_000 : "chunked");
}

/** Sends the first `sizeBytes` of a stream and lets the connection go. */
async function sendCut(arrived: Arrived, recording: Recording, sizeBytes: number, way: Way): Promise<void> {
  const bytes = streamOf(recording);
  await arrived.send(makeHead(recording.streamType, way, bytes));
  const sent = bytes.subarray(0, sizeBytes);
  if (sent.length > 0) await arrived.send(way === "short" ? sent : chunkOf(sent));
  await arrived.untilRead();
  if (way === "rst") arrived.rst();
  else arrived.fin();
}

/** Cuts the first attempt; others, if any come, get the whole answer. */
async function streamCutAt(recording: Recording, sizeBytes: number, way: Way): Promise<RawReply> {
  upstream.forget();
  upstream.answer = (arrived) =>
    upstream.seen.length === 1
      ? sendCut(arrived, recording, sizeBytes, way)
      : sendStream(arrived, recording.frames, recording.streamType);
  return await request(gateway.port, recording.streamPath, { body: recording.body(true) });
}

/** Offsets of a stream at which it is cut: all, or some of them and those around every frame's end. */
function offsetsOf(recording: Recording): number[] {
  const size = streamOf(recording).length;
  const offsets = new Set<number>();
  for (let at = 0; at < size; at += IS_FULL ? 1 : 173) offsets.add(at);
  let end = 0;
  for (const frame of recording.frames) {
    end += Buffer.byteLength(frame);
    for (const at of [end - 1, end]) if (at < size) offsets.add(at);
  }
  return [...offsets].toSorted((a, b) => a - b);
}

function isAnsweredWhole(recording: Recording, sizeBytes: number): boolean {
  const frames = recording.frames.slice(0, recording.terminalFrom + 1).join("");
  // A lone CR closes a line as well.
  return sizeBytes >= Buffer.byteLength(frames) - (frames.endsWith("\r\n") ? 1 : 0);
}

/** Matches an in-band error in a stream of this type. */
function isInBandError(recording: Recording, text: string): boolean {
  return recording.errorMark.test(text) || (recording.dialect === "gemini" && GEMINI.errorMark.test(text));
}

/** The fault of a client's stream whose upstream was cut at an offset; null when there is none. */
function findFault(recording: Recording, sizeBytes: number, reply: RawReply): string | null {
  const text = reply.body.toString();
  const whole = recording.frames.join("");
  if (upstream.seen.length > 1) {
    if (text !== whole) return "a second attempt did not give the whole stream alone";
    return null;
  }
  if (reply.status !== 200) return `status ${reply.status} although a retry was possible`;
  if (!reply.isWhole) return "the connection was cut instead of an error being told";
  if (isAnsweredWhole(recording, sizeBytes)) return whole.startsWith(text) ? null : "something was added";
  if (!recording.errorMark.test(text)) return "no error in the dialect at the end";
  const error = recording.errorMark.exec(text) as RegExpExecArray;
  for (const mark of recording.endMarks) {
    if (error[0].includes(mark)) return `${mark} is shown`;
  }
  let before = text.slice(0, error.index);
  if (recording === GEMINI_ARRAY) before = before.replace(/[,[]$/, "");
  if (!whole.startsWith(before)) return "what came before the error is not what was sent";
  return null;
}

for (const recording of RECORDINGS) {
  test(`H-8, H-9 ${recording.name}: a stream that is cut anywhere is repeated or ends in an error, never well`, async () => {
    let retries = 0;
    const cutIds: string[] = [];
    for (const [i, sizeBytes] of offsetsOf(recording).entries()) {
      for (const way of IS_FULL ? WAYS : [WAYS[i % WAYS.length] as Way]) {
        const reply = await streamCutAt(recording, sizeBytes, way);
        const fault = findFault(recording, sizeBytes, reply);
        expect([sizeBytes, way, fault, fault === null ? "" : reply.body.toString()]).toEqual([
          sizeBytes,
          way,
          null,
          "",
        ]);
        if (upstream.seen.length > 1) retries += 1;
        else if (!isAnsweredWhole(recording, sizeBytes)) cutIds.push(reply.headers.get("x-request-id") ?? "");
      }
    }
    expect(retries).toBeGreaterThan(0);
    const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
    for (const id of cutIds) {
      expect(rows.get(id)).toMatchObject({ outcome: "upstream_cut", error_kind: "upstream_cut" });
      expect(rows.get(id)?.usage_state).not.toBe("final");
    }
    expect(cutIds.length).toBeGreaterThan(0);
  }, 1_200_000);
}

test("H-8 usage that was said before a cut is on the record, with an estimate of what followed", async () => {
  const upTo = Buffer.byteLength(MESSAGES.frames.slice(0, 6).join(""));
  const reply = await streamCutAt(MESSAGES, upTo, "fin");
  expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
    status: 200,
    outcome: "upstream_cut",
    usage_state: "estimated",
    input_tokens: MESSAGES.inputTokens,
  });
});

test("H-9 a cut before the first frame is repeated: the client sees one stream with one start", async () => {
  for (const recording of RECORDINGS) {
    for (const way of WAYS) {
      const reply = await streamCutAt(recording, 10, way);
      expect([recording.name, way, upstream.seen.length]).toEqual([recording.name, way, 2]);
      expect(reply.body.toString()).toBe(recording.frames.join(""));
      expect(upstream.seen[1]?.body).toEqual(upstream.seen[0]?.body as Buffer);
      expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
        attempts: 2,
        outcome: "ok",
      });
    }
  }
});

test("H-9 a connection that is closed without any reply is tried again, but not for ever", async () => {
  for (const recording of SSE_RECORDINGS) {
    for (const end of [(arrived: Arrived) => arrived.fin(), (arrived: Arrived) => arrived.rst()]) {
      upstream.forget();
      upstream.answer = end;
      const reply = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
      expect(upstream.seen.length).toBeGreaterThanOrEqual(2);
      // Three attempts, the first of which may meet a connection that was used before.
      expect(upstream.seen.length).toBeLessThanOrEqual(4);
      expect(reply.status).toBeGreaterThanOrEqual(500);
      expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
    }
  }
});

test("H-9 a JSON reply that breaks off is tried again, and an error when it keeps breaking", async () => {
  for (const recording of SSE_RECORDINGS) {
    const bytes = Buffer.from(recording.whole);
    const breakOff = async (arrived: Arrived, at: number, framing: "chunked" | number): Promise<void> => {
      await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, framing));
      await arrived.send(framing === "chunked" ? chunkOf(bytes.subarray(0, at)) : bytes.subarray(0, at));
      arrived.fin();
    };
    for (const framing of ["chunked", bytes.length] as const) {
      for (const at of [1, 40, bytes.length - 1]) {
        upstream.forget();
        upstream.answer = (arrived) =>
          upstream.seen.length < 2 ? breakOff(arrived, at, framing) : sendWhole(arrived, recording.whole);
        const good = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
        expect([good.status, good.body.toString()]).toEqual([200, recording.whole]);

        upstream.forget();
        upstream.answer = (arrived) => breakOff(arrived, at, framing);
        const bad = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
        expect(upstream.seen.length).toBeGreaterThanOrEqual(2);
        expect(upstream.seen.length).toBeLessThanOrEqual(3);
        expect([500, 502, 503]).toContain(bad.status);
        expect(bad.isWhole).toBe(true);
      }
    }
  }
});

test("a large JSON reply that breaks off never looks whole", async () => {
  const bytes = Buffer.from(CHAT.whole.replace("The clew", `The clew${"x".repeat(3_000_000)}`));
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
    await arrived.send(chunkOf(bytes.subarray(0, bytes.length - 400)));
    arrived.fin();
  };
  const reply = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
  expect(reply.status === 200 ? reply.isWhole : false).toBe(false);
  upstream.answer = (arrived) => sendStream(arrived, [bytes], "application/json");
  const good = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
  expect([good.status, good.isWhole, good.body.equals(bytes)]).toEqual([200, true, true]);
});

const GARBAGE: Readonly<Record<string, (arrived: Arrived) => Promise<void>>> = {
  "an HTML page": (arrived) =>
    sendWhole(arrived, "<html><body>Sign in</body></html>", { "content-type": "text/html" }),
  "an empty body": (arrived) => sendWhole(arrived, ""),
  "no JSON": (arrived) => sendWhole(arrived, "upstream connect error"),
  "an empty stream": (arrived) => sendStream(arrived, []),
  "a stream of comments only": (arrived) => sendStream(arrived, [": hi\n\n", ": ho\n\n"]),
  "an empty chunked body": async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
    await arrived.send(LAST_CHUNK);
  },
};

for (const [name, answer] of Object.entries(GARBAGE)) {
  test(`H-15 200 with ${name} is an error of the upstream, in the dialect, and costs no credential`, async () => {
    for (const recording of RECORDINGS) {
      for (const [path, isStream] of [
        [recording.wholePath, false],
        [recording.streamPath, true],
      ] as const) {
        upstream.answer = answer;
        const reply = await request(gateway.port, path, { body: recording.body(isStream) });
        const text = reply.body.toString();
        if (reply.status === 200)
          expect([recording.name, text, isInBandError(recording, text)]).toEqual([
            recording.name,
            text,
            true,
          ]);
        else {
          expect([recording.name, reply.status]).toEqual([
            recording.name,
            reply.status >= 500 ? reply.status : 502,
          ]);
          expect(JSON.parse(text)).toHaveProperty("error");
        }
        upstream.answer = (arrived) => sendWhole(arrived, recording.whole);
        const next = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
        expect(next.status).toBe(200);
      }
    }
  });
}

const OVERLOADED: Readonly<Record<string, string>> = {
  "openai-chat": 'data: {"error":{"message":"busy","type":"server_error","code":"server_is_overloaded"}}\n\n',
  "openai-responses":
    'event: error\ndata: {"type":"error","code":"server_error","message":"busy","param":null,"sequence_number":0}\n\n',
  "anthropic-messages":
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
  gemini: 'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n\n',
};
const REFUSED: Readonly<Record<string, string>> = {
  "openai-chat":
    'data: {"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}\n\n',
  "openai-responses":
    'event: error\ndata: {"type":"error","code":"context_length_exceeded","message":"too long","param":"input","sequence_number":0}\n\n',
  "anthropic-messages":
    'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"too long"}}\n\n',
  gemini: 'data: {"error":{"code":400,"message":"too long","status":"INVALID_ARGUMENT"}}\n\n',
};

for (const recording of SSE_RECORDINGS) {
  test(`H-13 ${recording.name}: a stream that begins with an overload is repeated, one with a refusal becomes its status`, async () => {
    upstream.forget();
    upstream.answer = (arrived) =>
      upstream.seen.length === 1
        ? sendStream(arrived, [OVERLOADED[recording.dialect] as string])
        : sendStream(arrived, recording.frames, recording.streamType);
    const repeated = await request(gateway.port, recording.streamPath, { body: recording.body(true) });
    expect(repeated.body.toString()).toBe(recording.frames.join(""));
    expect(upstream.seen).toHaveLength(2);

    upstream.forget();
    upstream.answer = (arrived) => sendStream(arrived, [REFUSED[recording.dialect] as string]);
    const refused = await request(gateway.port, recording.streamPath, { body: recording.body(true) });
    expect(refused.status).toBe(400);
    expect(refused.headers.get("content-type")).toBe("application/json");
    expect(refused.body.toString()).toContain("too long");
    expect(JSON.parse(refused.body.toString())).toHaveProperty("error");
    expect(upstream.seen).toHaveLength(1);
  });

  test(`H-16 ${recording.name}: an error of the upstream in the midst passes as it is and the stream ends`, async () => {
    const pieces = [
      ...recording.frames.slice(0, recording.terminalFrom - 1),
      OVERLOADED[recording.dialect] as string,
    ];
    upstream.answer = (arrived) => sendStream(arrived, pieces, recording.streamType);
    const reply = await request(gateway.port, recording.streamPath, { body: recording.body(true) });
    expect(reply.body.toString()).toBe(pieces.join(""));
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({ outcome: "error" });
  });
}

test("H-10 a chat stream that ends after its finish reason, without [DONE], is a good end", async () => {
  for (const upTo of [CHAT.terminalFrom + 1, CHAT.frames.length - 1]) {
    const pieces = CHAT.frames.slice(0, upTo);
    upstream.answer = (arrived) => sendStream(arrived, pieces, CHAT.streamType);
    const reply = await request(gateway.port, CHAT.streamPath, { body: CHAT.body(true) });
    expect(reply.body.toString().startsWith(pieces.join(""))).toBe(true);
    expect(reply.body.toString()).not.toContain("error");
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({ outcome: "ok" });
  }
});

for (const recording of [CHAT, MESSAGES, RESPONSES, GEMINI_ARRAY]) {
  test(`H-12 ${recording.name}: after the last word the client's stream ends, although the upstream stays open`, async () => {
    let arrived: Arrived | null = null;
    upstream.answer = async (one) => {
      arrived = one;
      await one.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
      await one.send(chunkOf(streamOf(recording)));
    };
    const client = await openClient(gateway.port);
    client.send(requestBytes(recording.streamPath, { body: recording.body(true) }));
    const reply = await client.reply();
    expect([reply.isWhole, reply.body.toString()]).toEqual([true, recording.frames.join("")]);
    client.leave();
    // The gateway closes the upstream's connection as well.
    await (arrived as Arrived | null)?.closed;
  });
}

for (const recording of RECORDINGS) {
  test(`H-14 ${recording.name}: an answer of another form than was asked for becomes what was asked for`, async () => {
    // The head does not tell a JSON object from a JSON array: the reply is refused, see below.
    const isArray = recording === GEMINI_ARRAY;
    const events = isArray ? GEMINI : recording;
    upstream.answer = (arrived) =>
      isArray ? sendStream(arrived, events.frames) : sendWhole(arrived, recording.whole);
    const streamed = await request(gateway.port, recording.streamPath, { body: recording.body(true) });
    upstream.answer = (arrived) => sendStream(arrived, events.frames, events.streamType);
    const whole = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
    for (const [isStream, reply] of [
      [true, streamed],
      [false, whole],
    ] as const) {
      const told = readTold(recording, isStream, reply.body.toString());
      expect([isStream, reply.status, reply.isWhole, told.text, told.isEnded]).toEqual([
        isStream,
        200,
        true,
        TEXT,
        true,
      ]);
      expect([told.inputTokens, told.outputTokens]).toEqual([recording.inputTokens, recording.outputTokens]);
      expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
        outcome: "ok",
        input_tokens: recording.inputTokens,
        output_tokens: recording.outputTokens,
      });
    }
  });
}

test("H-14 one JSON object where Gemini's array was asked for is an error of the upstream, not an answer", async () => {
  upstream.answer = (arrived) => sendWhole(arrived, GEMINI.whole);
  const reply = await request(gateway.port, GEMINI_ARRAY.streamPath, { body: GEMINI_ARRAY.body(true) });
  expect(reply.status).toBeGreaterThanOrEqual(500);
  expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
});
