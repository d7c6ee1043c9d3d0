/** A client of Gemini's generateContent. */
import {
  type Ask,
  type Client,
  type Ending,
  type Json,
  NoWords,
  type Piece,
  type Told,
  type Trouble,
  type Turn,
  type WireRequest,
  withOthers,
} from "../conversation.ts";
import { events, need, parseObject } from "../wire.ts";
import { chunk, countBody, errorBody, readCitations, readUsage, response } from "./gemini-forms.ts";

export const gemini: Client = {
  dialect: "gemini",
  write(ask, model, isStream) {
    const method = isStream ? "streamGenerateContent?alt=sse" : "generateContent";
    return { path: pathOf(model, method), headers: {}, body: withOthers(bodyOf(ask), ask, "gemini") };
  },
  writeCount(ask, model): WireRequest {
    const generateContentRequest = { model: `models/${model}`, ...bodyOf(ask) };
    return { path: pathOf(model, "countTokens"), headers: {}, body: { generateContentRequest } };
  },
  readCount(body) {
    countBody(body, "count");
    return (body as { totalTokens: number }).totalTokens;
  },
  readWhole(body) {
    response(body, "response");
    return readResponse(body as Json, null);
  },
  readStream,
  readTrouble,
};

/** The model as one part of the path, as Google's SDK writes it. */
function pathOf(model: string, method: string): string {
  return `/v1beta/models/${model.split("/").map(encodeURIComponent).join("/")}:${method}`;
}

function bodyOf(ask: Ask): Json {
  const { system = [], tools = [], maxTokens, stop, schema, thinks, searches } = ask;
  const offered = [
    ...(tools.length === 0 ? [] : [{ functionDeclarations: tools.map(declarationOf) }]),
    ...(searches === true ? [{ googleSearch: {} }] : []),
  ];
  const config = {
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(stop === undefined ? {} : { stopSequences: stop }),
    ...(thinks === true ? { thinkingConfig: { includeThoughts: true, thinkingLevel: "MEDIUM" } } : {}),
    ...(schema === undefined ? {} : { responseMimeType: "application/json", responseJsonSchema: schema }),
  };
  return {
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system.map((text) => ({ text })) } }),
    contents: ask.turns.map(contentOf),
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(Object.keys(config).length === 0 ? {} : { generationConfig: config }),
  };
}

function declarationOf({ name, description, schema }: NonNullable<Ask["tools"]>[number]): Json {
  return { name, description, ...(schema === null ? {} : { parametersJsonSchema: schema }) };
}

function contentOf(turn: Turn): Json {
  switch (turn.by) {
    case "user":
      return { role: "user", parts: turn.pieces.map(partOf) };
    case "model":
      return { role: "model", parts: turn.told.native };
    case "system":
      throw new NoWords("contents have no turns of the system");
    case "tools":
      return {
        role: "user",
        parts: turn.results.map(({ call, content, isError }) => {
          const text = content.flatMap((piece) => (piece.kind === "text" ? [piece.text] : [])).join("\n");
          const media = content.filter(({ kind }) => kind !== "text").map(partOf);
          return {
            functionResponse: {
              ...(call.id === "" ? {} : { id: call.id }),
              name: call.name,
              response: isError === true ? { error: text } : { output: text },
              ...(media.length === 0 ? {} : { parts: media }),
            },
          };
        }),
      };
  }
}

function partOf(piece: Piece): Json {
  switch (piece.kind) {
    case "text":
      return { text: piece.text };
    case "image":
      return { inlineData: { mimeType: piece.mimeType, data: piece.data } };
    case "image-url":
      return { fileData: { fileUri: piece.url, mimeType: "image/png" } };
    case "pdf":
      return { inlineData: { mimeType: "application/pdf", data: piece.data } };
  }
}

