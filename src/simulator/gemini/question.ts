// Gemini generateContent: the question of a request.

import { geminiMajor } from "../answer/catalogue.ts";
import type { Prompt, Question, Turn } from "../answer/question.ts";
import type { SimRequest } from "../answer/request.ts";
import type { ToolOffer } from "../answer/tool.ts";
import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { hopOf } from "./continuation.ts";

/** The contents as a list; a request may send a single content without a list. */
export function contentsOf(body: JsonRecord): JsonRecord[] {
  return (Array.isArray(body.contents) ? body.contents : [body.contents]).filter(isRecord);
}

/** Tools, system instruction and the contents one by one, as they were sent. */
export function promptOf(body: JsonRecord): Prompt {
  const system = [body.systemInstruction].filter((part) => part !== undefined && part !== null);
  return {
    parts: [...asList(body.tools), ...system, ...contentsOf(body)].map((part) => JSON.stringify(part)),
  };
}

export function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const config = asRecord(body.generationConfig);
  const calling = asRecord(asRecord(body.toolConfig).functionCallingConfig);
  const allowed = asList(calling.allowedFunctionNames).map(asString);
  const maxTokens = asNumber(config.maxOutputTokens);
  const isJson = config.responseMimeType === "application/json";
  const thinking = asRecord(config.thinkingConfig);
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body),
    turns: contentsOf(body).flatMap(turnsOf),
    tools: toolsOf(body).filter((tool) => allowed.length === 0 || allowed.includes(tool.name)),
    choice: calling.mode === "NONE" ? "none" : calling.mode === "ANY" ? "required" : "auto",
    isParallel: true,
    isReasoning:
      thinking.thinkingBudget !== 0 && (geminiMajor(model) >= 3 || Object.keys(thinking).length > 0),
    ...(isJson ? { format: config.responseJsonSchema ?? config.responseSchema ?? true } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops: asList(config.stopSequences).map(asString),
    hops: hopOf(body) ?? 0,
  };
}

function turnsOf(content: JsonRecord): Turn[] {
  if (content.role === "model") {
    return [{ by: "model", text: "" }];
  }
  return asList(content.parts)
    .map(asRecord)
    .flatMap((part): Turn[] => {
      if (part.functionResponse !== undefined) {
        return [{ by: "tool", text: resultText(asRecord(asRecord(part.functionResponse).response)) }];
      }
      return typeof part.text === "string" ? [{ by: "user", text: part.text }] : [];
    });
}

function resultText(response: JsonRecord): string {
  const said = response.output ?? response.error;
  return typeof said === "string" ? said : JSON.stringify(response);
}

function toolsOf(body: JsonRecord): ToolOffer[] {
  return asList(body.tools)
    .flatMap((tool) => asList(asRecord(tool).functionDeclarations))
    .map(asRecord)
    .map((declaration) => ({
      name: asString(declaration.name),
      kind: "function",
      schema: declaration.parametersJsonSchema ?? declaration.parameters ?? {},
    }));
}
