// OpenAI Chat Completions: the answer as one completion and as a stream of chunks.

import { type Answer, type Call, pieces, type Question, type ToolOffer } from "../answer.ts";
import { isReasoningModel } from "../catalogue.ts";
import { asList, asNumber, asRecord, asString, type JsonRecord } from "../json.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import type { SimRequest } from "../request.ts";

export function replyChat(request: SimRequest): Reply {
  const { body, model } = request;
  const answer = request.answer(questionOf(request));
  const calls = answer.calls.map((call) => toolCall(call, `call_${request.hex(12)}`));
  const choiceCount = asNumber(body.n) ?? 1;
  const common = {
    id: `chatcmpl-${request.hex(14)}`,
    created: Math.floor(request.nowMs / 1000),
    model,
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  };
  const usage = usageOf(answer, choiceCount);
  const indexes = Array.from({ length: choiceCount }, (_, index) => index);
  return {
    isStream: body.stream === true,
    whole: () => ({
      ...common,
      object: "chat.completion",
      choices: indexes.map((index) => ({
        index,
        message: {
          role: "assistant",
          content: answer.calls.length > 0 ? null : answer.text.join(""),
          refusal: null,
          annotations: [],
          ...(calls.length > 0
            ? {
                tool_calls: calls.map((call) => ({
                  id: call.id,
                  type: call.type,
                  ...call.fragment(call.name, call.input),
                })),
              }
            : {}),
        },
        logprobs: null,
        finish_reason: FINISH_REASONS[answer.ending],
      })),
      usage,
    }),
    stream: () => {
      const asksUsage = asRecord(body.stream_options).include_usage === true;
      return {
        framing: "sse",
        events: events(answer, calls, common, indexes, asksUsage ? usage : undefined),
      };
    },
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}

const FINISH_REASONS = { end: "stop", length: "length", stop: "stop", tool: "tool_calls" } as const;

/** With `usage`, each chunk has a null one and a last chunk without choices has the real one. */
function* events(
  answer: Answer,
  calls: readonly ToolCall[],
  common: JsonRecord,
  indexes: readonly number[],
  usage: JsonRecord | undefined,
): Iterable<StreamEvent> {
  const chunk = (choices: readonly unknown[], finalUsage: JsonRecord | null = null): StreamEvent => ({
    data: JSON.stringify({
      ...common,
      object: "chat.completion.chunk",
      choices,
      ...(usage === undefined ? {} : { usage: finalUsage }),
    }),
  });
  for (const index of indexes) {
    const one = (delta: JsonRecord, finish_reason: string | null = null) =>
      chunk([{ index, delta, logprobs: null, finish_reason }]);
    yield one({ role: "assistant", content: calls.length > 0 ? null : "", refusal: null });
    for (const content of answer.text) {
      yield one({ content });
    }
    for (const [at, call] of calls.entries()) {
      const named = { index: at, id: call.id, type: call.type };
      yield one({ tool_calls: [{ ...named, ...call.fragment(call.name, "") }] });
      for (const piece of pieces(call.input)) {
        yield one({ tool_calls: [{ index: at, ...call.fragment(undefined, piece) }] });
      }
    }
    yield one({}, FINISH_REASONS[answer.ending]);
  }
  if (usage !== undefined) {
    yield chunk([], usage);
  }
  yield { data: "[DONE]", isLast: true };
}

interface ToolCall {
  readonly id: string;
  readonly type: "function" | "custom";
  readonly name: string;
  readonly input: string;
  /** The member that holds the name and (a piece of) the input. */
  fragment(name: string | undefined, input: string): JsonRecord;
}

function toolCall(call: Call, id: string): ToolCall {
  const type = call.tool.kind;
  const inputName = type === "custom" ? "input" : "arguments";
  return {
    id,
    type,
    name: call.tool.name,
    input: call.input,
    fragment: (name, input) => ({ [type]: { ...(name === undefined ? {} : { name }), [inputName]: input } }),
  };
}

function usageOf(answer: Answer, choiceCount: number): JsonRecord {
  const { prompt, cached, output, reasoning } = answer.usage;
  const completion = output * choiceCount;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning * choiceCount,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const turns = asList(body.messages).map(asRecord);
  const stops = typeof body.stop === "string" ? [body.stop] : asList(body.stop).map(asString);
  const maxTokens = asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens);
  const format = asRecord(body.response_format);
  return {
    model,
    organization: request.organization,
    prompt: [...(body.tools === undefined ? [] : [body.tools]), ...turns].map((part) => JSON.stringify(part)),
    lastUserText: textOf(turns.filter((turn) => turn.role === "user").at(-1)?.content),
    hasToolResult: turns.at(-1)?.role === "tool",
    tools: asList(body.tools).map(asRecord).map(offerOf),
    choice: choiceOf(body.tool_choice),
    isParallel: body.parallel_tool_calls !== false,
    isReasoning: isReasoningModel(model) && body.reasoning_effort !== "none",
    ...(format.type === "json_schema" ? { format: asRecord(format.json_schema).schema ?? true } : {}),
    ...(format.type === "json_object" ? { format: true } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops,
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") {
    return content;
  }
  const parts = asList(content).map(asRecord);
  return asString(parts.filter((part) => part.type === "text").at(-1)?.text);
}

function offerOf(tool: JsonRecord): ToolOffer {
  const inner = asRecord(tool.type === "custom" ? tool.custom : tool.function);
  return {
    name: asString(inner.name),
    kind: tool.type === "custom" ? "custom" : "function",
    schema: inner.parameters ?? {},
  };
}

function choiceOf(choice: unknown): Question["choice"] {
  if (choice === "none" || choice === "required") {
    return choice;
  }
  const { type, function: fn, custom, allowed_tools } = asRecord(choice);
  if (type === "function" || type === "custom") {
    return [asString(asRecord(fn ?? custom).name)];
  }
  return asRecord(allowed_tools).mode === "required" ? "required" : "auto";
}
