import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asking, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/bare-answers.ts";

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];

interface Answer {
  readonly whole: object;
  readonly frames: readonly string[];
}

const sse = (data: object, isNamed = false): string => {
  const name = isNamed ? `event: ${(data as { type: string }).type}\n` : "";
  return `${name}data: ${JSON.stringify(data)}\n\n`;
};

function chat(message: object, finish_reason: string | null): Answer {
  const head = { id: "x", model: "m" };
  const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
  return {
    whole: {
      ...head,
      choices: [{ index: 0, finish_reason, message: { role: "assistant", ...message } }],
      usage,
    },
    frames: [
      sse({
        ...head,
        choices: [{ index: 0, delta: { role: "assistant", ...message }, finish_reason: null }],
      }),
      sse({ ...head, choices: [{ index: 0, delta: {}, finish_reason }], usage }),
      "data: [DONE]\n\n",
    ],
  };
}

function messages(content: readonly object[], stop_reason: string | null): Answer {
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m" };
  const usage = { input_tokens: 9, output_tokens: 2 };
  const start = { ...message, content: [], stop_reason: null, usage: { input_tokens: 9, output_tokens: 1 } };
  return {
    whole: { ...message, content, stop_reason, stop_sequence: null, usage },
    frames: [
      sse({ type: "message_start", message: start }, true),
      ...content.flatMap((content_block, index) => [
        sse({ type: "content_block_start", index, content_block }, true),
        sse({ type: "content_block_stop", index }, true),
      ]),
      sse({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage }, true),
      sse({ type: "message_stop" }, true),
    ],
  };
}

function responses(output: readonly object[], status: string, reason: string | null): Answer {
  const response = {
    id: "resp_1",
    object: "response",
    model: "m",
    status,
    incomplete_details: reason === null ? null : { reason },
    output,
    usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11 },
  };
  return {
    whole: response,
    frames: [
      sse({ type: "response.created", response: { ...response, status: "in_progress", output: [] } }, true),
      ...output.flatMap((item, output_index) => [
        sse({ type: "response.output_item.added", output_index, item }, true),
        sse({ type: "response.output_item.done", output_index, item }, true),
      ]),
      sse({ type: `response.${status}`, response }, true),
    ],
  };
}

function gemini(candidates: readonly object[]): Answer {
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 };
  const whole = { candidates, usageMetadata, modelVersion: "m" };
  return { whole, frames: [sse(whole)] };
}

const THOUGHT = "Let me see.";
/** A stream of Gemini without a reason is one that was cut off, so that dialect has no answer without one. */
const ANSWERS: Readonly<Record<DialectName, Readonly<Record<string, Answer>>>> = {
  "openai-chat": {
    "no content": chat({ content: null }, "stop"),
    "an empty text": chat({ content: "" }, "stop"),
    "an empty list of parts": chat({ content: [] }, "stop"),
    "thinking alone": chat({ content: null, reasoning_content: THOUGHT }, "stop"),
    "thinking that reached the limit": chat({ content: "", reasoning: THOUGHT }, "length"),
    "an unknown reason": chat({ content: "Hi" }, "eos_token_found"),
    "no reason": chat({ content: "Hi" }, null),
    "an unknown kind of part": chat({ content: [{ type: "hologram", data: "x" }] }, "stop"),
    "calls for a reason, and none": chat({ content: null, tool_calls: [] }, "tool_calls"),
  },
  "anthropic-messages": {
    "no content": messages([], "end_turn"),
    "an empty text": messages([{ type: "text", text: "" }], "end_turn"),
    "thinking alone": messages([{ type: "thinking", thinking: THOUGHT, signature: "s" }], "end_turn"),
    "thinking that reached the limit": messages(
      [{ type: "thinking", thinking: THOUGHT, signature: "s" }],
      "max_tokens",
    ),
    "an unknown reason": messages([{ type: "text", text: "Hi" }], "compaction_done"),
    "no reason": messages([{ type: "text", text: "Hi" }], null),
    "an unknown kind of part": messages([{ type: "hologram", data: "x" }], "end_turn"),
  },
  "openai-responses": {
    "no content": responses([], "completed", null),
    "a message without parts": responses(
      [{ id: "msg_1", type: "message", role: "assistant", status: "completed", content: [] }],
      "completed",
      null,
    ),
    "thinking alone": responses(
      [{ id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: THOUGHT }] }],
      "completed",
      null,
    ),
    "thinking that reached the limit": responses(
      [{ id: "rs_1", type: "reasoning", summary: [] }],
      "incomplete",
      "max_output_tokens",
    ),
    "an unknown reason": responses([], "incomplete", "steered"),
    "an unknown kind of part": responses([{ id: "h_1", type: "hologram", data: "x" }], "completed", null),
  },
  gemini: {
    "no content": gemini([{ finishReason: "STOP", index: 0 }]),
    "a content without parts": gemini([{ content: { role: "model" }, finishReason: "STOP", index: 0 }]),
    "an empty text": gemini([{ content: { role: "model", parts: [{ text: "" }] }, finishReason: "STOP" }]),
    "thinking alone": gemini([
      { content: { role: "model", parts: [{ text: THOUGHT, thought: true }] }, finishReason: "STOP" },
    ]),
    "thinking that reached the limit": gemini([{ content: {}, finishReason: "MAX_TOKENS", index: 0 }]),
    "an unknown reason": gemini([
      { content: { role: "model", parts: [{ text: "Hi" }] }, finishReason: "ENLIGHTENMENT" },
    ]),
    "an unknown kind of part": gemini([
      { content: { role: "model", parts: [{ hologram: { data: "x" } }] }, finishReason: "STOP" },
    ]),
  },
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined, { lists: "apart" });
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  describe.each(Object.keys(ANSWERS) as DialectName[])("%s", (from) => {
    test.each(Object.entries(ANSWERS[from]))("%s", async (_, { whole, frames }) => {
      const seen: unknown[][] = [];
      const expected: unknown[][] = [];
      for (const client of CLIENTS) {
        for (const isStream of [false, true]) {
          upstream.forget();
          upstream.answer = (arrived) =>
            isStream ? sendStream(arrived, frames) : sendWhole(arrived, JSON.stringify(whole));
          const { path, body } = asking(client, UPSTREAMS[from].model, isStream);
          const reply = await request(gateway.port, path, { body });
          const row = await gateway.row(reply.headers.get("x-request-id"));
          const isRelay = client.dialect === from;
          const told = isRelay
            ? null
            : readTold(client, isStream, reply.body.toString().replaceAll("\r\n", "\n"));
          const how = `${client.dialect}, ${isStream ? "streamed" : "whole"}`;
          const isEnded = told?.isEnded ?? true;
          const { outcome, input_tokens, output_tokens } = row;
          seen.push([how, reply.status, upstream.seen.length, isEnded, outcome, input_tokens, output_tokens]);
          expected.push([how, 200, 1, true, "ok", 9, 2]);
        }
      }
      expect(seen).toEqual(expected);
    });
  });
});
