// OpenAI Chat Completions: the answer as one completion and as a stream of chunks.

import type { SimulatedAnswer } from "../answer/answer.ts";
import { billedOf } from "../answer/billed.ts";
import type { SimRequest } from "../answer/request.ts";
import { asList, asNumber, asRecord, type JsonRecord } from "../base/json.ts";
import type { Reply, StreamEvent } from "../base/reply.ts";
import type { CompatWord } from "../scenarios/words.ts";
import { annotations, callMember, deltasOf, type ToolCall, toolCalls } from "./delta.ts";
import { questionOf } from "./question.ts";
import { wholeReasoning } from "./reasoning.ts";

export function replyChat(request: SimRequest): Reply {
  const { body, model } = request;
  const isOdd = request.script.compat("openai-chat");
  const answer = request.answer(questionOf(request));
  const calls = toolCalls(answer, request);
  const choiceCount = asNumber(body.n) ?? 1;
  const common = {
    id: `chatcmpl-${request.hex(14)}`,
    created: Math.floor(request.nowMs / 1000),
    model,
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  };
  const counted = usageOf(answer, choiceCount, isOdd);
  const more = isOdd("base-resp") ? { base_resp: { status_code: 0, status_msg: "" } } : {};
  const usage = isOdd("odd-usage") ? { ...counted, completion_tokens: -1, total_tokens: 1 } : counted;
  const indexes = Array.from({ length: choiceCount }, (_, index) => index);
  return {
    isStream: body.stream === true,
    // A search has no price of its own in this dialect: models that search are paid by the request.
    billed: { ...billedOf(answer, choiceCount), searches: 0 },
    whole: () => ({
      ...common,
      object: "chat.completion",
      choices: indexes.map((index) => ({
        index,
        message: messageOf(answer, calls, request),
        logprobs: null,
        finish_reason: finishOf(answer, request),
        ...stopReason(answer, request),
      })),
      ...(isOdd("no-usage") ? {} : { usage }),
      ...more,
    }),
    stream: () => ({
      framing: "sse",
      events: events(answer, calls, { ...common, ...more }, indexes, usage, request),
      ...(request.persona?.opening === undefined ? {} : { opening: request.persona.opening }),
    }),
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}

const FINISH_REASONS = {
  end: "stop",
  length: "length",
  stop: "stop",
  tool: "tool_calls",
  refusal: "content_filter",
  pause: "stop",
  continue: "stop",
} as const;

function finishOf(answer: SimulatedAnswer, { script }: SimRequest): string | null {
  const isOdd = script.compat("openai-chat");
  if (isOdd("no-finish") || isOdd("role-only")) {
    return null;
  }
  const scripted = script.text("finish");
  if (scripted !== undefined) {
    return scripted;
  }
  if (isOdd("stop-for-calls") && answer.ending === "tool") {
    return "stop";
  }
  return isOdd("calls-for-stop") && answer.ending === "end" ? "tool_calls" : FINISH_REASONS[answer.ending];
}

function stopReason(answer: SimulatedAnswer, { script }: SimRequest): JsonRecord {
  return script.compat("openai-chat")("stop-reason") ? { stop_reason: answer.stopSequence ?? null } : {};
}

function messageOf(answer: SimulatedAnswer, calls: readonly ToolCall[], request: SimRequest): JsonRecord {
  const joined = (kind: "text" | "refusal") => {
    const deltas = answer.parts.flatMap((part) => (part.kind === kind ? part.deltas : []));
    return deltas.length === 0 ? undefined : deltas.join("");
  };
  const { content: thought, ...reasoning } = wholeReasoning(answer, request);
  const hasNoText = calls.length > 0 || answer.ending === "refusal";
  const said = joined("text");
  const content = said ?? (hasNoText ? null : "");
  return {
    role: "assistant",
    content: Array.isArray(thought)
      ? [...thought, ...(said === undefined ? [] : [{ type: "text", text: said }])]
      : typeof thought === "string"
        ? `${thought}${content ?? ""}`
        : content,
    refusal: joined("refusal") ?? null,
    annotations: annotations(answer),
    ...reasoning,
    ...(calls.length > 0
      ? {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: call.type,
            ...callMember(call, call.name, call.input),
          })),
        }
      : {}),
  };
}

/**
 * If the request asks for usage, each chunk has `usage: null`, and a last chunk without choices has the
 * counts.
 */
