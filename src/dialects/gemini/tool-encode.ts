/** Writes tools: all functions in one list of declarations, Google's own tools beside it. */
import type { JsonObject } from "../../core/json.ts";
import type { CustomTool, Drop, FunctionTool, ModelRequest, WebSearchTool } from "../../neutral/request.ts";
import { CUSTOM_PARAMETERS, customDescription } from "../../neutral/tools/custom-tool.ts";
import { lettersDigitsAnd, type NameRule } from "../../neutral/tools/legal-names.ts";
import { InliningRoom, withoutLocalRefs } from "../../neutral/tools/schema-refs.ts";
import { checkDepth, mapMember } from "../../neutral/tools/schema-walk.ts";
import { distinctTools, type ToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { foreignTool, type ProviderTool } from "../shared/provider-tools.ts";
import { MAKER } from "./seal.ts";

const NAME_CHARACTERS = lettersDigitsAnd("_.:-");

/** Source: Google's error for other names. */
export const TOOL_NAMES: NameRule = {
  isAllowed: (character, index) =>
    NAME_CHARACTERS.has(character) && (index > 0 || /[A-Za-z_]/.test(character)),
  maxChars: 128,
};

export interface EncodedTools {
  /** null: there are none. */
  readonly tools: readonly JsonObject[] | null;
  readonly toolConfig: JsonObject | null;
}

/** Why the model cannot use a tool that a provider runs, beside the other tools of the request; null: it can. */
export function toolFault(
  tool: ProviderTool,
  { tools }: ModelRequest,
  { webSearch, sealedCalls }: ModelTraits,
): string | null {
  if (tool.kind === "hosted" && tool.maker !== MAKER) return foreignTool(tool);
  if (tool.kind === "web-search" && !webSearch) return "the model cannot search the web";
  if (tool.kind === "web-search" && (tool.allowedDomains?.length || tool.blockedDomains?.length))
    return "Gemini's web search takes no list of domains";
  // Models before Gemini 3 refuse both together. Gemini 3 is also the first that seals its calls.
  const hasFunctions = tools.some(({ kind }) => kind === "function" || kind === "custom");
  return hasFunctions && !sealedCalls
    ? "the model takes functions or tools that Google runs, not both"
    : null;
}

export function encodeTools(request: ModelRequest, names: ToolNames, dropped: Drop[]): EncodedTools {
  const declarations: JsonObject[] = [];
  const hosted: { readonly raw: JsonObject }[] = [];
  const room = new InliningRoom();
  let isStrict = false;
  for (const tool of distinctTools(request.tools)) {
    switch (tool.kind) {
      case "function":
        if (tool.strict === true) isStrict = true;
        if (tool.isDeferred)
          dropped.push({
            field: tool.at,
            reason: "Gemini cannot search tools: this one is shown from the start",
          });
        declarations.push(declare(tool, names, room, dropped));
        break;
      case "custom":
        declarations.push(declare(tool, names, room, dropped));
        break;
      case "web-search":
        if (encodeSearch(tool, dropped)) hosted.push({ raw: { googleSearch: {} } });
        break;
      case "hosted":
        hosted.push(tool);
    }
  }
  const isMixed = declarations.length > 0 && hosted.length > 0;
  const tools = [
    ...(declarations.length === 0 ? [] : [{ functionDeclarations: declarations }]),
    ...hosted.map(({ raw }) => raw),
  ];
  const calling = encodeChoice(request, declarations.length > 0, isStrict, names, dropped);
  const toolConfig = {
    ...(calling === null ? null : { functionCallingConfig: calling }),
    ...(isMixed ? { includeServerSideToolInvocations: true } : null),
  };
  return {
    tools: tools.length === 0 ? null : tools,
    toolConfig: Object.keys(toolConfig).length === 0 ? null : toolConfig,
  };
}

function declare(
  tool: FunctionTool | CustomTool,
  names: ToolNames,
  room: InliningRoom,
  dropped: Drop[],
): JsonObject {
  const description = tool.kind === "custom" ? customDescription(tool) : tool.description;
  const schema = tool.kind === "custom" ? CUSTOM_PARAMETERS : encodeParameters(tool.parameters, room);
  if (tool.kind === "custom" && tool.grammar !== null)
    dropped.push({
      field: `${tool.at}.format`,
      reason: "Gemini cannot be held to a grammar: it is told of it in words",
    });
  return {
    name: names.wireName(tool),
    ...(description === null || description === "" ? null : { description }),
    ...(schema === null ? null : { parametersJsonSchema: schema }),
  };
}

/** null: the function takes no arguments, and Gemini wants no schema for it. */
function encodeParameters(parameters: JsonObject | null, room: InliningRoom): JsonObject | null {
  if (parameters === null) return null;
  const schema = encodeSchema(parameters, room);
  const {
    type,
    properties,
    additionalProperties,
    description: _,
    title: __,
    required: ___,
    ...rest
  } = schema;
  const hasNone = Object.keys((properties ?? {}) as object).length === 0;
  const isClosed = additionalProperties === undefined || typeof additionalProperties === "boolean";
  const isPlain = (type === undefined || type === "object") && Object.keys(rest).length === 0;
  return hasNone && isClosed && isPlain ? null : schema;
}

/** JSON Schema as Gemini reads it: without `$schema`, and without members beside a reference. */
export function encodeSchema(schema: JsonObject, room = new InliningRoom()): JsonObject {
  const inlined = hasRefWithSiblings(schema) ? withoutLocalRefs(schema, room) : schema;
  // References of a schema to itself cannot be replaced by their targets.
  const plain = hasRefWithSiblings(inlined) ? withoutRefSiblings(inlined, 1) : inlined;
  if (!Object.hasOwn(plain, "$schema")) return plain;
  return Object.fromEntries(Object.entries(plain).filter(([name]) => name !== "$schema"));
}

/** Leaves references alone in their objects: Gemini refuses members beside them, mostly a description. */
function withoutRefSiblings(node: JsonObject, depth: number): JsonObject {
  checkDepth(depth);
  const isRef = typeof node.$ref === "string";
  const members: [string, unknown][] = [];
  for (const [name, value] of Object.entries(node)) {
    if (!isRef || name.startsWith("$"))
      members.push([name, mapMember(name, value, (inner) => withoutRefSiblings(inner, depth + 1), "")]);
  }
  return Object.fromEntries(members);
}

function hasRefWithSiblings(schema: JsonObject): boolean {
  const open: object[] = [schema];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    // The names of a long list's places would take a microsecond each.
    const values = Array.isArray(node) ? node : Object.values(node);
    const isRef = values !== node && typeof (node as JsonObject).$ref === "string";
    if (isRef && Object.keys(node).some((name) => !name.startsWith("$"))) return true;
    for (const value of values) if (typeof value === "object" && value !== null) open.push(value);
  }
  return false;
}

