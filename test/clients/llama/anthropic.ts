/** The official Anthropic SDK as a client. */
import Anthropic from "@anthropic-ai/sdk";
import type { Ask, Client, Ending, Turn } from "./ask.ts";

const ENDINGS: Readonly<Record<string, Ending>> = {
  end_turn: "end",
  stop_sequence: "end",
  max_tokens: "length",
  tool_use: "calls",
};

/** The SDK sends it, but its types have left it out: Claude's newest models take none. */
const SAMPLING = { temperature: 0 };

export const messages: Client = async ({ url, key }, model, ask, isStream) => {
  const sdk = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const params = paramsOf(model, ask);
  const reply = isStream
    ? await sdk.messages.stream(params).finalMessage()
    : await sdk.messages.create(params);
  const { usage } = reply;
  const cached = usage.cache_read_input_tokens ?? 0;
  return {
    text: reply.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: reply.content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, args: block.input as Record<string, unknown> }] : [],
    ),
    ending: ENDINGS[reply.stop_reason ?? ""] as Ending,
    // This dialect counts what was cached beside the input.
    input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
    cached,
    output: usage.output_tokens,
  };
};

function paramsOf(model: string, ask: Ask): Anthropic.MessageCreateParamsNonStreaming {
  return {
    ...SAMPLING,
    model,
    max_tokens: ask.maxTokens,
    messages: ask.turns.map((turn, index) => messageOf(turn, ask.turns, index)),
    ...(ask.system === undefined ? {} : { system: ask.system }),
    ...(ask.stop === undefined ? {} : { stop_sequences: [...ask.stop] }),
    ...(ask.schema === undefined
      ? {}
      : { output_config: { format: { type: "json_schema", schema: { ...ask.schema } } } }),
    ...(ask.tool === undefined
      ? {}
      : {
          tools: [
            {
              name: ask.tool.name,
              description: ask.tool.description,
              input_schema: { type: "object", ...ask.tool.schema },
            },
          ],
        }),
    ...(ask.isForced === true ? { tool_choice: { type: "any" } } : {}),
  };
}

function messageOf(turn: Turn, turns: readonly Turn[], index: number): Anthropic.MessageParam {
  const id = `toolu_${turns.slice(0, index + 1).filter(({ by }) => by === "model").length}`;
  switch (turn.by) {
    case "user":
      return { role: "user", content: turn.text };
    case "model":
      return {
        role: "assistant",
        content: [{ type: "tool_use", id, name: turn.call.name, input: { ...turn.call.args } }],
      };
    case "tool":
      return {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: id, content: JSON.stringify(turn.result) }],
      };
  }
}
