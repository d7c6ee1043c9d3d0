// OpenAI Responses: the answer as one response and as a stream of events.

import { type Answer, type Call, pieces, type Question, type ToolOffer } from "../answer.ts";
import { isReasoningModel } from "../catalogue.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../json.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import type { SimRequest } from "../request.ts";
import { seal } from "../seal.ts";

/** What the store keeps of a response. */
export interface StoredResponse {
  readonly id: string;
  readonly response: JsonRecord;
  readonly input: readonly JsonRecord[];
}

/** `history` are the items of the response that this one goes on from; `keep` is called when the response is made. */
export function replyResponse(
  request: SimRequest,
  history: readonly JsonRecord[],
  keep: (stored: StoredResponse) => void,
): Reply {
  const { body } = request;
  const id = `resp_${request.hex(25)}`;
  const input = [...history, ...inputItems(body)];
  const answer = request.answer(questionOf(request, input));
  const items = itemsOf(answer, request);
  const frame = responseFrame(request, id);
  const isCut = answer.ending === "length";
  const finished = {
    ...frame,
    status: isCut ? "incomplete" : "completed",
    completed_at: isCut ? null : Math.floor(request.nowMs / 1000),
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: items.map((item) => item.whole),
    usage: usageOf(answer),
  };
  if (body.store !== false) {
    keep({
      id,
      response: finished,
      input: input.map((item, index) => ({ id: `msg_${id.slice(5)}_${index}`, ...item })),
    });
  }
  return {
    isStream: body.stream === true,
    whole: () => finished,
    stream: () => ({ framing: "sse", events: numbered(events(frame, finished, items)) }),
    errorEvent,
    failureEvent: (error, index) => failureEvent(frame, error, index),
  };
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

/** The response without its answer: mostly an echo of the request. */
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
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    usage: null,
    user: body.user ?? null,
    access_programs: null,
    metadata: body.metadata ?? {},
  };
}

interface Item {
  readonly whole: JsonRecord;
  readonly start: JsonRecord;
  /** Events between added and done, without `output_index` and `item_id`, which stand in every one. */
  readonly inner: Iterable<readonly [type: string, rest: JsonRecord]>;
}

function* events(
  frame: JsonRecord,
  finished: JsonRecord,
  items: readonly Item[],
): Iterable<readonly [string, JsonRecord]> {
  yield ["response.created", { response: frame }];
  yield ["response.in_progress", { response: frame }];
  for (const [output_index, item] of items.entries()) {
    yield ["response.output_item.added", { output_index, item: item.start }];
    for (const [type, rest] of item.inner) {
      yield [type, { item_id: item.whole.id, output_index, ...rest }];
    }
    yield ["response.output_item.done", { output_index, item: item.whole }];
  }
  yield [`response.${asString(finished.status)}`, { response: finished }];
}

const LAST = new Set(["response.completed", "response.incomplete"]);

function* numbered(list: Iterable<readonly [string, JsonRecord]>): Iterable<StreamEvent> {
  let sequence_number = 0;
  for (const [type, rest] of list) {
    const data = JSON.stringify({ type, sequence_number, ...rest });
    yield LAST.has(type) ? { name: type, data, isLast: true } : { name: type, data };
    sequence_number += 1;
  }
}

function itemsOf(answer: Answer, request: SimRequest): Item[] {
  const status = answer.ending === "length" ? "incomplete" : "completed";
  const items: Item[] = [];
  if (answer.reasoning.length > 0) {
    items.push(reasoningItem(answer.reasoning, request));
  }
  if (answer.text.length > 0) {
    items.push(messageItem(answer.text, `msg_${request.hex(25)}`, status));
  }
  return [...items, ...answer.calls.map((call) => callItem(call, request))];
}

/** Sealed for the organisation: another one's key cannot use it. */
function reasoningItem(reasoning: readonly string[], request: SimRequest): Item {
  const { body, organization } = request;
  const isShown = asRecord(body.reasoning).summary !== undefined && asRecord(body.reasoning).summary !== null;
  const isSealed = asList(body.include).includes("reasoning.encrypted_content");
  const text = reasoning.join("");
  const start = { id: `rs_${request.hex(25)}`, type: "reasoning", summary: [] };
  const whole = {
    ...start,
    summary: isShown ? [{ type: "summary_text", text }] : [],
    ...(isSealed ? { encrypted_content: seal("openai", organization, text) } : {}),
  };
  const part = { summary_index: 0 };
  const inner: [string, JsonRecord][] = [
    ["response.reasoning_summary_part.added", { ...part, part: { type: "summary_text", text: "" } }],
    ...reasoning.map((delta): [string, JsonRecord] => [
      "response.reasoning_summary_text.delta",
      { ...part, delta },
    ]),
    ["response.reasoning_summary_text.done", { ...part, text }],
    ["response.reasoning_summary_part.done", { ...part, part: { type: "summary_text", text } }],
  ];
  return {
    whole,
    start: isSealed ? { ...start, encrypted_content: "" } : start,
    inner: isShown ? inner : [],
  };
}

