/** Writes a request of Messages by the book, whatever words its client has used. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { bookMembersOf, renameMember } from "../../book-members.ts";
import { bookMessages, instructionsIn } from "./messages.ts";
import { bookChoice, bookTools } from "./tools.ts";

export function rewrite(body: JsonObject): JsonObject {
  const book = bookMembersOf(body);
  for (const name of ["max_completion_tokens", "max_output_tokens"]) renameMember(book, name, "max_tokens");
  if (book.stop !== undefined && book.stop !== null) {
    book.stop_sequences ??= typeof book.stop === "string" ? [book.stop] : book.stop;
    delete book.stop;
  }
  // A thread goes on with whatever stands first.
  if (Array.isArray(body.messages) && body.thread !== undefined) book.messages = bookMessages(body.messages);
  else if (Array.isArray(body.messages)) {
    const { system, messages } = instructionsIn(body.messages);
    if (system.length > 0) book.system = [...systemOf(body.system), ...system];
    book.messages = bookMessages(messages);
  }
  if (Array.isArray(body.tools)) book.tools = bookTools(body.tools);
  const { parallel_tool_calls: isParallel, ...rest } = book;
  const choice = bookChoice(body.tool_choice, isParallel);
  return { ...(isParallel === undefined ? book : rest), ...choice };
}

function systemOf(system: unknown): readonly unknown[] {
  if (system === undefined || system === null || system === "") return [];
  return Array.isArray(system) ? system : isObject(system) ? [system] : [{ type: "text", text: system }];
}
