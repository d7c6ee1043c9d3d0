/** Sound in a request of OpenAI's dialects: base64 and the word for its format. */
import type { JsonObject } from "../../core/json.ts";
import { parseDataUrl, standardBase64 } from "../../neutral/media.ts";
import { audioTypeOf, sniffedAudioType } from "../../neutral/media-types.ts";
import type { AudioPart } from "../../neutral/message.ts";
import { nameAt, requiredObjectAt, stringAt } from "./members.ts";
import { malformed } from "./refusal.ts";

/**
 * Reads the member `input_audio` of a part. OpenAI takes two formats, other targets take more: the format that the
 * client names is kept, and one that it does not name, or that has no known name, is read from the bytes.
 */
export function decodeAudioInput(part: JsonObject, at: string): AudioPart {
  const audio = requiredObjectAt(part, "input_audio", at);
  const place = `${at}.input_audio`;
  const given = nameAt(audio, "data", place);
  const inline = parseDataUrl(given);
  const data = inline?.data ?? standardBase64(given);
  if (data === null || data === "") throw malformed(`${place}.data`, "must be base64");
  const format = stringAt(audio, "format", place) ?? "";
  const declared = inline?.mimeType.startsWith("audio/") ? inline.mimeType : null;
  const mimeType = audioTypeOf(format) ?? declared ?? sniffedAudioType(data) ?? wordAsType(format);
  if (mimeType === null)
    throw malformed(`${place}.format`, 'must name the format of the sound, such as "wav", "mp3" or "ogg"');
  return { type: "audio", source: { kind: "base64", mimeType, data }, at };
}

/** A format that only the target may know. */
function wordAsType(format: string): string | null {
  return /^[a-z0-9][a-z0-9.+-]{0,31}$/i.test(format) ? `audio/${format.toLowerCase()}` : null;
}
