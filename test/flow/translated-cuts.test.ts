// A translated answer that was cut off, or failed, is never shown as a finished one.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import type { RawReply } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { type Recording, streamOf } from "../kit/recordings.ts";
import { askCell, CELLS, CELLS_AND_ARRAYS, type Cell, readTold, TEXT, translatedToml } from "./translated.ts";

// Each repeat follows a pause, and some tests make many.
setDefaultTimeout(120_000);

let upstream: RawUpstream;
let gateway: Gateway;
/** With more credentials than one. */
let rich: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
  const credentials = { one: "sk-one", two: "sk-two", three: "sk-three" };
  rich = await startGateway({ toml: translatedToml(upstream.url, { credentials }) });
});
afterAll(async () => {
  await gateway?.close();
  await rich?.close();
  await upstream?.close();
});

const WAYS = ["fin", "rst", "short"] as const;
type Way = (typeof WAYS)[number];

/**
 * Sends the first `sizeBytes` of a stream and lets the connection go; `short` is a FIN before the announced
 * length.
 */
async function sendCut(arrived: Arrived, recording: Recording, sizeBytes: number, way: Way): Promise<void> {
  const bytes = streamOf(recording);
  const framing = way === "short" ? bytes.length + 1_000 : "chunked";
  await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, framing));
  const sent = bytes.subarray(0, sizeBytes);
  if (sent.length > 0) await arrived.send(way === "short" ? sent : chunkOf(sent));
  await arrived.untilRead();
  if (way === "rst") arrived.rst();
  else arrived.fin();
}

/** Cuts the first attempt; others, if any come, get the whole answer. */
async function cutAt(cell: Cell, sizeBytes: number, way: Way): Promise<RawReply> {
  upstream.forget();
  upstream.answer = (arrived) =>
    upstream.seen.length === 1 ? sendCut(arrived, cell.upstream, sizeBytes, way) : answerWell(arrived);
  return await askCell(gateway, cell, true);
}

/**
 * Bytes of the upstream's stream that hold the whole answer: Claude's end mark adds nothing to its stop
 * reason.
 */
function wholeFrom({ dialect, frames, terminalFrom }: Recording): number {
  const last = dialect === "anthropic-messages" ? terminalFrom - 1 : terminalFrom;
  const upTo = frames.slice(0, last + 1).join("");
  return Buffer.byteLength(upTo) - (upTo.endsWith("\r\n") ? 1 : 0);
}

function offsetsOf(recording: Recording): number[] {
  const size = streamOf(recording).length;
  const offsets = new Set<number>();
  for (let at = 0; at < size; at += IS_FULL ? 7 : 409) offsets.add(at);
  let end = 0;
  for (const frame of recording.frames) {
    end += Buffer.byteLength(frame);
    for (const at of [end - 1, end]) if (at < size) offsets.add(at);
  }
  return [...offsets].toSorted((a, b) => a - b);
}

/** The fault of a client's reply; null when there is none. */
function findFault(cell: Cell, sizeBytes: number, reply: RawReply): string | null {
  if (reply.status !== 200) return `status ${reply.status} although a retry was possible`;
  if (!reply.isWhole) return "the connection was cut instead of an error being told";
  const text = reply.body.toString();
  const told = readTold(cell.client, true, text);
  if (upstream.seen.length > 1)
    return told.isEnded && told.text === TEXT ? null : "the second attempt is not the answer";
  if (sizeBytes >= wholeFrom(cell.upstream)) {
    return told.isEnded && told.text === TEXT ? null : "nothing was missing, but it is not a whole answer";
  }
  if (told.isEnded) return "a good end";
  if (!cell.client.errorMark.test(text)) return "no error in the dialect at the end";
  if (told.finish !== null) return `a finish reason: ${told.finish}`;
  return TEXT.startsWith(told.text) ? null : "what came before the error was not said";
}

