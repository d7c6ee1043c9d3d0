/** Writes tools and the choice among them. */
import type { JsonObject } from "../../core/json.ts";
import type {
  CustomTool,
  Drop,
  FunctionTool,
  ModelRequest,
  Tool,
  ToolName,
  WebSearchTool,
} from "../../neutral/request.ts";
import { CUSTOM_PARAMETERS, customDescription } from "../../neutral/tools/custom-tool.ts";
import { schemaOnWire } from "../../neutral/tools/keys-on-wire.ts";
import { objectRoot } from "../../neutral/tools/schema.ts";
import { mapMember } from "../../neutral/tools/schema-walk.ts";
import { distinctTools, type ToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { foreignTool, type ProviderTool } from "../shared/provider-tools.ts";
import { cacheMark } from "./media-encode.ts";
import { forcingOf } from "./thinking-encode.ts";

/** The members on tools: `tools` comes first in the body, the rest behind the messages. */
export interface EncodedTools {
  readonly tools: readonly JsonObject[];
  readonly rest: JsonObject;
}

const NO_TOOLS: EncodedTools = { tools: [], rest: {} };

export function encodeTools(
  request: ModelRequest,
  names: ToolNames,
  options: EncodeRequestOptions,
  dropped: Drop[],
): EncodedTools {
  if (request.tools.length === 0 && request.toolChoice === null) return NO_TOOLS;
  const search = request.tools.find((tool) => tool.kind === "web-search");
  const shown = visibleTools(request, options);
  const tools = shown.flatMap((tool) => encodeTool(tool, names, options, dropped));
  const searchOptions =
    search === undefined || !isSearchable(search, dropped) ? {} : searchOf(search, dropped);
  if (tools.length === 0) {
    const choice = request.toolChoice?.mode;
    if (choice === "required" || choice === "tool" || choice === "subset")
      dropped.push({ field: "toolChoice", reason: "there are no tools to choose from" });
    return { tools, rest: searchOptions };
  }
  const choice = encodeChoice(request, shown, names, options, dropped);
  return {
    tools,
    rest: {
      ...(choice === null ? {} : { tool_choice: choice }),
      ...(request.parallelToolCalls === null ? {} : { parallel_tool_calls: request.parallelToolCalls }),
      ...searchOptions,
    },
  };
}

/** The tools to send: a server that knows no choice among some tools gets only the chosen tools. */
function visibleTools(
  { tools, toolChoice }: ModelRequest,
  { profile }: EncodeRequestOptions,
): readonly Tool[] {
  const distinct = distinctTools(tools);
  if (profile.toolSubsets || toolChoice?.mode !== "subset") return distinct;
  const wanted = new Set(toolChoice.tools.map(keyOf));
  return distinct.filter((tool) => "name" in tool && wanted.has(keyOf(tool)));
}

function keyOf({ name, namespace }: ToolName): string {
  return `${namespace ?? ""}\n${name}`;
}

function encodeTool(
  tool: Tool,
  names: ToolNames,
  options: EncodeRequestOptions,
  dropped: Drop[],
): JsonObject[] {
  const { profile, traits } = options;
  switch (tool.kind) {
    case "function":
      return [{ ...encodeFunction(tool, names, traits, dropped), ...toolMark(tool, options) }];
    case "custom":
      return [profile.customTools ? encodeCustom(tool, names) : encodeCustomAsFunction(tool, names, dropped)];
    case "web-search":
    case "hosted":
      return [];
  }
}

/** OpenAI has no mark for tools: a mark on the instructions behind them holds for them, too. */
function toolMark({ cache }: FunctionTool, options: EncodeRequestOptions): JsonObject {
  return options.profile.cacheBreakpoints ? {} : cacheMark(cache, options);
}

function encodeFunction(
  tool: FunctionTool,
  names: ToolNames,
  traits: ModelTraits,
  dropped: Drop[],
): JsonObject {
  const { description, parameters, at } = tool;
  if (tool.isDeferred)
    dropped.push({ field: at, reason: "the tool is shown at once, as this dialect has no search of tools" });
  const root = parameters === null ? null : objectRoot(parameters);
  // OpenAI refuses an object without `properties`.
  const isBare = traits.closedSchemas && root !== null && root.properties === undefined;
  const own = isBare ? { ...root, properties: {} } : root;
  const schema = own === null ? null : schemaOnWire(names, tool, own);
  const strict = strictOf(tool.strict, schema, traits, `${at}.strict`, dropped);
  return {
    type: "function",
    function: {
      name: names.wireName(tool),
      ...(description === null ? {} : { description }),
      ...(schema === null ? {} : { parameters: schema }),
      ...(strict === null ? {} : { strict }),
    },
  };
}

/** OpenAI refuses `strict` with an open schema. */
export function strictOf(
  strict: boolean | null,
  schema: JsonObject | null,
  { closedSchemas }: ModelTraits,
  field: string,
  dropped: Drop[],
): boolean | null {
  if (strict !== true || !closedSchemas || (schema !== null && isClosed(schema))) return strict;
  dropped.push({
    field,
    reason: "OpenAI is strict only with closed objects of which all members are required",
  });
  return false;
}

export function isClosed(root: JsonObject): boolean {
  const open: JsonObject[] = [root];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    const { type, properties, required, additionalProperties } = schema;
    const isObject = type === "object" || (Array.isArray(type) && type.includes("object"));
    if (isObject || properties !== undefined) {
      if (additionalProperties !== false) return false;
      const listed = new Set(Array.isArray(required) ? required : []);
      const keys = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
      if (keys.some((key) => !listed.has(key))) return false;
    }
    for (const [name, value] of Object.entries(schema))
      mapMember(name, value, (inner) => open.push(inner), "");
  }
  return true;
}