/** Whether to send the search. */
function encodeSearch(tool: WebSearchTool, dropped: Drop[]): boolean {
  if (tool.externalAccess === false) {
    dropped.push({
      field: tool.at,
      reason: "Gemini cannot search without going to the web: the tool was left out",
    });
    return false;
  }
  const lost = [
    [tool.maxUses, "max_uses"],
    [tool.userLocation, "user_location"],
    [tool.contextSize, "search_context_size"],
  ] as const;
  for (const [value, name] of lost)
    if (value !== null)
      dropped.push({ field: `${tool.at}.${name}`, reason: "Gemini's web search has no such setting" });
  return true;
}

/** `functionCallingConfig`; null: the default. */
function encodeChoice(
  { toolChoice, parallelToolCalls }: ModelRequest,
  hasFunctions: boolean,
  isStrict: boolean,
  names: ToolNames,
  dropped: Drop[],
): JsonObject | null {
  if (parallelToolCalls === false && hasFunctions)
    dropped.push({ field: "parallelToolCalls", reason: "Gemini cannot be held to one call at a time" });
  // Without functions, names of functions mean nothing.
  const choice = hasFunctions || toolChoice?.mode === "web-search" ? toolChoice : null;
  if (toolChoice !== null && choice === null && toolChoice.mode !== "auto" && toolChoice.mode !== "none")
    dropped.push({ field: "toolChoice", reason: "there is no function to choose" });
  switch (choice?.mode) {
    case undefined:
    case "auto":
      return isStrict ? { mode: "VALIDATED" } : null;
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [names.wireName(choice.tool)] };
    case "subset":
      return {
        // AUTO ignores the names.
        mode: choice.isRequired ? "ANY" : "VALIDATED",
        allowedFunctionNames: choice.tools.map((tool) => names.wireName(tool)),
      };
    case "web-search":
      dropped.push({ field: "toolChoice", reason: "Gemini searches when it likes" });
      return null;
  }
}
