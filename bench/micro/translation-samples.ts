/** A request, a whole reply and a streamed reply of each dialect, as those of `bench/load`. */
import type { DialectName } from "../../src/dialects/dialect.ts";
import type { Message } from "../../src/neutral/message.ts";
import type { ModelRequest } from "../../src/neutral/request.ts";

/** Tokens of a stream. */
export const TOKENS = 100;

export interface StreamSample {
  readonly head: string;
  readonly event: string;
  readonly tail: string;
}

const PROSE =
  'Ariadne gave him a ball of thread, and "he" tied its end at the door.\nSo he found the way back. ';
const INSTRUCTION = "You are a helpful assistant.";
const QUESTION = "Which way is out? [bench json]";
const TEXT = "The thread leads out of the labyrinth. ".repeat(15);

/** The request of a client, about 1 KB. */
export function requestOf(client: DialectName, isStream: boolean): object {
  const said = PROSE.repeat(6);
  const stream = isStream ? { stream: true } : null;
  const user = (content: string) => ({ role: "user", content });
  switch (client) {
    case "openai-chat":
      return {
        model: "bench-model",
        ...stream,
        ...(isStream ? { stream_options: { include_usage: true } } : null),
        temperature: 0.7,
        messages: [{ role: "system", content: INSTRUCTION }, user(said), user(QUESTION)],
      };
    case "anthropic-messages":
      return {
        model: "bench-model",
        max_tokens: 1024,
        ...stream,
        temperature: 0.7,
        system: INSTRUCTION,
        messages: [user(said), user(QUESTION)],
      };
    case "openai-responses":
      return {
        model: "bench-model",
        ...stream,
        temperature: 0.7,
        instructions: INSTRUCTION,
        input: [user(said), user(QUESTION)],
      };
    case "gemini":
      return {
        generationConfig: { temperature: 0.7 },
        systemInstruction: { parts: [{ text: INSTRUCTION }] },
        contents: [
          { role: "user", parts: [{ text: said }] },
          { role: "user", parts: [{ text: QUESTION }] },
        ],
      };
  }
}

const CHAT = { id: "chatcmpl-bench000000000000000000", created: 1_790_000_000, model: "bench-model" };
const CHAT_USAGE = {
  prompt_tokens: 190,
  completion_tokens: 120,
  total_tokens: 310,
  prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};
const MESSAGE = {
  id: "msg_bench0000000000000000000",
  type: "message",
  role: "assistant",
  model: "bench-model",
};
const MESSAGE_USAGE = {
  input_tokens: 126,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 64,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 120,
  service_tier: "standard",
};
const ITEM = { id: "msg_bench", type: "message", role: "assistant" };
const PART = { type: "output_text", annotations: [], logprobs: [] };
const RESPONSE = {
  id: "resp_bench00000000000000000000000",
  object: "response",
  created_at: 1_790_000_000,
  error: null,
  incomplete_details: null,
  model: "bench-model",
  parallel_tool_calls: true,
  store: false,
  temperature: 0.7,
  tool_choice: "auto",
  tools: [],
};
const RESPONSE_USAGE = {
  input_tokens: 190,
  input_tokens_details: { cached_tokens: 64 },
  output_tokens: 120,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 310,
};
const CHUNK = { modelVersion: "bench-model", responseId: "bench000000000000" };
const GEMINI_USAGE = {
  promptTokenCount: 190,
  cachedContentTokenCount: 64,
  candidatesTokenCount: 120,
  totalTokenCount: 310,
  promptTokensDetails: [{ modality: "TEXT", tokenCount: 190 }],
};

