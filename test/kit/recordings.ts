/** Answers in the exact grammar of the four providers. */
import { upstreamToml } from "./gateway.ts";

export type DialectName = "openai-chat" | "openai-responses" | "anthropic-messages" | "gemini";

/** A dialect and a framing, with a recorded answer. */
export interface Recording {
  readonly name: string;
  readonly dialect: DialectName;
  readonly family: "anthropic" | "gemini" | "openai";
  /** The path of a request for the stream. */
  readonly streamPath: string;
  /** The path of a request for the whole answer. */
  readonly wholePath: string;
  readonly model: string;
  /** A request body to which the gateway adds nothing; Gemini's body names no model. */
  body(isStream: boolean): string;
  /** The stream's frames in order; those from `terminalFrom` on make the answer whole. */
  readonly frames: readonly string[];
  /** Index of the first frame after which an end of the stream is a good end. */
  readonly terminalFrom: number;
  readonly streamType: string;
  /** The same answer in one piece. */
  readonly whole: string;
  /** Texts that only a finished answer has; a stream that was cut must have none of them. */
  readonly endMarks: readonly string[];
  /** Matches an in-band error. */
  readonly errorMark: RegExp;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const sse = (data: unknown, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

const TEXTS = ["The clew", " leads — ", "durch das Labyrinth, ", "迷路を", "抜ける 🧶."];

const chatChunk = (choices: unknown, more: object = {}): string =>
  sse({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1790000000,
    model: "gpt-4.1-2025",
    choices,
    ...more,
  });

const chatDelta = (delta: object, finish: string | null = null): string =>
  chatChunk([{ index: 0, delta, finish_reason: finish }], { usage: null });

export const CHAT: Recording = {
  name: "openai-chat",
  dialect: "openai-chat",
  family: "openai",
  streamPath: "/v1/chat/completions",
  wholePath: "/v1/chat/completions",
  model: "gpt-4.1",
  body: (isStream) =>
    `{"model":"gpt-4.1","messages":[{"role":"user","content":"go"}]${
      isStream ? ',"stream":true,"stream_options":{"include_usage":true}' : ""
    }}`,
  frames: [
    chatDelta({ role: "assistant", content: "" }),
    ...TEXTS.map((content) => chatDelta({ content })),
    chatDelta({}, "stop"),
    chatChunk([], {
      usage: {
        prompt_tokens: 21,
        completion_tokens: 34,
        total_tokens: 55,
        prompt_tokens_details: { cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    }),
    "data: [DONE]\n\n",
  ],
  terminalFrom: 6,
  streamType: "text/event-stream; charset=utf-8",
  whole: JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1790000000,
    model: "gpt-4.1-2025",
    choices: [{ index: 0, message: { role: "assistant", content: TEXTS.join("") }, finish_reason: "stop" }],
    usage: { prompt_tokens: 21, completion_tokens: 34, total_tokens: 55 },
  }),
  endMarks: ['"finish_reason":"stop"', '"total_tokens"'],
  errorMark: /data: \{"error":\{.*"type":"server_error".*\n\ndata: \[DONE\]\n\n$/,
  inputTokens: 21,
  outputTokens: 34,
};

const messageUsage = { input_tokens: 21, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

export const MESSAGES: Recording = {
  name: "anthropic-messages",
  dialect: "anthropic-messages",
  family: "anthropic",
  streamPath: "/v1/messages",
  wholePath: "/v1/messages",
  model: "claude-haiku-4-5",
  body: (isStream) =>
    `{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"go"}]${
      isStream ? ',"stream":true' : ""
    }}`,
  frames: [
    sse(
      {
        type: "message_start",
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "claude-haiku-4-5-20251001",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...messageUsage, output_tokens: 1 },
        },
      },
      "message_start",
    ),
    sse(
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      "content_block_start",
    ),
    sse({ type: "ping" }, "ping"),
    ...TEXTS.map((text) =>
      sse(
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
        "content_block_delta",
      ),
    ),
    sse({ type: "content_block_stop", index: 0 }, "content_block_stop"),
    sse(
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { ...messageUsage, output_tokens: 34 },
      },
      "message_delta",
    ),
    sse({ type: "message_stop" }, "message_stop"),
  ],
  terminalFrom: 10,
  streamType: "text/event-stream; charset=utf-8",
  whole: JSON.stringify({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: TEXTS.join("") }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { ...messageUsage, output_tokens: 34 },
  }),
  endMarks: ["message_stop"],
  errorMark: /event: error\ndata: \{"type":"error","error":\{"type":"[a-z_]+".*\}\n\n$/,
  inputTokens: 21,
  outputTokens: 34,
};

const responseOf = (status: string, more: object = {}): object => ({
  id: "resp_1",
  object: "response",
  created_at: 1790000000,
  status,
  error: null,
  incomplete_details: null,
  model: "gpt-4.1-2025",
  output: [],
  usage: null,
  ...more,
});
const messageItem = (status: string, content: object[]): object => ({
  id: "msg_1",
  type: "message",
  status,
  role: "assistant",
  content,
});
const fullText = { type: "output_text", text: TEXTS.join(""), annotations: [] };
const responseUsage = {
  input_tokens: 21,
  input_tokens_details: { cached_tokens: 8 },
  output_tokens: 34,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 55,
};
const finalResponse = responseOf("completed", {
  output: [messageItem("completed", [fullText])],
  usage: responseUsage,
});
const textPlace = { item_id: "msg_1", output_index: 0, content_index: 0 };

export const RESPONSES: Recording = {
  name: "openai-responses",
  dialect: "openai-responses",
  family: "openai",
  streamPath: "/v1/responses",
  wholePath: "/v1/responses",
  model: "gpt-4.1",
  body: (isStream) => `{"model":"gpt-4.1","input":"go"${isStream ? ',"stream":true' : ""}}`,
  frames: [
    { type: "response.created", response: responseOf("in_progress") },
    { type: "response.in_progress", response: responseOf("in_progress") },
    { type: "response.output_item.added", output_index: 0, item: messageItem("in_progress", []) },
    {
      type: "response.content_part.added",
      ...textPlace,
      part: { type: "output_text", text: "", annotations: [] },
    },
    ...TEXTS.map((delta) => ({ type: "response.output_text.delta", ...textPlace, delta, logprobs: [] })),
    { type: "response.output_text.done", ...textPlace, text: TEXTS.join(""), logprobs: [] },
    { type: "response.content_part.done", ...textPlace, part: fullText },
    { type: "response.output_item.done", output_index: 0, item: messageItem("completed", [fullText]) },
    { type: "response.completed", response: finalResponse },
  ].map((event, i) => sse({ ...event, sequence_number: i }, event.type)),
  terminalFrom: 12,
  streamType: "text/event-stream; charset=utf-8",
  whole: JSON.stringify(finalResponse),
  endMarks: ["response.completed"],
  errorMark:
    /event: response\.failed\ndata: \{"type":"response\.failed".*"status":"failed".*\}\n\nevent: error\ndata: \{.*\}\n\n$/,
  inputTokens: 21,
  outputTokens: 34,
};

const geminiChunk = (text: string, isLast: boolean): object => ({
  candidates: [
    {
      content: { role: "model", parts: [{ text }] },
      ...(isLast ? { finishReason: "STOP" } : {}),
      index: 0,
    },
  ],
  usageMetadata: {
    promptTokenCount: 21,
    ...(isLast ? { candidatesTokenCount: 29, thoughtsTokenCount: 5, totalTokenCount: 55 } : {}),
  },
  modelVersion: "gemini-3-flash-001",
  responseId: "r1",
});
const geminiChunks = TEXTS.map((text, i) => geminiChunk(text, i === TEXTS.length - 1));

export const GEMINI: Recording = {
  name: "gemini",
  dialect: "gemini",
  family: "gemini",
  streamPath: "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse",
  wholePath: "/v1beta/models/gemini-3-flash:generateContent",
  model: "gemini-3-flash",
  body: () => `{"contents":[{"role":"user","parts":[{"text":"go"}]}]}`,
  frames: geminiChunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`),
  terminalFrom: 4,
  streamType: "text/event-stream",
  whole: JSON.stringify(geminiChunk(TEXTS.join(""), true), null, 2),
  endMarks: ['"finishReason"'],
  errorMark: /data: \{"error":\{"code":503,.*"status":"UNAVAILABLE".*\}\n\n$/,
  inputTokens: 21,
  outputTokens: 34,
};

/** Gemini without `alt=sse`: one JSON array, element by element. */
export const GEMINI_ARRAY: Recording = {
  ...GEMINI,
  name: "gemini, as a JSON array",
  streamPath: "/v1beta/models/gemini-3-flash:streamGenerateContent",
  frames: geminiChunks.map(
    (chunk, i) =>
      `${i === 0 ? "[" : ",\r\n"}${JSON.stringify(chunk, null, 2)}${i === TEXTS.length - 1 ? "\n]" : ""}`,
  ),
  streamType: "application/json; charset=UTF-8",
  errorMark: /\{"error":\{"code":503,.*"status":"UNAVAILABLE".*\}\]$/,
};

export const SSE_RECORDINGS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
export const RECORDINGS: readonly Recording[] = [...SSE_RECORDINGS, GEMINI_ARRAY];

/** The whole stream as bytes. */
export function streamOf(recording: Recording): Buffer {
  return Buffer.from(recording.frames.join(""));
}

/** One upstream of each family, all at the same URL, with the names of the families. */
export function familiesToml(url: string, lines = ""): string {
  return [
    upstreamToml("anthropic", "anthropic", url, { lines }),
    upstreamToml("gemini", "gemini", url, { lines }),
    upstreamToml("openai", "openai", `${url}/v1`, { lines }),
  ].join("\n");
}
