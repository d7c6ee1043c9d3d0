/** Forms of the replies of Responses. */
import type { Cited, Json, Usage } from "../conversation.ts";
import {
  amount,
  anything,
  count,
  filled,
  flag,
  like,
  list,
  need,
  none,
  nothing,
  object,
  one,
  orNull,
  points,
  record,
  tagged,
  text,
} from "../wire.ts";

const annotation = record({
  type: one("url_citation"),
  start_index: count,
  end_index: count,
  url: filled,
  title: text,
});

const part = tagged("type", {
  output_text: record({ type: anything, text, annotations: list(annotation), logprobs: list(anything) }),
  refusal: record({ type: anything, refusal: filled }),
});

const status = one("completed", "incomplete");
const summary = record({ type: one("summary_text"), text: filled });
const raw = record({ type: one("reasoning_text"), text: filled });

export const item = tagged("type", {
  message: record(
    { type: anything, id: like(/^msg_/), status, role: one("assistant"), content: list(part) },
    { phase: orNull(one("commentary", "final_answer")) },
  ),
  reasoning: record(
    { type: anything, id: like(/^rs_/), summary: list(summary) },
    { content: list(raw), encrypted_content: orNull(text), status: one("completed", "incomplete") },
  ),
  function_call: record({
    type: anything,
    id: like(/^fc_/),
    status,
    call_id: filled,
    name: filled,
    arguments: filled,
  }),
  web_search_call: record({
    type: anything,
    id: like(/^ws_/),
    status: one("completed"),
    action: record({ type: one("search"), query: text }, { queries: list(text), sources: list(object) }),
  }),
});

const usage = record({
  input_tokens: count,
  input_tokens_details: record({ cached_tokens: count, cache_write_tokens: count }),
  output_tokens: count,
  output_tokens_details: record({ reasoning_tokens: count }),
  total_tokens: count,
});

const REASONS = one("max_output_tokens", "content_filter");

/** The members of its request that every response repeats. */
const frame = {
  id: like(/^resp_/),
  object: one("response"),
  created_at: count,
  model: filled,
  instructions: orNull(text),
  metadata: orNull(object),
  parallel_tool_calls: flag,
  temperature: orNull(amount),
  top_p: orNull(amount),
  tool_choice: anything,
  tools: list(object),
};
const replyContext = {
  background: orNull(flag),
  completed_at: orNull(count),
  conversation: nothing,
  max_output_tokens: orNull(count),
  max_tool_calls: orNull(count),
  previous_response_id: orNull(text),
  prompt_cache_key: orNull(text),
  reasoning: orNull(object),
  safety_identifier: orNull(text),
  service_tier: orNull(text),
  store: flag,
  text: object,
  top_logprobs: orNull(count),
  truncation: orNull(text),
  user: orNull(text),
  access_programs: anything,
};

export const startedResponse = record(
  { ...frame, status: one("in_progress"), output: none, error: nothing, incomplete_details: nothing },
  { ...replyContext, usage: nothing },
);

export const wholeResponse = (value: unknown, place: string): void => {
  record(
    {
      ...frame,
      status: one("completed", "incomplete"),
      output: list(item),
      error: nothing,
      incomplete_details: orNull(record({ reason: REASONS })),
      usage,
    },
    replyContext,
  )(value, place);
  const { status, incomplete_details } = value as Json;
  need(
    (status === "incomplete") === (incomplete_details !== null),
    `${place}: incomplete goes with its details`,
  );
};

/** The response of a failed stream, of which only the frame is known. */
export const failedResponse = record(
  {
    id: frame.id,
    object: frame.object,
    created_at: count,
    model: filled,
    status: one("failed"),
    output: list(object),
    error: record({ code: filled, message: filled }, { type: text, param: orNull(text) }),
  },
  { ...frame, ...replyContext, incomplete_details: nothing, usage: orNull(usage) },
);

export const errorBody = record({
  error: record(
    { message: filled, type: filled, code: orNull(text), param: orNull(text) },
    { details: anything },
  ),
});

export const countBody = record({ object: one("response.input_tokens"), input_tokens: count });

export function readUsage(usage: Json): Usage {
  const { input_tokens, output_tokens, total_tokens } = usage as Record<string, number>;
  const [input, output] = [input_tokens ?? 0, output_tokens ?? 0];
  need(total_tokens === input + output, `total_tokens is not the sum: ${JSON.stringify(usage)}`);
  const { cached_tokens = 0, cache_write_tokens = 0 } = usage.input_tokens_details as Record<string, number>;
  const { reasoning_tokens = 0 } = usage.output_tokens_details as Record<string, number>;
  return { input, cached: cached_tokens, written: cache_write_tokens, output, reasoning: reasoning_tokens };
}

export function readCitations({ annotations, text }: Json): Cited[] {
  const all = (annotations ?? []) as { start_index: number; end_index: number; url: string; title: string }[];
  return all.map(({ start_index, end_index, url, title }) => ({
    url,
    title,
    text: points(String(text), start_index, end_index),
  }));
}
