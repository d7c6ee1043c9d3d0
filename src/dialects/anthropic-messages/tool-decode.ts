/** Reads the tools of a request, and finds those that the model sees at the end of the history. */
import type { JsonObject } from "../../core/json.ts";
import type { FunctionTool, HostedTool, Tool, ToolChoice, WebSearchTool } from "../../neutral/request.ts";
import type { Drops } from "../shared/drops.ts";
import {
  booleanAt,
  elementAt,
  integerAt,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  stringsAt,
} from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { cacheHintAt } from "./cache-marks.ts";
import { clientTool } from "./client-tools.ts";
import type { ToolChange } from "./turn-decode.ts";
import { MAKER } from "./wire.ts";

export interface ToolChanges {
  /** In the order of the history. */
  readonly changes: readonly ToolChange[];
  /** Names of the tools that searches among the tools found. */
  readonly references: ReadonlySet<string>;
}

/**
 * `eager_input_streaming` only changes how a stream splits arguments. `allowed_callers` and `input_examples`
 * are read below.
 */
const FUNCTION = new Set([
  "type",
  "name",
  "description",
  "input_schema",
  "strict",
  "defer_loading",
  "cache_control",
  "eager_input_streaming",
  "allowed_callers",
  "input_examples",
]);
const WEB_SEARCH = new Set([
  "type",
  "name",
  "allowed_domains",
  "blocked_domains",
  "max_uses",
  "user_location",
  "cache_control",
  "allowed_callers",
  "strict",
  "defer_loading",
]);

/** The tools at the end of the history. */
export function decodeTools(body: JsonObject, history: ToolChanges, drops: Drops): readonly Tool[] {
  const declared = listAt(body, "tools", "") ?? [];
  if (declared.length === 0 && history.changes.length === 0) return [];
  const tools = new Map<string, Tool>();
  const add = (tool: Tool, key: string): void => {
    tools.set(tools.has(key) ? `${key} ${tools.size}` : key, tool);
  };
  for (let index = 0; index < declared.length; index++) {
    const tool = decodeTool(elementAt(declared, index, "tools"), `tools[${index}]`, drops);
    add(tool, nameOf(tool));
  }
  const surfaced = new Set(history.references);
  const removed = new Set<string>();
  for (const change of history.changes) {
    if (change.kind === "removal") {
      removed.add(change.name);
      surfaced.delete(change.name);
      continue;
    }
    removed.delete(change.name);
    surfaced.add(change.name);
    if (change.definition !== null) {
      tools.set(change.name, decodeTool(change.definition, change.at, drops));
    }
  }
  const offered = [...tools.values()].filter((tool) => !removed.has(nameOf(tool)));
  return showDeferred(offered, surfaced, drops);
}

/**
 * No other provider loads tools on demand. The model sees the tools that a search found. If there is a tool
 * to search with, the others stay hidden; else the model sees all.
 */
function showDeferred(tools: readonly Tool[], surfaced: ReadonlySet<string>, drops: Drops): readonly Tool[] {
  const canSearch = tools.some(isSearchAmongTools);
  const shown: Tool[] = [];
  for (const tool of tools) {
    if (tool.kind !== "function" || !tool.isDeferred) {
      shown.push(tool);
      continue;
    }
    if (surfaced.has(tool.name)) shown.push({ ...tool, isDeferred: false });
    else if (!canSearch) {
      shown.push({ ...tool, isDeferred: false });
      drops.add(
        `${tool.at}.defer_loading`,
        "other providers load no tools on demand; the model sees the tool from the start",
      );
    }
  }
  return shown;
}

/** A search among the tools by the provider, or by a tool of the client (Claude Code's is `ToolSearch`). */
function isSearchAmongTools(tool: Tool): boolean {
  if (tool.kind === "hosted") return tool.type.startsWith("tool_search_tool_");
  return tool.kind === "function" && /^tool_?search/i.test(tool.name);
}

function nameOf(tool: Tool): string {
  switch (tool.kind) {
    case "web-search":
      return "web_search";
    case "hosted":
      return typeof tool.raw.name === "string" ? tool.raw.name : tool.type;
    default:
      return tool.name;
  }
}

