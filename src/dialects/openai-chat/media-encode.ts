/**
 * Writes text, images, files and audio as parts of a message. Refuses media that the model does not take, by
 * their place.
 */
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { plainMimeType, toDataUrl } from "../../neutral/media.ts";
import { audioFormatOf } from "../../neutral/media-types.ts";
import type {
  AudioPart,
  CacheHint,
  DocumentPart,
  ImagePart,
  TextPart,
  VideoPart,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { refusedPart } from "../shared/refusal.ts";
import { MAKER } from "./seal.ts";

const TEXT_TYPES: ReadonlySet<string> = new Set([
  "application/json",
  "application/xml",
  "application/x-yaml",
]);

export type MediaPart = ImagePart | DocumentPart | AudioPart | VideoPart;

/** The member that marks a part of the prompt for the cache: OpenAI's, or Claude's at resellers; none: no marks. */
export function cacheMark(
  cache: CacheHint | null | undefined,
  { profile, traits }: EncodeRequestOptions,
): JsonObject {
  if (!cache) return {};
  const { ttl } = cache;
  // OpenAI's mark knows two times, Claude's knows two others; any other becomes the usual one.
  if (profile.cacheBreakpoints && traits.cacheBreakpoints)
    return {
      prompt_cache_breakpoint: { mode: "explicit", ...(ttl === "30m" || ttl === "12h" ? { ttl } : {}) },
    };
  if (profile.cacheMarks === null || !traits.onChat.needsCacheMarks) return {};
  const isLong = ttl === "1h" || ttl === "12h" || ttl === "24h";
  return { cache_control: { type: "ephemeral", ...(isLong ? { ttl: "1h" } : {}) } };
}

export class MediaWriter {
  readonly #options: EncodeRequestOptions;
  readonly #dropped: Drop[];
  #isLossNamed = false;

  constructor(options: EncodeRequestOptions, dropped: Drop[]) {
    this.#options = options;
    this.#dropped = dropped;
  }

  /** Whether the part is a text without a mark, which is sent as a string where it is alone. */
  isPlain(part: { readonly type: string; readonly cache?: CacheHint | null }): part is TextPart {
    if (part.type !== "text") return false;
    return !part.cache || Object.keys(this.mark(part.cache)).length === 0;
  }

  /** One part, or several for a document. */
  encode(part: TextPart | MediaPart): JsonObject[] {
    switch (part.type) {
      case "text":
        return [this.#text(part.text, part.cache)];
      case "image":
        return [this.#image(part)];
      case "audio":
        return [this.#audio(part)];
      case "video":
        return [this.#video(part)];
      case "document":
        return this.#document(part);
    }
  }

  #text(text: string, cache: CacheHint | null | undefined): JsonObject {
    return { type: "text", text, ...this.mark(cache) };
  }

  /** The mark to add to a part. A model that caches nothing without marks costs the client money where there are none. */
  mark(cache: CacheHint | null | undefined): JsonObject {
    if (!cache) return {};
    const mark = cacheMark(cache, this.#options);
    if (Object.keys(mark).length === 0) this.#nameLoss();
    return mark;
  }

  #nameLoss(): void {
    const { needsCacheMarks } = this.#options.traits.onChat;
    if (!needsCacheMarks || this.#isLossNamed) return;
    this.#isLossNamed = true;
    this.#dropped.push({
      field: "messages",
      reason: "this server is not known to take marks of the prompt cache, so that nothing is cached",
    });
  }

  #image({ source, detail, cache, at }: ImagePart): JsonObject {
    const { traits, profile } = this.#options;
    if (!traits.input.image)
      throw refusedPart(
        at,
        "the model is not known to take images; leave the image out, or declare it in the gateway's [[traits]]",
      );
    if (source.kind === "provider-file")
      throw refusedPart(at, "a file at another provider cannot be read; send its content");
    if (source.kind === "base64" && profile.imageTypes?.has(source.mimeType) === false)
      throw refusedPart(
        at,
        `the model takes no images of the type "${source.mimeType}"; send JPEG, PNG, GIF or WebP`,
      );
    const url = source.kind === "url" ? source.url : toDataUrl(source.mimeType, source.data);
    const image = detail === null || detail === undefined ? { url } : { url, detail };
    return { type: "image_url", image_url: image, ...this.mark(cache) };
  }

  #audio({ source, at }: AudioPart): JsonObject {
    if (!this.#options.traits.input.audio)
      throw refusedPart(
        at,
        "the model is not known to take audio; leave the audio out, or declare it in the gateway's [[traits]]",
      );
    if (source.kind !== "base64")
      throw refusedPart(at, "audio by URL has no place in this dialect; send it as base64");
    const mimeType = plainMimeType(source.mimeType);
    if (this.#options.profile.audioTypes?.has(mimeType) === false)
      throw refusedPart(at, `the model takes no audio of the type "${mimeType}"; send WAV or MP3`);
    return { type: "input_audio", input_audio: { data: source.data, format: audioFormatOf(mimeType) } };
  }

  #video({ source, at }: VideoPart): JsonObject {
    const { traits, profile } = this.#options;
    if (!traits.input.video || !profile.videoParts || source.kind === "provider-file")
      throw refusedPart(at, "the model takes no video; leave the video out");
    const url = source.kind === "url" ? source.url : toDataUrl(source.mimeType, source.data);
    return { type: "video_url", video_url: { url } };
  }

  #document(part: DocumentPart): JsonObject[] {
    const { source, title, context, citations, cache, at } = part;
    if (citations === true)
      this.#dropped.push({ field: at, reason: "the answer cannot cite documents here" });
    const head = [title, context].filter((text) => typeof text === "string" && text !== "").join("\n");
    switch (source.kind) {
      case "text":
        return [this.#text(head === "" ? source.text : `${head}\n\n${source.text}`, cache)];
      case "parts": {
        const parts = source.parts.flatMap((inner) => this.encode(inner));
        return head === "" ? parts : [this.#text(head, null), ...parts];
      }
      case "url":
        throw refusedPart(at, "a document by URL has no place in this dialect; send it as base64");
      case "provider-file":
        if (source.maker !== MAKER || !this.#options.profile.fileIds)
          throw refusedPart(at, "a file at another provider cannot be read; send its content");
        return [{ type: "file", file: { file_id: source.id }, ...this.mark(cache) }];
      case "base64":
        return [this.#file(part, source.mimeType, source.data)];
    }
  }

  #file({ title, context, cache, at }: DocumentPart, mimeType: string, data: string): JsonObject {
    if (mimeType.startsWith("text/") || TEXT_TYPES.has(mimeType)) {
      const text = Buffer.from(data, "base64").toString("utf8");
      return this.#text(title === null || title === "" ? text : `${title}\n\n${text}`, cache);
    }
    if (mimeType !== "application/pdf")
      throw refusedPart(at, `the model takes no documents of the type "${mimeType}"; send PDF or text`);
    if (!this.#options.traits.input.pdf)
      throw refusedPart(
        at,
        "the model is not known to take PDF; send its text, or declare it in the gateway's [[traits]]",
      );
    if (typeof context === "string" && context !== "")
      this.#dropped.push({ field: at, reason: "the document's context has no place beside a PDF" });
    const filename = title === null || title === "" ? "document.pdf" : title;
    const file = { filename, file_data: toDataUrl(mimeType, data) };
    return { type: "file", file, ...this.mark(cache) };
  }
}