function* events(
  answer: SimulatedAnswer,
  calls: readonly ToolCall[],
  common: JsonRecord,
  indexes: readonly number[],
  usage: JsonRecord,
  request: SimRequest,
): Iterable<StreamEvent> {
  const isOdd = request.script.compat("openai-chat");
  const asksUsage = asRecord(request.body.stream_options).include_usage === true;
  const isInFinish = isOdd("usage-in-finish") || isOdd("usage-in-choice") || isOdd("x-groq");
  const nullUsage = asksUsage && !isOdd("no-usage") && !isInFinish ? { usage: null } : {};
  let count = 0;
  const chunk = (choices: readonly unknown[], more: JsonRecord = nullUsage): StreamEvent => {
    count += 1;
    const soFar = { ...usage, completion_tokens: count, total_tokens: Number(usage.prompt_tokens) + count };
    const usageNow = isOdd("usage-every-chunk") && more === nullUsage ? { usage: soFar } : more;
    return { data: JSON.stringify({ ...common, object: "chat.completion.chunk", choices, ...usageNow }) };
  };
  const finish_reason = finishOf(answer, request);
  const role = isOdd("empty-role") ? { role: "" } : {};
  for (const index of indexes) {
    const one = (delta: JsonRecord, more: JsonRecord = {}) => ({
      index,
      delta: { ...role, ...delta },
      logprobs: null,
      finish_reason: null,
      ...more,
    });
    const last = {
      finish_reason,
      ...stopReason(answer, request),
      ...(isOdd("usage-in-choice") ? { usage } : {}),
    };
    const finalUsage = isInFinish ? usageBesideFinish(usage, common, isOdd) : nullUsage;
    if (isOdd("one-chunk")) {
      const { refusal: _, annotations: __, ...message } = messageOf(answer, calls, request);
      const tool_calls = asList(message.tool_calls).map((call, at) => ({ index: at, ...asRecord(call) }));
      const whole = one({ ...message, ...(tool_calls.length === 0 ? {} : { tool_calls }) }, last);
      yield { ...chunk([whole], finalUsage), hasOutput: true };
      continue;
    }
    const hasNoText = calls.length > 0 || answer.ending === "refusal";
    yield chunk([one({ role: "assistant", content: hasNoText ? null : "", refusal: null, ...role })]);
    for (const delta of deltasOf(answer, calls, request)) {
      yield { ...chunk([one(delta)]), hasOutput: true };
    }
    if (finish_reason !== null) {
      yield chunk([one({}, last)], finalUsage);
    }
  }
  if (isOdd("usage-twice")) {
    yield chunk([], {
      usage: { ...usage, completion_tokens: 1, total_tokens: Number(usage.prompt_tokens) + 1 },
    });
  }
  if (((asksUsage && !isInFinish) || isOdd("usage-twice")) && !isOdd("no-usage") && !isOdd("role-only")) {
    yield chunk([], { usage });
  }
  yield { data: "[DONE]", isLast: true };
  if (isOdd("after-done")) {
    yield chunk([{ index: 0, delta: { content: "too late" }, logprobs: null, finish_reason: null }]);
    yield { data: "[DONE]" };
  }
}

/** Where the last chunk of a choice holds the usage: beside the choices, in a place of Groq's, or in the choice itself. */
function usageBesideFinish(
  usage: JsonRecord,
  { id }: JsonRecord,
  isOdd: (word: CompatWord<"openai-chat">) => boolean,
): JsonRecord {
  if (isOdd("x-groq")) {
    return { x_groq: { id, usage } };
  }
  return isOdd("usage-in-choice") ? {} : { usage };
}

function usageOf(
  answer: SimulatedAnswer,
  choiceCount: number,
  isOdd: (word: CompatWord<"openai-chat">) => boolean,
): JsonRecord {
  const { prompt, output, reasoning } = answer.usage;
  const { total, cached, written } = prompt;
  const completion = (isOdd("outside-reasoning") ? output - reasoning : output) * choiceCount;
  const total_tokens = total + completion + (isOdd("outside-reasoning") ? reasoning * choiceCount : 0);
  const details = {
    prompt_tokens_details: {
      cached_tokens: cached,
      ...(written["5m"] + written["1h"] > 0 ? { cache_write_tokens: written["5m"] + written["1h"] } : {}),
      audio_tokens: 0,
    },
  };
  return {
    prompt_tokens: total,
    completion_tokens: completion,
    total_tokens,
    ...(isOdd("flat-cache")
      ? { prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: total - cached }
      : isOdd("cached-at-top")
        ? { cached_tokens: cached }
        : details),
    completion_tokens_details: {
      reasoning_tokens: reasoning * choiceCount,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
