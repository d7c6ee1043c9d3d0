/** Estimates the tokens of a request, for targets that cannot count them. */
import type { AssistantPart, UserPart } from "./message.ts";
import type { ModelRequest } from "./request.ts";

/** English text and code have about four UTF-8 bytes per token in the tokenizers in use. */
const BYTES_PER_TOKEN = 4;
/** Tokens that providers count for a picture of usual size, and for a page-sized document or a clip. */
const TOKENS_PER_IMAGE = 1_500;
const TOKENS_PER_FILE = 3_000;
const TOKENS_PER_MESSAGE = 4;

const encoder = new TextEncoder();

/** At least 1. Media count per piece, text per byte. */
export function estimateInputTokens(request: ModelRequest): number {
  let bytes = 0;
  let tokens = 0;
  const addText = (text: string): void => {
    bytes += encoder.encode(text).length;
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
        else tokens += TOKENS_PER_FILE;
        break;
      case "image":
        tokens += TOKENS_PER_IMAGE;
        break;
      case "audio":
      case "video":
        tokens += TOKENS_PER_FILE;
        break;
      case "search":
      case "opaque":
        addText(part.raw?.data ?? "");
    }
  };
  for (const { text } of request.system) addText(text);
  for (const message of request.messages) {
    tokens += TOKENS_PER_MESSAGE;
    for (const part of message.parts) addPart(part);
  }
  if (request.tools.length > 0) addText(JSON.stringify(request.tools));
  return Math.max(1, tokens + Math.ceil(bytes / BYTES_PER_TOKEN));
}
