/** Writes items of the output as JSON text, both when they begin and when they end. */
import type { JsonObject } from "../../core/json.ts";
import type { Annotation, ImagePart, Seal, SearchPart } from "../../neutral/message.ts";
import { wrapSeal } from "../../neutral/seal.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import { MAKER } from "./seal.ts";

export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** A citation in a text. Offsets are code points. */
export interface UrlCitation {
  readonly type: "url_citation";
  readonly start_index: number;
  readonly end_index: number;
  readonly url: string;
  readonly title: string;
}

export type OutputPart =
  | {
      readonly type: "output_text";
      readonly text: string;
      readonly annotations: readonly UrlCitation[];
      readonly logprobs: readonly [];
    }
  | { readonly type: "refusal"; readonly refusal: string };

export function textPart(text: string, annotations: readonly UrlCitation[] = []): OutputPart {
  return { type: "output_text", text, annotations, logprobs: [] };
}

/**
 * null: the dialect has no place for this kind of citation. A citation of the whole text spans `chars` code
 * points.
 */
export function citationOf(annotation: Annotation, chars: number): UrlCitation | null {
  if (annotation.kind !== "url") return null;
  const { start, end, url, title } = annotation;
  return {
    type: "url_citation",
    start_index: start ?? 0,
    end_index: end ?? chars,
    url,
    title: title ?? "",
  };
}

export function messageItem(
  id: string,
  status: ItemStatus,
  phase: string | null,
  content: readonly OutputPart[],
): string {
  return JSON.stringify({
    id,
    type: "message",
    status,
    role: "assistant",
    ...(phase === null ? null : { phase }),
    content,
  });
}

/** OpenAI's own reasoning as it is, any other seal as a token. */
function sealText(seal: Seal): string {
  return seal.maker === MAKER && seal.place === "reasoning" ? seal.data : wrapSeal(seal);
}

export function reasoningItem(id: string, status: ItemStatus, text: string, seal: Seal | null): string {
  return JSON.stringify({
    id,
    type: "reasoning",
    status,
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    ...(seal === null ? null : { encrypted_content: sealText(seal) }),
  });
}

export interface CallNames {
  readonly callId: string;
  readonly name: string;
  readonly namespace: string | null;
}

export function callItem(
  id: string,
  status: ItemStatus,
  call: "function" | "custom",
  { callId, name, namespace }: CallNames,
  input: string,
): string {
  return JSON.stringify({
    id,
    type: call === "function" ? "function_call" : "custom_tool_call",
    status,
    call_id: callId,
    name,
    ...(namespace === null ? null : { namespace }),
    ...(call === "function" ? { arguments: input } : { input }),
  });
}

/** The client's own search of its tools. */
export function toolSearchItem(id: string, status: ItemStatus, callId: string, input: JsonObject): string {
  return JSON.stringify({
    id,
    type: "tool_search_call",
    status,
    call_id: callId,
    execution: "client",
    arguments: input,
  });
}

/** Keeps OpenAI's own action, which may have opened a page. */
export function searchItem(id: string, status: ItemStatus, part: SearchPart): string {
  const own = part.raw?.maker === MAKER ? asObject(asObject(parse(part.raw.data))?.action) : null;
  const [query = ""] = part.queries;
  const sources = part.sources.map(({ url }) => ({ type: "url", url }));
  const action = own ?? { type: "search", query, queries: part.queries, sources };
  return JSON.stringify({ id, type: "web_search_call", status, action });
}

/** The item holds the image itself; an image with only an address is left empty. */
export function imageItem(id: string, status: "in_progress" | "completed", { source }: ImagePart): string {
  if (source.kind !== "base64") {
    const where = source.kind === "url" ? source.url : source.id;
    const error = {
      code: null,
      message: `The image is not inline: ${where}`,
      param: null,
      type: "server_error",
    };
    return JSON.stringify({ id, type: "image_generation_call", status: "failed", result: null, error });
  }
  const format = source.mimeType.slice(source.mimeType.indexOf("/") + 1);
  const result = status === "completed" ? source.data : null;
  return JSON.stringify({ id, type: "image_generation_call", status, output_format: format, result });
}

/** null: the text is no JSON, or nests too deep to be written again. */
export function parse(text: string): unknown {
  const value = parseJson(text);
  return value === undefined || isDeeperThan(value, MAX_DEPTH) ? null : value;
}
