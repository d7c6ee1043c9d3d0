/** Reads the parts of messages: text, images, files and sound. */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../../core/json.ts";
import { parseDataUrl, plainMimeType, standardBase64 } from "../../neutral/media.ts";
import { sniffedType } from "../../neutral/media-types.ts";
import type {
  AudioPart,
  CacheHint,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  VideoPart,
} from "../../neutral/message.ts";
import { decodeAudioInput } from "../shared/audio-input.ts";
import type { Drops } from "../shared/drops.ts";
import {
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  textAt,
  wordAt,
  wrongType,
} from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { MAKER } from "./seal.ts";

export type ContentPart = TextPart | ImagePart | DocumentPart | AudioPart | VideoPart;

const PART_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "text",
  "refusal",
  "image_url",
  "input_audio",
  "file",
  "video_url",
  "prompt_cache_breakpoint",
  "cache_control",
]);
const UNKNOWN_TYPE = "application/octet-stream";
const MEDIA = ["image", "audio", "video"] as const;
const TEXT_TYPES: ReadonlySet<string> = new Set([
  "application/json",
  "application/xml",
  "application/x-yaml",
]);

/** The content in `object.content`: a text, or a list of parts. */
export function decodeContent(object: JsonObject, at: string, drops: Drops): ContentPart[] {
  const { content } = object;
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(content, `${at}.content`, "a string or an array");
  return content.map((part, n) => decodePart(part, `${at}.content[${n}]`, drops));
}

/** Content that must be text, such as instructions. */
export function decodeTexts(object: JsonObject, at: string, drops: Drops): TextPart[] {
  return decodeContent(object, at, drops).map((part, n) => {
    if (part.type !== "text")
      throw malformed(`${at}.content[${n}].type`, 'must be "text" in a message of this role');
    return part;
  });
}

/** A part whose type the caller reads. */
export function partObject(part: unknown, at: string, drops: Drops): JsonObject {
  if (!isObject(part)) throw wrongType(part, at, "an object");
  drops.addUnknown(part, PART_MEMBERS, at);
  return part;
}

function decodePart(raw: unknown, at: string, drops: Drops): ContentPart {
  const part = partObject(raw, at, drops);
  switch (part.type) {
    case "text":
      return decodeText(part, at);
    case "image_url":
      return decodeImage(part, at);
    case "input_audio":
      return decodeAudioInput(part, at);
    case "file":
      return decodeFile(part, at);
    case "video_url": {
      const url = urlOf(part, "video_url", at);
      return { type: "video", source: mediaOf(url, `${at}.video_url.url`, "video"), at };
    }
    default:
      throw notOneOf(`${at}.type`, ["text", "image_url", "input_audio", "file"]);
  }
}

export function decodeText(part: JsonObject, at: string): TextPart {
  const text = textAt(part, "text", at);
  const cache = decodeCache(part, at);
  return cache === null ? { type: "text", text } : { type: "text", text, cache };
}

/** OpenAI's breakpoint, or Anthropic's mark, which resellers accept in this dialect. */
export function decodeCache(part: JsonObject, at: string): CacheHint | null {
  if (part.prompt_cache_breakpoint !== undefined) {
    const mark = objectAt(part, "prompt_cache_breakpoint", at);
    const ttls = ["30m", "12h"] as const;
    return mark === null ? null : { ttl: wordAt(mark, "ttl", `${at}.prompt_cache_breakpoint`, ttls) };
  }
  if (part.cache_control === undefined) return null;
  const mark = objectAt(part, "cache_control", at);
  return mark === null ? null : { ttl: wordAt(mark, "ttl", `${at}.cache_control`, ["5m", "1h"] as const) };
}

export function decodeImage(part: JsonObject, at: string): ImagePart {
  const source = mediaOf(urlOf(part, "image_url", at), `${at}.image_url.url`, "image");
  const detail = isObject(part.image_url) ? stringAt(part.image_url, "detail", `${at}.image_url`) : null;
  const cache = decodeCache(part, at);
  return {
    type: "image",
    source,
    ...(detail === null ? {} : { detail }),
    ...(cache === null ? {} : { cache }),
    at,
  };
}

/** The URL in `{"url": …}`, or the bare text that some clients write. */
function urlOf(part: JsonObject, key: string, at: string): string {
  const value = part[key];
  return typeof value === "string" ? value : nameAt(requiredObjectAt(part, key, at), "url", `${at}.${key}`);
}

function mediaOf(url: string, at: string, kind: "image" | "video"): MediaSource {
  if (/^https?:/i.test(url)) return { kind: "url", url, mimeType: null };
  const media = parseDataUrl(url);
  if (media === null)
    throw malformed(at, `must be an http(s) URL or a data: URL with base64 of ${articled(kind)}`);
  const isDeclared = media.mimeType.startsWith(`${kind}/`);
  const mimeType = isDeclared ? media.mimeType : (sniffedType(media.data) ?? media.mimeType);
  if (!mimeType.startsWith(`${kind}/`))
    throw malformed(at, `has the media type "${media.mimeType}", but must be ${articled(kind)}`);
  return { kind: "base64", mimeType, data: media.data };
}

function articled(kind: "image" | "video"): string {
  return kind === "image" ? "an image" : "a video";
}

function base64Of(text: string, at: string): string {
  const data = parseDataUrl(text)?.data ?? standardBase64(text);
  if (data === null || data === "") throw malformed(at, "must be base64");
  return data;
}

/** A file of another medium is that medium. */
function decodeFile(part: JsonObject, at: string): ContentPart {
  const file = requiredObjectAt(part, "file", at);
  const title = stringAt(file, "filename", `${at}.file`);
  const cache = decodeCache(part, at);
  const base = { type: "document", title, ...(cache === null ? {} : { cache }), at } as const;
  const id = stringAt(file, "file_id", `${at}.file`);
  if (id !== null) return { ...base, source: { kind: "provider-file", id, maker: MAKER } };
  const given = nameAt(file, "file_data", `${at}.file`);
  if (/^https?:/i.test(given)) return { ...base, source: { kind: "url", url: given, mimeType: null } };
  const inline = parseDataUrl(given);
  const data = inline?.data ?? base64Of(given, `${at}.file.file_data`);
  const declared = inline === null ? typeOfName(title) : plainMimeType(inline.mimeType);
  const mimeType = declared === UNKNOWN_TYPE ? (sniffedType(data) ?? declared) : declared;
  const medium = MEDIA.find((one) => mimeType.startsWith(`${one}/`));
  if (medium !== undefined) return { type: medium, source: { kind: "base64", mimeType, data }, at };
  if (!mimeType.startsWith("text/") && !TEXT_TYPES.has(mimeType))
    return { ...base, source: { kind: "base64", mimeType, data } };
  return { ...base, source: { kind: "text", text: Buffer.from(data, "base64").toString("utf8") } };
}

/** The media type of a file that comes as bare base64. */
function typeOfName(name: string | null): string {
  return name === null || name.toLowerCase().endsWith(".pdf") ? "application/pdf" : UNKNOWN_TYPE;
}
