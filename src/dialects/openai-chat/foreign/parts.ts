/** Parts of messages in the words of Responses and Messages, as the parts, calls and messages of Chat. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { toDataUrl } from "../../../neutral/media.ts";
import { wordOf } from "../../../wire/json.ts";
import { readSaidPart } from "../said-parts.ts";

export interface BookContent {
  /** A text, or parts of Chat. */
  readonly content: unknown;
  /** Calls of tools among the parts. */
  readonly calls: readonly JsonObject[];
  /** Results of tools among the parts, as messages. */
  readonly results: readonly JsonObject[];
  /** Thinking among the parts, in Mistral's form. */
  readonly thought: string;
}

export function bookContent(given: unknown): BookContent {
  if (!Array.isArray(given)) return { content: given, calls: [], results: [], thought: "" };
  const content: unknown[] = [];
  const calls: JsonObject[] = [];
  const results: JsonObject[] = [];
  let thought = "";
  for (const part of given) {
    if (!isObject(part)) content.push(part);
    else if (part.type === "tool_use") calls.push(callOf(part));
    else if (part.type === "tool_result") results.push(resultOf(part));
    else if (part.type === "thinking" && Array.isArray(part.thinking))
      thought += readSaidPart(part)?.text ?? "";
    // Claude's signature has no place on Chat, and without it the thinking is of no use to its maker.
    else if (part.type !== "thinking" && part.type !== "redacted_thinking") content.push(bookPart(part));
  }
  return { content, calls, results, thought };
}

function callOf({ id, name, input }: JsonObject): JsonObject {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function resultOf({ tool_use_id: id, content: given, is_error: isError }: JsonObject): JsonObject {
  const said = bookContent(given ?? "").content;
  if (isError !== true) return { role: "tool", tool_call_id: id, content: said };
  // Chat has no flag for a failed call.
  const marked = Array.isArray(said) ? [{ type: "text", text: "Error:" }, ...said] : said;
  const content = typeof said === "string" ? `Error: ${said}` : marked;
  return { role: "tool", tool_call_id: id, content };
}

function bookPart(part: JsonObject): JsonObject {
  const { type, ...rest } = part;
  switch (type) {
    case "input_text":
    case "output_text": {
      const { annotations: _, logprobs: __, ...text } = rest;
      return { type: "text", ...text };
    }
    case "input_image":
      return imagePart(rest);
    case "input_file":
      return { type: "file", file: rest };
    case "image":
      return isObject(part.source) ? mediaPart(part.source, rest, "image_url") : part;
    case "document":
      return isObject(part.source) ? mediaPart(part.source, rest, "file") : part;
    default:
      return part;
  }
}

function imagePart({ image_url: url, detail, ...rest }: JsonObject): JsonObject {
  const image = isObject(url) ? url : { url };
  return { type: "image_url", image_url: detail == null ? image : { ...image, detail }, ...rest };
}

/** A medium of Messages. */
function mediaPart(
  source: JsonObject,
  { source: _, title, ...rest }: JsonObject,
  type: "image_url" | "file",
): JsonObject {
  if (source.type === "text") return { type: "text", text: source.data, ...rest };
  const isInline = source.type === "base64";
  const url = isInline ? toDataUrl(wordOf(source.media_type), wordOf(source.data)) : source.url;
  if (type === "image_url") return { type, image_url: { url }, ...rest };
  return { type, file: { ...(title == null ? null : { filename: title }), file_data: url }, ...rest };
}
