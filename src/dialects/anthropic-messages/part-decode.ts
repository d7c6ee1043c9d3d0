/** Reads the blocks of the user's turns, of tool results and of instructions. */
import type { JsonObject } from "../../core/json.ts";
import { plainMimeType } from "../../neutral/media.ts";
import type {
  Annotation,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultPart,
  UserPart,
} from "../../neutral/message.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { Drops } from "../shared/drops.ts";
import {
  booleanAt,
  elementAt,
  isAbsent,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  textAt,
  wrongType,
} from "../shared/members.ts";
import { refusedPart } from "../shared/refusal.ts";
import { cacheHintAt } from "./cache-marks.ts";
import { decodeCitation } from "./citation.ts";
import { MAKER } from "./wire.ts";

/** What the blocks of all messages add to. */
export interface ContentContext {
  readonly drops: Drops;
  /** Names of the tools that searches among the tools found. */
  readonly references: Set<string>;
}

/** The blocks in `content`, which may be a plain string. */
export function blocksOf(content: unknown, at: string): readonly JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(content, at, "a string or an array");
  return content.map((_, index) => elementAt(content, index, at));
}

const TEXT = new Set(["type", "text", "cache_control", "citations"]);
/** `transformations` is dropped with a reason of its own. */
const IMAGE = new Set(["type", "source", "cache_control", "transformations"]);
const DOCUMENT = new Set(["type", "source", "title", "context", "citations", "cache_control"]);
const SEARCH_RESULT = new Set(["type", "source", "title", "content", "citations", "cache_control"]);
/** `toolset_name` repeats the toolset of the call. */
const TOOL_RESULT = new Set(["type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"]);

/** The `content` of a user's turn. */
export function decodeUserContent(content: unknown, at: string, context: ContentContext): UserPart[] {
  if (typeof content === "string") return plainText(content);
  return blocksOf(content, at).map((block, index) => {
    const place = `${at}[${index}]`;
    return block.type === "tool_result"
      ? decodeResult(block, place, context)
      : decodeCommonBlock(block, place, context);
  });
}

/** Content that is a plain string. */
export function plainText(content: string): TextPart[] {
  return content === "" ? [] : [{ type: "text", text: content }];
}

/** A text block. Also for places that hold only text. */
export function decodeText(block: JsonObject, at: string, drops: Drops): TextPart {
  drops.addUnknown(block, TEXT, at);
  const text = textAt(block, "text", at);
  const cache = cacheHintAt(block, at);
  const annotations = decodeCitations(block.citations);
  if (annotations.length === 0)
    return cache === null ? { type: "text", text } : { type: "text", text, cache };
  return { type: "text", text, annotations, ...(cache === null ? null : { cache }) };
}

function decodeCitations(value: unknown): readonly Annotation[] {
  const annotations: Annotation[] = [];
  for (const entry of asArray(value)) {
    const annotation = decodeCitation(asObject(entry) ?? {});
    if (annotation !== null) annotations.push(annotation);
  }
  return annotations;
}

function decodeCommonBlock(
  block: JsonObject,
  at: string,
  { drops }: ContentContext,
): TextPart | ImagePart | DocumentPart {
  switch (block.type) {
    case "text":
      return decodeText(block, at, drops);
    case "image":
      return decodeImage(block, at, drops);
    case "document":
      return decodeDocument(block, at, drops);
    case "search_result":
      return decodeSearchResult(block, at, drops);
    default:
      throw unknownBlock(block, at);
  }
}

/** The refusal of a block that no other provider takes, or of a block without a type. */
export function unknownBlock(block: JsonObject, at: string): Error {
  const type = nameAt(block, "type", at);
  return refusedPart(
    `${at}.type`,
    `the provider of this model takes no "${type}"; leave the block out, or use a model of Anthropic`,
  );
}

function decodeResult(block: JsonObject, at: string, context: ContentContext): ToolResultPart {
  context.drops.addUnknown(block, TOOL_RESULT, at);
  const cache = cacheHintAt(block, at);
  const blocks =
    block.content === undefined || block.content === null ? [] : blocksOf(block.content, `${at}.content`);
  return {
    type: "tool-result",
    callId: nameAt(block, "tool_use_id", at),
    name: null,
    content: blocks.map((entry, index) => {
      const place = `${at}.content[${index}]`;
      return entry.type === "tool_reference"
        ? decodeReference(entry, place, context)
        : decodeCommonBlock(entry, place, context);
    }),
    isError: booleanAt(block, "is_error", at) ?? false,
    ...(cache === null ? null : { cache }),
    at,
  };
}

