/** Writes a request of Responses by the book, whatever words its client has used. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { type BookMembers, bookMembersOf, renameMember } from "../../book-members.ts";
import { bookItems } from "./items.ts";
import { bookChoice, bookTools } from "./tools.ts";

export function rewrite(body: JsonObject): JsonObject {
  const book = bookMembersOf(body);
  const given = body.input ?? body.messages;
  if (Array.isArray(given)) book.input = bookItems(given);
  else if (given !== undefined) book.input = given;
  if (body.input === undefined || body.input === null) delete book.messages;
  if (body.input === null && body.messages === undefined) book.input = null;
  for (const name of ["max_completion_tokens", "max_tokens"]) renameMember(book, name, "max_output_tokens");
  joinInto(book, "reasoning", "effort", "reasoning_effort", (effort) => effort);
  joinInto(book, "text", "verbosity", "verbosity", (verbosity) => verbosity);
  joinInto(book, "text", "format", "response_format", bookFormat);
  if (Array.isArray(body.tools)) book.tools = bookTools(body.tools);
  if (isObject(body.tool_choice)) book.tool_choice = bookChoice(body.tool_choice);
  return book;
}

/** A member at the top of Chat's body that is part of an object here. What stands there already counts. */
function joinInto(
  book: BookMembers,
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
