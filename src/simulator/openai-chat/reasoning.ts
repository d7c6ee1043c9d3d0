// OpenAI Chat Completions: reasoning as servers show it. OpenAI's own models show none.

import type { Part, SimulatedAnswer } from "../answer/answer.ts";
import type { SimRequest } from "../answer/request.ts";
import { seal } from "../answer/seal.ts";
import { asRecord, type JsonRecord } from "../base/json.ts";

type Reasoning = Extract<Part, { kind: "reasoning" }>;
type Form = "reasoning_content" | "reasoning" | "details" | "split-details" | "chunks" | "tags";

function formOf({ script, body }: SimRequest): Form {
  const isOdd = script.compat("openai-chat");
  if (isOdd("think-tags")) {
    return body.reasoning_split === true ? "split-details" : "tags";
  }
  if (isOdd("reasoning-details")) {
    return "details";
  }
  if (isOdd("reasoning-chunks")) {
    return "chunks";
  }
  return isOdd("reasoning") ? "reasoning" : "reasoning_content";
}

function isShown(part: Reasoning, { script, persona }: SimRequest): boolean {
  return (script.has("thinks") || persona !== undefined) && !part.isHidden;
}

/** All text of an answer's reasoning that is shown: what a seal is for. */
function sealedText(answer: SimulatedAnswer, request: SimRequest): string {
  return answer.parts
    .map((part) => (part.kind === "reasoning" && isShown(part, request) ? part.deltas.join("") : ""))
    .join("");
}

/** The deltas of one part, the last with its seal where the server seals reasoning. */
export function reasoningDeltas(part: Reasoning, answer: SimulatedAnswer, request: SimRequest): JsonRecord[] {
  const form = formOf(request);
  const texts = isShown(part, request) ? part.deltas : [];
  switch (form) {
    case "reasoning_content":
    case "reasoning":
      return texts.map((text) => ({ [form]: text }));
    case "chunks":
      return texts.map((text) => ({ content: [thinkingChunk(text)] }));
    case "tags":
      return texts.map((text, at) => ({
        content: `${at === 0 ? "<think>" : ""}${text}${at === texts.length - 1 ? "</think>" : ""}`,
      }));
    case "split-details":
      return texts.map((text) => ({
        reasoning_content: text,
        reasoning_details: [
          { type: "reasoning.text", id: "reasoning-text-1", format: "MiniMax-response-v1", index: 0, text },
        ],
      }));
    case "details": {
      const index = answer.parts.filter(({ kind }) => kind === "reasoning").indexOf(part);
      const entries = texts.map((text) => ({
        reasoning: text,
        reasoning_details: [{ type: "reasoning.text", text, format: formatOf(request.model), index }],
      }));
      const last = sealOf(index, texts.length > 0, sealedText(answer, request), request);
      return last === undefined ? entries : [...entries, { reasoning_details: [last] }];
    }
  }
}

function thinkingChunk(text: string): JsonRecord {
  return { type: "thinking", thinking: [{ type: "text", text }] };
}

/** The makers whose reasoning has a seal. */
function formatOf(model: string): string {
  if (model.startsWith("anthropic/")) {
    return "anthropic-claude-v1";
  }
  return model.startsWith("google/") ? "google-gemini-v1" : "unknown";
}

function sealOf(
  index: number,
  isText: boolean,
  text: string,
  { model, organization }: SimRequest,
): JsonRecord | undefined {
  const format = formatOf(model);
  const value = seal("openrouter", organization, text);
  if (format === "google-gemini-v1") {
    return { type: "reasoning.encrypted", data: value, id: `reasoning-${index}`, format, index: index + 1 };
  }
  if (format === "unknown") {
    return undefined;
  }
  return isText
    ? { type: "reasoning.text", signature: value, format, index }
    : { type: "reasoning.encrypted", data: value, format, index };
}

/** The members of a whole message that hold its reasoning; `content` is what stands before its text. */
export function wholeReasoning(answer: SimulatedAnswer, request: SimRequest): JsonRecord {
  const deltas = answer.parts.flatMap((part) =>
    part.kind === "reasoning" ? reasoningDeltas(part, answer, request) : [],
  );
  const members: JsonRecord = {};
  for (const [name, value] of deltas.flatMap((delta) => Object.entries(delta))) {
    if (typeof value === "string") {
      members[name] = `${(members[name] as string | undefined) ?? ""}${value}`;
    } else if (name === "content") {
      members[name] = [{ ...thinkingChunk(sealedText(answer, request)), closed: true }];
    } else {
      members[name] = merged(
        (members[name] as JsonRecord[] | undefined) ?? [],
        asRecord((value as unknown[])[0]),
      );
    }
  }
  return members;
}

/** Entries of one index and type are one entry. */
function merged(entries: readonly JsonRecord[], next: JsonRecord): JsonRecord[] {
  const last = entries.at(-1);
  if (last === undefined || last.index !== next.index || last.type !== next.type) {
    return [...entries, next];
  }
  const text = `${(last.text as string | undefined) ?? ""}${(next.text as string | undefined) ?? ""}`;
  return [...entries.slice(0, -1), { ...last, ...next, text }];
}
