// Anthropic Messages: the content blocks of an answer, whole and streamed.

import type { Part, SimulatedAnswer } from "../answer/answer.ts";
import { claudeTraits } from "../answer/catalogue.ts";
import { type Citation, type Source, splitByCitations } from "../answer/citation.ts";
import type { SimRequest } from "../answer/request.ts";
import { seal } from "../answer/seal.ts";
import { deltas, pieces } from "../answer/text.ts";
import type { Call } from "../answer/tool.ts";
import { asRecord, type JsonRecord } from "../base/json.ts";

export interface Block {
  readonly whole: JsonRecord;
  readonly start: JsonRecord;
  readonly deltas: readonly JsonRecord[];
}

export function answerBlocks(answer: SimulatedAnswer, request: SimRequest): Block[] {
  const sharedId = `toolu_01${request.hex(11)}`;
  const blocks = answer.parts.flatMap((part) => partBlocks(part, request, sharedId));
  return request.script.compat("anthropic-messages")("fallback-block")
    ? [...blocks.slice(0, -1), fallbackBlock(request.model), ...blocks.slice(-1)]
    : blocks;
}

function partBlocks(part: Part, request: SimRequest, sharedId: string): Block[] {
  const { hex, script } = request;
  switch (part.kind) {
    case "reasoning":
      return [part.isHidden ? redactedBlock(part.deltas) : thinkingBlock(part.deltas, isShown(request))];
    case "text":
      return part.citations.length === 0
        ? [textBlock(part.deltas)]
        : splitByCitations(part.deltas.join(""), part.citations).map((piece) =>
            textBlock(deltas(piece.text), piece.citations),
          );
    case "refusal":
      return [textBlock(part.deltas)];
    case "search":
      return searchBlocks(part.query, part.sources, `srvtoolu_01${hex(11)}`);
    case "call": {
      const hasSharedId = script.compat("anthropic-messages")("repeated-id");
      return [toolBlock(part.call, part.isCut, hasSharedId ? sharedId : `toolu_01${hex(11)}`)];
    }
  }
}

/** Marks the place where another model continues the answer. */
function fallbackBlock(model: string): Block {
  const trigger = { type: "refusal", category: null };
  const whole = { type: "fallback", from: { model }, to: { model: "claude-simulated" }, trigger };
  return { whole, start: whole, deltas: [] };
}

/** Scripted thinking is shown, unless the request hides all thinking. */
function isShown({ body, model, script }: SimRequest): boolean {
  const { display } = asRecord(body.thinking);
  const isByDefault = script.has("thinks") || claudeTraits(model).isThinkingShown;
  return display === "summarized" || (display !== "omitted" && isByDefault);
}

/** Hidden thinking is an empty text with the signature of the real thinking. */
function thinkingBlock(reasoning: readonly string[], isVisible: boolean): Block {
  const signature = seal("anthropic", "", reasoning.join(""));
  const thoughts = isVisible ? reasoning : [];
  return {
    whole: { type: "thinking", thinking: thoughts.join(""), signature },
    start: { type: "thinking", thinking: "", signature: "" },
    deltas: [
      ...thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature },
    ],
  };
}

function redactedBlock(reasoning: readonly string[]): Block {
  const whole = { type: "redacted_thinking", data: seal("anthropic", "", reasoning.join("")) };
  return { whole, start: whole, deltas: [] };
}

/** A text without citations has no member for them. */
function textBlock(text: readonly string[], citations: readonly Citation[] = []): Block {
  const cited = citations.map(citationOf);
  const isCited = cited.length > 0;
  return {
    whole: { type: "text", text: text.join(""), ...(isCited ? { citations: cited } : {}) },
    start: { type: "text", text: "", ...(isCited ? { citations: [] } : {}) },
    deltas: [
      ...text.map((text) => ({ type: "text_delta", text })),
      ...cited.map((citation) => ({ type: "citations_delta", citation })),
    ],
  };
}

function citationOf({ source, quote, start, end }: Citation): JsonRecord {
  return source === "document"
    ? {
        type: "char_location",
        cited_text: quote,
        document_index: 0,
        document_title: null,
        file_id: null,
        start_char_index: start,
        end_char_index: end,
      }
    : {
        type: "web_search_result_location",
        cited_text: quote,
        url: source.url,
        title: source.title,
        encrypted_index: seal("anthropic", "", `index of ${source.url}`),
      };
}

/** The provider's own tool: the answer holds the call and its result. */
function searchBlocks(query: string, sources: readonly Source[], id: string): Block[] {
  const caller = { type: "direct" };
  const call = { type: "server_tool_use", id, name: "web_search", caller };
  const result = {
    type: "web_search_tool_result",
    tool_use_id: id,
    caller,
    content: sources.map(({ url, title }) => ({
      type: "web_search_result",
      url,
      title,
      encrypted_content: seal("anthropic", "", `content of ${url}`),
      page_age: null,
    })),
  };
  return [
    {
      whole: { ...call, input: { query } },
      start: { ...call, input: {} },
      deltas: inputDeltas(JSON.stringify({ query })),
    },
    { whole: result, start: result, deltas: [] },
  ];
}

/** Cut arguments appear in the stream only: a whole block could not hold them, because they are not JSON. */
function toolBlock(call: Call, isCut: boolean, id: string): Block {
  const base = { type: "tool_use", id, name: call.tool.name, caller: { type: "direct" } };
  return {
    whole: { ...base, input: isCut || call.input === "" ? {} : JSON.parse(call.input) },
    start: { ...base, input: {} },
    deltas: call.input === "" ? [] : inputDeltas(call.input),
  };
}

function inputDeltas(input: string): JsonRecord[] {
  return ["", ...pieces(input)].map((partial_json) => ({ type: "input_json_delta", partial_json }));
}
