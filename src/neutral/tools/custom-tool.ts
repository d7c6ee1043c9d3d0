/**
 * A tool with free text as input, on a wire that only has functions: a function with the one string argument
 * `input`.
 */
import type { JsonObject } from "../../core/json.ts";
import type { CustomTool } from "../request.ts";

/** The schema of the arguments of the function that replaces a custom tool. */
export const CUSTOM_PARAMETERS: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The whole input of the tool as plain text." } },
  required: ["input"],
  additionalProperties: false,
};

/**
 * The description of the function: the tool's description and its grammar, which this wire cannot enforce.
 */
export function customDescription(tool: CustomTool): string | null {
  if (tool.grammar === null) return tool.description;
  const { syntax, definition } = tool.grammar;
  const rule = `The input must match this ${syntax === "lark" ? "Lark grammar" : "regular expression"}:\n${definition}`;
  return tool.description === null || tool.description === "" ? rule : `${tool.description}\n\n${rule}`;
}

/** An input as the JSON text of the arguments. */
export function customArguments(input: string): string {
  return `{"input":${JSON.stringify(input)}}`;
}
