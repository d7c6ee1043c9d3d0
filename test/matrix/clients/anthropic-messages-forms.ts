/** Forms of the replies of Messages. */
import type { Json, Usage } from "../conversation.ts";
import {
  anything,
  count,
  filled,
  like,
  list,
  none,
  object,
  one,
  orNull,
  record,
  tagged,
  text,
} from "../wire.ts";

const searchCitation = record({
  type: one("web_search_result_location"),
  cited_text: text,
  url: filled,
  title: orNull(text),
  encrypted_index: text,
});

export const block = tagged("type", {
  text: record({ type: anything, text }, { citations: orNull(list(searchCitation)) }),
  thinking: record({ type: anything, thinking: text, signature: filled }),
  redacted_thinking: record({ type: anything, data: filled }),
  tool_use: record(
    { type: anything, id: like(/^[a-zA-Z0-9_-]+$/), name: filled, input: object },
    { caller: object },
  ),
  server_tool_use: record(
    { type: anything, id: like(/^srvtoolu_[a-zA-Z0-9_]+$/), name: one("web_search"), input: object },
    { caller: object },
  ),
  web_search_tool_result: record(
    {
      type: anything,
      tool_use_id: filled,
      content: list(
        record({
          type: one("web_search_result"),
          url: filled,
          title: text,
          encrypted_content: text,
          page_age: orNull(text),
        }),
      ),
    },
    { caller: object },
  ),
});

const usage = record(
  { input_tokens: count, output_tokens: count },
  {
    cache_creation_input_tokens: orNull(count),
    cache_read_input_tokens: orNull(count),
    cache_creation: orNull(record({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })),
    output_tokens_details: orNull(record({ thinking_tokens: count })),
    server_tool_use: orNull(record({ web_search_requests: count }, { web_fetch_requests: count })),
    service_tier: orNull(text),
    speed: orNull(text),
    inference_geo: orNull(text),
  },
);

const stopReason = one(
  "end_turn",
  "max_tokens",
  "model_context_window_exceeded",
  "stop_sequence",
  "tool_use",
  "refusal",
  "pause_turn",
);
const stopDetails = orNull(
  record({ type: one("refusal"), category: orNull(text), explanation: orNull(text) }),
);

const frame = { id: like(/^msg_/), type: one("message"), role: one("assistant"), model: filled };
const rest = { container: anything, diagnostics: anything };

export const message = record(
  { ...frame, content: list(block), stop_reason: stopReason, stop_sequence: orNull(text), usage },
  { stop_details: stopDetails, ...rest },
);

/** The message in `message_start`, which has no content yet. */
export const startedMessage = record(
  {
    ...frame,
    content: none,
    stop_reason: one(null),
    stop_sequence: one(null),
    usage,
  },
  { stop_details: one(null), ...rest },
);

export const messageDelta = record({
  type: anything,
  delta: record(
    { stop_reason: stopReason, stop_sequence: orNull(text) },
    { stop_details: stopDetails, container: anything },
  ),
  usage: record(
    { output_tokens: count },
    {
      input_tokens: orNull(count),
      cache_creation_input_tokens: orNull(count),
      cache_read_input_tokens: orNull(count),
      output_tokens_details: orNull(record({ thinking_tokens: count })),
      server_tool_use: orNull(record({ web_search_requests: count }, { web_fetch_requests: count })),
    },
  ),
});

export const errorBody = record(
  {
    type: one("error"),
    error: record({ type: like(/_error$|^request_too_large$/), message: filled }, { details: anything }),
  },
  { request_id: orNull(text) },
);

export const countBody = record({ input_tokens: count });

/** `input_tokens` excludes tokens that were read from a cache or written to one. */
export function readUsage(usage: Json): Usage {
  const part = (name: string) => (usage[name] as number | null | undefined) ?? 0;
  const [cached, written] = [part("cache_read_input_tokens"), part("cache_creation_input_tokens")];
  const details = usage.output_tokens_details as { thinking_tokens: number } | null | undefined;
  return {
    input: part("input_tokens") + cached + written,
    cached,
    written,
    output: part("output_tokens"),
    reasoning: details?.thinking_tokens ?? 0,
  };
}
