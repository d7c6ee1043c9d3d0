/** Writes images, documents, audio and video as parts. */
import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  VideoPart,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { refusedPart } from "../shared/refusal.ts";
import { mimeTypeOf } from "./mime-type.ts";
import { MAKER } from "./seal.ts";
import type { WirePart } from "./wire.ts";

type MediaPart = ImagePart | DocumentPart | AudioPart | VideoPart;

/** Source: Google's page on image understanding, November 2026. */
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];

/**
 * The parts of a medium; a text document is text. Throws `not_translatable` for a medium that the model does
 * not take.
 */
export function encodeMedia(part: MediaPart, traits: ModelTraits, dropped: Drop[]): WirePart[] {
  switch (part.type) {
    case "image":
      return [encodeImage(part, traits, dropped)];
    case "audio":
    case "video":
      if (!traits.input[part.type])
        throw refusedPart(part.at, `the model takes no ${part.type}; leave it out, or send its text`);
      return [encodeSource(part.source, part)];
    case "document":
      return encodeDocument(part, traits, dropped);
  }
}

function encodeImage(part: ImagePart, traits: ModelTraits, dropped: Drop[]): WirePart {
  if (!traits.input.image) throw refusedPart(part.at, "the model takes no images; leave the image out");
  const { source, detail } = part;
  if (source.kind === "base64" && !IMAGE_TYPES.includes(source.mimeType))
    throw refusedPart(
      part.at,
      `the model takes no images of the type "${source.mimeType}"; send ${IMAGE_TYPES.join(", ")}`,
    );
  if (detail === "low" || detail === "high" || detail === "original")
    dropped.push({ field: `${part.at}.detail`, reason: "the provider takes no such level of detail" });
  return encodeSource(source, part);
}

function encodeDocument(part: DocumentPart, traits: ModelTraits, dropped: Drop[]): WirePart[] {
  const { source, title, context } = part;
  if (part.citations === true)
    dropped.push({ field: `${part.at}.citations`, reason: "Gemini does not cite documents" });
  const about = typeof context === "string" && context !== "" ? [context] : [];
  if (source.kind === "text" || source.kind === "parts") {
    const heads = [...(title === null || title === "" ? [] : [title]), ...about];
    if (source.kind === "text") return textParts([...heads, source.text].join("\n\n"));
    return [
      ...textParts(heads.join("\n\n")),
      ...source.parts.flatMap((inner) => innerParts(inner, traits, dropped)),
    ];
  }
  if (source.kind === "base64" && !source.mimeType.startsWith("text/")) {
    if (source.mimeType !== "application/pdf")
      throw refusedPart(
        part.at,
        `the model takes no documents of the type "${source.mimeType}"; send PDF or text`,
      );
    if (!traits.input.pdf) throw refusedPart(part.at, "the model takes no PDF; send its text");
  }
  return [...about.map((text) => ({ text })), encodeSource(source, part)];
}

function innerParts(part: TextPart | ImagePart, traits: ModelTraits, dropped: Drop[]): WirePart[] {
  return part.type === "text" ? textParts(part.text) : [encodeImage(part, traits, dropped)];
}

function textParts(text: string): WirePart[] {
  return text === "" ? [] : [{ text }];
}

function encodeSource(source: MediaSource, part: MediaPart): WirePart {
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: source.mimeType, data: source.data } };
    case "url": {
      const mimeType = source.mimeType ?? mimeTypeOf(source.url);
      const isGuess = mimeType === null || mimeType.endsWith("/*");
      return { fileData: { ...(isGuess ? null : { mimeType }), fileUri: source.url } };
    }
    case "provider-file":
      if (source.maker !== MAKER)
        throw refusedPart(part.at, "a file at another provider cannot be read; send its content");
      return { fileData: { fileUri: source.id } };
  }
}
