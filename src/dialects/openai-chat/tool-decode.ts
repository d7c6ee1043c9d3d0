/** Reads the tools and the choice among them, also in the older form with `functions`. */
import { isObject, type JsonObject } from "../../core/json.ts";
import type { CustomTool, FunctionTool, Tool, ToolChoice, ToolName } from "../../neutral/request.ts";
import type { Drops } from "../shared/drops.ts";
import {
  booleanAt,
  elementAt,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  wordAt,
} from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { decodeCache } from "./part-decode.ts";
import { MAKER } from "./seal.ts";

const TOOL_MEMBERS: ReadonlySet<string> = new Set(["type", "function", "custom", "cache_control"]);
const FUNCTION_MEMBERS: ReadonlySet<string> = new Set(["name", "description", "parameters", "strict"]);
const CUSTOM_MEMBERS: ReadonlySet<string> = new Set(["name", "description", "format"]);
const LOCATION_MEMBERS = ["city", "region", "country", "timezone"];
const SIZES = ["low", "medium", "high"] as const;
const SYNTAXES = ["lark", "regex"] as const;

export function decodeTools(body: JsonObject, drops: Drops): Tool[] {
  const tools: Tool[] = [];
  const list = listAt(body, "tools", "") ?? [];
  for (let n = 0; n < list.length; n++) {
    const at = `tools[${n}]`;
    const raw = elementAt(list, n, "tools");
    drops.addUnknown(raw, TOOL_MEMBERS, at);
    if (raw.type === "custom") tools.push(decodeCustom(requiredObjectAt(raw, "custom", at), at, drops));
    else if (raw.type === "function" || (raw.type === undefined && isObject(raw.function)))
      tools.push(decodeFunction(requiredObjectAt(raw, "function", at), `${at}.function`, at, raw, drops));
    else if (typeof raw.type === "string") tools.push(decodeProviderTool(raw, raw.type, at));
    else throw notOneOf(`${at}.type`, ["function", "custom"]);
  }
  const functions = listAt(body, "functions", "") ?? [];
  for (let n = 0; n < functions.length; n++) {
    const at = `functions[${n}]`;
    const raw = elementAt(functions, n, "functions");
    tools.push(decodeFunction(raw, at, at, raw, drops));
  }
  const search = objectAt(body, "web_search_options", "");
  if (search !== null) tools.push(decodeSearch(search));
  return tools;
}

/** A tool in the words of another dialect, which a provider runs. Servers have tools of their own as well. */
function decodeProviderTool(raw: JsonObject, type: string, at: string): Tool {
  return { kind: "hosted", maker: MAKER, type, raw, at };
}

function decodeFunction(
  raw: JsonObject,
  rawAt: string,
  at: string,
  tool: JsonObject,
  drops: Drops,
): FunctionTool {
  if (raw !== tool) drops.addUnknown(raw, FUNCTION_MEMBERS, rawAt);
  return {
    kind: "function",
    name: nameAt(raw, "name", rawAt),
    namespace: null,
    description: stringAt(raw, "description", rawAt),
    parameters: objectAt(raw, "parameters", rawAt),
    strict: booleanAt(raw, "strict", rawAt),
    isDeferred: false,
    cache: decodeCache(tool, at),
    at,
  };
}

function decodeCustom(raw: JsonObject, at: string, drops: Drops): CustomTool {
  const rawAt = `${at}.custom`;
  drops.addUnknown(raw, CUSTOM_MEMBERS, rawAt);
  return {
    kind: "custom",
    name: nameAt(raw, "name", rawAt),
    namespace: null,
    description: stringAt(raw, "description", rawAt),
    grammar: decodeGrammar(objectAt(raw, "format", rawAt), `${rawAt}.format`),
    at,
  };
}

function decodeGrammar(format: JsonObject | null, at: string): CustomTool["grammar"] {
  if (format === null || format.type === "text") return null;
  if (format.type !== "grammar") throw notOneOf(`${at}.type`, ["text", "grammar"]);
  const grammar = requiredObjectAt(format, "grammar", at);
  const syntax = wordAt(grammar, "syntax", `${at}.grammar`, SYNTAXES);
  if (syntax === null) throw notOneOf(`${at}.grammar.syntax`, SYNTAXES);
  return { syntax, definition: nameAt(grammar, "definition", `${at}.grammar`) };
}

function decodeSearch(options: JsonObject): Tool {
  const at = "web_search_options";
  const location = objectAt(options, "user_location", at);
  const approximate = location === null ? null : objectAt(location, "approximate", `${at}.user_location`);
  const known = Object.entries(approximate ?? {}).filter(([key]) => LOCATION_MEMBERS.includes(key));
  return {
    kind: "web-search",
    allowedDomains: null,
    blockedDomains: null,
    maxUses: null,
    userLocation: approximate === null ? null : Object.fromEntries(known),
    contextSize: wordAt(options, "search_context_size", at, SIZES),
    externalAccess: null,
    at,
  };
}

/** `tool_choice`, or the older `function_call`; null without tools. */
export function decodeToolChoice(body: JsonObject, tools: readonly Tool[], drops: Drops): ToolChoice | null {
  const isLegacy = body.tool_choice === undefined || body.tool_choice === null;
  const field = isLegacy ? "function_call" : "tool_choice";
  const raw = body[field];
  if (raw === undefined || raw === null) return null;
  const choice = isLegacy ? legacyChoice(raw) : choiceOf(raw);
  const named = new Set(tools.map((tool) => ("name" in tool ? tool.name : "")));
  if (named.size === 0) {
    if (choice.mode !== "auto" && choice.mode !== "none") drops.add(field, "the request has no tools");
    return null;
  }
  const wanted = choice.mode === "tool" ? [choice.tool] : choice.mode === "subset" ? choice.tools : [];
  for (const { name } of wanted)
    if (!named.has(name)) throw malformed(field, `names the tool "${name}", which is not among the tools`);
  return choice;
}

function legacyChoice(raw: unknown): ToolChoice {
  if (raw === "auto" || raw === "none") return { mode: raw };
  if (!isObject(raw)) throw malformed("function_call", 'must be "auto", "none" or an object with a name');
  return { mode: "tool", tool: toolNamed(nameAt(raw, "name", "function_call")) };
}

function choiceOf(raw: unknown): ToolChoice {
  if (raw === "auto" || raw === "none" || raw === "required") return { mode: raw };
  if (!isObject(raw)) throw malformed("tool_choice", 'must be "auto", "none", "required" or an object');
  switch (raw.type) {
    case "function":
    case "custom":
      return { mode: "tool", tool: namedIn(raw, raw.type, "tool_choice") };
    case "allowed_tools": {
      const at = "tool_choice.allowed_tools";
      const allowed = requiredObjectAt(raw, "allowed_tools", "tool_choice");
      const isRequired = wordAt(allowed, "mode", at, ["auto", "required"] as const) === "required";
      const list = listAt(allowed, "tools", at) ?? [];
      const tools = list.map((_, n): ToolName => {
        const tool = elementAt(list, n, `${at}.tools`);
        return namedIn(tool, tool.type === "custom" ? "custom" : "function", `${at}.tools[${n}]`);
      });
      return { mode: "subset", tools, isRequired };
    }
    default:
      throw notOneOf("tool_choice.type", ["function", "custom", "allowed_tools"]);
  }
}

function namedIn(raw: JsonObject, kind: "function" | "custom", at: string): ToolName {
  return toolNamed(nameAt(requiredObjectAt(raw, kind, at), "name", `${at}.${kind}`));
}

function toolNamed(name: string): ToolName {
  return { name, namespace: null };
}
