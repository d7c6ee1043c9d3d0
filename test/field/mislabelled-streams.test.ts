import { afterAll, beforeAll, expect, test } from "bun:test";
import { asking, readTold, TEXT, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/mislabelled-streams.ts";

const TYPES = ["text/plain", "application/octet-stream", "application/x-ndjson", "application/json", null];
const FEW_TYPES = ["text/plain", "application/json"];
const CLIENTS = [CHAT, MESSAGES, RESPONSES, GEMINI, GEMINI_ARRAY];
const BEGINNINGS = ["", "\ufeff", "\r\n\n", ": hello\n\n", "retry: 3000\n\n"];

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  async function sendLabelled(arrived: Arrived, pieces: readonly string[], type: string | null) {
    const headers: Record<string, string> = type === null ? {} : { "content-type": type };
    await arrived.send(replyHead("200 OK", headers, "chunked"));
    for (const piece of pieces) {
      await arrived.send(chunkOf(piece));
      await Bun.sleep(0);
    }
    await arrived.send(LAST_CHUNK);
  }

  /** Asks once, and reads the whole answer as strictly as an SDK. */
  async function ask(client: Recording, model: string, isStream: boolean) {
    const before = upstream.seen.length;
    const { path, body } = asking(client, model, isStream);
    const reply = await request(gateway.port, path, { body });
    const told = readTold(client, isStream, reply.body.toString().replaceAll("\r\n", "\n"));
    const type = reply.headers.get("content-type") ?? "";
    return {
      status: reply.status,
      text: told.text,
      isEnded: told.isEnded,
      isEvents: type.startsWith("text/event-stream"),
      calls: upstream.seen.length - before,
    };
  }

  const good = (client: Recording, isStream: boolean) => ({
    status: 200,
    text: TEXT,
    isEnded: true,
    isEvents: isStream && client !== GEMINI_ARRAY,
    calls: 1,
  });

  for (const client of CLIENTS) {
    for (const isStream of [true, false]) {
      if (client === GEMINI_ARRAY && !isStream) continue;
      const isReported = client === CHAT || client === MESSAGES;
      test(`${isReported ? "reported: " : ""}${client.name}, ${isStream ? "streamed" : "whole"}, from every upstream`, async () => {
        for (const { recording, model } of Object.values(UPSTREAMS)) {
          for (const type of isReported || IS_FULL ? TYPES : FEW_TYPES) {
            upstream.answer = (arrived) => sendLabelled(arrived, recording.frames, type);
            const got = await ask(client, model, isStream);
            expect({ from: recording.name, type, ...got }).toEqual({
              from: recording.name,
              type,
              ...good(client, isStream),
            });
          }
        }
      }, 30_000);
    }
  }

  test("whatever stands in front of the first event, and however the bytes are split", async () => {
    for (const beginning of BEGINNINGS) {
      const [first = "", ...rest] = CHAT.frames;
      const text = beginning + first;
      for (const pieces of [
        [text, ...rest],
        [text.slice(0, beginning.length + 3), text.slice(beginning.length + 3), ...rest],
      ]) {
        upstream.answer = (arrived) => sendLabelled(arrived, pieces, "text/plain");
        for (const isStream of [true, false]) {
          const got = await ask(MESSAGES, UPSTREAMS["openai-chat"].model, isStream);
          expect({ beginning, ...got }).toEqual({ beginning, ...good(MESSAGES, isStream) });
        }
      }
    }
  });

  test("a whole answer under the type of a stream, to clients that asked for either", async () => {
    for (const client of [CHAT, MESSAGES]) {
      for (const { recording, model } of Object.values(UPSTREAMS)) {
        for (const isStream of [true, false]) {
          const { whole } = recording;
          for (const pieces of [[whole], [whole.slice(0, 1), whole.slice(1)], ["\n", whole]]) {
            upstream.answer = (arrived) => sendLabelled(arrived, pieces, "text/event-stream");
            const at = { from: recording.name, isStream, pieces: pieces.length };
            expect({ ...at, ...(await ask(client, model, isStream)) }).toEqual({
              ...at,
              ...good(client, isStream),
            });
          }
        }
      }
    }
  });

  test("reported: a whole answer with a stream's end mark behind it, under either type", async () => {
    for (const client of CLIENTS) {
      if (client === GEMINI_ARRAY) continue;
      for (const { recording, model } of Object.values(UPSTREAMS)) {
        for (const type of ["text/event-stream", "application/json"]) {
          for (const mark of ["data: [DONE]\n\n", "\ndata: [DONE]\n\n", "\n\n[DONE]"]) {
            upstream.answer = (arrived) => sendLabelled(arrived, [recording.whole + mark], type);
            const got = await ask(client, model, false);
            expect({ from: recording.name, type, mark, ...got }).toEqual({
              from: recording.name,
              type,
              mark,
              ...good(client, false),
            });
          }
        }
      }
    }
  }, 30_000);

  test("reported: lines of JSON in place of events, also split within a line", async () => {
    for (const client of CLIENTS) {
      for (const { recording, model } of Object.values(UPSTREAMS)) {
        const lines = recording.frames
          .map((frame) => /^data: (.*)$/m.exec(frame)?.[1] ?? "")
          .filter((line) => line.startsWith("{"))
          .map((line) => `${line}\n`);
        const text = lines.join("");
        for (const pieces of [lines, [text.trimEnd()], [text.slice(0, 30), text.slice(30)]]) {
          upstream.answer = (arrived) => sendLabelled(arrived, pieces, "application/x-ndjson");
          const got = await ask(client, model, true);
          const at = { from: recording.name, pieces: pieces.length };
          expect({ ...at, ...got }).toEqual({ ...at, ...good(client, true) });
        }
      }
    }
  }, 30_000);

  test("a JSON value without an end, under the type of a stream, is given up at the limit", async () => {
    const limited = await startGateway({
      toml: translatedToml(upstream.url),
      server: "reply_limit_bytes = 1000000",
    });
    try {
      for (const [client, model] of [
        [CHAT, UPSTREAMS["openai-chat"].model],
        [MESSAGES, UPSTREAMS["openai-chat"].model],
      ] as const) {
        let sent = 0;
        upstream.answer = async (arrived) => {
          await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
          await arrived.send(chunkOf('{"choices":"'));
          const piece = "x".repeat(100_000);
          for (; sent < 400 && !arrived.isClosed; sent += 1) await arrived.send(chunkOf(piece));
        };
        const { path, body } = asking(client, model, true);
        const reply = await request(limited.port, path, { body });
        expect(reply.status).toBe(client === CHAT ? 502 : 500);
        expect(reply.body.toString()).toContain("reply_limit_bytes");
        // What the sockets' buffers take is sent before the upstream sees that nobody reads.
        expect(sent).toBeLessThan(200);
      }
    } finally {
      await limited.close();
    }
  }, 30_000);

  test("a stream reaches its client while it is still coming", async () => {
    const { promise: isRead, resolve: read } = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": "text/plain" }, "chunked"));
      await arrived.send(chunkOf(CHAT.frames.slice(0, 3).join("")));
      await isRead;
      await arrived.send(chunkOf(CHAT.frames.slice(3).join("")));
      await arrived.send(LAST_CHUNK);
    };
    const { path, body } = asking(CHAT, UPSTREAMS["openai-chat"].model, true);
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      headers: {
        authorization: "Bearer clw-client-key-0123456789abcdef",
        "content-type": "application/json",
      },
      body,
    });
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    const first = await reader.read();
    expect(new TextDecoder().decode(first.value)).toContain("The clew");
    read();
    while (!(await reader.read()).done);
  });
});
