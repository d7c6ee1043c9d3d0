/** Reads the parts of turns: media and results of calls. */
import type { JsonObject } from "../../core/json.ts";
import { plainMimeType, standardBase64 } from "../../neutral/media.ts";
import { sniffedType } from "../../neutral/media-types.ts";
import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultPart,
  VideoPart,
} from "../../neutral/message.ts";
import type { Drops } from "../shared/drops.ts";
import {
  booleanAt,
  checkDepth,
  elementAt,
  isAbsent,
  listAt,
  nameAt,
  objectAt,
  stringAt,
  withCamelNames,
} from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { isYouTube, mimeTypeOf } from "./mime-type.ts";
import { MAKER } from "./seal.ts";

type MediaPart = ImagePart | DocumentPart | AudioPart | VideoPart;

/** Files at Google: of the Files API, or in a bucket. */
const PROVIDER_FILE =
  /^(?:gs:\/\/|(?:https:\/\/generativelanguage\.googleapis\.com\/(?:upload\/)?(?:v\w+\/)?)?files\/)/;

/** The media in `inlineData` or `fileData`; null without them. `part` must have names in camel case. */
export function decodeMedia(part: JsonObject, at: string): MediaPart | null {
  const blob = objectAt(part, "inlineData", at);
  if (blob !== null) return decodeBlob(withCamelNames(blob), at);
  const file = objectAt(part, "fileData", at);
  return file === null ? null : decodeFile(withCamelNames(file), at);
}

function decodeBlob(blob: JsonObject, at: string): MediaPart {
  const place = `${at}.inlineData`;
  const data = standardBase64(nameAt(blob, "data", place));
  if (data === null || data === "") throw malformed(`${place}.data`, "must be base64");
  const given = stringAt(blob, "mimeType", place) || sniffedType(data);
  if (given === null) throw malformed(`${place}.mimeType`, 'must be a media type, such as "image/png"');
  const mimeType = plainMimeType(given);
  return mediaPart(mimeType, { kind: "base64", mimeType, data }, stringAt(blob, "displayName", place), at);
}

function decodeFile(file: JsonObject, at: string): MediaPart {
  const place = `${at}.fileData`;
  const uri = nameAt(file, "fileUri", place);
  const given = stringAt(file, "mimeType", place);
  const mimeType = given === null || given === "" ? mimeTypeOf(uri) : plainMimeType(given);
  const title = stringAt(file, "displayName", place);
  if (PROVIDER_FILE.test(uri))
    return mediaPart(mimeType, { kind: "provider-file", id: uri, maker: MAKER }, title, at);
  if (!/^https?:\/\//i.test(uri))
    throw malformed(`${place}.fileUri`, "must be an https, gs or Files API URI");
  return mediaPart(isYouTube(uri) ? "video/*" : mimeType, { kind: "url", url: uri, mimeType }, title, at);
}

function mediaPart(
  mimeType: string | null,
  source: MediaSource,
  title: string | null,
  at: string,
): MediaPart {
  switch (mimeType?.slice(0, mimeType.indexOf("/"))) {
    case "image":
      return { type: "image", source, at };
    case "audio":
      return { type: "audio", source, at };
    case "video":
      return { type: "video", source, at };
    default:
      return { type: "document", source, title, at };
  }
}

/** Members that say how Google's models look at a part. */
const MODIFIERS = ["videoMetadata", "mediaResolution", "mediaProcessing", "partMetadata"];
const USER_MEMBERS: ReadonlySet<string> = new Set([
  ...MODIFIERS,
  "text",
  "inlineData",
  "fileData",
  "functionResponse",
  // Clients copy parts of the model into turns of the user, where these members mean nothing.
  "thought",
  "thoughtSignature",
]);

/** Names the members of a user's part that are left out. */
export function dropModifiers(part: JsonObject, at: string, drops: Drops): void {
  for (const name of MODIFIERS) {
    if (!isAbsent(part[name]))
      drops.add(`${at}.${name}`, "only Google lets a client say how a model looks at a part");
  }
  drops.addUnknown(part, USER_MEMBERS, at);
}

/** Reads a `functionResponse`. `callId` finds the call that the response answers, by its id and name. */
export function decodeResult(
  response: JsonObject,
  at: string,
  callId: (id: string | null, name: string) => string,
  drops: Drops,
): ToolResultPart {
  const name = nameAt(response, "name", at);
  const { text, isError } = decodePayload(objectAt(response, "response", at) ?? {}, `${at}.response`);
  const content: (TextPart | ImagePart | DocumentPart | AudioPart)[] =
    text === "" ? [] : [{ type: "text", text }];
  const parts = listAt(response, "parts", at) ?? [];
  for (let index = 0; index < parts.length; index++) {
    const place = `${at}.parts[${index}]`;
    const media = decodeMedia(withCamelNames(elementAt(parts, index, `${at}.parts`)), place);
    if (media === null) throw malformed(place, "must hold inlineData or fileData");
    if (media.type === "video")
      throw refusedPart(place, "no other provider takes a video as a result; leave the video out");
    content.push(media);
  }
  if (booleanAt(response, "willContinue", at) === true)
    drops.add(`${at}.willContinue`, "elsewhere a call has one result");
  drops.addUnknown(response, RESULT_MEMBERS, at);
  return {
    type: "tool-result",
    callId: callId(stringAt(response, "id", at), name),
    name,
    content,
    isError,
    at,
  };
}

/** `scheduling` says when the model looks at a result, which matters only in live sessions. */
const RESULT_MEMBERS: ReadonlySet<string> = new Set([
  "id",
  "name",
  "response",
  "parts",
  "willContinue",
  "scheduling",
]);

/** Google names the forms `{output}` and `{error}`. Any other object is the result itself. */
function decodePayload(response: JsonObject, at: string): { text: string; isError: boolean } {
  const names = Object.keys(response);
  const [only] = names;
  if (names.length === 0) return { text: "", isError: false };
  checkDepth(response, at);
  if (names.length > 1 || (only !== "output" && only !== "error"))
    return { text: JSON.stringify(response), isError: false };
  const value = response[only];
  return { text: typeof value === "string" ? value : JSON.stringify(value), isError: only === "error" };
}
