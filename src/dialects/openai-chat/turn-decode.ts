/** Reads the messages of a request. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { addToQueue, appendAll, type Queue } from "../../core/lists.ts";
import type {
  AssistantPart,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../../neutral/message.ts";
import type { Drops } from "../shared/drops.ts";
import {
  elementAt,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  wrongType,
} from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { sealOf } from "./call-slot.ts";
import { decodeContent, decodeImage, decodeText, decodeTexts, partObject } from "./part-decode.ts";
import { decodeReasoning, REASONING_MEMBERS } from "./reasoning-members.ts";

/** Clients send back members of former answers. Those that repeat the answer are not named as lost. */
const MESSAGE_MEMBERS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "name",
  "tool_calls",
  "tool_call_id",
  "function_call",
  "refusal",
  "audio",
  "images",
  "annotations",
  ...REASONING_MEMBERS,
]);

export interface Conversation {
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
}

export function decodeMessages(body: JsonObject, drops: Drops): Conversation {
  const list = listAt(body, "messages", "");
  if (list === null || list.length === 0)
    throw wrongType(body.messages, "messages", "an array of at least one message");
  const system: TextPart[] = [];
  const messages: Message[] = [];
  const legacy = new LegacyCalls();
  for (let n = 0; n < list.length; n++) {
    const at = `messages[${n}]`;
    const raw = elementAt(list, n, "messages");
    drops.addUnknown(raw, MESSAGE_MEMBERS, at);
    const message = decodeMessage(raw, at, n, legacy, drops);
    if (message.role !== "system") messages.push(message);
    else if (messages.length === 0) appendAll(system, message.parts);
    else if (message.parts.length > 0) messages.push(message);
  }
  return { system, messages };
}

function decodeMessage(raw: JsonObject, at: string, n: number, legacy: LegacyCalls, drops: Drops): Message {
  const name = stringAt(raw, "name", at);
  switch (raw.role) {
    case "system":
    case "developer":
      if (name !== null) drops.add(`${at}.name`, "other providers take no name for instructions");
      return { role: "system", parts: decodeInstructions(raw, at, drops) };
    case "user": {
      const parts = decodeContent(raw, at, drops);
      return name === null ? { role: "user", parts } : { role: "user", parts, name };
    }
    case "assistant": {
      const parts = decodeAssistant(raw, at, n, legacy, drops);
      return name === null ? { role: "assistant", parts, at } : { role: "assistant", parts, name, at };
    }
    case "tool":
      return toolMessage(raw, at, nameAt(raw, "tool_call_id", at), name, drops);
    case "function": {
      const called = nameAt(raw, "name", at);
      const id = legacy.answer(called);
      if (id === null)
        throw malformed(`${at}.name`, `names "${called}", which no assistant message before it calls`);
      return toolMessage(raw, at, id, called, drops);
    }
    default:
      throw notOneOf(`${at}.role`, ["system", "developer", "user", "assistant", "tool", "function"]);
  }
}

function decodeInstructions(raw: JsonObject, at: string, drops: Drops): readonly TextPart[] {
  const { content } = raw;
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return decodeTexts(raw, at, drops).filter((part) => part.text !== "");
}

function toolMessage(
  raw: JsonObject,
  at: string,
  callId: string,
  name: string | null,
  drops: Drops,
): Message {
  const isEmpty = raw.content === null || raw.content === undefined;
  const content: ToolResultPart["content"][number][] = [];
  for (const [n, part] of (isEmpty ? [] : decodeContent(raw, at, drops)).entries()) {
    if (part.type === "video")
      throw malformed(`${at}.content[${n}].type`, 'must be "text" in a message of this role');
    content.push(part);
  }
  const result: UserPart = { type: "tool-result", callId, name, content, isError: false, at };
  return { role: "user", parts: [result] };
}

function decodeAssistant(
  raw: JsonObject,
  at: string,
  n: number,
  legacy: LegacyCalls,
  drops: Drops,
): AssistantPart[] {
  if (raw.audio !== undefined && raw.audio !== null)
    throw refusedPart(`${at}.audio`, "the sound is stored at OpenAI; send its transcript as content");
  const reasoning = decodeReasoning(raw);
  const answer = decodeAnswer(raw, at, drops);
  const parts = reasoning === null ? answer : [reasoning, ...answer];
  const refusal = stringAt(raw, "refusal", at);
  if (refusal !== null && refusal !== "") parts.push({ type: "refusal", text: refusal });
  for (const [k, image] of (listAt(raw, "images", at) ?? []).entries())
    parts.push(decodeImage(partObject(image, `${at}.images[${k}]`, drops), `${at}.images[${k}]`));
  for (const [k, call] of (listAt(raw, "tool_calls", at) ?? []).entries())
    parts.push(decodeCall(call, `${at}.tool_calls[${k}]`));
  const call = objectAt(raw, "function_call", at);
  if (call !== null) {
    const name = nameAt(call, "name", `${at}.function_call`);
    const input = argumentsOf(call, `${at}.function_call`);
    parts.push({
      type: "tool-call",
      id: legacy.add(name, n),
      name,
      namespace: null,
      kind: "function",
      input,
    });
  }
  return parts;
}

function decodeAnswer(raw: JsonObject, at: string, drops: Drops): AssistantPart[] {
  const { content } = raw;
  if (content === null || content === undefined || content === "") return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(content, `${at}.content`, "a string, null or an array");
  const parts: AssistantPart[] = [];
  for (const [n, item] of content.entries()) {
    const partAt = `${at}.content[${n}]`;
    const part = partObject(item, partAt, drops);
    if (part.type === "text") {
      const text = decodeText(part, partAt);
      if (text.text !== "") parts.push(text);
    } else if (part.type === "refusal") {
      const text = stringAt(part, "refusal", partAt) ?? "";
      if (text !== "") parts.push({ type: "refusal", text });
    } else if (part.type === "image_url") parts.push(decodeImage(part, partAt));
    else if (part.type !== "thinking" && part.type !== "reasoning")
      throw notOneOf(`${partAt}.type`, ["text", "refusal"]);
  }
  return parts;
}

function decodeCall(raw: unknown, at: string): ToolCallPart {
  if (!isObject(raw)) throw wrongType(raw, at, "an object");
  const id = nameAt(raw, "id", at);
  const base = { type: "tool-call", id, namespace: null } as const;
  if (raw.type === "custom") {
    const custom = requiredObjectAt(raw, "custom", at);
    const name = nameAt(custom, "name", `${at}.custom`);
    return { ...base, name, kind: "custom", input: stringAt(custom, "input", `${at}.custom`) ?? "" };
  }
  const body = requiredObjectAt(raw, "function", at);
  const name = nameAt(body, "name", `${at}.function`);
  const call = { ...base, name, kind: "function", input: argumentsOf(body, `${at}.function`) } as const;
  const seal = sealOf(raw);
  return seal === null ? call : { ...call, seal };
}

/** JSON text. Some clients write the object itself. */
function argumentsOf(body: JsonObject, at: string): string {
  const given = body.arguments;
  return isObject(given) ? JSON.stringify(given) : (stringAt(body, "arguments", at) ?? "");
}

/**
 * Gives ids to calls of the older form, which has none. An id depends on the place of its message, so it
 * stays the same while the conversation grows.
 */
class LegacyCalls {
  readonly #open = new Map<string, Queue<string>>();

  add(name: string, n: number): string {
    const id = `call_function_${n}`;
    addToQueue(this.#open, name, id);
    return id;
  }

  /** The id of the oldest call of this name without a result. */
  answer(name: string): string | null {
    return this.#open.get(name)?.take() ?? null;
  }
}
