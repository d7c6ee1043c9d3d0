/** The official OpenAI SDK as a client: Chat Completions and Responses. */
import OpenAI from "openai";
import type { Answer, Ask, Client, Ending, Turn } from "./ask.ts";

const ENDINGS: Readonly<Record<string, Ending>> = { stop: "end", length: "length", tool_calls: "calls" };

const sdkOf = ({ url, key }: { readonly url: string; readonly key: string }): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

const idOf = (turns: readonly Turn[], index: number): string =>
  `call_${turns.slice(0, index + 1).filter(({ by }) => by === "model").length}`;

export const chat: Client = async (address, model, ask, isStream) => {
  const params = chatParams(model, ask);
  const { completions } = sdkOf(address).chat;
  const reply = isStream
    ? await completions.stream({ ...params, stream_options: { include_usage: true } }).finalChatCompletion()
    : await completions.create(params);
  const [choice] = reply.choices;
  const calls = (choice?.message.tool_calls ?? []).flatMap((call) =>
    call.type === "function" ? [call.function] : [],
  );
  return {
    text: choice?.message.content ?? "",
    calls: calls.map(({ name, arguments: args }) => ({ name, args: JSON.parse(args) })),
    ending: ENDINGS[choice?.finish_reason ?? ""] as Ending,
    input: reply.usage?.prompt_tokens ?? 0,
    cached: reply.usage?.prompt_tokens_details?.cached_tokens ?? 0,
    output: reply.usage?.completion_tokens ?? 0,
  };
};

function chatParams(
  model: string,
  ask: Ask,
): Omit<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming, "stream"> {
  return {
    model,
    temperature: 0,
    max_tokens: ask.maxTokens,
    messages: [
      ...(ask.system === undefined ? [] : [{ role: "system" as const, content: ask.system }]),
      ...ask.turns.map((turn, index) => chatMessage(turn, idOf(ask.turns, index))),
    ],
    ...(ask.stop === undefined ? {} : { stop: [...ask.stop] }),
    ...(ask.schema === undefined
      ? {}
      : {
          response_format: {
            type: "json_schema",
            json_schema: { name: "answer", schema: { ...ask.schema }, strict: true },
          },
        }),
    ...(ask.tool === undefined
      ? {}
      : {
          tools: [
            {
              type: "function",
              function: {
                name: ask.tool.name,
                description: ask.tool.description,
                parameters: { ...ask.tool.schema },
              },
            },
          ],
        }),
    ...(ask.isForced === true ? { tool_choice: "required" } : {}),
  };
}

function chatMessage(turn: Turn, id: string): OpenAI.Chat.ChatCompletionMessageParam {
  switch (turn.by) {
    case "user":
      return { role: "user", content: turn.text };
    case "model": {
      const { name, args } = turn.call;
      return {
        role: "assistant",
        tool_calls: [{ id, type: "function", function: { name, arguments: JSON.stringify(args) } }],
      };
    }
    case "tool":
      return { role: "tool", tool_call_id: id, content: JSON.stringify(turn.result) };
  }
}

export const responses: Client = async (address, model, ask, isStream) => {
  const sdk = sdkOf(address);
  const params = responsesParams(model, ask);
  const reply = isStream
    ? await sdk.responses.stream(params).finalResponse()
    : await sdk.responses.create(params);
  const calls = reply.output.flatMap((item) => (item.type === "function_call" ? [item] : []));
  return {
    text: reply.output_text,
    calls: calls.map(({ name, arguments: args }) => ({ name, args: JSON.parse(args) })),
    ending: reply.status === "incomplete" ? "length" : calls.length > 0 ? "calls" : "end",
    input: reply.usage?.input_tokens ?? 0,
    cached: reply.usage?.input_tokens_details.cached_tokens ?? 0,
    output: reply.usage?.output_tokens ?? 0,
  } satisfies Answer;
};

/** Responses has no stop sequences. */
function responsesParams(
  model: string,
  ask: Ask,
): Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream"> {
  return {
    model,
    temperature: 0,
    max_output_tokens: ask.maxTokens,
    ...(ask.system === undefined ? {} : { instructions: ask.system }),
    input: ask.turns.map((turn, index) => responsesItem(turn, idOf(ask.turns, index))),
    ...(ask.schema === undefined
      ? {}
      : {
          text: { format: { type: "json_schema", name: "answer", schema: { ...ask.schema }, strict: true } },
        }),
    ...(ask.tool === undefined
      ? {}
      : {
          tools: [
            {
              type: "function",
              name: ask.tool.name,
              description: ask.tool.description,
              parameters: { ...ask.tool.schema },
              strict: false,
            },
          ],
        }),
    ...(ask.isForced === true ? { tool_choice: "required" } : {}),
  };
}

function responsesItem(turn: Turn, id: string): OpenAI.Responses.ResponseInputItem {
  switch (turn.by) {
    case "user":
      return { role: "user", content: turn.text };
    case "model":
      return {
        type: "function_call",
        call_id: id,
        name: turn.call.name,
        arguments: JSON.stringify(turn.call.args),
      };
    case "tool":
      return { type: "function_call_output", call_id: id, output: JSON.stringify(turn.result) };
  }
}
