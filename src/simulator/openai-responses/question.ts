// OpenAI Responses: the question of a request.

import { isReasoningModel } from "../answer/catalogue.ts";
import type { Prompt, Question, Turn } from "../answer/question.ts";
import type { SimRequest } from "../answer/request.ts";
import type { ToolOffer } from "../answer/tool.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";

/** The input as a list of items; a plain text becomes one user message. */
export function inputItems(body: JsonRecord): JsonRecord[] {
  if (typeof body.input === "string") {
    return [{ type: "message", role: "user", content: [{ type: "input_text", text: body.input }] }];
  }
  return asList(body.input).filter(isRecord);
}

/** Tools, instructions, and the input item by item, as they were sent. */
export function promptOf(body: JsonRecord, input: readonly JsonRecord[]): Prompt {
  const instructions =
    body.instructions === undefined || body.instructions === null ? [] : [body.instructions];
  return { parts: [...asList(body.tools), ...instructions, ...input].map((part) => JSON.stringify(part)) };
}

export function questionOf(request: SimRequest, input: readonly JsonRecord[]): Question {
  const { body, model } = request;
  const format = asRecord(asRecord(body.text).format);
  const maxTokens = asNumber(body.max_output_tokens);
  const late = input.filter((item) => item.type === "additional_tools").flatMap((item) => asList(item.tools));
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body, input),
    turns: input.flatMap(turnsOf),
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

function turnsOf(item: JsonRecord): Turn[] {
  const type = asString(item.type);
  if (type.endsWith("_call_output")) {
    return [{ by: "tool", text: textsOf(item.output).join("") }];
  }
  if (item.role === "user") {
    return textsOf(item.content).map((text) => ({ by: "user", text }));
  }
  return item.role === "assistant" || type.endsWith("_call") ? [{ by: "model", text: "" }] : [];
}

function textsOf(content: unknown): string[] {
  const parts =
    typeof content === "string" ? [{ type: "input_text", text: content }] : asList(content).map(asRecord);
  return parts.filter((part) => part.type === "input_text").map((part) => asString(part.text));
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
  const offer: ToolOffer = {
    name: asString(tool.name),
    kind: type,
    schema: tool.parameters ?? {},
    isStrict: isStrict(tool),
  };
  return [namespace === undefined ? offer : { ...offer, namespace }];
}

/** A function without `strict` is strict, unlike in Chat Completions: all of its properties are required. */
export function isStrict(tool: JsonRecord): boolean {
  return tool.type === "function" && tool.strict !== false && tool.strict !== null;
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