/** A whole reply of an upstream. */
export const REPLIES: Readonly<Record<DialectName, string>> = {
  "openai-chat": JSON.stringify({
    ...CHAT,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: TEXT, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: CHAT_USAGE,
    service_tier: "default",
  }),
  "anthropic-messages": JSON.stringify({
    ...MESSAGE,
    content: [{ type: "text", text: TEXT }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: MESSAGE_USAGE,
  }),
  "openai-responses": JSON.stringify({
    ...RESPONSE,
    status: "completed",
    output: [{ ...ITEM, status: "completed", content: [{ ...PART, text: TEXT }] }],
    usage: RESPONSE_USAGE,
  }),
  gemini: JSON.stringify({
    candidates: [{ content: { parts: [{ text: TEXT }], role: "model" }, finishReason: "STOP", index: 0 }],
    usageMetadata: GEMINI_USAGE,
    ...CHUNK,
  }),
};

function chatEvent(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ ...CHAT, object: "chat.completion.chunk", choices, usage: null })}\n\n`;
}

function namedEvent(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function geminiEvent(text: string, finishReason?: string): string {
  const candidates = [{ content: { parts: [{ text }], role: "model" }, finishReason, index: 0 }];
  return `data: ${JSON.stringify({ candidates, usageMetadata: GEMINI_USAGE, ...CHUNK })}\n\n`;
}

const PLACE = { item_id: ITEM.id, output_index: 0, content_index: 0 };
const STREAMED = " thread".repeat(TOKENS);

/** A streamed reply of an upstream: the head, each of the tokens, and the tail. */
export const STREAMS: Readonly<Record<DialectName, StreamSample>> = {
  "openai-chat": {
    head: chatEvent({ role: "assistant", content: "" }),
    event: chatEvent({ content: " thread" }),
    tail: `${chatEvent({}, "stop")}data: ${JSON.stringify({ ...CHAT, choices: [], usage: CHAT_USAGE })}\n\ndata: [DONE]\n\n`,
  },
  "anthropic-messages": {
    head:
      namedEvent("message_start", { message: { ...MESSAGE, content: [], usage: MESSAGE_USAGE } }) +
      namedEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event: namedEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: " thread" } }),
    tail:
      namedEvent("content_block_stop", { index: 0 }) +
      namedEvent("message_delta", {
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: MESSAGE_USAGE,
      }) +
      namedEvent("message_stop", {}),
  },
  "openai-responses": {
    head:
      namedEvent("response.created", { response: { ...RESPONSE, status: "in_progress", output: [] } }) +
      namedEvent("response.output_item.added", { output_index: 0, item: { ...ITEM, content: [] } }) +
      namedEvent("response.content_part.added", { ...PLACE, part: { ...PART, text: "" } }),
    event: namedEvent("response.output_text.delta", { ...PLACE, delta: " thread", logprobs: [] }),
    tail:
      namedEvent("response.output_text.done", { ...PLACE, text: STREAMED, logprobs: [] }) +
      namedEvent("response.output_item.done", {
        output_index: 0,
        item: { ...ITEM, status: "completed", content: [{ ...PART, text: STREAMED }] },
      }) +
      namedEvent("response.completed", {
        response: {
          ...RESPONSE,
          status: "completed",
          output: [{ ...ITEM, status: "completed", content: [{ ...PART, text: STREAMED }] }],
          usage: RESPONSE_USAGE,
        },
      }),
  },
  gemini: { head: geminiEvent(" The"), event: geminiEvent(" thread"), tail: geminiEvent(".", "STOP") },
};

const AGENT_TURNS = 20;
const AGENT_TOOLS = 20;

/** The request of an agent, about 40 KB: a history with calls and their results, and many tools. */
export function agentRequest(model: string): ModelRequest {
  const messages = Array.from({ length: AGENT_TURNS }, (_, n): readonly Message[] => [
    { role: "user", parts: [{ type: "text", text: QUESTION }] },
    {
      role: "assistant",
      parts: [
        { type: "text", text: "I look." },
        {
          type: "tool-call",
          id: `call_${n}`,
          name: `read_file_${n % AGENT_TOOLS}`,
          namespace: null,
          kind: "function",
          input: JSON.stringify({ path: `/maze/${n}`, line: n }),
        },
      ],
    },
    {
      role: "user",
      parts: [
        {
          type: "tool-result",
          callId: `call_${n}`,
          name: null,
          content: [{ type: "text", text: PROSE.repeat(8) }],
          isError: false,
          at: "",
        },
      ],
    },
    { role: "assistant", parts: [{ type: "text", text: PROSE.repeat(4) }] },
  ]).flat();
  const tools = Array.from({ length: AGENT_TOOLS }, (_, n) => ({
    kind: "function" as const,
    name: `read_file_${n}`,
    namespace: null,
    description: PROSE,
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "Path of the file" },
        line: { type: "integer", minimum: 1 },
        mode: { type: "string", enum: ["text", "bytes"] },
      },
      required: ["path"],
    },
    strict: null,
    isDeferred: false,
    cache: null,
    at: "",
  }));
  return {
    model,
    stream: false,
    system: [{ type: "text", text: PROSE.repeat(20) }],
    messages: [...messages, { role: "user", parts: [{ type: "text", text: QUESTION }] }],
    tools,
    toolChoice: null,
    parallelToolCalls: null,
    maxOutputTokens: 1024,
    stop: [],
    sampling: {
      temperature: null,
      topP: null,
      topK: null,
      seed: null,
      frequencyPenalty: null,
      presencePenalty: null,
      logitBias: null,
    },
    candidates: 1,
    logprobs: null,
    reasoning: null,
    verbosity: null,
    output: null,
    outputModalities: [],
    userId: null,
    metadata: null,
    serviceTier: null,
    cacheKey: null,
    cacheWhole: null,
  };
}
