/** Tools, and the choice among them, in the words of Chat and Responses, as those of Messages. */
import { isObject, type JsonObject } from "../../../core/json.ts";

export function bookTools(tools: readonly unknown[]): unknown[] {
  return tools.map((tool) => (isObject(tool) ? bookTool(tool) : tool));
}

/** The tool itself where it is by the book. */
function bookTool(tool: JsonObject): JsonObject {
  const { type, name, input_schema: schema, cache_control: mark } = tool;
  if (schema !== undefined || (type !== undefined && type !== "function")) return tool;
  const own = isObject(tool.function) ? tool.function : tool;
  if (typeof own.name !== "string" || (own === tool && type !== "function" && !isObject(tool.parameters)))
    return tool;
  const { description, parameters, strict } = own;
  return {
    name: own.name ?? name,
    ...(description == null ? {} : { description }),
    input_schema: isObject(parameters) ? parameters : { type: "object", properties: {} },
    ...(strict === true ? { strict } : {}),
    ...(mark === undefined ? {} : { cache_control: mark }),
  };
}

const WORDS: Readonly<Record<string, string>> = { auto: "auto", none: "none", required: "any", any: "any" };

/** The member for the choice; empty where nothing is to be changed. `isParallel`: Chat's `parallel_tool_calls`. */
export function bookChoice(choice: unknown, isParallel: unknown): JsonObject {
  const book = bookWord(choice);
  const single = isParallel === false ? { disable_parallel_tool_use: true } : null;
  if (single === null) return book === choice ? {} : { tool_choice: book };
  const whole = isObject(book) ? book : { type: "auto" };
  // Without tools, or with none of them, there is nothing to do side by side.
  return whole.type === "none" ? { tool_choice: whole } : { tool_choice: { ...whole, ...single } };
}

function bookWord(choice: unknown): unknown {
  if (typeof choice === "string") {
    const type = Object.hasOwn(WORDS, choice) ? WORDS[choice] : undefined;
    return type === undefined ? choice : { type };
  }
  if (!isObject(choice)) return choice;
  if (choice.type === "required") return { ...choice, type: "any" };
  if (choice.type !== "function") return choice;
  const name = isObject(choice.function) ? choice.function.name : choice.name;
  return { type: "tool", name };
}
