// A provider that pauses is asked to continue: the client sees one answer, and one sum of tokens.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { askCell, type Cell, cellOf, type Frame, readTold, translatedToml } from "./translated.ts";

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

const sse = (data: Frame): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

const SEARCH = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "clew" } };
const FOUND = {
  type: "web_search_tool_result",
  tool_use_id: "srvtoolu_1",
  content: [
    {
      type: "web_search_result",
      url: "https://example.com/clew",
      title: "Clew",
      encrypted_content: "RU5D",
      page_age: null,
    },
  ],
};

/** Claude's part of an answer, whole. */
function claudePart(content: readonly object[], stop: string, output: number): Frame {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-6",
    content,
    stop_reason: stop,
    stop_sequence: null,
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: output,
    },
  };
}

/** The same, as a stream. */
function claudeFrames(part: Frame): string[] {
  const blocks = part.content.flatMap((block: Frame, index: number) => {
    const start =
      block.type === "text"
        ? { ...block, text: "" }
        : block.type === "server_tool_use"
          ? { ...block, input: {} }
          : block;
    const delta =
      block.type === "text"
        ? { type: "text_delta", text: block.text }
        : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
    return [
      sse({ type: "content_block_start", index, content_block: start }),
      ...(block.type === "web_search_tool_result"
        ? []
        : [sse({ type: "content_block_delta", index, delta })]),
      sse({ type: "content_block_stop", index }),
    ];
  });
  const { usage, stop_reason } = part;
  return [
    sse({
      type: "message_start",
      message: { ...part, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
    }),
    ...blocks,
    sse({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage }),
    sse({ type: "message_stop" }),
  ];
}

const PARTS = [
  claudePart([{ type: "text", text: "Looking. " }, SEARCH], "pause_turn", 3),
  claudePart([FOUND, { type: "text", text: "Still looking. " }], "pause_turn", 5),
  claudePart([{ type: "text", text: "Here it is." }], "end_turn", 7),
];

/** Answers with the next part; `isSingly`: one byte at a time. */
async function sendPart(
  arrived: Arrived,
  parts: readonly Frame[],
  framesOf: (part: Frame) => readonly string[],
  isStream: boolean,
  isSingly = false,
): Promise<void> {
  const part = parts[Math.min(upstream.seen.length, parts.length) - 1];
  if (!isStream) return await sendWhole(arrived, JSON.stringify(part));
  const bytes = Buffer.from(framesOf(part).join(""));
  await sendStream(arrived, isSingly ? Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)) : [bytes]);
}

const SEARCHING: Readonly<Record<string, object>> = {
  "openai-chat": { web_search_options: {} },
  "openai-responses": { tools: [{ type: "web_search" }] },
  gemini: { tools: [{ googleSearch: {} }] },
};