for (const cell of CELLS_AND_ARRAYS) {
  test(`H-8 ${cell.name}: cut anywhere behind the first content, an error ends the stream`, async () => {
    const cutIds: string[] = [];
    for (const [i, sizeBytes] of offsetsOf(cell.upstream).entries()) {
      for (const way of IS_FULL ? WAYS : [WAYS[i % WAYS.length] as Way]) {
        const reply = await cutAt(cell, sizeBytes, way);
        const fault = findFault(cell, sizeBytes, reply);
        expect([sizeBytes, way, fault, fault === null ? "" : reply.body.toString()]).toEqual([
          sizeBytes,
          way,
          null,
          "",
        ]);
        if (upstream.seen.length === 1 && sizeBytes < wholeFrom(cell.upstream))
          cutIds.push(reply.headers.get("x-request-id") ?? "");
      }
    }
    expect(cutIds.length).toBeGreaterThan(3);
    const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
    const knowsInput = cell.upstream.dialect === "gemini" || cell.upstream.dialect === "anthropic-messages";
    for (const id of cutIds) {
      expect(rows.get(id)).toMatchObject({
        status: 200,
        outcome: "upstream_cut",
        error_kind: "upstream_cut",
        attempts: 1,
        input_tokens: knowsInput ? cell.upstream.inputTokens : expect.any(Number),
        usage_state: knowsInput ? expect.stringMatching(/^(?:partial|estimated)$/) : "estimated",
      });
    }
  }, 600_000);
}

test("H-9 a cut before the first byte for the client is repeated: one stream with one start", async () => {
  const ids: string[] = [];
  for (const cell of CELLS_AND_ARRAYS) {
    for (const way of WAYS) {
      for (const sizeBytes of [0, 10, Buffer.byteLength(cell.upstream.frames[0] as string) - 3]) {
        const reply = await cutAt(cell, sizeBytes, way);
        expect([cell.name, way, sizeBytes, upstream.seen.length]).toEqual([cell.name, way, sizeBytes, 2]);
        expect(readTold(cell.client, true, reply.body.toString())).toMatchObject({
          text: TEXT,
          isEnded: true,
        });
        expect(upstream.seen[1]?.body).toEqual(upstream.seen[0]?.body as Buffer);
        ids.push(reply.headers.get("x-request-id") ?? "");
      }
    }
  }
  const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
  for (const id of ids) expect(rows.get(id)).toMatchObject({ attempts: 2, outcome: "ok" });
}, 600_000);

test("H-9 a whole answer that breaks off is asked for again, and an error when it keeps breaking", async () => {
  for (const cell of CELLS) {
    const bytes = Buffer.from(cell.upstream.whole);
    const breakOff = async (arrived: Arrived): Promise<void> => {
      await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, bytes.length));
      await arrived.send(bytes.subarray(0, bytes.length - 5));
      arrived.fin();
    };
    upstream.forget();
    upstream.answer = (arrived) => (upstream.seen.length === 1 ? breakOff(arrived) : answerWell(arrived));
    const good = await askCell(gateway, cell, false);
    expect(readTold(cell.client, false, good.body.toString())).toMatchObject({ text: TEXT, isEnded: true });
    upstream.forget();
    upstream.answer = breakOff;
    const bad = await askCell(gateway, cell, false);
    expect(upstream.seen.length).toBe(3);
    expect([500, 502, 503]).toContain(bad.status);
    expect(JSON.parse(bad.body.toString())).toHaveProperty("error");
    upstream.answer = (arrived) => answerWell(arrived);
    expect((await askCell(gateway, cell, false)).status).toBe(200);
  }
});

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
    'data: {"error":{"message":"not that","type":"invalid_request_error","code":"invalid_value"}}\n\n',
  "openai-responses":
    'event: error\ndata: {"type":"error","code":"invalid_prompt","message":"not that","param":"input","sequence_number":0}\n\n',
  "anthropic-messages":
    'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"not that"}}\n\n',
  gemini: 'data: {"error":{"code":400,"message":"not that","status":"INVALID_ARGUMENT"}}\n\n',
};
const LIMITED: Readonly<Record<string, string>> = {
  "openai-chat":
    'data: {"error":{"message":"Rate limit reached","type":"rate_limit_error","code":"rate_limit_exceeded"}}\n\n',
  "openai-responses":
    'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"Rate limit reached","param":null,"sequence_number":0}\n\n',
  "anthropic-messages":
    'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"Rate limit reached"}}\n\n',
  gemini: 'data: {"error":{"code":429,"message":"Rate limit reached","status":"RESOURCE_EXHAUSTED"}}\n\n',
};

