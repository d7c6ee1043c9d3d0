// OpenAI Responses: the answer as one response and as a stream of events.

import type { SimulatedAnswer } from "../answer/answer.ts";
import { billedOf } from "../answer/billed.ts";
import type { SimRequest } from "../answer/request.ts";
import { asList, asRecord, asString, type JsonRecord } from "../base/json.ts";
import type { Reply, StreamEvent } from "../base/reply.ts";
import type { CompatWord } from "../scenarios/words.ts";
import { type Item, itemsOf } from "./item.ts";
import { inputItems, isStrict, questionOf } from "./question.ts";

/** A background response that is no stream takes so long. */
const BACKGROUND_MS = 1_000;

/** A response with its input, for the store. */
export interface StoredResponse {
  readonly id: string;
  readonly response: JsonRecord;
  readonly input: readonly JsonRecord[];
  /** Until then the response is `begun`, Unix milliseconds; null: it was made at once. */
  readonly readyAtMs: number | null;
  readonly begun: JsonRecord;
}

/** `history` holds the items of the previous response. `keep` is called once the response is made. */
export function replyResponse(
  request: SimRequest,
  history: readonly JsonRecord[],
  keep: (stored: StoredResponse) => void,
): Reply {
  const { body, script } = request;
  const id = `resp_${request.hex(25)}`;
  const input = [...history, ...inputItems(body)];
  const answer = request.answer(questionOf(request, input));
  const items = itemsOf(answer, request);
  const frame = responseFrame(request, id);
  const isOdd = script.compat("openai-responses");
  const reason = script.text("finish") ?? incompleteReason(answer);
  const finished = {
    ...frame,
    status: reason === null ? "completed" : "incomplete",
    completed_at: reason === null ? Math.floor(request.nowMs / 1000) : null,
    incomplete_details: reason === null ? null : { reason },
    output: items.map((item) => item.whole),
    usage: isOdd("no-usage") ? null : usageOf(answer, isOdd("short-usage")),
  };
  const goesOn = body.background === true && body.stream !== true;
  if (body.store !== false) {
    keep({
      id,
      response: finished,
      input: input.map((item, index) => ({ id: `msg_${id.slice(5)}_${index}`, ...item })),
      readyAtMs: goesOn ? request.nowMs + BACKGROUND_MS : null,
      begun: frame,
    });
  }
  return {
    isStream: body.stream === true,
    billed: billedOf(answer),
    whole: () => (goesOn ? { ...frame, status: "queued" } : finished),
    stream: () => ({ framing: "sse", events: numbered(events(frame, finished, items, isOdd)) }),
    errorEvent,
    failureEvent: (error, index) => failureEvent(frame, error, index),
  };
}

/** A refusal with text is a complete answer. A refusal without content comes from the content filter. */
function incompleteReason({ ending, parts }: SimulatedAnswer): string | null {
  const isFiltered = ending === "refusal" && parts.length === 0;
  return ending === "length" ? "max_output_tokens" : isFiltered ? "content_filter" : null;
}

function errorEvent(error: unknown, sequence_number: number): StreamEvent {
  const { code = null, message = "", param = null } = asRecord(asRecord(error).error);
  return { name: "error", data: JSON.stringify({ type: "error", code, message, param, sequence_number }) };
}

function failureEvent(frame: JsonRecord, error: unknown, sequence_number: number): StreamEvent {
  const { code = null, message = "" } = asRecord(asRecord(error).error);
  const type = "response.failed";
  const response = { ...frame, status: "failed", error: { code, message } };
  return { name: type, data: JSON.stringify({ type, sequence_number, response }) };
}

/** The response without its output: mostly members of the request. */
function responseFrame(request: SimRequest, id: string): JsonRecord {
  const { body, model } = request;
  const reasoning = asRecord(body.reasoning);
  return {
    id,
    object: "response",
    created_at: Math.floor(request.nowMs / 1000),
    status: "in_progress",
    background: body.background ?? false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: reasoning.effort ?? null, summary: reasoning.summary ?? null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: "default",
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: { type: "text" }, verbosity: "medium", ...asRecord(body.text) },
    tool_choice: body.tool_choice ?? "auto",
    tools: asList(body.tools).map(echoedTool),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    usage: null,
    user: body.user ?? null,
    access_programs: null,
    metadata: body.metadata ?? {},
  };
}

/** The tools of the request, each function with the strictness that was in force. */
function echoedTool(tool: unknown): unknown {
  const { type, strict } = asRecord(tool);
  return type === "function" && strict === undefined
    ? { ...asRecord(tool), strict: isStrict(asRecord(tool)) }
    : tool;
}

function* events(
  frame: JsonRecord,
  finished: JsonRecord,
  items: readonly Item[],
  isOdd: (word: CompatWord<"openai-responses">) => boolean,
): Iterable<readonly [string, JsonRecord]> {
  yield ["response.created", { response: frame }];
  yield ["response.in_progress", { response: frame }];
  for (const [output_index, item] of items.entries()) {
    if (!isOdd("no-added")) {
      yield ["response.output_item.added", { output_index, item: item.start }];
    }
    for (const [type, rest] of item.inner) {
      if (!(isOdd("no-deltas") && type.endsWith(".delta"))) {
        yield [type, { item_id: item.whole.id, output_index, ...rest }];
      }
    }
    for (const _ of isOdd("repeated-done") ? [1, 2] : [1]) {
      yield ["response.output_item.done", { output_index, item: item.whole }];
    }
  }
  yield [`response.${asString(finished.status)}`, { response: finished }];
}

const LAST = new Set(["response.completed", "response.incomplete"]);

function* numbered(list: Iterable<readonly [string, JsonRecord]>): Iterable<StreamEvent> {
  let sequence_number = 0;
  for (const [type, rest] of list) {
    const data = JSON.stringify({ type, sequence_number, ...rest });
    yield { name: type, data, isLast: LAST.has(type), hasOutput: type.endsWith(".delta") };
    sequence_number += 1;
  }
}

export function usageOf({ usage }: SimulatedAnswer, isShort = false): JsonRecord {
  const { prompt, output, reasoning } = usage;
  const counts = {
    input_tokens: prompt.total,
    output_tokens: output,
    total_tokens: prompt.total + output,
  };
  return isShort
    ? counts
    : {
        ...counts,
        input_tokens_details: { cached_tokens: prompt.cached, cache_write_tokens: 0 },
        output_tokens_details: { reasoning_tokens: reasoning },
      };
}