/** Chunks are responses with pieces of parts; only the last one has the finish reason and the counts. */
function readStream(stream: string): Told {
  const parts: Json[] = [];
  let last: Json | null = null;
  let trouble: Trouble | null = null;
  for (const { name, data } of events(stream)) {
    need(name === null, "an event of Gemini has no name");
    need(last === null && trouble === null, "something comes behind the end");
    const frame = parseObject(data, "chunk");
    if (frame.error !== undefined) {
      trouble = readTrouble(null, frame);
      continue;
    }
    chunk(frame, "chunk");
    const [candidate] = (frame.candidates ?? []) as Json[];
    const content = candidate?.content as Json | undefined;
    for (const part of (content?.parts ?? []) as Json[]) append(parts, part);
    if (candidate?.finishReason !== undefined || frame.promptFeedback !== undefined) last = frame;
  }
  if (trouble !== null) return readResponse({ candidates: [{ content: { parts } }] }, trouble);
  need(last !== null, "the stream has no finishReason");
  const [candidate] = (last.candidates ?? []) as Json[];
  const whole =
    candidate === undefined
      ? last
      : {
          ...last,
          candidates: [
            {
              ...candidate,
              ...(parts.length === 0 ? { content: undefined } : { content: { role: "model", parts } }),
            },
          ],
        };
  response(JSON.parse(JSON.stringify(whole)), "folded response");
  return readResponse(whole, null);
}

/** Pieces of one text become one part; a signature ends it. */
function append(parts: Json[], part: Json): void {
  const last = parts.at(-1);
  const isText =
    typeof part.text === "string" && typeof last?.text === "string" && part.thought === last.thought;
  if (part.text === "" && part.thoughtSignature === undefined) return;
  if (last !== undefined && isText && last.thoughtSignature === undefined) {
    parts[parts.length - 1] = { ...last, ...part, text: `${last.text as string}${part.text as string}` };
  } else {
    parts.push(part);
  }
}

const ENDINGS: Readonly<Record<string, Ending>> = { MAX_TOKENS: "length", CONTINUATION: "pause" };
const REFUSALS = ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION"];

function readResponse(body: Json, trouble: Trouble | null): Told {
  const [candidate] = (body.candidates ?? []) as Json[];
  const parts = ((candidate?.content as Json | undefined)?.parts ?? []) as Json[];
  const texts = (isThought: boolean) =>
    parts.flatMap(({ text, thought }) =>
      typeof text === "string" && (thought === true) === isThought ? [text] : [],
    );
  const calls = parts.flatMap(({ functionCall }) => {
    const call = functionCall as { id?: string; name: string; args?: Json } | undefined;
    return call === undefined ? [] : [{ id: call.id ?? "", name: call.name, args: call.args ?? {} }];
  });
  const feedback = body.promptFeedback as Json | undefined;
  const reason = String(candidate?.finishReason ?? feedback?.blockReason);
  const ending =
    ENDINGS[reason] ?? (REFUSALS.includes(reason) ? "refusal" : calls.length > 0 ? "calls" : "end");
  const said = candidate?.finishMessage;
  return {
    text: texts(false).join(""),
    reasoning: texts(true).join(""),
    calls,
    ending: trouble === null ? ending : null,
    stopped: null,
    usage: body.usageMetadata === undefined ? null : readUsage(body.usageMetadata as Json),
    citations: candidate === undefined ? [] : readCitations(candidate, parts),
    refusal: ending === "refusal" && typeof said === "string" ? said : null,
    trouble,
    native: parts,
  };
}

function readTrouble(status: number | null, body: unknown): Trouble {
  const inner = Array.isArray(body) && body.length === 1 ? body[0] : body;
  errorBody(inner, "error body");
  const { error } = inner as { error: { code: number; message: string; status: string; details?: Json[] } };
  need(status === null || error.code === status, `code ${error.code} comes with status ${status}`);
  const violations = (error.details ?? []).flatMap(
    ({ fieldViolations }) => (fieldViolations ?? []) as Json[],
  );
  return {
    status,
    type: error.status,
    code: String(error.code),
    message: error.message,
    fields: violations.flatMap(({ field }) => (typeof field === "string" ? [field] : [])),
  };
}