for (const cell of CELLS) {
  test(`H-13 ${cell.name}: a stream that begins with an error has that error's status, or is tried again`, async () => {
    upstream.forget();
    upstream.answer = (arrived) =>
      upstream.seen.length === 1
        ? sendStream(arrived, [OVERLOADED[cell.upstream.dialect] as string], cell.upstream.streamType)
        : answerWell(arrived);
    const repeated = await askCell(gateway, cell, true);
    expect(readTold(cell.client, true, repeated.body.toString())).toMatchObject({
      text: TEXT,
      isEnded: true,
    });
    expect(upstream.seen).toHaveLength(2);

    upstream.forget();
    upstream.answer = (arrived) =>
      sendStream(arrived, [REFUSED[cell.upstream.dialect] as string], cell.upstream.streamType);
    const refused = await askCell(gateway, cell, true);
    const text = refused.body.toString();
    expect([refused.status, refused.headers.get("content-type"), text]).toEqual([
      400,
      "application/json",
      expect.stringContaining("not that"),
    ]);
    expect(readTold(cell.client, false, text).error).not.toBeNull();
    expect(upstream.seen).toHaveLength(1);
  });

  test(`H-14 ${cell.name}: JSON for a stream, and a stream for JSON, become what was asked for`, async () => {
    upstream.answer = (arrived) => sendWhole(arrived, cell.upstream.whole);
    const streamed = await askCell(gateway, cell, true);
    expect(streamed.headers.get("content-type")).toStartWith("text/event-stream");
    expect(readTold(cell.client, true, streamed.body.toString())).toMatchObject({
      text: TEXT,
      isEnded: true,
      inputTokens: 21,
      outputTokens: 34,
    });
    upstream.answer = (arrived) => sendStream(arrived, cell.upstream.frames, cell.upstream.streamType);
    const whole = await askCell(gateway, cell, false);
    expect(whole.headers.get("content-type")).toBe("application/json");
    expect(readTold(cell.client, false, whole.body.toString())).toMatchObject({
      text: TEXT,
      isEnded: true,
      inputTokens: 21,
      outputTokens: 34,
    });
  });
}

const GARBAGE: Readonly<Record<string, (arrived: Arrived) => Promise<void>>> = {
  "an HTML page": (arrived) =>
    sendWhole(arrived, "<html><body>Sign in</body></html>", { "content-type": "text/html" }),
  "an HTML page that says it is a stream": (arrived) => sendStream(arrived, ["<html>\n\n"]),
  "an empty body": (arrived) => sendWhole(arrived, ""),
  "no JSON": (arrived) => sendWhole(arrived, "upstream connect error"),
  "JSON of something else": (arrived) => sendWhole(arrived, '{"hello":"world"}'),
  "an empty stream": (arrived) => sendStream(arrived, []),
  "a stream of comments only": (arrived) => sendStream(arrived, [": hi\n\n", ": ho\n\n"]),
  "a stream of frames that are no JSON": (arrived) => sendStream(arrived, ["data: {\n\n"]),
};

