/** Models that refuse in every dialect: a prompt that is too long, or its content. */
import { wayOf } from "../faults/asking.ts";
import { type Arrived, sendStream, sendWhole } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";

/** What a refusal counts, where it counts: the prompt alone. */
export const REFUSED_INPUT = 70;

type Refusing = (arrived: Arrived) => Promise<void>;

const TOO_LONG =
  "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.";
const google = (message: string): object => ({ error: { code: 400, message, status: "INVALID_ARGUMENT" } });
const anthropic = (message: string): object => ({
  type: "error",
  error: { type: "invalid_request_error", message },
});
const openai = (message: string, code: string): object => ({
  error: { message, type: "invalid_request_error", param: null, code },
});

const OVERFLOWS: Readonly<Record<DialectName, object>> = {
  "openai-chat": openai(TOO_LONG, "context_length_exceeded"),
  "openai-responses": openai(TOO_LONG, "context_length_exceeded"),
  "anthropic-messages": anthropic("prompt is too long: 9000 tokens > 8192 maximum"),
  gemini: google("The input token count (9000) exceeds the maximum number of tokens allowed (8192)."),
};

const WORDED_REFUSALS: Readonly<Record<DialectName, object>> = {
  "openai-chat": openai("The response was filtered.", "content_filter"),
  "openai-responses": openai("Refused.", "content_policy_violation"),
  "anthropic-messages": anthropic("Output blocked by content filtering policy"),
  // Google refuses inside a good reply.
  gemini: google("content exists risk"),
};

/** 400, and the words of the dialect's provider. */
export const refuseLength: Refusing = (arrived) => refuse(arrived, OVERFLOWS);
export const refuseContent: Refusing = (arrived) => refuse(arrived, WORDED_REFUSALS);

function refuse(arrived: Arrived, words: Readonly<Record<DialectName, object>>): Promise<void> {
  const body = JSON.stringify(words[wayOf(arrived).recording.dialect]);
  return sendWhole(arrived, body, { "content-type": "application/json" }, "400 Bad Request");
}

const CHAT_USAGE = { prompt_tokens: REFUSED_INPUT, completion_tokens: 0, total_tokens: REFUSED_INPUT };
const OUTPUT_USAGE = { input_tokens: REFUSED_INPUT, output_tokens: 0 };
const RESPONSE = { id: "resp_9", object: "response", created_at: 1, model: "m", output: [], error: null };
const REFUSED_RESPONSE = {
  ...RESPONSE,
  status: "incomplete",
  incomplete_details: { reason: "content_filter" },
  usage: { ...OUTPUT_USAGE, total_tokens: REFUSED_INPUT },
};
const MESSAGE = {
  id: "msg_9",
  type: "message",
  role: "assistant",
  model: "m",
  content: [],
  stop_sequence: null,
};
const BLOCKED = {
  promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
  usageMetadata: { promptTokenCount: REFUSED_INPUT, totalTokenCount: REFUSED_INPUT },
  modelVersion: "m",
};
const CHUNK = { id: "chatcmpl-9", object: "chat.completion.chunk", created: 1, model: "m" };

const WHOLES: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    ...CHUNK,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: null, refusal: null },
        finish_reason: "content_filter",
      },
    ],
    usage: CHAT_USAGE,
  },
  "openai-responses": REFUSED_RESPONSE,
  "anthropic-messages": { ...MESSAGE, stop_reason: "refusal", usage: OUTPUT_USAGE },
  gemini: BLOCKED,
};

const event = (data: { readonly type: string }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (frame: object): string => `data: ${JSON.stringify(frame)}\n\n`;
const created = { ...RESPONSE, status: "in_progress", incomplete_details: null, usage: null };

const STREAMS: Readonly<Record<DialectName, readonly string[]>> = {
  "openai-chat": [
    data({
      ...CHUNK,
      choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
    }),
    data({ ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: "content_filter" }] }),
    data({ ...CHUNK, choices: [], usage: CHAT_USAGE }),
    "data: [DONE]\n\n",
  ],
  "openai-responses": [
    event({ type: "response.created", sequence_number: 0, response: created } as { type: string }),
    event({ type: "response.incomplete", sequence_number: 1, response: REFUSED_RESPONSE } as {
      type: string;
    }),
  ],
  "anthropic-messages": [
    event({ type: "message_start", message: { ...MESSAGE, stop_reason: null, usage: OUTPUT_USAGE } } as {
      type: string;
    }),
    event({ type: "ping" }),
    event({
      type: "message_delta",
      delta: { stop_reason: "refusal", stop_sequence: null },
      usage: { output_tokens: 0 },
    } as { type: string }),
    event({ type: "message_stop" }),
  ],
  gemini: [data(BLOCKED)],
};

/**
 * 200, and a good reply that says nothing but that it refuses, in the form that was asked for. `keepsNone`: the provider
 * says that it does not keep the response.
 */
export async function refuseInReply(arrived: Arrived, keepsNone = false): Promise<void> {
  const { recording, isStream } = wayOf(arrived);
  const { dialect } = recording;
  const said = (text: string): string =>
    keepsNone ? text.replaceAll('"object":"response"', '"object":"response","store":false') : text;
  if (!isStream) await sendWhole(arrived, said(JSON.stringify(WHOLES[dialect])));
  else if (recording.name.includes("array"))
    await sendStream(arrived, [`[${JSON.stringify(BLOCKED)}\n]\n`], "application/json");
  else await sendStream(arrived, STREAMS[dialect].map(said));
}
