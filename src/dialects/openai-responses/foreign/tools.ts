/** Tools, and the choice among them, in the words of Chat and Claude, as those of Responses. */
import { isObject, type JsonObject } from "../../../core/json.ts";

export function bookTools(tools: readonly unknown[]): unknown[] {
  return tools.map((tool) => (isObject(tool) ? bookTool(tool) : tool));
}

/** The tool itself where it is by the book. */
function bookTool(tool: JsonObject): JsonObject {
  const { type, name, function: nested, custom, input_schema: schema } = tool;
  if (isObject(nested) && (type === undefined || type === "function"))
    return { type: "function", ...named(nested) };
  if (isObject(custom) && type === "custom") {
    const { format, ...rest } = custom;
    return { type, ...named(rest), ...(isObject(format) ? { format: flatFormat(format) } : {}) };
  }
  if (typeof name === "string" && isObject(schema) && (type === undefined || type === "custom"))
    return { type: "function", ...named(tool), parameters: schema };
  return tool;
}

function named({ name, description, parameters, strict, format }: JsonObject): JsonObject {
  return {
    name,
    ...(description == null ? {} : { description }),
    ...(parameters == null ? {} : { parameters }),
    ...(strict == null ? {} : { strict }),
    ...(format == null ? {} : { format }),
  };
}

/** Chat nests a grammar in a member of its own. */
function flatFormat(format: JsonObject): JsonObject {
  const { grammar, ...rest } = format;
  return isObject(grammar) ? { ...rest, ...grammar } : format;
}

/** The choice itself where it is by the book. */
export function bookChoice(choice: JsonObject): unknown {
  const { type, name } = choice;
  switch (type) {
    case "auto":
    case "none":
    case "required":
      return type;
    case "any":
      return "required";
    case "tool":
      return { type: "function", name };
    case "function":
    case "custom": {
      const nested = choice[type];
      return isObject(nested) ? { type, name: nested.name } : choice;
    }
    case "allowed_tools": {
      const nested = choice.allowed_tools;
      if (!isObject(nested) || !Array.isArray(nested.tools)) return choice;
      const tools = nested.tools.map((tool) => (isObject(tool) ? bookChoice(tool) : tool));
      return { type, mode: nested.mode, tools };
    }
    default:
      return choice;
  }
}
