/**
 * Requests in Chat's and Claude's words on the path of Responses: `messages`, nested tools, calls and results as messages,
 * parts of Chat, limits by Chat's names. Each becomes what the book says before anything else reads it.
 */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../../../core/json.ts";
import { type ForeignForms, WORD_KINDS } from "../../dialect.ts";
import type { ResponsesPeek } from "../peek.ts";
import { bookItems } from "./items.ts";
import { bookChoice, bookTools } from "./tools.ts";

const WORDS = ["tool_calls", "tool_call_id", "tool_use", "tool_result", "media_type", "input_schema"];
/** JSON tokens that only foreign parts hold: their words stand elsewhere in requests by the book. */
const PART_TOKENS = ['"image_url":{', '"image_url": {', ':"text"', ': "text"'].map((token) =>
  Buffer.from(token),
);
/** The same of tools, but for names of properties. */
const TOOL_TOKENS = ['"function":', '"function" :'].map((token) => Buffer.from(token));

export const FOREIGN_FORMS: ForeignForms = {
  words: WORDS,
  mayBeIn(body, given) {
    const peek = given as ResponsesPeek;
    if ((peek.words & WORD_KINDS.foreign) !== 0 || peek.hasChatMember) return true;
    if (peek.inputStart === -1) return peek.messagesStart !== -1;
    if (holds(body, peek.inputStart, peek.inputEnd, PART_TOKENS)) return true;
    return peek.toolsStart !== -1 && holds(body, peek.toolsStart, peek.toolsEnd, TOOL_TOKENS);
  },
  rewrite,
};

function holds(body: Uint8Array, from: number, to: number, tokens: readonly Buffer[]): boolean {
  const part = Buffer.from(body.buffer, body.byteOffset + from, to - from);
  return tokens.some((token) => part.includes(token));
}

function rewrite(body: JsonObject): JsonObject {
  // Without a prototype, `__proto__` is a member as any other.
  const book: Record<string, unknown> = Object.assign(Object.create(null), body);
  const given = body.input ?? body.messages;
  if (Array.isArray(given)) book.input = bookItems(given);
  else if (given !== undefined) book.input = given;
  if (body.input === undefined || body.input === null) delete book.messages;
  if (body.input === null && body.messages === undefined) book.input = null;
  for (const name of ["max_completion_tokens", "max_tokens"]) rename(book, name, "max_output_tokens");
  joinInto(book, "reasoning", "effort", "reasoning_effort", (effort) => effort);
  joinInto(book, "text", "verbosity", "verbosity", (verbosity) => verbosity);
  joinInto(book, "text", "format", "response_format", bookFormat);
  if (Array.isArray(body.tools)) book.tools = bookTools(body.tools);
  if (isObject(body.tool_choice)) book.tool_choice = bookChoice(body.tool_choice);
  return book;
}

function rename(book: Record<string, unknown>, from: string, to: string): void {
  if (book[from] === undefined) return;
  book[to] ??= book[from];
  delete book[from];
}

/** A member at the top of Chat's body that is part of an object here. What stands there already counts. */
function joinInto(
  book: Record<string, unknown>,
  object: string,
  member: string,
  from: string,
  change: (value: unknown) => unknown,
): void {
  const value = book[from];
  if (value === undefined) return;
  const holder = book[object];
  if (holder !== undefined && holder !== null && !isObject(holder)) return;
  delete book[from];
  if (value !== null && holder?.[member] === undefined) book[object] = { ...holder, [member]: change(value) };
}

/** Chat nests the schema in a member of its own. */
function bookFormat(format: unknown): unknown {
  if (!isObject(format) || !isObject(format.json_schema)) return format;
  const { json_schema: schema, ...rest } = format;
  return { ...rest, ...schema };
}
