// Anthropic Messages: the question of a request, and its prompt for the cache.

import { claudeTraits } from "../answer/catalogue.ts";
import type { Prompt, Question, Turn } from "../answer/question.ts";
import type { SimRequest } from "../answer/request.ts";
import type { ToolOffer } from "../answer/tool.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";

export function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const messages = asList(body.messages).map(asRecord);
  const choice = asRecord(body.tool_choice);
  const thinking = asString(asRecord(body.thinking).type);
  const format = asRecord(asRecord(body.output_config).format);
  const maxTokens = asNumber(body.max_tokens);
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body),
    turns: messages.flatMap(turnsOf),
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
    pauses: pausesIn(messages.at(-1)),
  };
}

/** The content as blocks; a plain text becomes one text block. */
export function blocksOf(message: JsonRecord): readonly JsonRecord[] {
  const { content } = message;
  return typeof content === "string" ? [{ type: "text", text: content }] : asList(content).map(asRecord);
}

function turnsOf(message: JsonRecord): Turn[] {
  if (message.role !== "user") {
    return message.role === "assistant" ? [{ by: "model", text: "" }] : [];
  }
  return blocksOf(message).flatMap((block): Turn[] => {
    switch (block.type) {
      case "text":
        return [{ by: "user", text: asString(block.text) }];
      case "tool_result":
        return [{ by: "tool", text: textOf(block) }];
      default:
        return [];
    }
  });
}

function textOf(result: JsonRecord): string {
  return blocksOf(result)
    .map((block) => asString(block.text))
    .join("");
}

/** Number of earlier pauses: the client sends a paused answer back unchanged, at the end of the messages. */
function pausesIn(last: JsonRecord | undefined): number {
  return last?.role === "assistant"
    ? blocksOf(last).filter((block) => block.type === "server_tool_use").length
    : 0;
}

/** Tools, system and messages, block by block, with their cache marks. */
export function promptOf(body: JsonRecord): Prompt {
  const system =
    typeof body.system === "string" ? [{ type: "text", text: body.system }] : asList(body.system);
  const placed = [
    ...asList(body.tools).map((block) => ["tool", asRecord(block)] as const),
    ...system.map((block) => ["system", asRecord(block)] as const),
    ...asList(body.messages)
      .map(asRecord)
      .flatMap((message) => blocksOf(message).map((block) => [asString(message.role), block] as const)),
  ];
  const marks = placed.flatMap(([, block], part) => markIn(block).map((ttl) => ({ part, ttl })));
  const automatic = isRecord(body.cache_control) && placed.length > 0;
  return {
    parts: placed.map(([role, block]) => `${role}:${stableText(block)}`),
    marks: automatic ? [...marks, { part: placed.length - 1, ttl: ttlOf(body) }] : marks,
  };
}

/** The cache mark of a block, or of a block within a tool result. */
function markIn(block: JsonRecord): ("5m" | "1h")[] {
  const marked = [block, ...asList(block.content).map(asRecord)].filter((one) => isRecord(one.cache_control));
  return marked.slice(0, 1).map(ttlOf);
}

function ttlOf(marked: JsonRecord): "5m" | "1h" {
  return asRecord(marked.cache_control).ttl === "1h" ? "1h" : "5m";
}

/** A block without its cache mark: marks move from turn to turn and are no part of the prompt. */
function stableText(part: unknown): string {
  return JSON.stringify(part, (name, value) => (name === "cache_control" ? undefined : value));
}

/** The schemas of the provider's typed tools; a request sends these tools without a schema. */
const TYPED_SCHEMAS: readonly (readonly [type: RegExp, schema: JsonRecord])[] = [
  [/^bash_/, { type: "object", properties: { command: { type: "string" } }, required: ["command"] }],
  [
    /^(text_editor|memory)_/,
    {
      type: "object",
      properties: {
        command: { type: "string", enum: ["create"] },
        path: { type: "string" },
        file_text: { type: "string" },
      },
      required: ["command", "path", "file_text"],
    },
  ],
];

/** The tools that the client runs. Server tools run at the provider and are not called here. */
function offerOf(tool: JsonRecord): ToolOffer[] {
  const type = asString(tool.type) || "custom";
  const name = asString(tool.name);
  if (type === "custom") {
    return [{ name, kind: "function", schema: tool.input_schema ?? {} }];
  }
  const typed = TYPED_SCHEMAS.find(([pattern]) => pattern.test(type));
  return typed === undefined ? [] : [{ name, kind: "function", schema: typed[1] }];
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
