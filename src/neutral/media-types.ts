/** Names of formats and media types, and the type that the bytes themselves show. */
import { Buffer } from "node:buffer";
import { plainMimeType } from "./media.ts";

/** OpenAI's words and those of compatible servers, by what they mean; the first word of a type is its usual one. */
const AUDIO_FORMATS: readonly (readonly [format: string, mimeType: string])[] = [
  ["wav", "audio/wav"],
  ["mp3", "audio/mpeg"],
  ["mpga", "audio/mpeg"],
  ["mpeg", "audio/mpeg"],
  ["ogg", "audio/ogg"],
  ["oga", "audio/ogg"],
  ["opus", "audio/ogg"],
  ["flac", "audio/flac"],
  ["m4a", "audio/mp4"],
  ["mp4", "audio/mp4"],
  ["aac", "audio/aac"],
  ["aiff", "audio/aiff"],
  ["aif", "audio/aiff"],
  ["webm", "audio/webm"],
  ["pcm16", "audio/pcm"],
  ["pcm", "audio/pcm"],
];

/** The media type of a format (`ogg`, or the type itself); null: the word is no known one. */
export function audioTypeOf(format: string): string | null {
  const word = format.trim().toLowerCase();
  if (word.startsWith("audio/")) return plainMimeType(word);
  return AUDIO_FORMATS.find(([name]) => name === word)?.[1] ?? null;
}

/** The usual word for a type; the name after the slash for another one. */
export function audioFormatOf(mimeType: string): string {
  const known = AUDIO_FORMATS.find(([, type]) => type === mimeType)?.[0];
  return known ?? mimeType.slice(mimeType.indexOf("/") + 1);
}

/** Marks in the first bytes of a file, as Latin-1 text, each with its offset (source: the formats' specifications). */
type Signature = readonly (readonly [text: string, offset: number])[];

const SIGNATURES: readonly (readonly [signature: Signature, mimeType: string])[] = [
  [
    [
      ["RIFF", 0],
      ["WAVE", 8],
    ],
    "audio/wav",
  ],
  [
    [
      ["RIFF", 0],
      ["WEBP", 8],
    ],
    "image/webp",
  ],
  [[["ID3", 0]], "audio/mpeg"],
  ...["\xff\xfb", "\xff\xf3", "\xff\xf2", "\xff\xfa"].map((sync) => [[[sync, 0]], "audio/mpeg"] as const),
  ...["\xff\xf1", "\xff\xf9"].map((sync) => [[[sync, 0]], "audio/aac"] as const),
  [[["OggS", 0]], "audio/ogg"],
  [[["fLaC", 0]], "audio/flac"],
  [
    [
      ["FORM", 0],
      ["AIF", 8],
    ],
    "audio/aiff",
  ],
  [[["ftypM4", 4]], "audio/mp4"],
  [[["ftyphei", 4]], "image/heic"],
  [[["ftypmif", 4]], "image/heif"],
  [[["ftyp", 4]], "video/mp4"],
  [[["\x1a\x45\xdf\xa3", 0]], "video/webm"],
  [[["\x89PNG", 0]], "image/png"],
  [[["\xff\xd8\xff", 0]], "image/jpeg"],
  [[["GIF8", 0]], "image/gif"],
  [[["%PDF-", 0]], "application/pdf"],
];
/** Enough base64 for each signature. */
const HEAD_CHARS = 32;

/** The type that bytes show by their beginning; null: none that is known. */
export function sniffedType(base64: string): string | null {
  const head = Buffer.from(base64.slice(0, HEAD_CHARS), "base64").toString("latin1");
  const found = SIGNATURES.find(([marks]) => marks.every(([text, offset]) => head.startsWith(text, offset)));
  return found?.[1] ?? null;
}

/** The same for bytes that are known to be sound: some containers hold pictures as well. */
export function sniffedAudioType(base64: string): string | null {
  const type = sniffedType(base64);
  if (type === "video/mp4" || type === "video/webm") return type.replace("video/", "audio/");
  return type?.startsWith("audio/") ? type : null;
}