function decodeTool(tool: JsonObject, at: string, drops: Drops): Tool {
  const type = stringAt(tool, "type", at) ?? "custom";
  if (type === "custom") return decodeFunction(tool, at, drops);
  const known = clientTool(type);
  if (known !== null) {
    const isDeferred = booleanAt(tool, "defer_loading", at) ?? false;
    return {
      kind: "function",
      name: stringAt(tool, "name", at) ?? known.name,
      namespace: null,
      description: known.description,
      parameters: known.parameters,
      strict: null,
      isDeferred,
      cache: cacheHintAt(tool, at),
      at,
    };
  }
  if (type.startsWith("web_search_")) return decodeWebSearch(tool, at, drops);
  const hosted: HostedTool = { kind: "hosted", maker: MAKER, type, raw: tool, at };
  return hosted;
}

function decodeFunction(tool: JsonObject, at: string, drops: Drops): FunctionTool {
  drops.addUnknown(tool, FUNCTION, at);
  const { input_examples: examples } = tool;
  if (Array.isArray(examples) && examples.length > 0) {
    drops.add(`${at}.input_examples`, "only Anthropic takes examples of a tool's input");
  }
  const callers = stringsAt(tool, "allowed_callers", at) ?? ["direct"];
  if (!callers.includes("direct")) {
    drops.add(`${at}.allowed_callers`, "elsewhere only the model itself calls tools, and not its code");
  }
  return {
    kind: "function",
    name: nameAt(tool, "name", at),
    namespace: null,
    description: stringAt(tool, "description", at),
    parameters: requiredObjectAt(tool, "input_schema", at),
    strict: booleanAt(tool, "strict", at),
    isDeferred: booleanAt(tool, "defer_loading", at) ?? false,
    cache: cacheHintAt(tool, at),
    at,
  };
}

function decodeWebSearch(tool: JsonObject, at: string, drops: Drops): WebSearchTool {
  drops.addUnknown(tool, WEB_SEARCH, at);
  const location = objectAt(tool, "user_location", at);
  return {
    kind: "web-search",
    allowedDomains: stringsAt(tool, "allowed_domains", at),
    blockedDomains: stringsAt(tool, "blocked_domains", at),
    maxUses: integerAt(tool, "max_uses", at, 1),
    userLocation: location === null ? null : placeOf(location),
    contextSize: null,
    externalAccess: null,
    at,
  };
}

const PLACE_MEMBERS = ["city", "region", "country", "timezone"];

function placeOf(location: JsonObject): JsonObject {
  return Object.fromEntries(
    PLACE_MEMBERS.flatMap((name) => (typeof location[name] === "string" ? [[name, location[name]]] : [])),
  );
}

export interface DecodedToolChoice {
  readonly toolChoice: ToolChoice | null;
  readonly parallelToolCalls: boolean | null;
}

export function decodeToolChoice(body: JsonObject, tools: readonly Tool[]): DecodedToolChoice {
  const choice = objectAt(body, "tool_choice", "");
  if (choice === null) return { toolChoice: null, parallelToolCalls: null };
  const isSingle = booleanAt(choice, "disable_parallel_tool_use", "tool_choice");
  return {
    toolChoice: choiceOf(choice, tools),
    parallelToolCalls: isSingle === true ? false : null,
  };
}

function choiceOf(choice: JsonObject, tools: readonly Tool[]): ToolChoice {
  switch (choice.type) {
    case "auto":
      return { mode: "auto" };
    case "none":
      return { mode: "none" };
    case "any":
      return { mode: "required" };
    case "tool": {
      const name = nameAt(choice, "name", "tool_choice");
      const tool = tools.find((entry) => nameOf(entry) === name);
      if (tool === undefined)
        throw malformed("tool_choice.name", `is "${name}", which is not among the tools`);
      return tool.kind === "web-search"
        ? { mode: "web-search" }
        : { mode: "tool", tool: { name, namespace: null } };
    }
    default:
      throw notOneOf("tool_choice.type", ["auto", "any", "tool", "none"]);
  }
}