/**
 * Offers the found tool from here on. The result keeps the block as text, so the model reads which tool was
 * found.
 */
function decodeReference(block: JsonObject, at: string, { references }: ContentContext): TextPart {
  const name = nameAt(block, "tool_name", at);
  references.add(name);
  return { type: "text", text: JSON.stringify({ type: "tool_reference", tool_name: name }) };
}

function decodeImage(block: JsonObject, at: string, drops: Drops): ImagePart {
  drops.addUnknown(block, IMAGE, at);
  if (!isAbsent(block.transformations)) {
    drops.add(`${at}.transformations`, "only Anthropic scales an image as the client asks");
  }
  const place = `${at}.source`;
  const source = requiredObjectAt(block, "source", at);
  const media = decodeMedia(source, place);
  if (media === null) throw notOneOf(`${place}.type`, ["base64", "url", "file"]);
  const cache = cacheHintAt(block, at);
  return { type: "image", source: media, ...(cache === null ? null : { cache }), at };
}

/** null: the source is of another kind. */
function decodeMedia(source: JsonObject, at: string): MediaSource | null {
  switch (source.type) {
    case "base64":
      return {
        kind: "base64",
        mimeType: plainMimeType(nameAt(source, "media_type", at)),
        data: nameAt(source, "data", at),
      };
    case "url":
      return { kind: "url", url: nameAt(source, "url", at), mimeType: null };
    case "file":
      return { kind: "provider-file", id: nameAt(source, "file_id", at), maker: MAKER };
    default:
      return null;
  }
}

function decodeDocument(block: JsonObject, at: string, drops: Drops): DocumentPart {
  drops.addUnknown(block, DOCUMENT, at);
  const cache = cacheHintAt(block, at);
  const citations = objectAt(block, "citations", at)?.enabled === true;
  const context = stringAt(block, "context", at);
  return {
    type: "document",
    source: decodeDocumentSource(requiredObjectAt(block, "source", at), `${at}.source`, drops),
    title: stringAt(block, "title", at),
    ...(context === null ? null : { context }),
    ...(citations ? { citations } : null),
    ...(cache === null ? null : { cache }),
    at,
  };
}

function decodeDocumentSource(source: JsonObject, at: string, drops: Drops): DocumentPart["source"] {
  switch (source.type) {
    case "text":
      return { kind: "text", text: textAt(source, "data", at) };
    case "content":
      return {
        kind: "parts",
        parts: blocksOf(source.content, `${at}.content`).map((block, index) => {
          const place = `${at}.content[${index}]`;
          if (block.type === "text") return decodeText(block, place, drops);
          if (block.type === "image") return decodeImage(block, place, drops);
          throw notOneOf(`${place}.type`, ["text", "image"]);
        }),
      };
    case "url":
      return {
        kind: "url",
        url: nameAt(source, "url", at),
        mimeType: "application/pdf",
      };
    default: {
      const media = decodeMedia(source, at);
      if (media === null) throw notOneOf(`${at}.type`, ["base64", "text", "content", "url", "file"]);
      return media;
    }
  }
}

/** No other provider takes search results, so source, title and content become text. */
function decodeSearchResult(block: JsonObject, at: string, drops: Drops): TextPart {
  drops.addUnknown(block, SEARCH_RESULT, at);
  const texts = blocksOf(block.content, `${at}.content`).map((entry, index) =>
    textAt(entry, "text", `${at}.content[${index}]`),
  );
  const source = textAt(block, "source", at);
  const title = textAt(block, "title", at);
  drops.add(at, "only Anthropic takes search results; the text is sent instead and cannot be cited");
  const cache = cacheHintAt(block, at);
  return {
    type: "text",
    text: [`Source: ${source}`, `Title: ${title}`, ...texts].join("\n"),
    ...(cache === null ? null : { cache }),
  };
}
