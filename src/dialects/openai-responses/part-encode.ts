/** Writes parts of messages and results of tools. */
import type { GatewayError } from "../../core/errors.ts";
import { appendAll } from "../../core/lists.ts";
import { plainMimeType, toDataUrl } from "../../neutral/media.ts";
import { audioFormatOf } from "../../neutral/media-types.ts";
import type {
  AudioPart,
  CacheHint,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultPart,
  UserPart,
  VideoPart,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import type { CodecProfile } from "../codec-profile.ts";
import { refusedPart } from "../shared/refusal.ts";
import { MAKER } from "./seal.ts";

/** A part that may have a mark for the cache; only the last four marks stay. */
export interface WirePart {
  type: string;
  prompt_cache_breakpoint?: object;
  [member: string]: unknown;
}

/** The number of marks that the API takes. */
const MAX_MARKS = 4;
const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);

export class PartEncoder {
  readonly #traits: ModelTraits;
  readonly #profile: CodecProfile;
  readonly #dropped: Drop[];
  readonly #marked: WirePart[] = [];

  constructor({ traits, profile }: Pick<EncodeRequestOptions, "traits" | "profile">, dropped: Drop[]) {
    this.#traits = traits;
    this.#profile = profile;
    this.#dropped = dropped;
  }

  /** Marks a part, if the model takes marks. */
  mark(part: WirePart, cache: CacheHint | null | undefined): WirePart {
    if (cache === null || cache === undefined || !this.#traits.cacheBreakpoints) return part;
    const ttl = cache.ttl === "30m" || cache.ttl === "12h" ? { ttl: cache.ttl } : null;
    part.prompt_cache_breakpoint = { mode: "explicit", ...ttl };
    this.#marked.push(part);
    return part;
  }

  /** Keeps the last marks: the next turn reads from them. */
  dropOldMarks(): void {
    for (const part of this.#marked.slice(0, -MAX_MARKS)) delete part.prompt_cache_breakpoint;
  }

  text({ text, cache }: TextPart): WirePart {
    return this.mark({ type: "input_text", text }, cache);
  }

  part(part: Exclude<UserPart, ToolResultPart>): WirePart[] {
    switch (part.type) {
      case "text":
        return [this.text(part)];
      case "image":
        return [this.#image(part)];
      case "document":
        return this.#document(part);
      case "audio":
        return [this.#audio(part)];
      case "video":
        throw this.#noVideo(part);
    }
  }

  /**
   * The output of a tool: a text, or parts. Images that the model does not take in a result go to `later`.
   */
  output(result: ToolResultPart, later: WirePart[]): string | WirePart[] {
    const parts: WirePart[] = [];
    for (const part of result.content) {
      if (part.type === "audio")
        throw refusedPart(part.at, "the result of a tool cannot hold audio; send its text");
      const encoded = this.part(part);
      if (part.type === "image" && !this.#traits.resultImages) {
        appendAll(later, encoded);
        parts.push({ type: "input_text", text: "(The image is in the next message.)" });
      } else appendAll(parts, encoded);
    }
    if (result.isError) prefixError(parts);
    const last = parts.at(-1);
    if (last !== undefined && result.cache) this.mark(last, result.cache);
    if (parts.length === 0) return "";
    const isPlain =
      parts.length === 1 && last?.type === "input_text" && last.prompt_cache_breakpoint === undefined;
    return isPlain ? String(last.text) : parts;
  }

  #image(part: ImagePart): WirePart {
    if (!this.#traits.input.image)
      throw refusedPart(part.at, "the model takes no images; leave the image out");
    const { source } = part;
    if (source.kind === "base64" && !IMAGE_TYPES.has(source.mimeType)) {
      throw refusedPart(
        part.at,
        `the model takes no images of the type "${source.mimeType}"; send JPEG, PNG, GIF or WebP`,
      );
    }
    const where =
      source.kind === "provider-file" ? { file_id: fileId(source, part.at) } : { image_url: urlOf(source) };
    return this.mark({ type: "input_image", ...where, detail: part.detail ?? "auto" }, part.cache);
  }

  #document(part: DocumentPart): WirePart[] {
    const { source, title, context, cache } = part;
    if (part.citations === true) {
      const reason = "the answer cannot point at places in a document here";
      this.#dropped.push({ field: `${part.at}.citations`, reason });
    }
    const head = [title, context].filter((line) => typeof line === "string" && line !== "").join("\n");
    if (source.kind === "text") {
      const text = head === "" ? source.text : `${head}\n\n${source.text}`;
      return [this.mark({ type: "input_text", text }, cache)];
    }
    if (source.kind === "parts") {
      const parts = source.parts.flatMap((inner) => this.part(inner));
      if (head !== "") parts.unshift({ type: "input_text", text: head });
      const last = parts.at(-1);
      if (last !== undefined) this.mark(last, cache);
      return parts;
    }
    const file = this.mark(this.#file(part, source), cache);
    return context ? [{ type: "input_text", text: context }, file] : [file];
  }

  #file({ at, title }: DocumentPart, source: MediaSource): WirePart {
    const isPdf = source.kind !== "base64" || source.mimeType === "application/pdf";
    if (isPdf && !this.#traits.input.pdf)
      throw refusedPart(at, "the model takes no documents; send the text");
    if (source.kind === "provider-file") return { type: "input_file", file_id: fileId(source, at) };
    if (source.kind === "url") return { type: "input_file", file_url: source.url };
    return {
      type: "input_file",
      filename: title ?? `document.${isPdf ? "pdf" : (source.mimeType.split("/")[1] ?? "bin")}`,
      file_data: urlOf(source),
    };
  }

  #audio({ source, at }: AudioPart): WirePart {
    if (!this.#traits.input.audio) throw refusedPart(at, "the model takes no audio; leave the audio out");
    if (source.kind !== "base64")
      throw refusedPart(at, "audio by URL has no place in this dialect; send it as base64");
    const mimeType = plainMimeType(source.mimeType);
    if (this.#profile.audioTypes?.has(mimeType) === false)
      throw refusedPart(at, `the model takes no audio of the type "${mimeType}"; send WAV or MP3`);
    return { type: "input_audio", input_audio: { data: source.data, format: audioFormatOf(mimeType) } };
  }

  #noVideo({ at }: VideoPart): GatewayError {
    return refusedPart(at, "the model takes no video; leave the video out");
  }
}

function urlOf(source: MediaSource & { readonly kind: "base64" | "url" }): string {
  return source.kind === "url" ? source.url : toDataUrl(source.mimeType, source.data);
}

/** Throws `not_translatable` for a file at another provider. */
function fileId({ id, maker }: MediaSource & { readonly kind: "provider-file" }, at: string): string {
  if (maker !== MAKER) throw refusedPart(at, "a file at another provider cannot be read; send its content");
  return id;
}

/** The API has no flag for a failed call, so the text says it. */
function prefixError(parts: WirePart[]): void {
  const [first] = parts;
  if (first?.type === "input_text") first.text = `Error: ${String(first.text)}`;
  else parts.unshift({ type: "input_text", text: "Error:" });
}