function encodeCustom(tool: CustomTool, names: ToolNames): JsonObject {
  const { description, grammar } = tool;
  return {
    type: "custom",
    custom: {
      name: names.wireName(tool),
      ...(description === null ? {} : { description }),
      ...(grammar === null
        ? {}
        : {
            format: { type: "grammar", grammar: { definition: grammar.definition, syntax: grammar.syntax } },
          }),
    },
  };
}

function encodeCustomAsFunction(tool: CustomTool, names: ToolNames, dropped: Drop[]): JsonObject {
  if (tool.grammar !== null)
    dropped.push({
      field: tool.at,
      reason: "the grammar is described to the model, which is not held to it",
    });
  const description = customDescription(tool);
  return {
    type: "function",
    function: {
      name: names.wireName(tool),
      ...(description === null ? {} : { description }),
      parameters: CUSTOM_PARAMETERS,
    },
  };
}

/** Why the model cannot use a tool that a provider runs; null: it can. */
export function toolFault(tool: ProviderTool, { webSearch }: ModelTraits): string | null {
  if (tool.kind === "hosted") return foreignTool(tool);
  // The encoder leaves it out, also where it is alone: without the web it is nothing.
  if (tool.externalAccess === false) return null;
  if (!webSearch) return "the model cannot search the web";
  return tool.allowedDomains?.length || tool.blockedDomains?.length
    ? "the search takes no list of domains"
    : null;
}

function isSearchable({ externalAccess, at }: WebSearchTool, dropped: Drop[]): boolean {
  if (externalAccess !== false) return true;
  dropped.push({ field: at, reason: "a search of what is cached exists at no other provider" });
  return false;
}

function searchOf({ contextSize, userLocation, maxUses, at }: WebSearchTool, dropped: Drop[]): JsonObject {
  if (maxUses !== null) dropped.push({ field: at, reason: "the number of searches cannot be limited here" });
  return {
    web_search_options: {
      ...(contextSize === null ? {} : { search_context_size: contextSize }),
      ...(userLocation === null ? {} : { user_location: { type: "approximate", approximate: userLocation } }),
    },
  };
}

function encodeChoice(
  request: ModelRequest,
  tools: readonly Tool[],
  names: ToolNames,
  options: EncodeRequestOptions,
  dropped: Drop[],
): unknown {
  const { toolChoice } = request;
  const { profile } = options;
  if (forcingOf(request, options) === "left-out") {
    dropped.push({ field: "toolChoice", reason: "this model refuses to be told that it must call a tool" });
    return null;
  }
  const custom = new Set(tools.flatMap((tool) => (tool.kind === "custom" ? [keyOf(tool)] : [])));
  const named = (wanted: ToolName): JsonObject => {
    const name = names.wireName(wanted);
    return custom.has(keyOf(wanted)) && profile.customTools
      ? { type: "custom", custom: { name } }
      : { type: "function", function: { name } };
  };
  switch (toolChoice?.mode) {
    case undefined:
      return null;
    case "tool":
      return named(toolChoice.tool);
    case "subset": {
      const mode = toolChoice.isRequired ? "required" : "auto";
      if (!profile.toolSubsets) return mode;
      return { type: "allowed_tools", allowed_tools: { mode, tools: toolChoice.tools.map(named) } };
    }
    case "web-search":
      dropped.push({ field: "toolChoice", reason: "a search cannot be forced here" });
      return null;
    default:
      return toolChoice?.mode ?? null;
  }
}
