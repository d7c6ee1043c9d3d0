/** A tool whose input is free text, on a wire that only knows functions: a function with the one string argument `input`. */
import type { CustomTool, JsonObject } from "../request.ts";

/** The arguments of the function that stands for a custom tool. */
export const CUSTOM_PARAMETERS: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The whole input of the tool as plain text." } },
  required: ["input"],
  additionalProperties: false,
};

/** What the function says of itself: the tool's description, and its grammar, which this wire cannot hold the model to. */
export function customDescription(tool: CustomTool): string | null {
  if (tool.grammar === null) return tool.description;
  const { syntax, definition } = tool.grammar;
  const rule = `The input must match this ${syntax === "lark" ? "Lark grammar" : "regular expression"}:\n${definition}`;
  return tool.description === null || tool.description === "" ? rule : `${tool.description}\n\n${rule}`;
}

/** The arguments that stand for an input, as JSON text. */
export function customArguments(input: string): string {
  return `{"input":${JSON.stringify(input)}}`;
}
