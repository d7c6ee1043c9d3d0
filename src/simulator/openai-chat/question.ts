// OpenAI Chat Completions: the question of a request.

import { isReasoningModel } from "../answer/catalogue.ts";
import type { Prompt, Question, Turn } from "../answer/question.ts";
import type { SimRequest } from "../answer/request.ts";
import type { ToolOffer } from "../answer/tool.ts";
import { asList, asNumber, asRecord, asString, type JsonRecord } from "../base/json.ts";

export function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const messages = asList(body.messages).map(asRecord);
  const stops = typeof body.stop === "string" ? [body.stop] : asList(body.stop).map(asString);
  const maxTokens = asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens);
  const format = asRecord(body.response_format);
  return {
    model,
    organization: request.organization,
    prompt: promptOf(request, messages),
    turns: messages.flatMap(turnsOf),
    tools: asList(body.tools).map(asRecord).map(offerOf),
    choice: choiceOf(body.tool_choice),
    isParallel: body.parallel_tool_calls !== false,
    isReasoning:
      request.persona?.thinks(body, model) ?? (isReasoningModel(model) && body.reasoning_effort !== "none"),
    ...(format.type === "json_schema" ? { format: asRecord(format.json_schema).schema ?? true } : {}),
    ...(format.type === "json_object" ? { format: true } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops,
  };
}

/** Where a server caches at marks, each text is a part of its own, so that a mark ends one. */
function promptOf({ body, model, persona }: SimRequest, messages: readonly JsonRecord[]): Prompt {
  const tools = asList(body.tools).map(asRecord);
  if (!persona?.cachesAtMarks?.(model)) {
    return { parts: [...tools, ...messages].map((part) => JSON.stringify(part)) };
  }
  const parts = [
    ...tools,
    ...messages.flatMap((message) => {
      const content = asList(message.content).map(asRecord);
      return content.length === 0 ? [message] : content.map((part) => ({ role: message.role, ...part }));
    }),
  ];
  return {
    parts: parts.map(({ cache_control: _, ...part }: JsonRecord) => JSON.stringify(part)),
    marks: parts.flatMap(({ cache_control: mark }: JsonRecord, part) =>
      mark === undefined
        ? []
        : [{ part, ttl: asRecord(mark).ttl === "1h" ? ("1h" as const) : ("5m" as const) }],
    ),
  };
}

function turnsOf({ role, content }: JsonRecord): Turn[] {
  switch (role) {
    case "user":
      return textsOf(content).map((text) => ({ by: "user", text }));
    case "tool":
    case "function":
      return [{ by: "tool", text: textsOf(content).join("") }];
    case "assistant":
      return [{ by: "model", text: "" }];
    default:
      return [];
  }
}

function textsOf(content: unknown): string[] {
  const parts =
    typeof content === "string" ? [{ type: "text", text: content }] : asList(content).map(asRecord);
  return parts.filter((part) => part.type === "text").map((part) => asString(part.text));
}

function offerOf(tool: JsonRecord): ToolOffer {
  const inner = asRecord(tool.type === "custom" ? tool.custom : tool.function);
  return {
    name: asString(inner.name),
    kind: tool.type === "custom" ? "custom" : "function",
    schema: inner.parameters ?? {},
  };
}

function choiceOf(choice: unknown): Question["choice"] {
  if (choice === "none" || choice === "required") {
    return choice;
  }
  const { type, function: fn, custom, allowed_tools } = asRecord(choice);
  if (type === "function" || type === "custom") {
    return [asString(asRecord(fn ?? custom).name)];
  }
  return asRecord(allowed_tools).mode === "required" ? "required" : "auto";
}
