/** Forms of the replies of Chat Completions. */
import type { Call, Cited, Json, Usage } from "../conversation.ts";
import {
  amount,
  anything,
  count,
  filled,
  like,
  list,
  need,
  one,
  orNull,
  parseObject,
  points,
  record,
  text,
} from "../wire.ts";

/** Google's own member for thought signatures in this dialect. */
const extra = {
  extra_content: record({ google: record({ thought_signature: like(/^[A-Za-z0-9+/]+={0,2}$/) }) }),
};
const call = record(
  { id: filled, type: one("function"), function: record({ name: filled, arguments: filled }) },
  extra,
);
const annotation = record({
  type: one("url_citation"),
  url_citation: record({ start_index: count, end_index: count, url: filled, title: text }),
});
const finishReason = one("stop", "length", "tool_calls", "content_filter");

const usage = record(
  { prompt_tokens: count, completion_tokens: count, total_tokens: count },
  {
    prompt_tokens_details: record(
      { cached_tokens: count },
      { cache_write_tokens: count, audio_tokens: count },
    ),
    completion_tokens_details: record(
      { reasoning_tokens: count },
      { audio_tokens: count, accepted_prediction_tokens: count, rejected_prediction_tokens: count },
    ),
  },
);

export const completion = record(
  {
    id: filled,
    object: one("chat.completion"),
    created: count,
    model: filled,
    choices: list(
      record({
        index: count,
        finish_reason: finishReason,
        logprobs: orNull(anything),
        message: record(
          { role: one("assistant"), content: orNull(text), refusal: orNull(filled) },
          { tool_calls: list(call), annotations: list(annotation), reasoning_content: filled },
        ),
      }),
    ),
    usage,
  },
  { service_tier: orNull(text), system_fingerprint: orNull(text) },
);

/** Frames of a stream; the fold checks `delta`. */
export const chunk = record(
  {
    id: filled,
    object: one("chat.completion.chunk"),
    created: amount,
    model: filled,
    choices: list(
      record(
        { index: one(0), delta: anything, finish_reason: orNull(finishReason) },
        { logprobs: orNull(anything) },
      ),
    ),
    usage: orNull(usage),
  },
  { service_tier: orNull(text), system_fingerprint: orNull(text) },
);

export const delta = record(
  {},
  {
    role: one("assistant"),
    content: orNull(text),
    refusal: orNull(text),
    reasoning_content: text,
    annotations: list(annotation),
    tool_calls: list(
      record(
        { index: count },
        {
          id: filled,
          type: one("function"),
          function: record({}, { name: filled, arguments: text }),
          ...extra,
        },
      ),
    ),
  },
);

export const errorBody = record({
  error: record(
    { message: filled, type: filled, code: orNull(text), param: orNull(text) },
    { details: anything },
  ),
});

export function readUsage(usage: Json): Usage {
  const { prompt_tokens, completion_tokens, total_tokens } = usage as Record<string, number>;
  const [input, output] = [prompt_tokens ?? 0, completion_tokens ?? 0];
  need(total_tokens === input + output, `total_tokens is not the sum: ${JSON.stringify(usage)}`);
  const { cached_tokens = 0, cache_write_tokens = 0 } = (usage.prompt_tokens_details ?? {}) as Record<
    string,
    number
  >;
  const { reasoning_tokens = 0 } = (usage.completion_tokens_details ?? {}) as Record<string, number>;
  return { input, cached: cached_tokens, written: cache_write_tokens, output, reasoning: reasoning_tokens };
}

export function readCalls(message: Json): Call[] {
  const calls = (message.tool_calls ?? []) as { id: string; function: { name: string; arguments: string } }[];
  return calls.map(({ id, function: { name, arguments: args } }) => ({
    id,
    name,
    args: parseObject(args, "arguments"),
  }));
}

export function readCitations(message: Json, text: string): Cited[] {
  const annotations = (message.annotations ?? []) as {
    url_citation: { start_index: number; end_index: number; url: string; title: string };
  }[];
  return annotations.map(({ url_citation: { start_index, end_index, url, title } }) => ({
    url,
    title,
    text: points(text, start_index, end_index),
  }));
}
