/** Writes replies: parts, the members around them, and whole bodies. */
import { Buffer } from "node:buffer";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { mayEndInCall } from "../../neutral/answer/malformed.ts";
import type { ModelReply, Stop } from "../../neutral/event.ts";
import type { AssistantPart, ImagePart, Seal, ToolCallPart } from "../../neutral/message.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import type { Usage } from "../../neutral/usage.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import type { EncodeReplyOptions } from "../codec.ts";
import { GroundingWriter } from "./grounding-encode.ts";
import { MAKER, signatureOf } from "./seal.ts";
import { encodeStop } from "./stop.ts";
import { encodeUsage } from "./usage.ts";
import type { WirePart } from "./wire.ts";

/** The members that carry a seal, to be spread into its part. */
function signed(seal: Seal | null): { readonly thoughtSignature: string } | null {
  return seal === null ? null : { thoughtSignature: signatureOf(seal) };
}

export function textPart(text: string, isThought: boolean, seal: Seal | null): WirePart {
  return { text, ...(isThought ? { thought: true as const } : null), ...signed(seal) };
}

/** A call as one part; null: its arguments are not a JSON object. */
export function callPart(call: Omit<ToolCallPart, "type">): WirePart | null {
  const args = call.kind === "custom" ? { input: call.input } : parseArguments(call.input);
  if (args === null) return null;
  return { functionCall: { id: call.id, name: call.name, args }, ...signed(call.seal ?? null) };
}

export function imagePart({ source }: ImagePart): WirePart {
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: source.mimeType, data: source.data } };
    case "url":
      return {
        fileData: {
          ...(source.mimeType === null ? null : { mimeType: source.mimeType }),
          fileUri: source.url,
        },
      };
    case "provider-file":
      return { fileData: { fileUri: source.id } };
  }
}

/** Google's own part as it was; null: the seal is of another maker, or holds no part. */
export function opaquePart(raw: Seal): JsonObject | null {
  // The data comes from a client, which may have changed it.
  return raw.maker === MAKER ? asObject(parseJson(raw.data)) : null;
}

/**
 * The error for a call with broken arguments; an answer that ended at its limit leaves the call out instead.
 */
export function checkCalls(hasBrokenCall: boolean, stop: Stop): void {
  if (!hasBrokenCall || mayEndInCall(stop)) return;
  throw new GatewayError(
    "upstream_garbage",
    "The upstream's model called a tool with arguments that are not a JSON object.",
  );
}

/** The members of every body and chunk beside the candidates. */
export function identityOf(options: EncodeReplyOptions): { modelVersion: string; responseId: string } {
  return { modelVersion: options.model, responseId: options.idSeed };
}

/** The candidate with the members of the end. */
export function lastCandidate(
  parts: readonly (WirePart | JsonObject)[],
  stop: Stop,
  refusal: string | null,
  grounding: GroundingWriter,
): JsonObject {
  const groundingMetadata = grounding.metadata();
  return {
    content: { parts, role: "model" },
    ...encodeStop(stop, refusal),
    index: 0,
    ...(groundingMetadata === null ? null : { groundingMetadata }),
  };
}

/** A whole body, or the last chunk of a stream. */
export function bodyText(candidate: JsonObject, usage: Usage | null, options: EncodeReplyOptions): string {
  return JSON.stringify({
    candidates: [candidate],
    usageMetadata: encodeUsage(usage),
    ...identityOf(options),
  });
}

/** A whole reply. Throws `upstream_garbage` for calls whose arguments are no JSON object. */
export function encodeReply(reply: ModelReply, options: EncodeReplyOptions): string {
  const parts: (WirePart | JsonObject)[] = [];
  const grounding = new GroundingWriter();
  let refusal: string | null = null;
  let hasBrokenCall = false;
  /**
   * The text to which the next is added: neighbouring texts are one part, as clients of a stream join them.
   */
  let open: string | null = null;
  let openBytes = 0;
  for (const part of reply.parts) {
    if (part.type === "refusal") refusal = (refusal ?? "") + part.text;
    else if (part.type === "search") grounding.addSearch(part);
    else if (part.type === "text") {
      const seal = part.seal ?? null;
      // An empty text is a part only if it carries a signature.
      if (part.text === "" && seal === null) continue;
      const former: string = open ?? "";
      if (open !== null) parts.pop();
      else openBytes = 0;
      grounding.addText(part.text, parts.length, openBytes, part.annotations ?? []);
      openBytes += byteLength(part.text);
      parts.push(textPart(former + part.text, false, seal));
      open = seal === null ? former + part.text : null;
    } else {
      const encoded = partOf(part);
      if (encoded === null) hasBrokenCall ||= part.type === "tool-call";
      else {
        parts.push(encoded);
        open = null;
      }
    }
  }
  checkCalls(hasBrokenCall, reply.stop);
  return bodyText(lastCandidate(parts, reply.stop, refusal, grounding), reply.usage, options);
}

/** Bytes in UTF-8. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

function partOf(
  part: Exclude<AssistantPart, { type: "text" | "refusal" | "search" }>,
): WirePart | JsonObject | null {
  switch (part.type) {
    case "reasoning":
      return textPart(part.text, true, part.seal);
    case "tool-call":
      return callPart(part);
    case "image":
      return imagePart(part);
    case "opaque":
      return opaquePart(part.raw);
  }
}
