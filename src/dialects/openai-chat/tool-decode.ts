/** Tools and the choice among them, as a client gives them: today's form, and that of `functions`, which came before it. */
import type {
  CustomTool,
  FunctionTool,
  JsonObject,
  Tool,
  ToolChoice,
  ToolName,
} from "../../neutral/request.ts";
import {
  arrayIn,
  bad,
  booleanIn,
  type Drops,
  isObject,
  objectIn,
  requiredObject,
  requiredString,
  stringIn,
  untranslatable,
  wordIn,
} from "./member.ts";
import { decodeCache } from "./part-decode.ts";

const TOOL_MEMBERS: ReadonlySet<string> = new Set(["type", "function", "custom", "cache_control"]);
const FUNCTION_MEMBERS: ReadonlySet<string> = new Set(["name", "description", "parameters", "strict"]);
const CUSTOM_MEMBERS: ReadonlySet<string> = new Set(["name", "description", "format"]);
const LOCATION_MEMBERS = ["city", "region", "country", "timezone"];
const SIZES = ["low", "medium", "high"] as const;

export function decodeTools(body: JsonObject, drops: Drops): Tool[] {
  const tools: Tool[] = [];
  for (const [n, raw] of (arrayIn(body, "tools", "") ?? []).entries()) {
    const at = `tools[${n}]`;
    if (!isObject(raw)) throw bad(at, "must be an object");
    drops.addUnknown(raw, TOOL_MEMBERS, at, "tool");
    if (raw.type === "custom") tools.push(decodeCustom(requiredObject(raw, "custom", at), at, drops));
    else if (raw.type === "function" || (raw.type === undefined && isObject(raw.function)))
      tools.push(decodeFunction(requiredObject(raw, "function", at), `${at}.function`, at, raw, drops));
    else if (typeof raw.type === "string")
      throw untranslatable(`${at}.type`, `is "${raw.type}", a tool that only its own provider runs`);
    else throw bad(`${at}.type`, 'must be "function" or "custom"');
  }
  for (const [n, raw] of (arrayIn(body, "functions", "") ?? []).entries()) {
    const at = `functions[${n}]`;
    if (!isObject(raw)) throw bad(at, "must be an object");
    tools.push(decodeFunction(raw, at, at, raw, drops));
  }
  const search = objectIn(body, "web_search_options", "");
  if (search !== null) tools.push(decodeSearch(search));
  return tools;
}

function decodeFunction(
  raw: JsonObject,
  rawAt: string,
  at: string,
  tool: JsonObject,
  drops: Drops,
): FunctionTool {
  if (raw !== tool) drops.addUnknown(raw, FUNCTION_MEMBERS, rawAt, "function");
  return {
    kind: "function",
    name: requiredString(raw, "name", rawAt),
    namespace: null,
    description: stringIn(raw, "description", rawAt),
    parameters: objectIn(raw, "parameters", rawAt),
    strict: booleanIn(raw, "strict", rawAt),
    isDeferred: false,
    cache: decodeCache(tool, at),
    at,
  };
}

function decodeCustom(raw: JsonObject, at: string, drops: Drops): CustomTool {
  const rawAt = `${at}.custom`;
  drops.addUnknown(raw, CUSTOM_MEMBERS, rawAt, "custom");
  return {
    kind: "custom",
    name: requiredString(raw, "name", rawAt),
    namespace: null,
    description: stringIn(raw, "description", rawAt),
    grammar: decodeGrammar(objectIn(raw, "format", rawAt), `${rawAt}.format`),
    at,
  };
}

function decodeGrammar(format: JsonObject | null, at: string): CustomTool["grammar"] {
  if (format === null || format.type === "text") return null;
  if (format.type !== "grammar") throw bad(`${at}.type`, 'must be "text" or "grammar"');
  const grammar = requiredObject(format, "grammar", at);
  const syntax = wordIn(grammar, "syntax", `${at}.grammar`, ["lark", "regex"] as const);
  if (syntax === null) throw bad(`${at}.grammar.syntax`, "must be one of lark, regex");
  return { syntax, definition: requiredString(grammar, "definition", `${at}.grammar`) };
}

function decodeSearch(options: JsonObject): Tool {
  const at = "web_search_options";
  const location = objectIn(options, "user_location", at);
  const approximate = location === null ? null : objectIn(location, "approximate", `${at}.user_location`);
  const known = Object.entries(approximate ?? {}).filter(([key]) => LOCATION_MEMBERS.includes(key));
  return {
    kind: "web-search",
    allowedDomains: null,
    blockedDomains: null,
    maxUses: null,
    userLocation: approximate === null ? null : Object.fromEntries(known),
    contextSize: wordIn(options, "search_context_size", at, SIZES),
    externalAccess: null,
    at,
  };
}

/** `tool_choice`, or the older `function_call`. Where there are no tools, there is nothing to choose. */
export function decodeToolChoice(body: JsonObject, tools: readonly Tool[], drops: Drops): ToolChoice | null {
  const isLegacy = body.tool_choice === undefined || body.tool_choice === null;
  const field = isLegacy ? "function_call" : "tool_choice";
  const raw = body[field];
  if (raw === undefined || raw === null) return null;
  const choice = isLegacy ? legacyChoice(raw) : choiceOf(raw);
  const named = new Set(tools.map((tool) => ("name" in tool ? tool.name : "")));
  if (named.size === 0) {
    if (choice.mode !== "auto" && choice.mode !== "none") drops.add(field, "left out, as there are no tools");
    return null;
  }
  const wanted = choice.mode === "tool" ? [choice.tool] : choice.mode === "subset" ? choice.tools : [];
  for (const { name } of wanted)
    if (!named.has(name)) throw bad(field, `names the tool "${name}", which is not among the tools`);
  return choice;
}

function legacyChoice(raw: unknown): ToolChoice {
  if (raw === "auto" || raw === "none") return { mode: raw };
  if (!isObject(raw)) throw bad("function_call", 'must be "auto", "none" or an object with a name');
  return { mode: "tool", tool: toolNamed(requiredString(raw, "name", "function_call")) };
}

function choiceOf(raw: unknown): ToolChoice {
  if (raw === "auto" || raw === "none" || raw === "required") return { mode: raw };
  if (!isObject(raw)) throw bad("tool_choice", "must be one of auto, none, required, or an object");
  switch (raw.type) {
    case "function":
    case "custom":
      return { mode: "tool", tool: namedIn(raw, raw.type, "tool_choice") };
    case "allowed_tools": {
      const at = "tool_choice.allowed_tools";
      const allowed = requiredObject(raw, "allowed_tools", "tool_choice");
      const isRequired = wordIn(allowed, "mode", at, ["auto", "required"] as const) === "required";
      const tools = (arrayIn(allowed, "tools", at) ?? []).map((tool, n): ToolName => {
        const toolAt = `${at}.tools[${n}]`;
        if (!isObject(tool)) throw bad(toolAt, "must be an object");
        return namedIn(tool, tool.type === "custom" ? "custom" : "function", toolAt);
      });
      return { mode: "subset", tools, isRequired };
    }
    default:
      throw bad("tool_choice.type", "must be one of function, custom, allowed_tools");
  }
}

function namedIn(raw: JsonObject, kind: "function" | "custom", at: string): ToolName {
  return toolNamed(requiredString(requiredObject(raw, kind, at), "name", `${at}.${kind}`));
}

function toolNamed(name: string): ToolName {
  return { name, namespace: null };
}