for (const client of [CHAT, RESPONSES, GEMINI]) {
  const cell = cellOf(client.dialect, "anthropic-messages");
  for (const isStream of [true, false]) {
    test(`H-138 ${client.name}, ${isStream ? "streamed" : "whole"}: Claude pauses twice, the client sees one answer`, async () => {
      for (const isSingly of isStream ? [false, true] : [false]) {
        upstream.forget();
        upstream.answer = (arrived) => sendPart(arrived, PARTS, claudeFrames, isStream, isSingly);
        const reply = await askCell(gateway, cell, isStream, SEARCHING[client.dialect]);
        const told = readTold(client, isStream, reply.body.toString());
        expect([reply.status, told.text, told.isEnded]).toEqual([
          200,
          "Looking. Still looking. Here it is.",
          true,
        ]);
        expect([told.inputTokens, told.outputTokens]).toEqual([30, 15]);
        expect(reply.body.toString()).not.toMatch(/pause_turn/);
        // The parts that came are sent back unchanged.
        const bodies = upstream.seen.map(({ body }) => JSON.parse(body.toString()));
        expect(bodies).toHaveLength(3);
        const [first, second, third] = bodies;
        expect(second).toEqual({
          ...first,
          messages: [
            ...first.messages,
            { role: "assistant", content: [{ type: "text", text: "Looking. " }, SEARCH] },
          ],
        });
        const said = third.messages.slice(first.messages.length).flatMap(({ role, content }: Frame) => {
          expect(role).toBe("assistant");
          return content;
        });
        expect(said).toMatchObject([
          { type: "text", text: "Looking. " },
          SEARCH,
          { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: FOUND.content },
          { type: "text", text: "Still looking. " },
        ]);
        expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
          outcome: "ok",
          input_tokens: 30,
          output_tokens: 15,
        });
      }
    });
  }

  test(`H-138 ${client.name}: an upstream that never stops pausing is not asked for ever`, async () => {
    for (const isStream of [true, false]) {
      upstream.forget();
      upstream.answer = (arrived) => sendPart(arrived, PARTS.slice(0, 1), claudeFrames, isStream);
      const reply = await askCell(gateway, cell, isStream, SEARCHING[client.dialect]);
      expect(reply.isWhole).toBe(true);
      expect(upstream.seen.length).toBeLessThanOrEqual(10);
      expect(upstream.seen.length).toBeGreaterThan(1);
      readTold(client, isStream, reply.body.toString());
    }
  });

  test(`H-138 ${client.name}: a stream whose second part fails ends in an error`, async () => {
    for (const fail of [
      (arrived: Arrived) => sendWhole(arrived, '{"type":"error"}', undefined, "529 Overloaded"),
      async (arrived: Arrived) => arrived.rst(),
      async (arrived: Arrived) => {
        await arrived.send(replyHead("200 OK", { "content-type": MESSAGES.streamType }, "chunked"));
        arrived.fin();
      },
    ]) {
      upstream.forget();
      upstream.answer = (arrived) =>
        upstream.seen.length === 1 ? sendPart(arrived, PARTS, claudeFrames, true) : fail(arrived);
      const reply = await askCell(gateway, cell, true, SEARCHING[client.dialect]);
      const text = reply.body.toString();
      const told = readTold(client, true, text);
      expect([told.isEnded, told.finish, told.error === null]).toEqual([false, null, false]);
      expect(text).toMatch(client.errorMark);
      expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({ outcome: "upstream_cut" });
    }
  });
}

const geminiPart = (text: string, finishReason: string, more: object = {}): Frame => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason, index: 0, ...more }],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 },
  modelVersion: "gemini-3-flash",
});
const geminiFrames = (part: Frame): string[] => [`data: ${JSON.stringify(part)}\r\n\r\n`];

const TOKENS = ["dG9rZW4x", "dG9rZW4y"];
/** The token by which Gemini continues. */
const CONTINUED = [
  geminiPart("One, ", "CONTINUATION", { continuationToken: TOKENS[0] }),
  geminiPart("two, ", "CONTINUATION", { continuationToken: TOKENS[1] }),
  geminiPart("three.", "STOP"),
];

for (const client of [CHAT, RESPONSES, MESSAGES] satisfies readonly Recording[]) {
  const cell: Cell = cellOf(client.dialect, "gemini");
  for (const isStream of [true, false]) {
    test(`H-139 ${client.name}, ${isStream ? "streamed" : "whole"}: Gemini goes on with its token, the client sees one answer`, async () => {
      for (const isSingly of isStream ? [false, true] : [false]) {
        upstream.forget();
        upstream.answer = (arrived) => sendPart(arrived, CONTINUED, geminiFrames, isStream, isSingly);
        const reply = await askCell(gateway, cell, isStream);
        const told = readTold(client, isStream, reply.body.toString());
        expect([reply.status, told.text, told.isEnded]).toEqual([200, "One, two, three.", true]);
        expect([told.inputTokens, told.outputTokens]).toEqual([30, 12]);
        expect(upstream.seen).toHaveLength(3);
        const [first = "", second = "", third = ""] = upstream.seen.map(({ body }) => body.toString());
        expect(first).not.toContain(TOKENS[0] as string);
        expect(second).toContain(TOKENS[0] as string);
        expect(third).toContain(TOKENS[1] as string);
        expect(JSON.parse(third).contents).toEqual(JSON.parse(first).contents);
      }
    });
  }

  test(`H-139 ${client.name}: continuations without progress come to an end`, async () => {
    upstream.forget();
    const empty = geminiPart("", "CONTINUATION", { continuationToken: TOKENS[0] });
    upstream.answer = (arrived) => sendPart(arrived, [empty], geminiFrames, true);
    const reply = await askCell(gateway, cell, true);
    expect(reply.isWhole).toBe(true);
    // The first request, and three continuations that brought nothing.
    expect(upstream.seen.length).toBeLessThanOrEqual(4);
  });
}
