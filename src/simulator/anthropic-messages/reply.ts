// Anthropic Messages: the answer as one message and as a stream.

import { type Answer, type Call, pieces, type Question, type ToolOffer } from "../answer.ts";
import { claudeTraits } from "../catalogue.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../json.ts";
import { countTokens } from "../prompt-cache.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import type { SimRequest } from "../request.ts";
import { seal } from "../seal.ts";

export function replyMessages(request: SimRequest): Reply {
  const { body, model } = request;
  const answer = request.answer(questionOf(request));
  const id = `msg_01${request.hex(11)}`;
  const blocks = blocksOf(answer, body, model, (bytes) => request.hex(bytes));
  const usage = usageOf(answer, body);
  const message = {
    id,
    type: "message",
    role: "assistant",
    model,
    content: blocks.map((block) => block.whole),
    stop_reason: STOP_REASONS[answer.ending],
    stop_sequence: answer.stopSequence ?? null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage,
  };
  return {
    isStream: body.stream === true,
    whole: () => message,
    stream: () => ({ framing: "sse", events: events(message, blocks) }),
    errorEvent: (error) => event("error", isRecord(error) ? error : { error }),
  };
}

const STOP_REASONS = {
  end: "end_turn",
  length: "max_tokens",
  stop: "stop_sequence",
  tool: "tool_use",
} as const;

interface Block {
  readonly whole: JsonRecord;
  readonly start: JsonRecord;
  readonly deltas: Iterable<JsonRecord>;
}

function blocksOf(answer: Answer, body: JsonRecord, model: string, hex: (bytes: number) => string): Block[] {
  const blocks: Block[] = [];
  if (answer.reasoning.length > 0) {
    blocks.push(thinkingBlock(answer.reasoning, isThinkingShown(body, model)));
  }
  if (answer.text.length > 0) {
    blocks.push({
      whole: { type: "text", text: answer.text.join(""), citations: null },
      start: { type: "text", text: "", citations: null },
      deltas: answer.text.map((text) => ({ type: "text_delta", text })),
    });
  }
  for (const call of answer.calls) {
    blocks.push(toolBlock(call, `toolu_01${hex(11)}`));
  }
  return blocks;
}

/** A hidden thought is an empty text with the signature of the real one. */
function thinkingBlock(reasoning: readonly string[], isShown: boolean): Block {
  const signature = seal("anthropic", "", reasoning.join(""));
  const thoughts = isShown ? reasoning : [];
  return {
    whole: { type: "thinking", thinking: thoughts.join(""), signature },
    start: { type: "thinking", thinking: "", signature: "" },
    deltas: [
      ...thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature },
    ],
  };
}

function toolBlock(call: Call, id: string): Block {
  const base = { type: "tool_use", id, name: call.tool.name, caller: { type: "direct" } };
  return {
    whole: { ...base, input: JSON.parse(call.input) },
    start: { ...base, input: {} },
    deltas: ["", ...pieces(call.input)].map((partial_json) => ({ type: "input_json_delta", partial_json })),
  };
}

function isThinkingShown(body: JsonRecord, model: string): boolean {
  const display = asRecord(body.thinking).display;
  return display === "summarized" || (display !== "omitted" && claudeTraits(model).isThinkingShown);
}

function* events(
  message: JsonRecord & { usage: JsonRecord },
  blocks: readonly Block[],
): Iterable<StreamEvent> {
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null };
  yield event("message_start", {
    message: { ...start, usage: { ...message.usage, output_tokens: 1, output_tokens_details: null } },
  });
  yield event("ping", {});
  for (const [index, block] of blocks.entries()) {
    yield event("content_block_start", { index, content_block: block.start });
    for (const delta of block.deltas) {
      yield event("content_block_delta", { index, delta });
    }
    yield event("content_block_stop", { index });
  }
  const { stop_reason, stop_sequence, stop_details, container } = message;
  const { usage } = message;
  yield event("message_delta", {
    delta: { stop_reason, stop_sequence, stop_details, container },
    usage: {
      input_tokens: usage.input_tokens,
      cache_creation_input_tokens: usage.cache_creation_input_tokens,
      cache_read_input_tokens: usage.cache_read_input_tokens,
      output_tokens: usage.output_tokens,
      output_tokens_details: usage.output_tokens_details,
      server_tool_use: null,
    },
  });
  yield { ...event("message_stop", {}), isLast: true };
}

function event(type: string, rest: JsonRecord): StreamEvent {
  return { name: type, data: JSON.stringify({ type, ...rest }) };
}

/** Cached tokens and written ones only where the request marks something for the cache; input excludes both. */
function usageOf(answer: Answer, body: JsonRecord): JsonRecord {
  const { prompt, cached, output, reasoning } = answer.usage;
  const isMarked = JSON.stringify(body).includes('"cache_control":{');
  const read = isMarked ? cached : 0;
  const written = isMarked && prompt >= 1024 ? prompt - read : 0;
  return {
    input_tokens: prompt - read - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    output_tokens_details: reasoning > 0 ? { thinking_tokens: reasoning } : null,
    server_tool_use: null,
    service_tier: "standard",
    speed: null,
    inference_geo: "not_available",
  };
}

export function countMessageTokens(request: SimRequest): unknown {
  return { input_tokens: promptOf(request.body).reduce((sum, part) => sum + countTokens(part), 0) };
}

function promptOf(body: JsonRecord): string[] {
  const parts = [body.tools, body.system].filter((part) => part !== undefined && part !== null);
  return [...parts, ...asList(body.messages)].map(stableText);
}

/** Cache marks move from turn to turn and are no part of the prompt. */
function stableText(part: unknown): string {
  return JSON.stringify(part, (name, value) => (name === "cache_control" ? undefined : value));
}

function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const turns = asList(body.messages).map(asRecord);
  const last = turns.filter((turn) => turn.role === "user").at(-1);
  const blocks = typeof last?.content === "string" ? [] : asList(last?.content).map(asRecord);
  const lastText = blocks.filter((block) => block.type === "text").at(-1)?.text;
  const choice = asRecord(body.tool_choice);
  const thinking = asString(asRecord(body.thinking).type);
  const format = asRecord(asRecord(body.output_config).format);
  const maxTokens = asNumber(body.max_tokens);
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body),
    lastUserText: typeof last?.content === "string" ? last.content : asString(lastText),
    hasToolResult: blocks.some((block) => block.type === "tool_result"),
    tools: asList(body.tools).map(asRecord).flatMap(offerOf),
    choice: choiceOf(choice),
    isParallel: choice.disable_parallel_tool_use !== true,
    isReasoning:
      thinking === "enabled" ||
      thinking === "adaptive" ||
      (thinking === "" && claudeTraits(model).isThinkingByDefault),
    ...(format.type === "json_schema" ? { format: format.schema } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops: asList(body.stop_sequences).map(asString),
  };
}

/** Server tools run at the provider: only the client's own tools are called. */
function offerOf(tool: JsonRecord): ToolOffer[] {
  const type = asString(tool.type) || "custom";
  if (type !== "custom" && !/^(bash|text_editor|memory)_/.test(type)) {
    return [];
  }
  return [{ name: asString(tool.name), kind: "function", schema: tool.input_schema ?? {} }];
}

function choiceOf(choice: JsonRecord): Question["choice"] {
  switch (choice.type) {
    case "any":
      return "required";
    case "none":
      return "none";
    case "tool":
      return [asString(choice.name)];
    default:
      return "auto";
  }
}
