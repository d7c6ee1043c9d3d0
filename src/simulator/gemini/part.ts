// Gemini generateContent: the parts of an answer, and its grounding.

import type { Part, SimulatedAnswer } from "../answer/answer.ts";
import { geminiMajor } from "../answer/catalogue.ts";
import { type Citation, SOURCES } from "../answer/citation.ts";
import type { SimRequest } from "../answer/request.ts";
import { seal } from "../answer/seal.ts";
import { asRecord, isRecord, type JsonRecord } from "../base/json.ts";

/**
 * One part for each text delta and each call. From the third generation on, the first call has a signature.
 */
export function answerParts(answer: SimulatedAnswer, request: SimRequest): JsonRecord[] {
  const { script } = request;
  const config = asRecord(asRecord(request.body.generationConfig).thinkingConfig);
  const isOdd = script.compat("gemini");
  const isSigned = geminiMajor(request.model) >= 3;
  const showsThoughts = config.includeThoughts === true || script.has("thinks");
  const firstCall = answer.parts.find((part) => part.kind === "call");
  const partsOf = (part: Part): JsonRecord[] => {
    switch (part.kind) {
      case "reasoning":
        return showsThoughts && !part.isHidden ? part.deltas.map((text) => ({ text, thought: true })) : [];
      case "text":
      case "refusal":
        return part.deltas.map((text) => ({ text }));
      case "search":
        return [];
      case "call": {
        if (part.isCut || isOdd("malformed")) {
          return [];
        }
        const { name } = part.call.tool;
        const args = part.call.input === "" ? {} : { args: JSON.parse(part.call.input) };
        const id = isOdd("no-ids") ? {} : { id: request.hex(6) };
        const signature =
          isSigned && part === firstCall ? { thoughtSignature: seal("gemini", "", name) } : {};
        return [{ functionCall: { name, ...args, ...id }, ...signature }];
      }
    }
  };
  const ending = isOdd("signed-end") ? [{ text: "", thoughtSignature: seal("gemini", "", "end") }] : [];
  return [...answer.parts.flatMap(partsOf), ...ending];
}

/** Joins neighbouring parts of one kind, as the unary method does. */
export function joined(parts: readonly JsonRecord[]): JsonRecord[] {
  const result: JsonRecord[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const isSameText = typeof last?.text === "string" && typeof part.text === "string";
    if (
      last !== undefined &&
      isSameText &&
      last.thought === part.thought &&
      last.thoughtSignature === undefined
    ) {
      result[result.length - 1] = { ...last, ...part, text: `${last.text}${part.text}` };
    } else {
      result.push(part);
    }
  }
  return result;
}

/** Grounding with positions in UTF-8 bytes of the answer's text. A position 0 is absent, as at Google. */
export function groundingOf(answer: SimulatedAnswer, parts: readonly JsonRecord[]): JsonRecord {
  const search = answer.parts.find((part) => part.kind === "search");
  const said = answer.parts.find((part) => part.kind === "text" && part.citations.length > 0);
  if (search?.kind !== "search" || said?.kind !== "text") {
    return {};
  }
  const text = said.deltas.join("");
  const partIndex = parts.findIndex((part) => part.text === text && part.thought !== true);
  return {
    groundingMetadata: {
      webSearchQueries: [search.query],
      searchEntryPoint: { renderedContent: "<div>simulated</div>" },
      groundingChunks: SOURCES.map(({ url, title }) => ({ web: { uri: url, title } })),
      groundingSupports: said.citations.map((citation) => supportOf(citation, text, partIndex)),
    },
  };
}

function supportOf(
  { start, end, quote, sourceIndex }: Citation,
  text: string,
  partIndex: number,
): JsonRecord {
  const at = (index: number) => Buffer.byteLength(text.slice(0, index));
  const startIndex = at(start) === 0 ? {} : { startIndex: at(start) };
  const place = partIndex <= 0 ? {} : { partIndex };
  return {
    segment: { ...place, ...startIndex, endIndex: at(end), text: quote },
    groundingChunkIndices: [sourceIndex],
  };
}

/** A call in pieces: its name, each top-level argument (texts in two pieces), and an end. */
export function inPieces(part: JsonRecord): JsonRecord[] {
  const call = asRecord(part.functionCall);
  const pieces = Object.entries(asRecord(call.args)).flatMap(([name, value]) =>
    argPieces(`$.${name}`, value),
  );
  const { args: _, ...head } = call;
  return [
    { ...part, functionCall: { ...head, willContinue: true } },
    ...pieces.map((piece) => ({ functionCall: { partialArgs: [piece], willContinue: true } })),
    { functionCall: {} },
  ];
}

function argPieces(jsonPath: string, value: unknown): JsonRecord[] {
  if (typeof value === "string") {
    const half = Math.ceil(value.length / 2);
    return [
      { jsonPath, stringValue: value.slice(0, half), willContinue: true },
      { jsonPath, stringValue: value.slice(half) },
    ];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, index) => argPieces(`${jsonPath}[${index}]`, one));
  }
  if (isRecord(value)) {
    return Object.entries(value).flatMap(([name, one]) => argPieces(`${jsonPath}.${name}`, one));
  }
  if (value === null) {
    return [{ jsonPath, nullValue: "NULL_VALUE" }];
  }
  return [typeof value === "number" ? { jsonPath, numberValue: value } : { jsonPath, boolValue: value }];
}
