// Which answers a tap takes for a refusal of the content: those in which nothing else was said.
import { expect, test } from "bun:test";
import type { DialectName, Framing } from "./dialect.ts";
import { everyByte, makeTap, runTap } from "./fixtures/tap-under-test.ts";

const sse = (...frames: readonly object[]): string =>
  frames
    .map((frame) => {
      const event = "type" in frame ? `event: ${frame.type}\n` : "";
      return `${event}data: ${JSON.stringify(frame)}\n\n`;
    })
    .join("");

const chunk = (delta: object, finish: string | null = null, index = 0): object => ({
  choices: [{ index, delta, finish_reason: finish }],
});
const message = (content: string | null, finish: string, more: object = {}): object => ({
  choices: [{ message: { role: "assistant", content, refusal: null, ...more }, finish_reason: finish }],
});
const START = { type: "message_start", message: { id: "msg_1", model: "m", content: [] } };
const stop = (reason: string): object => ({ type: "message_delta", delta: { stop_reason: reason } });
const OPEN = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
const CREATED = { type: "response.created", response: { id: "resp_1", status: "in_progress" } };
const incomplete = (reason: string, output: object[] = []): object => ({
  id: "resp_1",
  object: "response",
  status: "incomplete",
  incomplete_details: { reason },
  output,
});
const ended = (reason: string): object => ({ type: "response.incomplete", response: incomplete(reason) });
const candidate = (finishReason: string | null, parts: object[] = []): object => ({
  candidates: [{ content: { parts }, ...(finishReason === null ? {} : { finishReason }) }],
});
const BLOCKED = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: {} };

test.each<[DialectName, Framing, string, string, boolean]>([
  [
    "openai-chat",
    "sse",
    "a filter",
    sse(chunk({ role: "assistant", content: "" }), chunk({}, "content_filter")),
    true,
  ],
  ["openai-chat", "sse", "GLM's filter", sse(chunk({}, "sensitive")), true],
  ["openai-chat", "sse", "behind content", sse(chunk({ content: "Hm" }), chunk({}, "content_filter")), false],
  ["openai-chat", "sse", "in words", sse(chunk({ refusal: "I cannot" }), chunk({}, "stop")), false],
  ["openai-chat", "sse", "a good end", sse(chunk({}, "stop")), false],
  [
    "openai-chat",
    "sse",
    "one choice of two",
    sse(chunk({}, "content_filter"), chunk({ content: "x" }, null, 1)),
    false,
  ],
  ["openai-chat", "json", "a filter", JSON.stringify(message(null, "content_filter")), true],
  ["openai-chat", "json", "behind content", JSON.stringify(message("Hm", "content_filter")), false],
  [
    "openai-chat",
    "json",
    "behind a call",
    JSON.stringify(message(null, "content_filter", { tool_calls: [{}] })),
    false,
  ],
  ["openai-chat", "json", "a good end", JSON.stringify(message(null, "stop")), false],
  ["anthropic-messages", "sse", "a refusal", sse(START, stop("refusal"), { type: "message_stop" }), true],
  [
    "anthropic-messages",
    "sse",
    "behind content",
    sse(START, OPEN, stop("refusal"), { type: "message_stop" }),
    false,
  ],
  ["anthropic-messages", "sse", "a good end", sse(START, stop("end_turn"), { type: "message_stop" }), false],
  [
    "anthropic-messages",
    "json",
    "a refusal",
    '{"type":"message","content":[],"stop_reason":"refusal"}',
    true,
  ],
  [
    "anthropic-messages",
    "json",
    "behind thinking",
    '{"type":"message","content":[{"type":"thinking","thinking":"x"}],"stop_reason":"refusal"}',
    true,
  ],
  [
    "anthropic-messages",
    "json",
    "behind content",
    '{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"refusal"}',
    false,
  ],
  ["openai-responses", "sse", "a filter", sse(CREATED, ended("content_filter")), true],
  ["openai-responses", "sse", "a limit", sse(CREATED, ended("max_output_tokens")), false],
  [
    "openai-responses",
    "sse",
    "behind an item",
    sse(CREATED, { type: "response.output_item.added", item: {} }, ended("content_filter")),
    false,
  ],
  ["openai-responses", "json", "a filter", JSON.stringify(incomplete("content_filter")), true],
  [
    "openai-responses",
    "json",
    "behind reasoning",
    JSON.stringify(incomplete("content_filter", [{ type: "reasoning", summary: [] }])),
    true,
  ],
  [
    "openai-responses",
    "json",
    "behind content",
    JSON.stringify(incomplete("content_filter", [{ type: "message", content: [] }])),
    false,
  ],
  ["gemini", "sse", "a blocked prompt", sse(BLOCKED), true],
  ["gemini", "sse", "a filter", sse(candidate("SAFETY")), true],
  ["gemini", "sse", "behind content", sse(candidate(null, [{ text: "Hm" }]), candidate("SAFETY")), false],
  ["gemini", "sse", "with content", sse(candidate("SAFETY", [{ text: "Hm" }])), false],
  ["gemini", "sse", "a limit", sse(candidate("MAX_TOKENS")), false],
  ["gemini", "sse", "a garbled call", sse(candidate("MALFORMED_FUNCTION_CALL")), false],
  ["gemini", "json-array", "a blocked prompt", `[${JSON.stringify(BLOCKED)}]`, true],
  ["gemini", "json", "a blocked prompt", JSON.stringify(BLOCKED), true],
  ["gemini", "json", "a filter", JSON.stringify(candidate("IMAGE_SAFETY")), true],
  ["gemini", "json", "with content", JSON.stringify(candidate("SAFETY", [{ text: "Hm" }])), false],
])("%s as %s: %s", (name, framing, _, reply, isRefusal) => {
  expect(runTap(makeTap(name, framing), reply).state.isRefusal).toBe(isRefusal);
  if (framing === "json") return;
  expect(runTap(makeTap(name, framing), reply, everyByte(reply)).state.isRefusal).toBe(isRefusal);
});
