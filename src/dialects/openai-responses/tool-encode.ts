/** Writes tools and the choice among them. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import type {
  CustomTool,
  Drop,
  FunctionTool,
  ModelRequest,
  Tool,
  ToolChoice,
  ToolName,
  WebSearchTool,
} from "../../neutral/request.ts";
import { lettersDigitsAnd } from "../../neutral/tools/legal-names.ts";
import { objectRoot } from "../../neutral/tools/schema.ts";
import { distinctTools, OUTPUT_TOOL, type ToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { foreignTool, type ProviderTool } from "../shared/provider-tools.ts";
import { MAKER } from "./seal.ts";

const NAME_CHARACTERS = lettersDigitsAnd("_-");
/** The names of tools that OpenAI takes. */
export const NAME_RULE = { isAllowed: (character: string) => NAME_CHARACTERS.has(character), maxChars: 64 };

export function encodeTools(tools: readonly Tool[], names: ToolNames, dropped: Drop[]): JsonObject[] {
  return distinctTools(tools).map((tool) => encodeTool(tool, names, dropped));
}

function encodeTool(tool: Tool, names: ToolNames, dropped: Drop[]): JsonObject {
  switch (tool.kind) {
    case "function":
      return encodeFunction(tool, names, dropped);
    case "custom":
      return encodeCustom(tool, names);
    case "web-search":
      return encodeSearch(tool);
    case "hosted":
      return tool.raw;
  }
}

/** The tool that stands for structured output, for a model without it. */
export function outputTool(names: ToolNames, schema: JsonObject): JsonObject {
  return {
    type: "function",
    name: names.wireName(OUTPUT_TOOL),
    description: "Gives the answer in the form that was asked for.",
    parameters: objectRoot(schema),
    strict: isClosed(schema),
  };
}

function encodeFunction(tool: FunctionTool, names: ToolNames, dropped: Drop[]): JsonObject {
  if (tool.isDeferred)
    dropped.push({ field: tool.at, reason: "the tool is shown at once, as nothing searches here" });
  const root = objectRoot(tool.parameters);
  // OpenAI refuses an object without `properties`.
  const parameters = root.properties === undefined ? { ...root, properties: {} } : root;
  return {
    type: "function",
    name: names.wireName(tool),
    ...(tool.description === null ? null : { description: tool.description }),
    parameters,
    // An absent `strict` counts as true.
    strict: strictOf(tool.strict, parameters, `${tool.at}.strict`, dropped),
  };
}

function encodeCustom(tool: CustomTool, names: ToolNames): JsonObject {
  return {
    type: "custom",
    name: names.wireName(tool),
    ...(tool.description === null ? null : { description: tool.description }),
    ...(tool.grammar === null ? null : { format: { type: "grammar", ...tool.grammar } }),
  };
}

/** Why the model cannot use a tool that a provider runs; null: it can. */
export function toolFault(tool: ProviderTool, { webSearch }: ModelTraits): string | null {
  if (tool.kind === "hosted") return tool.maker === MAKER ? null : foreignTool(tool);
  if (!webSearch) return "the model cannot search the web";
  return tool.blockedDomains?.length ? "OpenAI's web search cannot block domains" : null;
}

function encodeSearch(tool: WebSearchTool): JsonObject {
  return {
    type: "web_search",
    ...(tool.allowedDomains?.length ? { filters: { allowed_domains: tool.allowedDomains } } : null),
    ...(tool.userLocation === null ? null : { user_location: { type: "approximate", ...tool.userLocation } }),
    ...(tool.contextSize === null ? null : { search_context_size: tool.contextSize }),
    ...(tool.externalAccess === null ? null : { external_web_access: tool.externalAccess }),
  };
}

/** The limit of searches, as the limit for calls of hosted tools: the request holds no other hosted tool. */
export function maxSearches(tools: readonly Tool[]): number | null {
  let most: number | null = null;
  for (const tool of tools) {
    if (tool.kind === "hosted") return null;
    if (tool.kind === "web-search" && tool.maxUses !== null) most = tool.maxUses;
  }
  return most;
}

/** OpenAI refuses `strict` with an open schema. */
export function strictOf(
  strict: boolean | null,
  schema: JsonObject,
  field: string,
  dropped: Drop[],
): boolean {
  if (strict !== true) return false;
  if (isClosed(schema)) return true;
  dropped.push({
    field,
    reason: "OpenAI is strict only with closed objects of which all members are required",
  });
  return false;
}

/** Whether all objects in a schema are closed and require all of their members. Linear, without recursion. */
export function isClosed(root: JsonObject): boolean {
  const open: unknown[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) appendAll(open, node);
    if (!isObject(node)) continue;
    const { type, properties, required, additionalProperties } = node;
    if (type === "object" || (Array.isArray(type) && type.includes("object"))) {
      if (additionalProperties !== false) return false;
      const listed = new Set<unknown>(Array.isArray(required) ? required : []);
      if (isObject(properties) && !Object.keys(properties).every((name) => listed.has(name))) return false;
    }
    for (const name of ["items", "anyOf"]) if (node[name] !== undefined) open.push(node[name]);
    for (const name of ["properties", "$defs", "definitions"]) {
      const inner = node[name];
      if (isObject(inner)) appendAll(open, Object.values(inner));
    }
  }
  return true;
}

/** null: the member is left out. */
export function encodeToolChoice(
  { toolChoice: choice, tools }: ModelRequest,
  names: ToolNames,
  traits: ModelTraits,
  dropped: Drop[],
): unknown {
  if (choice === null || tools.length === 0) return null;
  if (!traits.forcedTools && isForcing(choice)) {
    dropped.push({ field: "toolChoice", reason: "the model cannot be told that it must call a tool" });
    return null;
  }
  const custom = new Set(tools.flatMap((tool) => (tool.kind === "custom" ? [keyOf(tool)] : [])));
  const kindOf = (name: ToolName): "function" | "custom" => (custom.has(keyOf(name)) ? "custom" : "function");
  const entryOf = (name: ToolName): JsonObject => ({ type: kindOf(name), name: names.wireName(name) });
  return encodeChoice(choice, entryOf);
}

function isForcing(choice: ToolChoice): boolean {
  if (choice.mode === "subset") return choice.isRequired;
  return choice.mode !== "auto" && choice.mode !== "none";
}

function encodeChoice(choice: ToolChoice, entryOf: (name: ToolName) => JsonObject): unknown {
  switch (choice.mode) {
    case "tool":
      return entryOf(choice.tool);
    case "subset": {
      const mode = choice.isRequired ? "required" : "auto";
      return { type: "allowed_tools", mode, tools: choice.tools.map(entryOf) };
    }
    case "web-search":
      return { type: "web_search" };
    default:
      return choice.mode;
  }
}

function keyOf({ name, namespace }: ToolName): string {
  return `${namespace ?? ""}\n${name}`;
}
