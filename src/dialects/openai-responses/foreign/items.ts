/** Messages of Chat and of Claude as items of Responses. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { appendAll } from "../../../core/lists.ts";
import { toDataUrl } from "../../../neutral/media.ts";
import { wordOf } from "../../../wire/json.ts";

/** Items that are by the book stay the same objects. */
export function bookItems(list: readonly unknown[]): unknown[] {
  const items: unknown[] = [];
  for (const item of list) {
    if (isObject(item) && typeof item.role === "string") appendAll(items, bookMessage(item));
    else items.push(item);
  }
  return items;
}

/** Calls and results are items of their own. */
function bookMessage(message: JsonObject): unknown[] {
  const { role, content, tool_calls: calls, tool_call_id: id, ...rest } = message;
  if (role === "tool") return [{ type: "function_call_output", call_id: id, output: outputOf(content) }];
  const { parts, items } = bookParts(content, role === "assistant");
  const called = Array.isArray(calls) ? calls.map(bookCall) : [];
  if (parts === content && items.length === 0 && !Array.isArray(calls)) return [message];
  const { reasoning_content: _, reasoning: __, refusal, ...plain } = rest;
  const refused = typeof refusal === "string" && refusal !== "" ? [{ type: "refusal", refusal }] : [];
  const own = isSilent(parts) ? refused : refused.length === 0 ? parts : [...listOf(parts), ...refused];
  const said = isSilent(own) ? [] : [{ ...plain, role, content: own }];
  // Results of Claude's tools stand before what the user says with them.
  return role === "assistant" ? [...said, ...items, ...called] : [...items, ...said];
}

function isSilent(parts: unknown): boolean {
  return (
    parts === null || parts === undefined || parts === "" || (Array.isArray(parts) && parts.length === 0)
  );
}

function listOf(parts: unknown): readonly unknown[] {
  return Array.isArray(parts) ? parts : [{ type: "output_text", text: parts }];
}

function bookCall(call: unknown): unknown {
  if (!isObject(call)) return call;
  const { id } = call;
  if (isObject(call.function)) {
    const { name, arguments: args } = call.function;
    return { type: "function_call", call_id: id, name, arguments: textOf(args) };
  }
  if (!isObject(call.custom)) return call;
  return { type: "custom_tool_call", call_id: id, name: call.custom.name, input: call.custom.input };
}

/** Some clients write the arguments as an object. */
function textOf(args: unknown): unknown {
  if (typeof args === "string") return args;
  return args === undefined || args === null ? "{}" : JSON.stringify(args);
}

function outputOf(content: unknown): unknown {
  if (content === undefined || content === null) return "";
  return bookParts(content, false).parts;
}

interface BookParts {
  /** The content itself where nothing is to be changed. */
  readonly parts: unknown;
  /** Calls and results among Claude's blocks. */
  readonly items: readonly unknown[];
}

function bookParts(content: unknown, isAnswer: boolean): BookParts {
  if (!Array.isArray(content)) return { parts: content, items: [] };
  const parts: unknown[] = [];
  const items: unknown[] = [];
  for (const part of content) {
    if (!isObject(part)) parts.push(part);
    else if (part.type === "tool_use")
      items.push({ type: "function_call", call_id: part.id, name: part.name, arguments: textOf(part.input) });
    else if (part.type === "tool_result") items.push(resultOf(part));
    // Only the makers of thinking read it, and they have no place for it here.
    else if (part.type !== "thinking" && part.type !== "redacted_thinking")
      parts.push(bookPart(part, isAnswer));
  }
  const isSame = parts.length === content.length && parts.every((part, n) => part === content[n]);
  return { parts: isSame ? content : parts, items };
}

function resultOf({ tool_use_id: id, content, is_error: isError }: JsonObject): JsonObject {
  const said = outputOf(content);
  if (isError !== true) return { type: "function_call_output", call_id: id, output: said };
  // Responses has no flag for a failed call.
  const marked = Array.isArray(said) ? [{ type: "input_text", text: "Error:" }, ...said] : said;
  const output = typeof said === "string" ? `Error: ${said}` : marked;
  return { type: "function_call_output", call_id: id, output };
}

function bookPart(part: JsonObject, isAnswer: boolean): unknown {
  const { type, ...rest } = part;
  switch (type) {
    case "text":
    case "input_text":
    case "output_text": {
      const own = isAnswer ? "output_text" : "input_text";
      return type === own ? part : { type: own, text: part.text };
    }
    case "image_url":
      return hasUrl(part.image_url) || typeof part.image_url === "string" ? imageOf(part.image_url) : part;
    case "input_image":
      return hasUrl(part.image_url) ? { type, ...rest, ...imageOf(part.image_url) } : part;
    case "file":
      return isObject(part.file) ? { type: "input_file", ...part.file } : part;
    case "image":
    case "document":
      return isObject(part.source) && isMedium(part.source) ? mediumOf(part.source, part) : part;
    default:
      return part;
  }
}

function hasUrl(value: unknown): value is JsonObject {
  return isObject(value) && typeof value.url === "string";
}

/** What is none stays as it is: the provider says what is wrong with it. */
function isMedium(source: JsonObject): boolean {
  return source.type === "text" || source.type === "base64" || hasUrl(source);
}

function imageOf(image: JsonObject | string): JsonObject {
  const { url, detail } = typeof image === "string" ? { url: image, detail: undefined } : image;
  return { type: "input_image", image_url: url, ...(detail == null ? {} : { detail }) };
}

/** A medium of Claude's. */
function mediumOf(source: JsonObject, { type, title }: JsonObject): JsonObject {
  if (source.type === "text") return { type: "input_text", text: source.data };
  const isInline = source.type === "base64";
  const url = isInline ? toDataUrl(wordOf(source.media_type), wordOf(source.data)) : source.url;
  if (type === "image") return { type: "input_image", image_url: url };
  const name = isInline ? { filename: title ?? "document.pdf" } : {};
  return { type: "input_file", ...name, [isInline ? "file_data" : "file_url"]: url };
}
