// OpenAI Responses: the output items of an answer, whole and streamed.

import type { Part, SimulatedAnswer } from "../answer/answer.ts";
import type { Citation } from "../answer/citation.ts";
import type { SimRequest } from "../answer/request.ts";
import { seal } from "../answer/seal.ts";
import { pieces } from "../answer/text.ts";
import type { Call } from "../answer/tool.ts";
import { asList, asRecord, type JsonRecord } from "../base/json.ts";

export interface Item {
  readonly whole: JsonRecord;
  readonly start: JsonRecord;
  /**
   * Events between added and done, without `output_index` and `item_id`: the caller adds both to every event.
   */
  readonly inner: readonly InnerEvent[];
}

type InnerEvent = readonly [type: string, rest: JsonRecord];

export function itemsOf(answer: SimulatedAnswer, request: SimRequest): Item[] {
  const isCutAt = (index: number) => answer.ending === "length" && index === answer.parts.length - 1;
  const hasCallAfter = (index: number) => answer.parts.slice(index).some((part) => part.kind === "call");
  return answer.parts.map((part, index) =>
    itemOf(part, request, isCutAt(index) ? "incomplete" : "completed", hasCallAfter(index)),
  );
}

function itemOf(part: Part, request: SimRequest, status: string, isCommentary: boolean): Item {
  const phase = isCommentary ? "commentary" : "final_answer";
  switch (part.kind) {
    case "reasoning":
      return reasoningItem(part.deltas, part.isHidden, request);
    case "text":
      return messageItem(textContent(part.deltas, part.citations), request, status, phase);
    case "refusal":
      return messageItem(refusalContent(part.deltas), request, status, phase);
    case "search":
      return searchItem(part.query, part.sources, request);
    case "call":
      return callItem(part.call, request, status);
  }
}

/** Encrypted reasoning, sealed for the organisation: the keys of another organisation cannot use it. */
function reasoningItem(reasoning: readonly string[], isHidden: boolean, request: SimRequest): Item {
  const { body, organization, script } = request;
  const { summary = null } = asRecord(body.reasoning);
  const isRaw = script.text("thinks") === "raw";
  const isShown = !isHidden && (summary !== null || script.has("thinks"));
  const isSealed = asList(body.include).includes("reasoning.encrypted_content");
  const text = reasoning.join("");
  const start = { id: `rs_${request.hex(25)}`, type: "reasoning", summary: [] };
  const whole = {
    ...start,
    summary: isShown && !isRaw ? [{ type: "summary_text", text }] : [],
    ...(isShown && isRaw ? { content: [{ type: "reasoning_text", text }] } : {}),
    ...(isSealed ? { encrypted_content: seal("openai", organization, text) } : {}),
  };
  return {
    whole,
    start: isSealed ? { ...start, encrypted_content: "" } : start,
    inner: isShown ? (isRaw ? rawEvents(reasoning) : summaryEvents(reasoning)) : [],
  };
}

function summaryEvents(reasoning: readonly string[]): InnerEvent[] {
  const place = { summary_index: 0 };
  const part = (text: string) => ({ type: "summary_text", text });
  const text = reasoning.join("");
  return [
    ["response.reasoning_summary_part.added", { ...place, part: part("") }],
    ...reasoning.map((delta): InnerEvent => ["response.reasoning_summary_text.delta", { ...place, delta }]),
    ["response.reasoning_summary_text.done", { ...place, text }],
    ["response.reasoning_summary_part.done", { ...place, part: part(text) }],
  ];
}

/** Reasoning in the form of servers for open models. */
function rawEvents(reasoning: readonly string[]): InnerEvent[] {
  const place = { content_index: 0 };
  const part = (text: string) => ({ type: "reasoning_text", text });
  const text = reasoning.join("");
  return [
    ["response.content_part.added", { ...place, part: part("") }],
    ...reasoning.map((delta): InnerEvent => ["response.reasoning_text.delta", { ...place, delta }]),
    ["response.reasoning_text.done", { ...place, text }],
    ["response.content_part.done", { ...place, part: part(text) }],
  ];
}

