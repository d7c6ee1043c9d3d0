/** Writes a request of Chat by the book, whatever words its client has used. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { appendAll } from "../../../core/lists.ts";
import { type BookMembers, bookMembersOf, renameMember } from "../../book-members.ts";
import { bookContent } from "./parts.ts";
import { bookChoice, bookTools } from "./tools.ts";

/** Members of Responses that have no meaning on Chat. */
const RESPONSES_ONLY = new Set(["input", "instructions", "include", "truncation", "text", "reasoning"]);

export function rewrite(body: JsonObject): JsonObject {
  const isResponses = body.messages === undefined && body.input !== undefined;
  const book = bookMembersOf(body, isResponses ? RESPONSES_ONLY : null);
  if (isResponses) addResponsesMembers(book, body);
  renameMember(book, "max_output_tokens", "max_completion_tokens");
  renameMember(book, "stop_sequences", "stop");
  const { system, ...rest } = book;
  const heads = [...(isResponses ? [body.instructions] : []), system];
  const given = isResponses ? body.input : body.messages;
  const list = typeof given === "string" ? [{ role: "user", content: given }] : given;
  const messages = Array.isArray(list) ? bookMessages(list) : list;
  const leading = heads.flatMap((content) =>
    content === undefined || content === null
      ? []
      : [{ role: "system", content: bookContent(content).content }],
  );
  const whole: Record<string, unknown> = {
    ...rest,
    messages: Array.isArray(messages) && leading.length > 0 ? [...leading, ...messages] : messages,
  };
  if (Array.isArray(body.tools)) whole.tools = bookTools(body.tools);
  if (isObject(body.tool_choice)) Object.assign(whole, bookChoice(body.tool_choice));
  return whole;
}

function addResponsesMembers(book: BookMembers, { reasoning, text }: JsonObject): void {
  if (isObject(reasoning) && reasoning.effort != null) book.reasoning_effort = reasoning.effort;
  if (!isObject(text)) return;
  if (text.verbosity != null) book.verbosity = text.verbosity;
  const { format } = text;
  if (!isObject(format)) return;
  const { type, ...schema } = format;
  book.response_format = type === "json_schema" ? { type, json_schema: schema } : format;
}

/** Messages, among them items of Responses. */
function bookMessages(list: readonly unknown[]): unknown[] {
  const messages: unknown[] = [];
  const turns = new CallTurns(messages);
  for (const item of list) {
    if (!isObject(item)) messages.push(item);
    else if (item.type === "function_call" || item.type === "custom_tool_call") turns.add(item);
    else if (item.type === "function_call_output" || item.type === "custom_tool_call_output")
      messages.push({
        role: "tool",
        tool_call_id: item.call_id,
        content: bookContent(item.output).content,
      });
    // Reasoning that OpenAI has encrypted, which only Responses reads.
    else if (item.type !== "reasoning" || item.role !== undefined) appendAll(messages, bookMessage(item));
  }
  return messages;
}

/** Puts calls on the assistant's message that they belong to: those of one turn stand on one message. */
class CallTurns {
  readonly #messages: unknown[];
  /** The last turn that got a call, and its own list: the client's is not changed, and copied once. */
  #open: { readonly turn: JsonObject; readonly calls: unknown[] } | null = null;

  constructor(messages: unknown[]) {
    this.#messages = messages;
  }

  add({ type, call_id: id, name, arguments: args, input }: JsonObject): void {
    const call =
      type === "function_call"
        ? { id, type: "function", function: { name, arguments: args } }
        : { id, type: "custom", custom: { name, input } };
    const last = this.#messages.at(-1);
    if (this.#open === null || this.#open.turn !== last) this.#open = this.#begin(last);
    this.#open.calls.push(call);
  }

  #begin(last: unknown): { readonly turn: JsonObject; readonly calls: unknown[] } {
    const isOfTurn = isObject(last) && last.role === "assistant";
    const calls = isOfTurn && Array.isArray(last.tool_calls) ? [...last.tool_calls] : [];
    const turn = isOfTurn
      ? { ...last, tool_calls: calls }
      : { role: "assistant", content: null, tool_calls: calls };
    if (isOfTurn) this.#messages[this.#messages.length - 1] = turn;
    else this.#messages.push(turn);
    return { turn, calls };
  }
}

/** One message as one or several: results of tools are messages of their own, before what the user says. */
function bookMessage(message: JsonObject): JsonObject[] {
  const { type, id, status, ...plain } = message;
  const given = type === "message" ? plain : message;
  if (!Array.isArray(given.content)) return [given];
  const { content, calls, results, thought } = bookContent(given.content);
  const own = thought === "" ? given : { reasoning_content: thought, ...given };
  if (calls.length > 0) {
    const others = Array.isArray(own.tool_calls) ? own.tool_calls : [];
    const isSilent = Array.isArray(content) && content.length === 0;
    return [{ ...own, content: isSilent ? null : content, tool_calls: [...others, ...calls] }];
  }
  if (results.length === 0) return [{ ...own, content: isThoughtAlone(content, thought) ? null : content }];
  const rest = Array.isArray(content) && content.length === 0 ? [] : [{ ...own, content }];
  return [...results, ...rest];
}

function isThoughtAlone(content: unknown, thought: string): boolean {
  return thought !== "" && Array.isArray(content) && content.length === 0;
}
