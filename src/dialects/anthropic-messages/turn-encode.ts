/** Writes the messages of a request. */
import { Buffer } from "node:buffer";
import { appendAll } from "../../core/lists.ts";
import type {
  AssistantPart,
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  ReasoningPart,
  Seal,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import { argumentsOnWire } from "../../neutral/tools/keys-on-wire.ts";
import type { ToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { refusedPart } from "../shared/refusal.ts";
import type { CacheMarks } from "./cache-marks.ts";
import { callIdOnWire } from "./call-id.ts";
import { MAKER, rawBlocks, type WireBlock, type WireMessage } from "./wire.ts";

export interface AssistantEncoding {
  readonly names: ToolNames;
  readonly marks: CacheMarks;
  readonly dropped: Drop[];
  /** Send no seals: the upstream refused one. */
  readonly withoutSeals: boolean;
}

export interface MessageEncoding extends AssistantEncoding {
  readonly traits: ModelTraits;
  /** The server fetches images and documents. */
  readonly takesUrls: boolean;
}

/**
 * The message without parts that cannot be sent: blank text, which Anthropic refuses, and parts that only
 * another provider can read. Runs before `arrange`, as no part may be left. Thinking and searches of other
 * providers are no drops: their results are in the text.
 */
export function withoutUnsendable(message: Message, encoding: AssistantEncoding): Message {
  if (message.role !== "assistant") {
    const all: readonly UserPart[] = message.parts;
    return all.every(isNotBlank) ? message : ({ ...message, parts: all.filter(isNotBlank) } as Message);
  }
  const parts = message.parts.filter((part) => isSendable(part, encoding));
  return parts.length === message.parts.length ? message : { ...message, parts };
}

function isNotBlank(part: UserPart): boolean {
  return part.type !== "text" || !isBlank(part.text);
}

function isSendable(part: AssistantPart, { withoutSeals, dropped }: AssistantEncoding): boolean {
  switch (part.type) {
    case "text":
    case "refusal":
      return !isBlank(part.text);
    case "reasoning":
      return !withoutSeals && part.seal?.maker === MAKER && part.seal.place !== "call";
    case "search":
      return part.raw?.maker === MAKER && rawBlocks(part.raw.data) !== null;
    case "image":
      dropped.push({ field: part.at, reason: "this provider takes no images in its model's own turns" });
      return false;
    case "opaque":
      if (part.raw.maker === MAKER && rawBlocks(part.raw.data) !== null) return true;
      if (part.name === "compaction") {
        throw refusedPart(
          part.at,
          "only the provider that made a compacted history can read it; send the full history",
        );
      }
      dropped.push({
        field: part.at,
        reason: `"${part.name}" can only be read by the provider that made it`,
      });
      return false;
    case "tool-call":
      return true;
  }
}

/** The messages in the order of `arrange`. */
export function encodeMessages(messages: readonly Message[], encoding: MessageEncoding): WireMessage[] {
  return messages.map((message) => ({
    role: message.role,
    content:
      message.role === "assistant"
        ? encodeAssistantParts(message.parts, encoding)
        : encodeUserParts(message.parts, encoding),
  }));
}

/** `parts`: without those that `withoutUnsendable` takes out. */
export function encodeAssistantParts(
  parts: readonly AssistantPart[],
  encoding: AssistantEncoding,
): WireBlock[] {
  const blocks: WireBlock[] = [];
  for (const part of parts) {
    switch (part.type) {
      case "text":
        addText(blocks, part, encoding.marks);
        break;
      case "refusal":
        blocks.push({ type: "text", text: part.text });
        break;
      case "reasoning":
        if (part.seal !== null) blocks.push(encodeReasoning(part, part.seal));
        break;
      case "tool-call":
        blocks.push(encodeCall(part, encoding));
        break;
      case "search":
      case "opaque":
        appendAll(blocks, (rawBlocks(part.raw?.data ?? "") ?? []) as WireBlock[]);
        break;
      case "image":
        break;
    }
  }
  return blocks;
}

/** Keeps each byte of the thinking, which the signature covers. */
function encodeReasoning({ text }: ReasoningPart, seal: Seal): WireBlock {
  if (seal.place === "redacted") return { type: "redacted_thinking", data: seal.data };
  return { type: "thinking", thinking: text, signature: seal.data };
}

function encodeCall(call: ToolCallPart, { names, marks, dropped }: AssistantEncoding): WireBlock {
  let input = call.kind === "custom" ? { input: call.input } : parseArguments(argumentsOnWire(names, call));
  if (input === null) {
    dropped.push({
      field: "messages",
      reason: `the arguments of the call "${call.id}" are not a JSON object: they were sent as the text of the member _raw`,
    });
    input = { _raw: call.input };
  }
  const block = { type: "tool_use", id: callIdOnWire(call.id), name: names.wireName(call), input };
  return marks.mark(block, call.cache);
}

function encodeUserParts(parts: readonly UserPart[], encoding: MessageEncoding): WireBlock[] {
  const { marks } = encoding;
  const blocks: WireBlock[] = [];
  for (const part of parts) {
    switch (part.type) {
      case "text":
        addText(blocks, part, marks);
        break;
      case "image":
        blocks.push(marks.mark(encodeImage(part, encoding), part.cache));
        break;
      case "document":
        blocks.push(marks.mark(encodeDocument(part, encoding), part.cache));
        break;
      case "tool-result":
        blocks.push(encodeResult(part, encoding));
        break;
      case "audio":
      case "video":
        throw refusedPart(part.at, `the model takes no ${part.type}; leave it out, or send its text`);
    }
  }
  return blocks;
}

/** Anthropic refuses blank text. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return !(first > SPACE && first < DELETE) && text.trim() === "";
}

const SPACE = 0x20;
const DELETE = 0x7f;

/** Adds the text, if it can be sent. */
export function addText(blocks: WireBlock[], part: TextPart, marks: CacheMarks): void {
  if (!isBlank(part.text)) blocks.push(marks.mark({ type: "text", text: part.text }, part.cache));
}

const IMAGE_TYPES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

function encodeImage(part: ImagePart, encoding: MessageEncoding): WireBlock {
  const { traits, dropped } = encoding;
  if (!traits.input.image) throw refusedPart(part.at, "the model takes no images; leave the image out");
  const { source } = part;
  if (source.kind === "base64" && !IMAGE_TYPES.has(source.mimeType)) {
    throw refusedPart(
      part.at,
      `the model takes no images of the type "${source.mimeType}"; send JPEG, PNG, GIF or WebP`,
    );
  }
  if (part.detail && part.detail !== "auto") {
    dropped.push({ field: `${part.at}.detail`, reason: "the provider takes no level of detail" });
  }
  return { type: "image", source: encodeSource(source, part.at, encoding) };
}

function encodeSource(source: MediaSource, at: string, { takesUrls }: MessageEncoding): object {
  switch (source.kind) {
    case "base64":
      return { type: "base64", media_type: source.mimeType, data: source.data };
    case "url":
      if (!takesUrls) throw refusedPart(at, "the model fetches no files there; send it as base64");
      return { type: "url", url: source.url };
    case "provider-file":
      if (source.maker === MAKER) return { type: "file", file_id: source.id };
      throw refusedPart(at, "a file at another provider cannot be read; send its content");
  }
}

function encodeDocument(part: DocumentPart, encoding: MessageEncoding): WireBlock {
  const block: WireBlock = { type: "document", source: encodeDocumentSource(part, encoding) };
  if (part.title) block.title = part.title;
  if (part.context) block.context = part.context;
  if (part.citations === true) block.citations = { enabled: true };
  return block;
}

const PDF = "application/pdf";
/** Types other than `text/…` whose bytes are text. */
const TEXT_TYPES =
  /^(?:text\/.+|application\/(?:json|xml|yaml|x-yaml|toml|javascript|x-sh|sql)|.+\+(?:json|xml))$/;

function encodeDocumentSource({ source, at }: DocumentPart, encoding: MessageEncoding): object {
  if (source.kind === "text") return plainText(source.text);
  if (source.kind === "parts") {
    const content: WireBlock[] = [];
    for (const part of source.parts) {
      if (part.type === "text") addText(content, part, encoding.marks);
      else content.push(encodeImage(part, encoding));
    }
    return { type: "content", content };
  }
  const mimeType = source.kind === "provider-file" ? PDF : (source.mimeType ?? PDF);
  if (source.kind === "base64" && TEXT_TYPES.test(mimeType)) {
    return plainText(Buffer.from(source.data, "base64").toString("utf8"));
  }
  if (mimeType !== PDF) {
    throw refusedPart(at, `the model takes no documents of the type "${mimeType}"; send PDF or text`);
  }
  if (!encoding.traits.input.pdf) throw refusedPart(at, "the model takes no PDF; send its text");
  return encodeSource(source, at, encoding);
}

function plainText(data: string): object {
  return { type: "text", media_type: "text/plain", data };
}

function encodeResult(part: ToolResultPart, encoding: MessageEncoding): WireBlock {
  const content = encodeUserParts(part.content, encoding);
  const [only] = content;
  const isPlain = content.length === 1 && only?.type === "text" && only.cache_control === undefined;
  const block: WireBlock = { type: "tool_result", tool_use_id: callIdOnWire(part.callId) };
  if (content.length > 0) block.content = isPlain ? only.text : content;
  if (part.isError) block.is_error = true;
  return encoding.marks.mark(block, part.cache);
}