interface Content {
  readonly part: JsonRecord;
  readonly start: JsonRecord;
  readonly inner: readonly InnerEvent[];
}

function textContent(deltas: readonly string[], citations: readonly Citation[]): Content {
  const text = deltas.join("");
  const place = { content_index: 0 };
  const annotations = citations.map((citation) => annotationOf(citation, text));
  const start = { type: "output_text", text: "", annotations: [], logprobs: [] };
  return {
    part: { ...start, text, annotations },
    start,
    inner: [
      ...deltas.map((delta): InnerEvent => ["response.output_text.delta", { ...place, delta, logprobs: [] }]),
      ...annotations.map(
        (annotation, annotation_index): InnerEvent => [
          "response.output_text.annotation.added",
          { ...place, annotation_index, annotation },
        ],
      ),
      ["response.output_text.done", { ...place, text, logprobs: [] }],
    ],
  };
}

/** Annotations with positions in Unicode characters. */
function annotationOf({ source, start, end }: Citation, text: string): JsonRecord {
  const at = (index: number) => Array.from(text.slice(0, index)).length;
  return source === "document"
    ? { type: "file_citation", file_id: "file-simulated", filename: "simulated.pdf", index: at(end) }
    : { type: "url_citation", start_index: at(start), end_index: at(end), ...source };
}

function refusalContent(deltas: readonly string[]): Content {
  const refusal = deltas.join("");
  const place = { content_index: 0 };
  return {
    part: { type: "refusal", refusal },
    start: { type: "refusal", refusal: "" },
    inner: [
      ...deltas.map((delta): InnerEvent => ["response.refusal.delta", { ...place, delta }]),
      ["response.refusal.done", { ...place, refusal }],
    ],
  };
}

function messageItem(content: Content, request: SimRequest, status: string, phase: string): Item {
  const base = { id: `msg_${request.hex(25)}`, type: "message", role: "assistant", phase };
  const place = { content_index: 0 };
  return {
    whole: { ...base, status, content: [content.part] },
    start: { ...base, status: "in_progress", content: [] },
    inner: [
      ["response.content_part.added", { ...place, part: content.start }],
      ...content.inner,
      ["response.content_part.done", { ...place, part: content.part }],
    ],
  };
}

function searchItem(query: string, sources: readonly { readonly url: string }[], request: SimRequest): Item {
  const start = { id: `ws_${request.hex(25)}`, type: "web_search_call", status: "in_progress" };
  const asksSources = asList(request.body.include).includes("web_search_call.action.sources");
  const found = asksSources ? { sources: sources.map(({ url }) => ({ type: "url", url })) } : {};
  const action = { type: "search", query, queries: [query], ...found };
  return {
    whole: { ...start, status: "completed", action },
    start,
    inner: ["in_progress", "searching", "completed"].map(
      (state): InnerEvent => [`response.web_search_call.${state}`, {}],
    ),
  };
}

function callItem({ tool, input }: Call, request: SimRequest, status: string): Item {
  const isCustom = tool.kind === "custom";
  const name = isCustom ? "input" : "arguments";
  const whole = input === "" && !isCustom ? "{}" : input;
  const event = isCustom ? "response.custom_tool_call_input" : "response.function_call_arguments";
  const base = {
    id: `${isCustom ? "ctc" : "fc"}_${request.hex(25)}`,
    type: isCustom ? "custom_tool_call" : "function_call",
    call_id: `call_${request.hex(12)}`,
    name: tool.name,
    ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
  };
  return {
    whole: { ...base, status, [name]: whole },
    start: { ...base, status: "in_progress", [name]: "" },
    inner: [
      ...pieces(whole).map((delta): InnerEvent => [`${event}.delta`, { delta }]),
      [`${event}.done`, { [name]: whole }],
    ],
  };
}
