// Anthropic Messages: the answer as one message and as a stream.

import { REFUSAL, type SimulatedAnswer } from "../answer/answer.ts";
import { billedOf } from "../answer/billed.ts";
import { countPrompt } from "../answer/prompt-cache.ts";
import type { SimRequest } from "../answer/request.ts";
import { isRecord, type JsonRecord } from "../base/json.ts";
import type { Reply, StreamEvent } from "../base/reply.ts";
import { answerBlocks, type Block } from "./blocks.ts";
import { promptOf, questionOf } from "./question.ts";

export function replyMessages(request: SimRequest): Reply {
  const { body, model, script } = request;
  const isOdd = script.compat("anthropic-messages");
  const answer = request.answer(questionOf(request));
  const blocks = answerBlocks(answer, request);
  const message = {
    id: `msg_01${request.hex(11)}`,
    type: "message",
    role: "assistant",
    model,
    content: blocks.map((block) => block.whole),
    stop_reason: script.text("finish") ?? STOP_REASONS[answer.ending],
    stop_sequence: answer.stopSequence ?? null,
    stop_details:
      answer.ending === "refusal"
        ? { type: "refusal", category: "general_harms", explanation: REFUSAL }
        : null,
    usage: usageOf(answer, isOdd("null-usage")),
  };
  return {
    isStream: body.stream === true,
    billed: billedOf(answer),
    whole: () => message,
    stream: () => ({
      framing: "sse",
      events: events(message, blocks, isOdd("late-usage"), isOdd("unknown-event")),
    }),
    errorEvent: (error) => event("error", isRecord(error) ? error : { error }),
  };
}

const STOP_REASONS = {
  end: "end_turn",
  length: "max_tokens",
  stop: "stop_sequence",
  tool: "tool_use",
  refusal: "refusal",
  pause: "pause_turn",
  continue: "end_turn",
} as const;

function* events(
  message: JsonRecord & { usage: JsonRecord },
  blocks: readonly Block[],
  isLate: boolean,
  isOdd: boolean,
): Iterable<StreamEvent> {
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  const { output_tokens_details: _, server_tool_use: __, ...known } = message.usage;
  yield event("message_start", { message: { ...start, usage: { ...known, output_tokens: 1 } } });
  yield event("ping", {});
  for (const [index, block] of blocks.entries()) {
    yield event("content_block_start", { index, content_block: block.start });
    for (const delta of block.deltas) {
      yield { ...event("content_block_delta", { index, delta }), hasOutput: true };
    }
    if (isOdd) {
      yield event("content_block_delta", { index, delta: { type: "simulated_delta", simulated: true } });
      yield event("simulated_event", { index });
    }
    yield event("content_block_stop", { index });
  }
  const { stop_reason, stop_sequence, stop_details, usage } = message;
  const delta = { stop_reason, stop_sequence, stop_details };
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage;
  const { output_tokens, output_tokens_details, server_tool_use } = usage;
  const counts = { input_tokens, cache_creation_input_tokens, cache_read_input_tokens };
  if (isLate) {
    yield event("message_delta", { delta, usage: { output_tokens: 1 } });
  }
  yield event("message_delta", {
    delta,
    usage: { ...counts, output_tokens, output_tokens_details, server_tool_use },
  });
  yield { ...event("message_stop", {}), isLast: true };
}

function event(type: string, rest: JsonRecord): StreamEvent {
  return { name: type, data: JSON.stringify({ type, ...rest }) };
}

/**
 * Cache reads and writes are counted only if the request has cache marks; `input_tokens` excludes both. Counts of
 * thinking and searches are there only where there was some.
 */
function usageOf({ usage }: SimulatedAnswer, isBare: boolean): JsonRecord {
  const { prompt, output, reasoning, searches } = usage;
  const written = prompt.written["5m"] + prompt.written["1h"];
  return {
    input_tokens: prompt.total - (isBare ? 0 : prompt.cached + written),
    cache_creation_input_tokens: isBare ? null : written,
    cache_read_input_tokens: isBare ? null : prompt.cached,
    cache_creation: isBare
      ? null
      : {
          ephemeral_5m_input_tokens: prompt.written["5m"],
          ephemeral_1h_input_tokens: prompt.written["1h"],
        },
    output_tokens: output,
    ...(reasoning > 0 ? { output_tokens_details: { thinking_tokens: reasoning } } : {}),
    ...(searches > 0 ? { server_tool_use: { web_search_requests: searches, web_fetch_requests: 0 } } : {}),
    service_tier: "standard",
    inference_geo: "not_available",
  };
}

export function countMessageTokens(request: SimRequest): unknown {
  return { input_tokens: countPrompt(promptOf(request.body)) };
}