function messageItem(pieces: readonly string[], id: string, status: string): Item {
  const text = pieces.join("");
  const place = { content_index: 0 };
  const part = (content: string) => ({ type: "output_text", text: content, annotations: [], logprobs: [] });
  const base = { id, type: "message", role: "assistant", phase: "final_answer" };
  return {
    whole: { ...base, status, content: [part(text)] },
    start: { ...base, status: "in_progress", content: [] },
    inner: [
      ["response.content_part.added", { ...place, part: part("") }],
      ...pieces.map((delta) => ["response.output_text.delta", { ...place, delta, logprobs: [] }] as const),
      ["response.output_text.done", { ...place, text, logprobs: [] }],
      ["response.content_part.done", { ...place, part: part(text) }],
    ],
  };
}

function callItem(call: Call, request: SimRequest): Item {
  const isCustom = call.tool.kind === "custom";
  const name = isCustom ? "input" : "arguments";
  const event = isCustom ? "response.custom_tool_call_input" : "response.function_call_arguments";
  const base = {
    id: `${isCustom ? "ctc" : "fc"}_${request.hex(25)}`,
    type: isCustom ? "custom_tool_call" : "function_call",
    call_id: `call_${request.hex(12)}`,
    name: call.tool.name,
    ...(call.tool.namespace === undefined ? {} : { namespace: call.tool.namespace }),
  };
  return {
    whole: { ...base, status: "completed", [name]: call.input },
    start: { ...base, status: "in_progress", [name]: "" },
    inner: [
      ...pieces(call.input).map((delta) => [`${event}.delta`, { delta }] as const),
      [`${event}.done`, { [name]: call.input }],
    ],
  };
}

export function usageOf(answer: Answer): JsonRecord {
  const { prompt, cached, output, reasoning } = answer.usage;
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + output,
  };
}

/** The input as a list of items, a plain text being one message of the user. */
export function inputItems(body: JsonRecord): JsonRecord[] {
  if (typeof body.input === "string") {
    return [{ type: "message", role: "user", content: [{ type: "input_text", text: body.input }] }];
  }
  return asList(body.input).filter(isRecord);
}

export function promptOf(body: JsonRecord, input: readonly JsonRecord[]): string[] {
  const parts = [body.tools, body.instructions].filter((part) => part !== undefined && part !== null);
  return [...parts, ...input].map((part) => JSON.stringify(part));
}

export function questionOf(request: SimRequest, input: readonly JsonRecord[]): Question {
  const { body, model } = request;
  const format = asRecord(asRecord(body.text).format);
  const maxTokens = asNumber(body.max_output_tokens);
  const users = input.filter((item) => item.role === "user");
  const late = input.filter((item) => item.type === "additional_tools").flatMap((item) => asList(item.tools));
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body, input),
    lastUserText: textOf(users.at(-1)?.content),
    hasToolResult: asString(input.at(-1)?.type).endsWith("_call_output"),
    tools: [...asList(body.tools), ...late].map(asRecord).flatMap((tool) => offersOf(tool)),
    choice: choiceOf(body.tool_choice),
    isParallel: body.parallel_tool_calls !== false,
    isReasoning: isReasoningModel(model) && asRecord(body.reasoning).effort !== "none",
    ...(format.type === "json_schema" ? { format: format.schema } : {}),
    ...(format.type === "json_object" ? { format: true } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops: [],
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") {
    return content;
  }
  const parts = asList(content).map(asRecord);
  return asString(parts.filter((part) => part.type === "input_text").at(-1)?.text);
}

function offersOf(tool: JsonRecord, namespace?: string): ToolOffer[] {
  const { type } = tool;
  if (type === "namespace") {
    return asList(tool.tools)
      .map(asRecord)
      .flatMap((inner) => offersOf(inner, asString(tool.name)));
  }
  if (type !== "function" && type !== "custom") {
    return [];
  }
  const offer: ToolOffer = { name: asString(tool.name), kind: type, schema: tool.parameters ?? {} };
  return [namespace === undefined ? offer : { ...offer, namespace }];
}

function choiceOf(choice: unknown): Question["choice"] {
  if (choice === "none" || choice === "required") {
    return choice;
  }
  const { type, name, mode } = asRecord(choice);
  if (type === "function" || type === "custom") {
    return [asString(name)];
  }
  return type === "allowed_tools" && mode === "required" ? "required" : "auto";
}
