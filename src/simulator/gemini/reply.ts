// Gemini generateContent: the answer as one response, as a stream of them, and as one growing JSON array.

import type { Answer, Question, ToolOffer } from "../answer.ts";
import { geminiMajor } from "../catalogue.ts";
import { asList, asNumber, asRecord, asString, type JsonRecord } from "../json.ts";
import { countTokens } from "../prompt-cache.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import type { SimRequest } from "../request.ts";
import { seal } from "../seal.ts";

/** `request.body` has camel-case names by now. */
export function replyGenerate(request: SimRequest): Reply {
  const answer = request.answer(questionOf(request));
  const responseId = request.hex(11);
  const usage = usageOf(answer);
  const parts = partsOf(answer, request);
  const finishReason = answer.ending === "length" ? "MAX_TOKENS" : "STOP";
  const common = { modelVersion: request.model, responseId };
  return {
    isStream: request.path.endsWith(":streamGenerateContent"),
    whole: () => ({
      candidates: [{ content: { role: "model", parts: joined(parts) }, finishReason, index: 0 }],
      usageMetadata: usage,
      ...common,
    }),
    stream: () => ({
      framing: request.query.get("alt") === "sse" ? "sse" : "json-array",
      events: events(parts, finishReason, usage, common),
    }),
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}

function* events(
  parts: readonly JsonRecord[],
  finishReason: string,
  usage: JsonRecord,
  common: JsonRecord,
): Iterable<StreamEvent> {
  const soFar = { promptTokenCount: usage.promptTokenCount, totalTokenCount: usage.promptTokenCount };
  for (const part of parts) {
    yield chunk({
      candidates: [{ content: { role: "model", parts: [part] }, index: 0 }],
      usageMetadata: soFar,
      ...common,
    });
  }
  const last = { content: { role: "model", parts: [{ text: "" }] }, finishReason, index: 0 };
  yield { ...chunk({ candidates: [last], usageMetadata: usage, ...common }), isLast: true };
}

function chunk(response: JsonRecord): StreamEvent {
  return { data: JSON.stringify(response) };
}

function partsOf(answer: Answer, request: SimRequest): JsonRecord[] {
  const config = asRecord(asRecord(request.body.generationConfig).thinkingConfig);
  const isSigned = geminiMajor(request.model) >= 3;
  const thoughts = config.includeThoughts === true ? answer.reasoning : [];
  const calls = answer.calls.map((call, index) => {
    const functionCall = { name: call.tool.name, args: JSON.parse(call.input), id: request.hex(6) };
    const thoughtSignature = seal("gemini", "", call.tool.name);
    return isSigned && index === 0 ? { functionCall, thoughtSignature } : { functionCall };
  });
  return [
    ...thoughts.map((text) => ({ text, thought: true })),
    ...answer.text.map((text) => ({ text })),
    ...calls,
  ];
}

/** Neighbours of one kind become one part, as the unary method answers. */
function joined(parts: readonly JsonRecord[]): JsonRecord[] {
  const result: JsonRecord[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (
      last !== undefined &&
      typeof last.text === "string" &&
      typeof part.text === "string" &&
      last.thought === part.thought
    ) {
      result[result.length - 1] = { ...last, text: last.text + part.text };
    } else {
      result.push(part);
    }
  }
  return result;
}

function usageOf(answer: Answer): JsonRecord {
  const { prompt, cached, output, reasoning } = answer.usage;
  const details = (tokenCount: number) => [{ modality: "TEXT", tokenCount }];
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: output - reasoning,
    totalTokenCount: prompt + output,
    promptTokensDetails: details(prompt),
    ...(cached > 0 ? { cachedContentTokenCount: cached, cacheTokensDetails: details(cached) } : {}),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
  };
}

export function countContentTokens(body: JsonRecord): unknown {
  const inner = body.generateContentRequest === undefined ? body : asRecord(body.generateContentRequest);
  const totalTokens = promptOf(inner).reduce((sum, part) => sum + countTokens(part), 0);
  return { totalTokens, promptTokensDetails: [{ modality: "TEXT", tokenCount: totalTokens }] };
}

function promptOf(body: JsonRecord): string[] {
  const parts = [body.tools, body.systemInstruction].filter((part) => part !== undefined && part !== null);
  return [...parts, ...asList(body.contents)].map((part) => JSON.stringify(part));
}

function questionOf(request: SimRequest): Question {
  const { body, model } = request;
  const config = asRecord(body.generationConfig);
  const last = asList(body.contents).map(asRecord).at(-1) ?? {};
  const parts = asList(last.parts).map(asRecord);
  const calling = asRecord(asRecord(body.toolConfig).functionCallingConfig);
  const allowed = asList(calling.allowedFunctionNames).map(asString);
  const maxTokens = asNumber(config.maxOutputTokens);
  const isJson = config.responseMimeType === "application/json";
  const thinking = asRecord(config.thinkingConfig);
  return {
    model,
    organization: request.organization,
    prompt: promptOf(body),
    lastUserText: asString(parts.filter((part) => typeof part.text === "string").at(-1)?.text),
    hasToolResult: parts.some((part) => part.functionResponse !== undefined),
    tools: toolsOf(body).filter((tool) => allowed.length === 0 || allowed.includes(tool.name)),
    choice: calling.mode === "NONE" ? "none" : calling.mode === "ANY" ? "required" : "auto",
    isParallel: true,
    isReasoning:
      thinking.thinkingBudget !== 0 && (geminiMajor(model) >= 3 || Object.keys(thinking).length > 0),
    ...(isJson ? { format: config.responseJsonSchema ?? config.responseSchema ?? true } : {}),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stops: asList(config.stopSequences).map(asString),
  };
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
