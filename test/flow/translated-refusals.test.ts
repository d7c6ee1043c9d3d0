// Every refusal of a model is an answer: the client gets it in its own dialect, nothing is retried, and no
// credential is blamed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { type DialectName, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import { askCell, CELLS, readTold, translatedToml } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  const credentials = { one: "sk-credential-one", two: "sk-credential-two" };
  gateway = await startGateway({ toml: translatedToml(upstream.url, { credentials }) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Answers that are refusals, as each provider gives them: whole, and as streams. */
const REFUSED: Readonly<Record<DialectName, readonly { whole: object; frames: readonly string[] }[]>> = {
  "openai-chat": [
    {
      whole: {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [
          { index: 0, message: { role: "assistant", content: null }, finish_reason: "content_filter" },
        ],
        usage: { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 },
      },
      frames: [
        'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":"content_filter"}]}\n\n',
        "data: [DONE]\n\n",
      ],
    },
  ],
  "openai-responses": [
    {
      whole: {
        ...JSON.parse(RESPONSES.whole),
        status: "incomplete",
        incomplete_details: { reason: "content_filter" },
        output: [],
      },
      frames: [
        RESPONSES.frames[0] as string,
        `event: response.incomplete\ndata: ${JSON.stringify({
          type: "response.incomplete",
          sequence_number: 1,
          response: {
            ...JSON.parse(RESPONSES.whole),
            status: "incomplete",
            incomplete_details: { reason: "content_filter" },
            output: [],
          },
        })}\n\n`,
      ],
    },
  ],
  "anthropic-messages": [
    {
      whole: { ...JSON.parse(MESSAGES.whole), content: [], stop_reason: "refusal" },
      frames: [
        MESSAGES.frames[0] as string,
        ...MESSAGES.frames
          .slice(-2)
          .map((frame) => frame.replace('"stop_reason":"end_turn"', '"stop_reason":"refusal"')),
      ],
    },
  ],
  gemini: [
    {
      whole: {
        promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
        usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
      },
      frames: [
        'data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}\r\n\r\n',
      ],
    },
    {
      whole: {
        candidates: [{ finishReason: "SAFETY", index: 0 }],
        usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
      },
      frames: [
        'data: {"candidates":[{"finishReason":"SAFETY","index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}\r\n\r\n',
      ],
    },
  ],
};

const REFUSAL_FINISH: Readonly<Record<DialectName, RegExp>> = {
  "openai-chat": /^content_filter$/,
  "openai-responses": /^(content_filter|completed)$/,
  "anthropic-messages": /^refusal$/,
  gemini: /^(SAFETY|PROHIBITED_CONTENT)$/,
};

test("H-137 a refusal is an answer: status 200, the mapped finish, one request, no penalty", async () => {
  const ids: string[] = [];
  for (const cell of CELLS) {
    for (const { whole, frames } of REFUSED[cell.upstream.dialect]) {
      for (const isStream of [false, true]) {
        upstream.forget();
        upstream.answer = (arrived) =>
          isStream
            ? sendStream(arrived, frames, cell.upstream.streamType)
            : sendWhole(arrived, JSON.stringify(whole));
        const reply = await askCell(gateway, cell, isStream);
        const text = reply.body.toString();
        expect([cell.name, isStream, reply.status, text]).toEqual([cell.name, isStream, 200, text]);
        const blocked = /"blockReason":"[A-Z_]+"/.test(text);
        const told = readTold(cell.client, isStream, text);
        expect([cell.name, isStream, told.error, upstream.seen.length]).toEqual([
          cell.name,
          isStream,
          null,
          1,
        ]);
        if (!blocked) expect(told.finish ?? "").toMatch(REFUSAL_FINISH[cell.client.dialect]);
        ids.push(reply.headers.get("x-request-id") ?? "");
      }
    }
  }
  const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
  for (const id of ids) expect(rows.get(id)).toMatchObject({ status: 200, outcome: "ok", attempts: 1 });
  expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted/);
}, 600_000);
