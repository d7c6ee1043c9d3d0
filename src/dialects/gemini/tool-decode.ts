/** Reads the tools of a request, and the choice among them. */
import type { JsonObject } from "../../core/json.ts";
import type { Tool, ToolChoice, ToolName } from "../../neutral/request.ts";
import type { Drops } from "../shared/drops.ts";
import {
  elementAt,
  isAbsent,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  stringAt,
  stringsAt,
  withCamelNames,
} from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { decodeSchema } from "./schema-decode.ts";
import { MAKER } from "./seal.ts";

/** All are names of the same tool. */
const SEARCHES = ["googleSearch", "googleSearchRetrieval", "enterpriseWebSearch"];

/** Schemas of the result of a call. */
const RESULT_SCHEMAS = ["response", "responseJsonSchema"];

const FUNCTION_MEMBERS: ReadonlySet<string> = new Set([
  "name",
  "description",
  "parameters",
  "parametersJsonSchema",
  "behavior",
  ...RESULT_SCHEMAS,
]);
const SEARCH_MEMBERS: ReadonlySet<string> = new Set(["excludeDomains"]);
/** `includeServerSideToolInvocations` concerns only the order in which replies show Google's own tools. */
const CONFIG_MEMBERS: ReadonlySet<string> = new Set([
  "includeServerSideToolInvocations",
  "functionCallingConfig",
]);
/**
 * `streamFunctionCallArguments` has no effect: calls are sent whole, which clients of pieces can read as
 * well.
 */
const CALLING_MEMBERS: ReadonlySet<string> = new Set([
  "streamFunctionCallArguments",
  "mode",
  "allowedFunctionNames",
]);

export function decodeTools(body: JsonObject, drops: Drops): readonly Tool[] {
  const value = body.tools;
  const list = isAbsent(value) ? [] : Array.isArray(value) ? value : [objectAt(body, "tools", "")];
  const tools: Tool[] = [];
  for (let index = 0; index < list.length; index++) {
    const at = Array.isArray(value) ? `tools[${index}]` : "tools";
    const entry = withCamelNames(elementAt(list, index, "tools"));
    const functions = listAt(entry, "functionDeclarations", at) ?? [];
    for (let number = 0; number < functions.length; number++) {
      const place = `${at}.functionDeclarations`;
      tools.push(decodeFunction(elementAt(functions, number, place), `${place}[${number}]`, drops));
    }
    for (const type of Object.keys(entry)) {
      const setting = entry[type];
      if (type === "functionDeclarations" || isAbsent(setting)) continue;
      const place = `${at}.${type}`;
      if (SEARCHES.includes(type)) tools.push(decodeSearch(requiredObjectAt(entry, type, at), place, drops));
      else tools.push({ kind: "hosted", maker: MAKER, type, raw: { [type]: setting }, at: place });
    }
  }
  return tools;
}

function decodeFunction(given: JsonObject, at: string, drops: Drops): Tool {
  const entry = withCamelNames(given);
  const name = nameAt(entry, "name", at);
  const openApi = entry.parameters;
  const jsonSchema = objectAt(entry, "parametersJsonSchema", at);
  if (!isAbsent(openApi) && jsonSchema !== null)
    throw malformed(at, "must hold parameters or parametersJsonSchema, not both; remove one");
  if (stringAt(entry, "behavior", at) === "NON_BLOCKING")
    drops.add(`${at}.behavior`, "only Gemini has calls that continue while the answer goes on");
  for (const member of RESULT_SCHEMAS) {
    if (!isAbsent(entry[member])) drops.add(`${at}.${member}`, "other providers take no schema of a result");
  }
  drops.addUnknown(entry, FUNCTION_MEMBERS, at);
  return {
    kind: "function",
    name,
    namespace: null,
    description: stringAt(entry, "description", at),
    parameters: isAbsent(openApi) ? jsonSchema : decodeSchema(openApi, `${at}.parameters`),
    strict: null,
    isDeferred: false,
    cache: null,
    at,
  };
}

function decodeSearch(given: JsonObject, at: string, drops: Drops): Tool {
  const setting = withCamelNames(given);
  const blocked = stringsAt(setting, "excludeDomains", at) ?? [];
  drops.addUnknown(setting, SEARCH_MEMBERS, at);
  return {
    kind: "web-search",
    allowedDomains: null,
    blockedDomains: blocked.length === 0 ? null : blocked,
    maxUses: null,
    userLocation: null,
    contextSize: null,
    externalAccess: null,
    at,
  };
}

/** null: the client chose nothing. */
export function decodeToolChoice(body: JsonObject, drops: Drops): ToolChoice | null {
  const givenConfig = objectAt(body, "toolConfig", "");
  if (givenConfig === null) return null;
  const config = withCamelNames(givenConfig);
  drops.addUnknown(config, CONFIG_MEMBERS, "toolConfig");
  const given = objectAt(config, "functionCallingConfig", "toolConfig");
  if (given === null) return null;
  const calling = withCamelNames(given);
  const at = "toolConfig.functionCallingConfig";
  const mode = stringAt(calling, "mode", at)?.toUpperCase() ?? "MODE_UNSPECIFIED";
  const tools = (stringsAt(calling, "allowedFunctionNames", at) ?? []).map(
    (name): ToolName => ({ name, namespace: null }),
  );
  drops.addUnknown(calling, CALLING_MEMBERS, at);
  const [first] = tools;
  switch (mode) {
    case "MODE_UNSPECIFIED":
      return null;
    case "AUTO":
      return { mode: "auto" };
    case "NONE":
      return { mode: "none" };
    case "ANY":
      if (first === undefined) return { mode: "required" };
      return tools.length === 1 ? { mode: "tool", tool: first } : { mode: "subset", tools, isRequired: true };
    case "VALIDATED":
      return first === undefined ? { mode: "auto" } : { mode: "subset", tools, isRequired: false };
    default:
      throw notOneOf(`${at}.mode`, ["AUTO", "ANY", "NONE", "VALIDATED"]);
  }
}
