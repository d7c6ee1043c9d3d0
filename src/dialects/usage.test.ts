import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../core/json.ts";
import type { ModelEvent } from "../neutral/event.ts";
import { fold } from "../neutral/fold.ts";
import { NO_USAGE, type Usage } from "../neutral/usage.ts";
import type { DialectName } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";
import { encode, everyByte, makeTap, runTap } from "./fixtures/tap-under-test.ts";

interface Sample {
  readonly reply: JsonObject;
  readonly stream: string;
  readonly usage: Partial<Usage>;
}

const frame = (data: object, event = ""): string =>
  `${event === "" ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

const chatUsage = {
  prompt_tokens: 100,
  completion_tokens: 50,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 8, audio_tokens: 30, image_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 40 },
};
const chatChunk = (rest: object): string =>
  frame({ id: "c", object: "chat.completion.chunk", model: "m", service_tier: "flex", ...rest });

const response = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "m",
  error: null,
  incomplete_details: null,
  output: [
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Hi", annotations: [] }],
    },
  ],
  service_tier: "priority",
  tool_usage: { web_search: { num_requests: 3 } },
  usage: {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 8, cache_write_tokens: 0 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 150,
  },
};

const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m",
  content: [{ type: "text", text: "Hi" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: {
    input_tokens: 100,
    output_tokens: 50,
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
    service_tier: "batch",
  },
};

const geminiReply = {
  candidates: [{ content: { role: "model", parts: [{ text: "Hi" }] }, finishReason: "STOP", index: 0 }],
  modelVersion: "m",
  usageMetadata: {
    promptTokenCount: 100,
    candidatesTokenCount: 50,
    toolUsePromptTokenCount: 10,
    totalTokenCount: 160,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: 50 },
      { modality: "AUDIO", tokenCount: 30 },
      { modality: "IMAGE", tokenCount: 20 },
    ],
    toolUsePromptTokensDetails: [{ modality: "IMAGE", tokenCount: 4 }],
    candidatesTokensDetails: [
      { modality: "AUDIO", tokenCount: 6 },
      { modality: "IMAGE", tokenCount: 7 },
    ],
    trafficType: "PROVISIONED_THROUGHPUT",
  },
};

const SAMPLES: Readonly<Record<DialectName, Sample>> = {
  "openai-chat": {
    reply: {
      id: "c",
      object: "chat.completion",
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
      service_tier: "flex",
      usage: chatUsage,
    },
    stream:
      chatChunk({
        choices: [{ index: 0, delta: { role: "assistant", content: "Hi" }, finish_reason: null }],
      }) +
      chatChunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
      chatChunk({ choices: [], usage: chatUsage }) +
      "data: [DONE]\n\n",
    usage: {
      inputTokens: 100,
      cacheReadTokens: 8,
      inputAudioTokens: 30,
      inputImageTokens: 20,
      outputTokens: 50,
      reasoningTokens: 5,
      outputAudioTokens: 40,
      serviceTier: "flex",
    },
  },
  "openai-responses": {
    reply: response,
    stream: frame({ type: "response.completed", sequence_number: 1, response }, "response.completed"),
    usage: {
      inputTokens: 100,
      cacheReadTokens: 8,
      cacheWriteTokens: 0,
      outputTokens: 50,
      reasoningTokens: 5,
      webSearches: 3,
      serviceTier: "priority",
    },
  },
  "anthropic-messages": {
    reply: message,
    stream:
      frame(
        {
          type: "message_start",
          message: {
            ...message,
            content: [],
            stop_reason: null,
            usage: { input_tokens: 100, output_tokens: 1, service_tier: "batch" },
          },
        },
        "message_start",
      ) +
      frame(
        {
          type: "message_delta",
          delta: { stop_reason: "end_turn", stop_sequence: null },
          usage: { output_tokens: 50, server_tool_use: { web_search_requests: 2 } },
        },
        "message_delta",
      ) +
      frame({ type: "message_stop" }, "message_stop"),
    usage: { inputTokens: 100, outputTokens: 50, webSearches: 2, serviceTier: "batch" },
  },
  gemini: {
    reply: geminiReply,
    stream: frame(geminiReply),
    usage: {
      inputTokens: 110,
      inputAudioTokens: 30,
      inputImageTokens: 24,
      outputTokens: 50,
      outputAudioTokens: 6,
      outputImageTokens: 7,
      serviceTier: "PROVISIONED_THROUGHPUT",
    },
  },
};

const OPTIONS = { idSeed: "0", maxFrameBytes: 1 << 20 };

describe.each(Object.entries(SAMPLES))("%s", (name, { reply, stream, usage }) => {
  const dialect = name as DialectName;
  const expected = { ...NO_USAGE, ...usage };

  test("the usage of a whole reply has each kind that the provider bills, by tap and by decoder", () => {
    expect(CODECS[dialect].decodeReply(reply, OPTIONS).usage).toEqual(expected);
    expect(runTap(makeTap(dialect, "json"), JSON.stringify(reply)).state.usage).toEqual(expected);
  });

  test("so has the usage of a stream, also when it comes byte by byte", () => {
    const events: ModelEvent[] = [];
    const decoder = CODECS[dialect].makeStreamDecoder("sse", OPTIONS);
    decoder.push(encode(stream), (event) => events.push(event));
    decoder.end((event) => events.push(event));
    expect(fold(events).usage).toEqual(expected);
    expect(runTap(makeTap(dialect, "sse"), stream, everyByte(stream)).state.usage).toEqual(expected);
  });

  test("so has the usage of a reply that is too long to be built whole", () => {
    const padded = { ...reply, padding: "x".repeat(400_000) };
    const tap = makeTap(dialect, "json", { maxHeldBytes: 1024 });
    expect(runTap(tap, JSON.stringify(padded)).state.usage).toEqual(expected);
  });

  test("a tier of any length and any type is cut to a size that a row can bear", () => {
    const { usage: tiers } = CODECS[dialect].decodeReply(withTier(reply, "x".repeat(100_000)), OPTIONS);
    expect(tiers?.serviceTier).toHaveLength(64);
    expect(CODECS[dialect].decodeReply(withTier(reply, 7), OPTIONS).usage?.serviceTier).toBeNull();
  });
});

/** The reply with `tier` in each member that can name one. */
function withTier(reply: JsonObject, tier: unknown): JsonObject {
  return JSON.parse(JSON.stringify(reply), (key, value) =>
    key === "service_tier" || key === "trafficType" ? tier : value,
  );
}