for (const [name, answer] of Object.entries(GARBAGE)) {
  test(`H-15 200 with ${name} is an error of the upstream, and costs no credential`, async () => {
    for (const cell of CELLS) {
      for (const isStream of [false, true]) {
        upstream.answer = answer;
        const reply = await askCell(gateway, cell, isStream);
        const text = reply.body.toString();
        expect([cell.name, isStream, text, reply.status >= 500]).toEqual([cell.name, isStream, text, true]);
        expect(readTold(cell.client, false, text).error).not.toBeNull();
        upstream.answer = (arrived) => answerWell(arrived);
        expect((await askCell(gateway, cell, false)).status).toBe(200);
      }
    }
  }, 600_000);
}

/** Names of a failure inside a stream, by dialect. */
const NAMES: Readonly<Record<string, Readonly<Record<"overload" | "refusal" | "limit", string>>>> = {
  "openai-chat": { overload: "server_error", refusal: "invalid_request_error", limit: "rate_limit_error" },
  "openai-responses": { overload: "server_error", refusal: "invalid_prompt", limit: "rate_limit_exceeded" },
  "anthropic-messages": {
    overload: "overloaded_error",
    refusal: "invalid_request_error",
    limit: "rate_limit_error",
  },
  gemini: { overload: "UNAVAILABLE", refusal: "INVALID_ARGUMENT", limit: "RESOURCE_EXHAUSTED" },
};

function nameOf(client: Recording, error: Readonly<Record<string, unknown>> | null): unknown {
  if (client.dialect === "openai-responses") return error?.code;
  return client.dialect === "gemini" ? error?.status : error?.type;
}

for (const [kind, frames] of [
  ["overload", OVERLOADED],
  ["refusal", REFUSED],
  ["limit", LIMITED],
] as const) {
  test(`H-16 an error in the midst of the stream (${kind}) is told in the client's own names`, async () => {
    const ids: string[] = [];
    for (const cell of CELLS) {
      const begun = cell.upstream.frames.slice(0, cell.upstream.terminalFrom - 1);
      const failing = Buffer.from([...begun, frames[cell.upstream.dialect] as string].join(""));
      const singly = Array.from(failing, (_, i) => failing.subarray(i, i + 1));
      // A limit parks a credential: there are enough credentials for all cells.
      for (const pieces of kind === "limit" ? [[failing]] : [[failing], singly]) {
        upstream.answer = (arrived) => sendStream(arrived, pieces, cell.upstream.streamType);
        const reply = await askCell(rich, cell, true);
        const told = readTold(cell.client, true, reply.body.toString());
        expect([cell.name, reply.status, reply.isWhole]).toEqual([cell.name, 200, true]);
        expect([cell.name, nameOf(cell.client, told.error)]).toEqual([
          cell.name,
          NAMES[cell.client.dialect]?.[kind],
        ]);
        expect([cell.name, told.isEnded, told.finish]).toEqual([cell.name, false, null]);
        expect(TEXT.startsWith(told.text)).toBe(true);
        expect(told.text.length).toBeGreaterThan(3);
        ids.push(reply.headers.get("x-request-id") ?? "");
      }
    }
    const rows = new Map((await rich.rows()).map((row) => [row.request_id, row]));
    for (const id of ids) expect(rows.get(id)).toMatchObject({ status: 200, outcome: "error" });
  }, 600_000);
}

test("H-16 an upstream that fails in a whole answer of status 200 is not shown as one", async () => {
  for (const cell of CELLS) {
    const raw = (REFUSED[cell.upstream.dialect] as string).replace(/^[\s\S]*?data: /, "").trim();
    const error = JSON.parse(raw).error ?? JSON.parse(raw);
    const body =
      cell.upstream.dialect === "openai-responses"
        ? {
            ...JSON.parse(cell.upstream.whole),
            status: "failed",
            output: [],
            error: { code: "invalid_prompt", message: "not that" },
          }
        : { error };
    upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(body));
    const reply = await askCell(gateway, cell, false);
    const text = reply.body.toString();
    expect([cell.name, reply.status, text]).toEqual([cell.name, 400, expect.stringContaining("not that")]);
    expect(readTold(cell.client, false, text).error).not.toBeNull();
  }
});
