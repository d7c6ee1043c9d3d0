/** Messages of Chat as messages of Claude. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { appendAll } from "../../../core/lists.ts";
import { parseDataUrl } from "../../../neutral/media.ts";
import { parseJson } from "../../../wire/json.ts";

export interface Instructions {
  /** Blocks of the instructions that stand before all turns. */
  readonly system: readonly unknown[];
  /** The turns behind them. */
  readonly messages: readonly unknown[];
}

/** Instructions between the turns are by the book. */
export function instructionsIn(messages: readonly unknown[]): Instructions {
  const first = messages.findIndex((message) => !isInstruction(message));
  const count = first === -1 ? messages.length : first;
  const system = messages.slice(0, count).flatMap((message) => blocksOf((message as JsonObject).content));
  return { system, messages: messages.slice(count) };
}

function isInstruction(message: unknown): boolean {
  return isObject(message) && (message.role === "system" || message.role === "developer");
}

/** Messages that are by the book stay the same objects. */
export function bookMessages(list: readonly unknown[]): unknown[] {
  const messages: unknown[] = [];
  let results: unknown[] | null = null;
  for (const message of list) {
    if (isObject(message) && message.role === "tool") {
      const result = resultOf(message);
      if (results === null) {
        results = [];
        messages.push({ role: "user", content: results });
      }
      appendAll(results, [result]);
      continue;
    }
    results = null;
    messages.push(isObject(message) ? bookMessage(message) : message);
  }
  return messages;
}

function bookMessage(message: JsonObject): JsonObject {
  if (message.role === "developer") return bookMessage({ ...message, role: "system" });
  const { role, content, tool_calls: calls } = message;
  const blocks = Array.isArray(content) ? bookParts(content) : content;
  if (role !== "assistant" || !Array.isArray(calls))
    return blocks === content ? message : { ...message, content: blocks };
  const called = calls.map(callOf);
  // Arguments that are no object have no place in a block: the reader of the request names them.
  if (called.includes(null)) return message;
  // Reasoning of another model has no signature, without which its maker would refuse it.
  const { tool_calls: _, content: __, reasoning_content: ___, reasoning: ____, refusal, ...rest } = message;
  return { ...rest, content: [...blocksOf(blocks), ...blocksOf(refusal), ...called] };
}

function blocksOf(content: unknown): readonly unknown[] {
  if (content === undefined || content === null || content === "") return [];
  return Array.isArray(content) ? bookParts(content) : [{ type: "text", text: content }];
}

function resultOf({ tool_call_id: id, content }: JsonObject): JsonObject {
  const said = Array.isArray(content) ? bookParts(content) : content;
  return { type: "tool_result", tool_use_id: id, ...(said == null ? {} : { content: said }) };
}

/** null: the call cannot be written. */
function callOf(call: unknown): JsonObject | null {
  if (!isObject(call) || !isObject(call.function)) return null;
  const { name, arguments: args } = call.function;
  const text = typeof args === "string" ? args.trim() : args;
  const input = text === "" || text == null ? {} : typeof text === "string" ? parseJson(text) : text;
  return isObject(input) ? { type: "tool_use", id: call.id, name, input } : null;
}

/** The list itself where nothing is to be changed. */
function bookParts(parts: readonly unknown[]): readonly unknown[] {
  const book = parts.map((part) => (isObject(part) ? bookPart(part) : part));
  return book.every((part, n) => part === parts[n]) ? parts : book;
}

function bookPart(part: JsonObject): unknown {
  const { type } = part;
  switch (type) {
    case "input_text":
    case "output_text":
      return { type: "text", text: part.text, ...markOf(part) };
    case "refusal":
      return typeof part.refusal === "string" ? { type: "text", text: part.refusal } : part;
    case "image_url":
    case "input_image":
      return mediumOf("image", isObject(part.image_url) ? part.image_url.url : part.image_url, part);
    case "file":
      return isObject(part.file) ? fileOf(part.file, part) : part;
    case "input_file":
      return fileOf(part, part);
    default:
      return part;
  }
}

function fileOf({ file_data: data, file_url: url, filename }: JsonObject, part: JsonObject): JsonObject {
  const book = mediumOf("document", data ?? url, part);
  return book === part || typeof filename !== "string" ? book : { ...book, title: filename };
}

/** The part itself where its address says nothing. */
function mediumOf(type: "image" | "document", url: unknown, part: JsonObject): JsonObject {
  if (typeof url !== "string") return part;
  const inline = parseDataUrl(url);
  if (inline !== null) {
    const source = { type: "base64", media_type: inline.mimeType, data: inline.data };
    return { type, source, ...markOf(part) };
  }
  return /^https?:/.test(url) ? { type, source: { type: "url", url }, ...markOf(part) } : part;
}

function markOf({ cache_control: mark }: JsonObject): JsonObject {
  return mark == null ? {} : { cache_control: mark };
}
