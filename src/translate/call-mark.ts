/**
 * What tells one call of a conversation from all others. Ids that are counted do not: Kimi counts them anew in each
 * conversation (`functions.read:0`), other servers too. Two calls are the same that have one id, one name and equal arguments,
 * and that answer the same turn. Where the id is random, the turn may differ: some clients shorten a conversation or renew
 * their reminders.
 */
import { type RunningHash, sha256 } from "../core/hash.ts";
import { isObject } from "../core/json.ts";
import { carriedIn } from "../neutral/conversation/call-ids.ts";
import type { Message, ToolCallPart, UserMessage } from "../neutral/message.ts";
import { parseJson } from "../wire/json.ts";

export type MarkedCall = Pick<ToolCallPart, "id" | "name" | "input">;

/** The words of the turn that the message at `at` answers: of the user and of tools, behind the assistant's last one. */
export function turnBefore(messages: readonly Message[], at: number): string {
  const hash = sha256();
  for (let n = at - 1; n >= 0; n--) {
    const message = messages[n];
    if (message?.role === "assistant") break;
    if (message?.role === "user") addWords(hash, message);
  }
  return hash.digest("base64");
}

/** `turn`: as `turnBefore` gives it. */
export function markOf({ id, name, input }: MarkedCall, turn: string): string {
  return sha256()
    .update(`${name}\n${sameText(input)}\n`)
    .update(isRandom(carriedIn(id), name) ? "" : turn)
    .digest("base64");
}

/** A word of an id; no shorter one is taken for random. */
const WORD = /[A-Za-z0-9]{8,}/g;
/** Letters beside digits, or digits beside letters. */
const CHANGE = /[A-Za-z](?=\d)|\d(?=[A-Za-z])/g;
const LEAST_CHANGES = 2;

/** No provider's ids and names are longer: to look for a long name in a long id can cost the product of both lengths. */
const MAX_LOOKED_CHARS = 1_024;

/** Whether no other conversation has the id. A number, or a word with one number beside it, may count calls. */
function isRandom(id: string, name: string): boolean {
  const looked = id.slice(0, MAX_LOOKED_CHARS);
  const words = (name.length > MAX_LOOKED_CHARS ? looked : looked.replace(name, " ")).match(WORD) ?? [];
  return words.some((word) => (word.match(CHANGE) ?? []).length >= LEAST_CHANGES);
}

/** Clients may repeat a medium in another form, or not at all: only words count. */
function addWords(hash: RunningHash, { parts }: UserMessage): void {
  // Some clients add reminders of their own beside the results, and change them later.
  const results = parts.filter((part) => part.type === "tool-result");
  for (const result of results) {
    hash.update(`\n${result.callId}\n`);
    for (const part of result.content) if (part.type === "text") hash.update(part.text);
  }
  if (results.length > 0) return;
  for (const part of parts) if (part.type === "text") hash.update(part.text);
}

/** Equal arguments have one text, in whichever order and spelling a client repeats them. */
function sameText(input: string): string {
  const text = input.trim() === "" ? "{}" : input;
  const value = parseJson(text);
  if (value === undefined) return text;
  try {
    return JSON.stringify(value, (_, inner: unknown) => (isObject(inner) ? sorted(inner) : inner));
  } catch (cause) {
    if (cause instanceof RangeError) return text;
    throw cause;
  }
}

function sorted(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1));
  // Without a prototype, `__proto__` is a member as any other.
  return Object.assign(Object.create(null), Object.fromEntries(entries)) as Record<string, unknown>;
}
