/** Estimates tokens: of a request, for targets that cannot count them, and of an answer that nobody has counted. */
import type { AssistantPart, UserPart } from "./message.ts";
import type { ModelRequest } from "./request.ts";
import { makeUsage, NO_USAGE, type Usage } from "./usage.ts";

/** English text and code have about four UTF-8 bytes per token in the tokenizers in use. */
const BYTES_PER_TOKEN = 4;
/** Tokens that providers count for a picture of usual size, and for a page-sized document or a clip. */
const TOKENS_PER_IMAGE = 1_500;
const TOKENS_PER_FILE = 3_000;
const TOKENS_PER_MESSAGE = 4;
/** The bytes of text that have as many tokens as a picture. */
export const MEDIA_BYTES = TOKENS_PER_IMAGE * BYTES_PER_TOKEN;

/** At least 1. Media count per piece, text per byte. */
export function estimateInputTokens(request: ModelRequest): number {
  const { textBytes, otherTokens } = sizeOf(request);
  return Math.max(1, otherTokens + Math.ceil(textBytes / BYTES_PER_TOKEN));
}

/** No tokenizer in use has more bytes of prose or code in a token, over a long text. */
export const LEAST_BYTES_PER_TOKEN = 5;

/** The fewest tokens that the request can have: of media, whose counts differ most, none. */
export function leastInputTokens(request: ModelRequest): number {
  return Math.floor(sizeOf(request).textBytes / LEAST_BYTES_PER_TOKEN);
}

interface InputSize {
  readonly textBytes: number;
  /** Of media and of the frames around messages. */
  readonly otherTokens: number;
}

function sizeOf(request: ModelRequest): InputSize {
  let textBytes = 0;
  let otherTokens = 0;
  const addText = (text: string): void => {
    textBytes += Buffer.byteLength(text);
  };
  const addPart = (part: UserPart | AssistantPart): void => {
    switch (part.type) {
      case "text":
      case "refusal":
      case "reasoning":
        addText(part.text);
        break;
      case "tool-call":
        addText(part.name + part.input);
        break;
      case "tool-result":
        for (const inner of part.content) addPart(inner);
        break;
      case "document":
        if (part.source.kind === "text") addText(part.source.text);
        else if (part.source.kind === "parts") for (const inner of part.source.parts) addPart(inner);
        else otherTokens += TOKENS_PER_FILE;
        break;
      case "image":
        otherTokens += TOKENS_PER_IMAGE;
        break;
      case "audio":
      case "video":
        otherTokens += TOKENS_PER_FILE;
        break;
      case "search":
      case "opaque":
        addText(part.raw?.data ?? "");
    }
  };
  for (const { text } of request.system) addText(text);
  for (const message of request.messages) {
    otherTokens += TOKENS_PER_MESSAGE;
    for (const part of message.parts) addPart(part);
  }
  if (request.tools.length > 0) addText(JSON.stringify(request.tools));
  return { textBytes, otherTokens };
}

/**
 * Bytes of a request or an answer for each token that is reserved or booked for it. Prose has more bytes per token; code,
 * numbers and other scripts have fewer. What nobody counted is rather booked too high than too low.
 */
const BYTES_PER_BOOKED_TOKEN = 3;

/** The bytes that a model has written in a part of its answer; media count as if their tokens were text. */
export function writtenBytes(part: AssistantPart): number {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return Buffer.byteLength(part.text);
    case "tool-call":
      return Buffer.byteLength(part.name) + Buffer.byteLength(part.input);
    case "image":
      return TOKENS_PER_IMAGE * BYTES_PER_BOOKED_TOKEN;
    case "search":
    case "opaque":
      return Buffer.byteLength(part.raw?.data ?? "");
  }
}

/** The tokens that a provider counts for so many bytes of a request without its media, as a rule. */
export function likelyInputTokens(requestBytes: number, contextTokens: number | null): number {
  return Math.max(1, Math.min(Math.ceil(requestBytes / BYTES_PER_TOKEN), contextTokens ?? Infinity));
}

/**
 * The most tokens that so many bytes of a request are taken for, at least 1. `contextTokens`: what its model can read;
 * null: not known.
 */
export function bookedInputTokens(requestBytes: number, contextTokens: number | null): number {
  return bookedTokens(requestBytes, contextTokens);
}

/** What limits a request whose answer nobody can look at. */
export interface Unseen extends Pick<Passed, "requestBytes" | "contextTokens" | "maxOutputTokens"> {
  /** The most that the answer may be, as the request says or as is assumed. */
  readonly outputLimit: number;
}

/** The most that such a request may have used. */
export function mostUsage({ requestBytes, contextTokens, outputLimit, maxOutputTokens }: Unseen): Usage {
  return makeUsage({
    inputTokens: bookedInputTokens(requestBytes, contextTokens),
    outputTokens: Math.min(outputLimit, maxOutputTokens ?? outputLimit),
  });
}

/** What has passed between a client and a model, beside what the provider reported. */
export interface Passed {
  readonly requestBytes: number;
  /** What the model has written since the provider reported usage last; null: its output has no tokens (embeddings). */
  readonly uncountedBytes: number | null;
  /** What the model can read and write at most; null: not known. */
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
}

/**
 * The usage with estimates in the place of counts that the provider did not give. Returns `reported` itself when it has
 * them all.
 */
export function estimateUsage(reported: Usage | null, passed: Passed): Usage | null {
  const { inputTokens, outputTokens } = reported ?? NO_USAGE;
  const uncountedBytes = passed.uncountedBytes ?? 0;
  if (inputTokens !== null && uncountedBytes === 0) return reported;
  return makeUsage({
    ...reported,
    inputTokens: inputTokens ?? bookedInputTokens(passed.requestBytes, passed.contextTokens),
    outputTokens:
      uncountedBytes === 0
        ? outputTokens
        : (outputTokens ?? 0) + bookedTokens(uncountedBytes, passed.maxOutputTokens),
  });
}

function bookedTokens(bytes: number, most: number | null): number {
  return Math.max(1, Math.min(Math.ceil(bytes / BYTES_PER_BOOKED_TOKEN), most ?? Number.POSITIVE_INFINITY));
}
