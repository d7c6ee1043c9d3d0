/** Members of replies that decide a cost, beside the counts of tokens: the tap and the codec read the same. */
import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../core/json.ts";
import type { ModelEvent } from "../neutral/event.ts";
import type { Usage } from "../neutral/usage.ts";
import type { DialectName } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";
import { makeTap, runTap } from "./fixtures/tap-under-test.ts";

const OPTIONS = { idSeed: "SEED", maxFrameBytes: 1_000_000 };

/** The usage of a whole reply, as the tap reads it; the codec has to agree. */
function usageOf(dialect: DialectName, body: JsonObject): Usage | null {
  const { usage } = runTap(makeTap(dialect, "json"), JSON.stringify(body)).state;
  expect(CODECS[dialect].decodeReply(body, OPTIONS).usage).toEqual(usage);
  return usage;
}

describe("Messages", () => {
  const reply = (usage: JsonObject): JsonObject => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-opus-5",
    content: [{ type: "text", text: "hi" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 3, output_tokens: 2, ...usage },
  });
  const paid = (usage: JsonObject): unknown => {
    const { serviceTier, region } = usageOf("anthropic-messages", reply(usage)) ?? {};
    return [serviceTier, region];
  };

  test("fast mode is a tier, whatever the service tier beside it", () => {
    expect(paid({ service_tier: "standard", speed: "fast" })).toEqual(["fast", null]);
    expect(paid({ service_tier: "standard", speed: "standard" })).toEqual(["standard", null]);
    expect(paid({ service_tier: "batch", speed: null })).toEqual(["batch", null]);
  });

  test("a region is kept, anywhere is none", () => {
    expect(paid({ inference_geo: "us" })).toEqual([null, "us"]);
    for (const geo of ["global", "not_available", null, 7])
      expect(paid({ inference_geo: geo })).toEqual([null, null]);
  });

  test("a stream names both at its start", () => {
    const frames = [
      { type: "message_start", message: { ...reply({ speed: "fast", inference_geo: "us" }), content: [] } },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn" },
        usage: { output_tokens: 9, service_tier: "standard" },
      },
      { type: "message_stop" },
    ];
    const text = frames.map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`).join("");
    const { usage } = runTap(makeTap("anthropic-messages", "sse"), text).state;
    expect(usage).toMatchObject({ outputTokens: 9, serviceTier: "fast", region: "us" });
  });
});

describe("generateContent", () => {
  const grounded = (...queries: unknown[]): JsonObject => ({
    index: 0,
    content: { role: "model", parts: [{ text: "hi" }] },
    finishReason: "STOP",
    groundingMetadata: { webSearchQueries: queries },
  });
  const reply = (candidates: JsonObject[], usage: JsonObject = {}): JsonObject => ({
    candidates,
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 2, ...usage },
    modelVersion: "gemini-3-flash",
  });
  const searches = (...candidates: JsonObject[]): unknown =>
    usageOf("gemini", reply(candidates))?.webSearches;

  test("each query is a search once, over all candidates, and an empty one is none", () => {
    expect(searches(grounded("a", "b", "a", "", 7), { ...grounded("b", "c"), index: 1 })).toBe(3);
    expect(searches(grounded(""))).toBeNull();
    expect(searches(grounded())).toBeNull();
  });

  test("modalities of cached tokens", () => {
    const usage = usageOf(
      "gemini",
      reply([grounded()], {
        cachedContentTokenCount: 60,
        cacheTokensDetails: [
          { modality: "TEXT", tokenCount: 30 },
          { modality: "AUDIO", tokenCount: 20 },
          { modality: "IMAGE", tokenCount: 10 },
        ],
        promptTokensDetails: [{ modality: "AUDIO", tokenCount: 25 }],
      }),
    );
    expect(usage).toMatchObject({
      cacheReadTokens: 60,
      cacheReadAudioTokens: 20,
      cacheReadImageTokens: 10,
      inputAudioTokens: 25,
    });
  });

  test("in a stream, searches count wherever they stand", () => {
    const { finishReason: _, ...early } = grounded("a");
    const chunks = [
      reply([early]),
      reply([{ content: { parts: [{ text: "x" }] } }]),
      { candidates: [grounded("a", "b")] },
    ];
    const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
    for (const cuts of [[], [...Array(text.length).keys()]]) {
      const { usage } = runTap(makeTap("gemini", "sse"), text, cuts).state;
      expect(usage).toMatchObject({ inputTokens: 100, webSearches: 2 });
    }
    const decoder = CODECS.gemini.makeStreamDecoder("sse", OPTIONS);
    const events: ModelEvent[] = [];
    decoder.push(new TextEncoder().encode(text), (event) => events.push(event));
    decoder.end((event) => events.push(event));
    const usages = events.flatMap((event) => (event.type === "usage" ? [event.usage] : []));
    expect(usages.at(-1)).toMatchObject({ inputTokens: 100, webSearches: 2 });
  });
});

describe("Responses", () => {
  const call = (action: JsonObject | null): JsonObject => ({
    id: "ws_1",
    type: "web_search_call",
    status: "completed",
    ...(action === null ? {} : { action }),
  });
  const ITEMS = [
    call({ type: "search", query: "a" }),
    call({ type: "open_page", url: "https://a.example" }),
    call({ type: "find_in_page", pattern: "b" }),
    call(null),
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi", annotations: [] }] },
  ];
  const reply = (output: unknown[], more: JsonObject = {}): JsonObject => ({
    id: "resp_1",
    object: "response",
    status: "completed",
    model: "gpt-5.4",
    output,
    usage: { input_tokens: 3, output_tokens: 2 },
    ...more,
  });
  const searches = (body: JsonObject): unknown => usageOf("openai-responses", body)?.webSearches;

  test("the count of the reply decides; without it, the searches among the items", () => {
    expect(searches(reply(ITEMS, { tool_usage: { web_search: { num_requests: 5 } } }))).toBe(5);
    expect(searches(reply(ITEMS, { tool_usage: { web_search: { num_requests: 0 } } }))).toBe(0);
    expect(searches(reply(ITEMS))).toBe(2);
    expect(searches(reply(ITEMS.slice(-1)))).toBeNull();
  });

  test("in a stream, the last event has the items", () => {
    const frame = { type: "response.completed", sequence_number: 1, response: reply(ITEMS) };
    const text = `event: response.completed\ndata: ${JSON.stringify(frame)}\n\n`;
    const { usage } = runTap(makeTap("openai-responses", "sse"), text).state;
    expect(usage).toMatchObject({ inputTokens: 3, webSearches: 2 });
  });
});

describe("Chat Completions", () => {
  const reply = (usage: JsonObject): JsonObject => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "m",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hi" } }],
    usage: { prompt_tokens: 100, completion_tokens: 50, ...usage },
  });

  test("searches, under the names that servers have for them", () => {
    const searches = (usage: JsonObject): unknown => usageOf("openai-chat", reply(usage))?.webSearches;
    expect(searches({ server_tool_use: { web_search_requests: 3 } })).toBe(3);
    expect(searches({ num_search_queries: 21 })).toBe(21);
    expect(searches({})).toBeNull();
  });

  test("modalities of cached tokens, and images that the model makes", () => {
    const usage = usageOf(
      "openai-chat",
      reply({
        prompt_tokens_details: {
          cached_tokens: 40,
          audio_tokens: 30,
          cached_tokens_details: { text_tokens: 20, audio_tokens: 15, image_tokens: 5 },
        },
        completion_tokens_details: { image_tokens: 9 },
      }),
    );
    expect(usage).toMatchObject({
      cacheReadTokens: 40,
      cacheReadAudioTokens: 15,
      cacheReadImageTokens: 5,
      inputAudioTokens: 30,
      outputImageTokens: 9,
    });
  });
});
