/** Parts of a client's turns: media, results of calls, and what the model said before. */
import { GatewayError } from "../../core/errors.ts";
import { plainMimeType, standardBase64 } from "../../neutral/media.ts";
import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultPart,
  VideoPart,
} from "../../neutral/message.ts";
import type { Drop, JsonObject } from "../../neutral/request.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { Members, wrong } from "./members.ts";
import { isYouTube, mimeTypeOf } from "./mime-type.ts";
import { MAKER } from "./seal.ts";

type MediaPart = ImagePart | DocumentPart | AudioPart | VideoPart;

/** Files that live at Google: of the Files API, or in a bucket. */
const PROVIDER_FILE =
  /^(?:gs:\/\/|(?:https:\/\/generativelanguage\.googleapis\.com\/(?:upload\/)?(?:v\w+\/)?)?files\/)/;

/** `inlineData` or `fileData`; null: the part is neither. */
export function decodeMedia(part: Members): MediaPart | null {
  const blob = part.members("inlineData");
  if (blob !== null) {
    const given = blob.string("mimeType");
    const data = standardBase64(blob.string("data") ?? "");
    if (given === null || given === "") throw wrong(`${blob.at}.mimeType`, "a media type such as image/png");
    if (data === null || data === "") throw wrong(`${blob.at}.data`, "base64");
    const mimeType = plainMimeType(given);
    return mediaPart(mimeType, { kind: "base64", mimeType, data }, blob.string("displayName"), part.at);
  }
  const file = part.members("fileData");
  if (file === null) return null;
  const uri = file.string("fileUri");
  if (uri === null || uri === "") throw wrong(`${file.at}.fileUri`, "a URI");
  const given = file.string("mimeType");
  const mimeType = given === null || given === "" ? mimeTypeOf(uri) : plainMimeType(given);
  const title = file.string("displayName");
  if (PROVIDER_FILE.test(uri))
    return mediaPart(mimeType, { kind: "provider-file", id: uri, maker: MAKER }, title, part.at);
  if (!/^https?:\/\//i.test(uri)) throw wrong(`${file.at}.fileUri`, "an https, gs or Files API URI");
  const source: MediaSource = { kind: "url", url: uri, mimeType };
  return mediaPart(isYouTube(uri) ? "video/*" : mimeType, source, title, part.at);
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

/** Says how the part is to be looked at, which only Google's models do. */
const MODIFIERS = ["videoMetadata", "mediaResolution", "mediaProcessing", "partMetadata"];

export function dropModifiers(part: Members, dropped: Drop[]): void {
  for (const name of MODIFIERS) {
    if (part.get(name) !== null)
      dropped.push({ field: part.path(name), reason: "other providers look at parts as they do" });
  }
}

/** A `functionResponse`; `callId` finds the call that it answers by its own id and name. */
export function decodeResult(
  response: Members,
  callId: (id: string | null, name: string) => string,
  dropped: Drop[],
): ToolResultPart {
  const name = response.string("name");
  if (name === null || name === "")
    throw wrong(`${response.at}.name`, "the name of the function that was called");
  const { text, isError } = decodePayload(response.object("response") ?? {}, response.path("response"));
  const content: (TextPart | ImagePart | DocumentPart | AudioPart)[] =
    text === "" ? [] : [{ type: "text", text }];
  for (const [index, entry] of response.list("parts").entries()) {
    const part = new Members(entry, `${response.at}.parts[${index}]`);
    const media = decodeMedia(part);
    if (media === null) throw wrong(part.at, "an object with inlineData or fileData");
    if (media.type === "video")
      throw new GatewayError("not_translatable", `${part.at}: no other provider takes a video as a result`, {
        param: part.at,
      });
    content.push(media);
  }
  if (response.boolean("willContinue") === true)
    dropped.push({ field: response.path("willContinue"), reason: "elsewhere a call has one result" });
  // Says when the model shall look at it, which matters only in live sessions.
  response.get("scheduling");
  return {
    type: "tool-result",
    callId: callId(response.string("id"), name),
    name,
    content,
    isError,
    at: response.at,
  };
}

/** `{output}` and `{error}` are the form that Google names; any other object is the result itself. */
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

/** What is to be written as JSON text again must not exhaust the stack. */
export function checkDepth(value: unknown, at: string): void {
  if (!isDeeperThan(value, MAX_DEPTH)) return;
  throw new GatewayError("bad_request", `${at} is nested too deeply; ${MAX_DEPTH} levels are taken`, {
    param: at,
  });
}
