/** Writes whole answers. */
import type { JsonObject } from "../../core/json.ts";
import type { ModelReply } from "../../neutral/event.ts";
import { toDataUrl } from "../../neutral/media.ts";
import type { AssistantPart, ImagePart, Seal, ToolCallPart } from "../../neutral/message.ts";
import { wrapSeal } from "../../neutral/seal.ts";
import type { EncodeReplyOptions } from "../codec.ts";
import { AnnotationWriter } from "./citation.ts";
import type { ChatReplyContext } from "./reply-context.ts";
import { SIGNATURE_MAKER } from "./seal.ts";
import { FINISH_REASONS } from "./stop.ts";
import { encodeUsage } from "./usage.ts";

/** JSON text of a `chat.completion`. */
export function encodeReply(
  reply: ModelReply,
  { idSeed, model, createdAtS, replyContext }: EncodeReplyOptions,
): string {
  const { usesFunctions } = replyContext as ChatReplyContext;
  const message = encodeMessage(reply, usesFunctions);
  const isLegacy = usesFunctions && reply.stop.kind === "tool-calls";
  return JSON.stringify({
    id: `chatcmpl-${idSeed}`,
    object: "chat.completion",
    created: createdAtS,
    model,
    choices: [
      {
        index: 0,
        message,
        logprobs: null,
        finish_reason: isLegacy ? "function_call" : FINISH_REASONS[reply.stop.kind],
      },
    ],
    usage: encodeUsage(reply.usage),
  });
}

function encodeMessage({ parts, stop }: ModelReply, usesFunctions: boolean): JsonObject {
  const annotations = new AnnotationWriter();
  const calls: ToolCallPart[] = [];
  const images: JsonObject[] = [];
  let text = "";
  let refusal = "";
  let reasoning = "";
  for (const part of parts) {
    switch (part.type) {
      case "text":
        text += part.text;
        annotations.say(part.text);
        for (const annotation of part.annotations ?? []) annotations.add(annotation);
        annotations.close();
        break;
      case "refusal":
        refusal += part.text;
        break;
      case "reasoning":
        reasoning += part.text;
        break;
      case "tool-call":
        calls.push(part);
        break;
      case "image":
        images.push(...listOf(imageOf(part)));
        break;
      case "search":
      case "opaque":
        // A provider's own search has no member; its results are in the text and the annotations.
        break;
    }
  }
  if (refusal === "" && stop.kind === "refusal") refusal = stop.explanation ?? "";
  const [first, ...others] = calls;
  const legacy = usesFunctions ? first : undefined;
  const shown = legacy === undefined ? calls : others;
  return {
    role: "assistant",
    content: text === "" && hasOther(parts, refusal, stop.kind === "refusal") ? null : text,
    refusal: refusal === "" ? null : refusal,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    annotations: annotations.written,
    ...(images.length === 0 ? {} : { images }),
    ...(legacy === undefined
      ? {}
      : { function_call: { name: legacy.name, arguments: argumentsOf(legacy.input) } }),
    ...(shown.length === 0 ? {} : { tool_calls: shown.map(encodeCall) }),
  };
}

/** Whether the answer holds anything other than text. */
function hasOther(parts: readonly AssistantPart[], refusal: string, isRefused: boolean): boolean {
  return isRefused || refusal !== "" || parts.some((part) => part.type === "tool-call");
}

function encodeCall({ id, name, kind, input, seal }: ToolCallPart): JsonObject {
  if (kind === "custom") return { id, type: "custom", custom: { name, input } };
  const call = { id, type: "function", function: { name, arguments: argumentsOf(input) } };
  return { ...call, ...encodeSeal(seal ?? null) };
}

/** No arguments become `{}`: clients parse the text. */
function argumentsOf(input: string): string {
  return input === "" ? "{}" : input;
}

/** Google's member for its own signatures; other seals have no place. */
export function encodeSeal(seal: Seal | null): JsonObject {
  if (seal?.maker !== SIGNATURE_MAKER) return {};
  return { extra_content: { google: { thought_signature: wrapSeal(seal) } } };
}

/** An image that the model made, in OpenRouter's form; null: the client cannot reach it. */
export function imageOf({ source }: ImagePart): JsonObject | null {
  if (source.kind === "provider-file") return null;
  const url = source.kind === "url" ? source.url : toDataUrl(source.mimeType, source.data);
  return { type: "image_url", image_url: { url } };
}

function listOf(value: JsonObject | null): JsonObject[] {
  return value === null ? [] : [value];
}
