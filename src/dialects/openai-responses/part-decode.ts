/** Reads the parts of messages and of tool results. */
import type { JsonObject } from "../../core/json.ts";
import { parseDataUrl, standardBase64 } from "../../neutral/media.ts";
import { sniffedType } from "../../neutral/media-types.ts";
import type {
  Annotation,
  AudioPart,
  CacheHint,
  DocumentPart,
  ImagePart,
  MediaSource,
  RefusalPart,
  TextPart,
} from "../../neutral/message.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { decodeAudioInput } from "../shared/audio-input.ts";
import type { Drops } from "../shared/drops.ts";
import { elementAt, notOneOf, objectAt, stringAt, textAt, wrongType } from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { decodeAnnotation } from "./citation.ts";
import { MAKER } from "./seal.ts";

export type InputPart = TextPart | ImagePart | DocumentPart | AudioPart;

const PART_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "text",
  "refusal",
  "annotations",
  "logprobs",
  "image_url",
  "file_id",
  "detail",
  "file_data",
  "file_url",
  "filename",
  "input_audio",
  "prompt_cache_breakpoint",
]);

/** The content of a user's message or the output of a tool: a text, or a list of parts. */
export function decodeContent(content: unknown, at: string, drops: Drops): readonly InputPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return partsOf(content, at).map((part, index) => decodePart(part, `${at}[${index}]`, drops));
}

/** The content of instructions, which is text. */
export function decodeText(content: unknown, at: string, drops: Drops): readonly TextPart[] {
  return decodeContent(content, at, drops).map((part, index) => {
    if (part.type !== "text")
      throw malformed(`${at}[${index}].type`, 'must be "input_text" in a message of this role');
    return part;
  });
}

export function decodeAnswer(
  content: unknown,
  at: string,
  phase: string | null,
  drops: Drops,
): readonly (TextPart | RefusalPart)[] {
  const said = phase === null ? null : { phase };
  if (typeof content === "string") return [{ type: "text", text: content, ...said }];
  return partsOf(content, at).map((part, index) => {
    const partAt = `${at}[${index}]`;
    drops.addUnknown(part, PART_MEMBERS, partAt);
    if (part.type === "refusal") return { type: "refusal", text: textAt(part, "refusal", partAt) };
    if (!isText(part.type)) throw notOneOf(`${partAt}.type`, ["output_text", "refusal"]);
    const annotations = annotationsOf(part, partAt, drops);
    return {
      type: "text",
      text: textAt(part, "text", partAt),
      ...(annotations.length === 0 ? null : { annotations }),
      ...cacheOf(part, partAt),
      ...said,
    };
  });
}

function partsOf(content: unknown, at: string): readonly JsonObject[] {
  if (!Array.isArray(content)) throw wrongType(content, at, "a string or an array");
  return content.map((_, index) => elementAt(content, index, at));
}

function isText(type: unknown): boolean {
  return type === "input_text" || type === "output_text" || type === "text";
}

function decodePart(part: JsonObject, at: string, drops: Drops): InputPart {
  drops.addUnknown(part, PART_MEMBERS, at);
  if (isText(part.type)) return { type: "text", text: textAt(part, "text", at), ...cacheOf(part, at) };
  switch (part.type) {
    case "input_image":
      return {
        type: "image",
        source: imageSource(part, at),
        detail: stringAt(part, "detail", at),
        ...cacheOf(part, at),
        at,
      };
    case "input_file":
      if (part.detail !== undefined)
        drops.add(`${at}.detail`, "only OpenAI lets a client say how closely a model reads a file");
      return {
        type: "document",
        source: fileSource(part, at),
        title: stringAt(part, "filename", at),
        ...cacheOf(part, at),
        at,
      };
    case "input_audio":
      return decodeAudioInput(part, at);
    default:
      throw notOneOf(`${at}.type`, ["input_text", "input_image", "input_file", "input_audio"]);
  }
}

function imageSource(part: JsonObject, at: string): MediaSource {
  const url = stringAt(part, "image_url", at);
  if (url !== null && url !== "") return urlSource(url, `${at}.image_url`);
  const id = stringAt(part, "file_id", at);
  if (id === null || id === "") throw malformed(at, "needs image_url or file_id");
  return { kind: "provider-file", id, maker: MAKER };
}

function urlSource(url: string, at: string): MediaSource {
  if (url.slice(0, 5).toLowerCase() !== "data:") return { kind: "url", url, mimeType: null };
  const media = parseDataUrl(url);
  if (media === null)
    throw malformed(at, "is a data URL that cannot be read; write data:<type>;base64,<data>");
  return { kind: "base64", ...media };
}

function fileSource(part: JsonObject, at: string): MediaSource {
  const data = stringAt(part, "file_data", at);
  if (data !== null && data !== "")
    return dataSource(data, stringAt(part, "filename", at), `${at}.file_data`);
  const url = stringAt(part, "file_url", at);
  if (url !== null && url !== "") return { kind: "url", url, mimeType: null };
  const id = stringAt(part, "file_id", at);
  if (id === null || id === "") throw malformed(at, "needs file_data, file_url or file_id");
  return { kind: "provider-file", id, maker: MAKER };
}

/** A data URL, or bare base64 of a file whose type follows from its name. */
function dataSource(data: string, fileName: string | null, at: string): MediaSource {
  if (data.slice(0, 5).toLowerCase() === "data:") return urlSource(data, at);
  const base64 = standardBase64(data);
  if (base64 === null) throw malformed(at, "must be a data URL or base64");
  const isPdf = fileName === null || fileName.toLowerCase().endsWith(".pdf");
  const mimeType = isPdf ? "application/pdf" : (sniffedType(base64) ?? "application/octet-stream");
  return { kind: "base64", mimeType, data: base64 };
}

const TTLS = ["5m", "30m", "1h", "12h", "24h"] as const;

/** null: the usual time of the target, also for an unknown time. */
export function ttlOf(value: unknown): CacheHint["ttl"] {
  return TTLS.find((ttl) => ttl === value) ?? null;
}

function cacheOf(part: JsonObject, at: string): { cache: CacheHint } | null {
  const mark = objectAt(part, "prompt_cache_breakpoint", at);
  return mark === null ? null : { cache: { ttl: ttlOf(mark.ttl) } };
}

function annotationsOf(part: JsonObject, at: string, drops: Drops): readonly Annotation[] {
  const found: Annotation[] = [];
  for (const value of asArray(part.annotations)) {
    const annotation = decodeAnnotation(value);
    if (annotation !== null) found.push(annotation);
    else if (asObject(value) !== null) {
      drops.add(`${at}.annotations`, "other providers cannot read the files and containers of OpenAI");
    }
  }
  return found;
}
