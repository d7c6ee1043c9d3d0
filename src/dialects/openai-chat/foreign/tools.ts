/** Tools, and the choice among them, in the words of Responses, Messages and Gemini, as those of Chat. */
import { isObject, type JsonObject } from "../../../core/json.ts";

export function bookTools(tools: readonly unknown[]): unknown[] {
  return tools.flatMap((tool) => (isObject(tool) ? bookTool(tool) : [tool]));
}

function bookTool(tool: JsonObject): JsonObject[] {
  const { type, name, description, input_schema: schema, cache_control: mark } = tool;
  const declarations = tool.functionDeclarations ?? tool.function_declarations;
  if (Array.isArray(declarations)) return declarations.filter(isObject).map(declared);
  if (isObject(tool.function) || isObject(tool.custom) || typeof name !== "string") return [tool];
  const more = mark === undefined ? {} : { cache_control: mark };
  // A tool of Messages says what it takes in `input_schema`, and may have no type.
  if (isObject(schema) && (type === undefined || type === "custom"))
    return [{ type: "function", function: { name, ...describe(description), parameters: schema }, ...more }];
  if (type === "function" || (type === undefined && isObject(tool.parameters))) {
    const { parameters, strict } = tool;
    const own = { ...(parameters == null ? {} : { parameters }), ...(strict == null ? {} : { strict }) };
    return [{ type: "function", function: { name, ...describe(description), ...own }, ...more }];
  }
  if (type !== "custom") return [tool];
  return [{ type, custom: { name, ...describe(description), ...bookFormat(tool.format) }, ...more }];
}

function declared({ name, description, parameters, parametersJsonSchema }: JsonObject): JsonObject {
  const schema = parametersJsonSchema ?? parameters;
  const own = schema === undefined ? {} : { parameters: schema };
  return { type: "function", function: { name, ...describe(description), ...own } };
}

function describe(description: unknown): JsonObject {
  return description == null ? {} : { description };
}

function bookFormat(format: unknown): JsonObject {
  if (!isObject(format)) return {};
  const { type, ...grammar } = format;
  return { format: type === "grammar" && !isObject(grammar.grammar) ? { type, grammar } : format };
}

/** The members that stand for a choice that is written as an object. */
export function bookChoice(choice: JsonObject): JsonObject {
  const parallel = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  const { type, name } = choice;
  switch (type) {
    case "auto":
    case "none":
    case "required":
      return { tool_choice: type, ...parallel };
    case "any":
      return { tool_choice: "required", ...parallel };
    case "tool":
      return { tool_choice: { type: "function", function: { name } }, ...parallel };
    case "function":
    case "custom":
      return { tool_choice: isObject(choice[type]) ? choice : { type, [type]: { name } } };
    case "allowed_tools": {
      const { mode, tools } = choice;
      if (!Array.isArray(tools)) return { tool_choice: choice };
      const named = tools.map((tool) => (isObject(tool) ? bookChoice(tool).tool_choice : tool));
      return { tool_choice: { type, allowed_tools: { mode, tools: named } } };
    }
    default:
      return { tool_choice: choice };
  }
}
