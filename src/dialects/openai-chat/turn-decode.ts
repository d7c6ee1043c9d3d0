/** The conversation as a client gives it. */
import { appendAll } from "../../core/lists.ts";
import type {
  AssistantPart,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../../neutral/message.ts";
import type { JsonObject } from "../../neutral/request.ts";
import { sealOf } from "./call-slot.ts";
import {
  arrayIn,
  bad,
  type Drops,
  isObject,
  objectIn,
  requiredObject,
  requiredString,
  stringIn,
  untranslatable,
} from "./member.ts";
import { decodeContent, decodeImage, decodeText, decodeTexts, partObject } from "./part-decode.ts";

/**
 * Thinking, annotations and the like of former answers, which clients send back as they got them: thinking without its seal is no
 * provider's own, and the rest tells nothing new. Never named as lost.
 */
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
  "reasoning_content",
  "reasoning",
  "reasoning_details",
]);

export interface Conversation {
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
}

export function decodeMessages(body: JsonObject, drops: Drops): Conversation {
  const list = arrayIn(body, "messages", "");
  if (list === null || list.length === 0) throw bad("messages", "must be an array with at least one message");
  const system: TextPart[] = [];
  const messages: Message[] = [];
  const legacy = new LegacyCalls();
  for (const [n, raw] of list.entries()) {
    const at = `messages[${n}]`;
    if (!isObject(raw)) throw bad(at, "must be an object with a role");
    drops.addUnknown(raw, MESSAGE_MEMBERS, at, "message");
    const message = decodeMessage(raw, at, n, legacy, drops);
    if (message.role !== "system") messages.push(message);
    else if (messages.length === 0) appendAll(system, message.parts);
    else if (message.parts.length > 0) messages.push(message);
  }
  return { system, messages };
}

function decodeMessage(raw: JsonObject, at: string, n: number, legacy: LegacyCalls, drops: Drops): Message {
  const name = stringIn(raw, "name", at);
  switch (raw.role) {
    case "system":
    case "developer":
      if (name !== null) drops.add(`${at}.name`, "instructions have no name elsewhere");
      return { role: "system", parts: decodeTexts(raw, at, drops).filter((part) => part.text !== "") };
    case "user":
      return { role: "user", parts: decodeContent(raw, at, drops), ...(name === null ? {} : { name }) };
    case "assistant":
      return {
        role: "assistant",
        parts: decodeAssistant(raw, at, n, legacy, drops),
        ...(name === null ? {} : { name }),
        at,
      };
    case "tool":
      return toolMessage(raw, at, requiredString(raw, "tool_call_id", at), name, drops);
    case "function": {
      const called = requiredString(raw, "name", at);
      const id = legacy.answer(called);
      if (id === null)
        throw bad(`${at}.name`, `names "${called}", which no assistant message before it calls`);
      return toolMessage(raw, at, id, called, drops);
    }
    default:
      throw bad(`${at}.role`, "must be one of system, developer, user, assistant, tool, function");
  }
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
      throw bad(`${at}.content[${n}].type`, 'must be "text" in a message of this role');
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
    throw untranslatable(
      `${at}.audio`,
      "refers to sound that only OpenAI holds; send its transcript as content",
    );
  const parts = decodeAnswer(raw, at, drops);
  const refusal = stringIn(raw, "refusal", at);
  if (refusal !== null && refusal !== "") parts.push({ type: "refusal", text: refusal });
  for (const [k, image] of (arrayIn(raw, "images", at) ?? []).entries())
    parts.push(decodeImage(partObject(image, `${at}.images[${k}]`, drops), `${at}.images[${k}]`));
  for (const [k, call] of (arrayIn(raw, "tool_calls", at) ?? []).entries())
    parts.push(decodeCall(call, `${at}.tool_calls[${k}]`));
  const call = objectIn(raw, "function_call", at);
  if (call !== null) {
    const name = requiredString(call, "name", `${at}.function_call`);
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
  if (!Array.isArray(content)) throw bad(`${at}.content`, "must be a string, null or an array of parts");
  const parts: AssistantPart[] = [];
  for (const [n, item] of content.entries()) {
    const partAt = `${at}.content[${n}]`;
    const part = partObject(item, partAt, drops);
    if (part.type === "text") {
      const text = decodeText(part, partAt);
      if (text.text !== "") parts.push(text);
    } else if (part.type === "refusal") {
      const text = stringIn(part, "refusal", partAt) ?? "";
      if (text !== "") parts.push({ type: "refusal", text });
    } else if (part.type !== "thinking" && part.type !== "reasoning")
      throw bad(`${partAt}.type`, "must be text or refusal in a message of the assistant");
  }
  return parts;
}

function decodeCall(raw: unknown, at: string): ToolCallPart {
  if (!isObject(raw)) throw bad(at, "must be an object");
  const id = requiredString(raw, "id", at);
  const base = { type: "tool-call", id, namespace: null } as const;
  if (raw.type === "custom") {
    const custom = requiredObject(raw, "custom", at);
    const name = requiredString(custom, "name", `${at}.custom`);
    return { ...base, name, kind: "custom", input: stringIn(custom, "input", `${at}.custom`) ?? "" };
  }
  const body = requiredObject(raw, "function", at);
  const name = requiredString(body, "name", `${at}.function`);
  const call = { ...base, name, kind: "function", input: argumentsOf(body, `${at}.function`) } as const;
  const seal = sealOf(raw);
  return seal === null ? call : { ...call, seal };
}

/** JSON text; some clients write the object itself. */
function argumentsOf(body: JsonObject, at: string): string {
  const given = body.arguments;
  return isObject(given) ? JSON.stringify(given) : (stringIn(body, "arguments", at) ?? "");
}

/** Calls of the deprecated form have no ids: they get one by the place of their message, so that it stays as the conversation grows. */
class LegacyCalls {
  readonly #open = new Map<string, string[]>();

  add(name: string, n: number): string {
    const id = `call_function_${n}`;
    this.#open.set(name, [...(this.#open.get(name) ?? []), id]);
    return id;
  }

  /** The id of the oldest call of that name that has no result yet. */
  answer(name: string): string | null {
    return this.#open.get(name)?.shift() ?? null;
  }
}
