/** Blocks of the user's turns, of tool results and of instructions as neutral parts. */
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
import type { JsonObject } from "../../neutral/request.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { decodeCitation } from "./citation.ts";
import {
  badField,
  cacheHintOf,
  type Drops,
  dropUnknown,
  notTranslatable,
  optionalFlag,
  optionalObject,
  optionalText,
  requireList,
  requireName,
  requireObject,
  requireText,
} from "./fields.ts";
import { MAKER } from "./wire.ts";

/** What is gathered while content is read. */
export interface ContentContext {
  readonly drops: Drops;
  /** Tools that results of a search among the tools have brought up. */
  readonly references: Set<string>;
}

/** A list of blocks out of `content`, which may be a plain string. */
export function blocksOf(content: unknown, at: string): readonly JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return requireList(content, at).map((block, index) => requireObject(block, `${at}[${index}]`));
}

const TEXT = new Set(["type", "text", "cache_control", "citations"]);
const IMAGE = new Set(["type", "source", "cache_control"]);
const DOCUMENT = new Set(["type", "source", "title", "context", "citations", "cache_control"]);
const SEARCH_RESULT = new Set(["type", "source", "title", "content", "citations", "cache_control"]);
/** `toolset_name` says again what the call of the result has said. */
const TOOL_RESULT = new Set(["type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"]);

/** `content` of a user's turn at `at`. */
export function decodeUserContent(content: unknown, at: string, context: ContentContext): UserPart[] {
  return blocksOf(content, at).map((block, index) => {
    const place = `${at}[${index}]`;
    return block.type === "tool_result"
      ? decodeResult(block, place, context)
      : decodeCommonBlock(block, place, context);
  });
}

/** Text of `content` where nothing else may stand. */
export function decodeText(block: JsonObject, at: string, drops: Drops): TextPart {
  dropUnknown(block, TEXT, at, drops);
  const text = requireText(block.text, `${at}.text`);
  const cache = cacheHintOf(block, at);
  const annotations = asArray(block.citations).flatMap((entry): Annotation[] => {
    const annotation = decodeCitation(asObject(entry) ?? {});
    return annotation === null ? [] : [annotation];
  });
  return {
    type: "text",
    text,
    ...(annotations.length === 0 ? null : { annotations }),
    ...(cache === null ? null : { cache }),
  };
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

/** A block that has no meaning elsewhere, or none at all. */
export function unknownBlock(block: JsonObject, at: string): Error {
  const type = requireName(block.type, `${at}.type`);
  return notTranslatable(
    `${at}.type`,
    `"${type}" cannot be sent to the provider that serves this model. Leave the block out, or use a model of Anthropic.`,
  );
}

function decodeResult(block: JsonObject, at: string, context: ContentContext): ToolResultPart {
  dropUnknown(block, TOOL_RESULT, at, context.drops);
  const cache = cacheHintOf(block, at);
  const blocks =
    block.content === undefined || block.content === null ? [] : blocksOf(block.content, `${at}.content`);
  return {
    type: "tool-result",
    callId: requireName(block.tool_use_id, `${at}.tool_use_id`),
    name: null,
    content: blocks.map((entry, index) => {
      const place = `${at}.content[${index}]`;
      return entry.type === "tool_reference"
        ? decodeReference(entry, place, context)
        : decodeCommonBlock(entry, place, context);
    }),
    isError: optionalFlag(block.is_error, `${at}.is_error`) ?? false,
    ...(cache === null ? null : { cache }),
    at,
  };
}

/** The tool that it names is offered from now on; that it was found stays to be read in the result, as the block itself. */
function decodeReference(block: JsonObject, at: string, { references }: ContentContext): TextPart {
  const name = requireName(block.tool_name, `${at}.tool_name`);
  references.add(name);
  return { type: "text", text: JSON.stringify({ type: "tool_reference", tool_name: name }) };
}

function decodeImage(block: JsonObject, at: string, drops: Drops): ImagePart {
  const { transformations, ...rest } = block;
  dropUnknown(rest, IMAGE, at, drops);
  if (transformations !== undefined && transformations !== null) {
    drops.push({
      field: `${at}.transformations`,
      reason: "how an image is scaled can only be said to Anthropic",
    });
  }
  const place = `${at}.source`;
  const source = requireObject(block.source, place);
  const media = decodeMedia(source, place);
  if (media === null) throw badField(`${place}.type`, 'must be "base64", "url" or "file".');
  const cache = cacheHintOf(block, at);
  return { type: "image", source: media, ...(cache === null ? null : { cache }), at };
}

/** null: of another kind. */
function decodeMedia(source: JsonObject, at: string): MediaSource | null {
  switch (source.type) {
    case "base64":
      return {
        kind: "base64",
        mimeType: plainMimeType(requireName(source.media_type, `${at}.media_type`)),
        data: requireName(source.data, `${at}.data`),
      };
    case "url":
      return { kind: "url", url: requireName(source.url, `${at}.url`), mimeType: null };
    case "file":
      return { kind: "provider-file", id: requireName(source.file_id, `${at}.file_id`), maker: MAKER };
    default:
      return null;
  }
}

function decodeDocument(block: JsonObject, at: string, drops: Drops): DocumentPart {
  dropUnknown(block, DOCUMENT, at, drops);
  const cache = cacheHintOf(block, at);
  const citations = optionalObject(block.citations, `${at}.citations`)?.enabled === true;
  const context = optionalText(block.context, `${at}.context`);
  return {
    type: "document",
    source: decodeDocumentSource(requireObject(block.source, `${at}.source`), `${at}.source`, drops),
    title: optionalText(block.title, `${at}.title`),
    ...(context === null ? null : { context }),
    ...(citations ? { citations } : null),
    ...(cache === null ? null : { cache }),
    at,
  };
}

function decodeDocumentSource(source: JsonObject, at: string, drops: Drops): DocumentPart["source"] {
  switch (source.type) {
    case "text":
      return { kind: "text", text: requireText(source.data, `${at}.data`) };
    case "content":
      return {
        kind: "parts",
        parts: blocksOf(source.content, `${at}.content`).map((block, index) => {
          const place = `${at}.content[${index}]`;
          if (block.type === "text") return decodeText(block, place, drops);
          if (block.type === "image") return decodeImage(block, place, drops);
          throw badField(`${place}.type`, 'must be "text" or "image".');
        }),
      };
    case "url":
      return {
        kind: "url",
        url: requireName(source.url, `${at}.url`),
        mimeType: "application/pdf",
      };
    default: {
      const media = decodeMedia(source, at);
      if (media === null) {
        throw badField(`${at}.type`, 'must be "base64", "text", "content", "url" or "file".');
      }
      return media;
    }
  }
}

/** No other provider has the block; what it says is put as text: where it is from, its title, its text. */
function decodeSearchResult(block: JsonObject, at: string, drops: Drops): TextPart {
  dropUnknown(block, SEARCH_RESULT, at, drops);
  const texts = blocksOf(block.content, `${at}.content`).map((entry, index) =>
    requireText(entry.text, `${at}.content[${index}].text`),
  );
  const source = requireText(block.source, `${at}.source`);
  const title = requireText(block.title, `${at}.title`);
  drops.push({
    field: at,
    reason: "sent as plain text, as only Anthropic knows search results; it cannot be cited",
  });
  const cache = cacheHintOf(block, at);
  return {
    type: "text",
    text: [`Source: ${source}`, `Title: ${title}`, ...texts].join("\n"),
    ...(cache === null ? null : { cache }),
  };
}
