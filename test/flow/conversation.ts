/**
 * Conversations of two turns in each client's dialect: a question with a tool, and the result of the call
 * after the unchanged answer.
 */
import type { DialectName } from "../kit/recordings.ts";
import type { Frame } from "./translated.ts";

const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const QUESTION = "How is the weather in Oslo?";

/** A question with one tool, `weather`. `more` are further members of the body. */
export function firstTurn(client: DialectName, model: string, more: object = {}): Frame {
  switch (client) {
    case "openai-chat":
      return {
        model,
        messages: [{ role: "user", content: QUESTION }],
        tools: [{ type: "function", function: { name: "weather", parameters: SCHEMA } }],
        ...more,
      };
    case "openai-responses":
      return {
        model,
        store: false,
        include: ["reasoning.encrypted_content"],
        input: [{ role: "user", content: QUESTION }],
        tools: [{ type: "function", name: "weather", parameters: SCHEMA }],
        ...more,
      };
    case "anthropic-messages":
      return {
        model,
        max_tokens: 4_000,
        messages: [{ role: "user", content: QUESTION }],
        tools: [{ name: "weather", input_schema: SCHEMA }],
        ...more,
      };
    case "gemini":
      return {
        contents: [{ role: "user", parts: [{ text: QUESTION }] }],
        tools: [{ functionDeclarations: [{ name: "weather", parametersJsonSchema: SCHEMA }] }],
        ...more,
      };
  }
}

/** The next request: the unchanged answer, and a result for each of its calls. */
export function secondTurn(client: DialectName, first: Frame, answer: Frame): Frame {
  switch (client) {
    case "openai-chat": {
      const { message } = answer.choices[0];
      const results = message.tool_calls.map(({ id }: Frame) => ({
        role: "tool",
        tool_call_id: id,
        content: "rain",
      }));
      return { ...first, messages: [...first.messages, message, ...results] };
    }
    case "openai-responses": {
      const results = answer.output
        .filter(({ type }: Frame) => type === "function_call")
        .map(({ call_id }: Frame) => ({ type: "function_call_output", call_id, output: "rain" }));
      return { ...first, input: [...first.input, ...answer.output, ...results] };
    }
    case "anthropic-messages": {
      const results = answer.content
        .filter(({ type }: Frame) => type === "tool_use")
        .map(({ id }: Frame) => ({ type: "tool_result", tool_use_id: id, content: "rain" }));
      return {
        ...first,
        messages: [
          ...first.messages,
          { role: "assistant", content: answer.content },
          { role: "user", content: results },
        ],
      };
    }
    case "gemini": {
      const { content } = answer.candidates[0];
      const results = content.parts
        .filter(({ functionCall }: Frame) => functionCall !== undefined)
        .map(({ functionCall: { id, name } }: Frame) => ({
          functionResponse: { ...(id === undefined ? {} : { id }), name, response: { output: "rain" } },
        }));
      return { ...first, contents: [...first.contents, content, { role: "user", parts: results }] };
    }
  }
}

/** Where a whole answer is asked for. */
export function pathOf(client: DialectName, model: string): string {
  switch (client) {
    case "openai-chat":
      return "/v1/chat/completions";
    case "openai-responses":
      return "/v1/responses";
    case "anthropic-messages":
      return "/v1/messages";
    case "gemini":
      return `/v1beta/models/${model}:generateContent`;
  }
}

/** The sealed reasoning of the answers below. */
export const SEAL = Buffer.from("a seal of the provider's own").toString("base64");

/**
 * An answer with sealed reasoning and a call of `weather`, by provider. Compatible Chat servers seal nothing.
 */
export const SEALED_ANSWERS: Readonly<Record<Exclude<DialectName, "openai-chat">, object>> = {
  "anthropic-messages": {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-6",
    content: [
      { type: "thinking", thinking: "Rain, surely.", signature: SEAL },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Oslo" } },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 7 },
  },
  "openai-responses": {
    id: "resp_1",
    object: "response",
    created_at: 1790000000,
    status: "completed",
    error: null,
    incomplete_details: null,
    model: "gpt-5.4",
    output: [
      {
        id: "rs_1",
        type: "reasoning",
        summary: [{ type: "summary_text", text: "Rain, surely." }],
        encrypted_content: SEAL,
      },
      {
        id: "fc_1",
        type: "function_call",
        status: "completed",
        call_id: "call_1",
        name: "weather",
        arguments: '{"city":"Oslo"}',
      },
    ],
    usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
  },
  gemini: {
    candidates: [
      {
        content: {
          role: "model",
          parts: [
            { text: "Rain, surely.", thought: true },
            { functionCall: { name: "weather", args: { city: "Oslo" } }, thoughtSignature: SEAL },
          ],
        },
        finishReason: "STOP",
        index: 0,
      },
    ],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
  },
};
