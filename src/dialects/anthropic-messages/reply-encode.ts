/** A whole reply in the form of the Messages API. */
import { GatewayError } from "../../core/errors.ts";
import { CitationRoom } from "../../neutral/answer/citation-room.ts";
import { mayEndInCall } from "../../neutral/answer/malformed.ts";
import type { ModelReply } from "../../neutral/event.ts";
import type { AssistantPart, ReasoningPart, Seal, TextPart, ToolCallPart } from "../../neutral/message.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import type { EncodeReplyOptions } from "../codec.ts";
import { callIdForClient } from "./call-id.ts";
import { encodeCitation } from "./citation.ts";
import { type MessagesReplyContext, replyContextOf } from "./reply-context.ts";
import { redactedData, signatureOf } from "./seal.ts";
import { searchBlocks } from "./search.ts";
import { encodeStop } from "./stop.ts";
import { encodeUsage } from "./usage.ts";
import { MAKER } from "./wire.ts";

/**
 * JSON text of a reply. Leaves out images, which the API has no block for, and another maker's seal of the
 * last text: command lines take the last block of an answer for its text.
 */
export function encodeReply(reply: ModelReply, options: EncodeReplyOptions): string {
  const replyContext = replyContextOf(options.replyContext);
  const room = new CitationRoom();
  const blocks: string[] = [];
  let textSeal: Seal | null = null;
  for (const part of reply.parts) {
    const own = encodePart(part, reply, replyContext, room);
    if (own.length > 0 && textSeal !== null) {
      blocks.push(carrierBlock(textSeal));
      textSeal = null;
    }
    if (part.type === "text") textSeal = part.seal ?? textSeal;
    blocks.push(...own);
  }
  const hasCalls = reply.parts.some((part) => part.type === "tool-call");
  const hasRefusal = reply.parts.some((part) => part.type === "refusal");
  const stop = encodeStop(reply.stop, hasCalls, hasRefusal);
  const head = { id: `msg_${options.idSeed}`, type: "message", role: "assistant", model: options.model };
  const tail = { ...stop, usage: encodeUsage(reply.usage, options.promptTokens) };
  return `${JSON.stringify(head).slice(0, -1)},"content":[${blocks.join(",")}],${JSON.stringify(tail).slice(1)}`;
}

function encodePart(
  part: AssistantPart,
  reply: ModelReply,
  replyContext: MessagesReplyContext,
  room: CitationRoom,
): readonly string[] {
  switch (part.type) {
    case "text":
      return part.text === "" && !part.annotations?.length ? [] : [textBlock(part, room)];
    case "refusal":
      return part.text === "" ? [] : [JSON.stringify({ type: "text", text: part.text })];
    case "reasoning":
      return thinkingBlocks(part, replyContext);
    case "tool-call":
      return callBlocks(part, reply);
    case "search": {
      const carrier = part.raw !== null && part.raw.maker !== MAKER ? [redactedBlock(part.raw)] : [];
      return [...carrier, ...searchBlocks(part).map((block) => JSON.stringify(block))];
    }
    case "opaque":
      return [part.raw.maker === MAKER ? part.raw.data : redactedBlock(part.raw)];
    case "image":
      return [];
  }
}

/** As the API, without a member for citations where there are none: clients take a null for a fault. */
function textBlock({ text, annotations = [] }: TextPart, room: CitationRoom): string {
  if (annotations.length === 0) return JSON.stringify({ type: "text", text });
  const citations = annotations.map((annotation) => encodeCitation(annotation, text, room));
  return JSON.stringify({ type: "text", text, citations });
}

function thinkingBlocks(
  { text, seal }: ReasoningPart,
  { showsThinking }: MessagesReplyContext,
): readonly string[] {
  if (seal?.place === "redacted" && text === "") return [redactedBlock(seal)];
  if (text === "" && seal === null) return [];
  return [
    JSON.stringify({
      type: "thinking",
      thinking: showsThinking ? text : "",
      signature: signatureOf(seal, showsThinking ? "" : text),
    }),
  ];
}

/** Keeps the text of the arguments, so that no number loses a digit. */
function callBlocks(call: ToolCallPart, { stop }: ModelReply): readonly string[] {
  const input = parseArguments(call.input);
  if (input === null) {
    // The answer was cut off inside the call: a client must not run an unfinished call.
    if (mayEndInCall(stop)) return [];
    throw malformedArguments(call.name);
  }
  const head = { type: "tool_use", id: callIdForClient(call.id), name: call.name };
  const text = Object.keys(input).length === 0 ? "{}" : call.input.trim();
  const block = `${JSON.stringify(head).slice(0, -1)},"input":${text}}`;
  return call.seal ? [carrierBlock(call.seal), block] : [block];
}

export function malformedArguments(toolName: string): GatewayError {
  return new GatewayError(
    "upstream_garbage",
    `The upstream called the tool "${toolName}" with malformed arguments: they are not a JSON object. Send the request again.`,
  );
}

/** A block that only carries a seal. */
function carrierBlock(seal: Seal): string {
  return JSON.stringify({ type: "thinking", thinking: "", signature: signatureOf(seal, "") });
}

export function redactedBlock(seal: Seal): string {
  return JSON.stringify({ type: "redacted_thinking", data: redactedData(seal) });
}
