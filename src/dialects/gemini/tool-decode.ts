/** Tools of a client's request, and which of them the model may or must use. */
import type { Drop, Tool, ToolChoice, ToolName } from "../../neutral/request.ts";
import { Members, wrong } from "./members.ts";
import { decodeSchema } from "./schema-decode.ts";
import { MAKER } from "./seal.ts";

/** Names of one and the same tool. */
const SEARCHES = ["googleSearch", "googleSearchRetrieval", "enterpriseWebSearch"];

export function decodeTools(body: Members, dropped: Drop[]): readonly Tool[] {
  const value = body.get("tools");
  const list = value === null ? [] : Array.isArray(value) ? value : [value];
  const tools: Tool[] = [];
  for (const [index, entry] of list.entries()) {
    const at = Array.isArray(value) ? `tools[${index}]` : "tools";
    const members = new Members(entry, at);
    for (const [number, each] of members.list("functionDeclarations").entries())
      tools.push(decodeFunction(each, `${at}.functionDeclarations[${number}]`, dropped));
    for (const type of members.names()) {
      if (type === "functionDeclarations") continue;
      const setting = members.get(type);
      const place = `${at}.${type}`;
      if (SEARCHES.includes(type)) tools.push(decodeSearch(setting, place, dropped));
      else tools.push({ kind: "hosted", maker: MAKER, type, raw: { [type]: setting }, at: place });
    }
  }
  return tools;
}

function decodeFunction(entry: unknown, at: string, dropped: Drop[]): Tool {
  const members = new Members(entry, at);
  const name = members.string("name");
  if (name === null || name === "") throw wrong(`${at}.name`, "a name of at least one character");
  const openApi = members.get("parameters");
  const jsonSchema = members.object("parametersJsonSchema");
  if (openApi !== null && jsonSchema !== null)
    throw wrong(at, "declared with `parameters` or `parametersJsonSchema`, not with both: remove one");
  if (members.string("behavior") === "NON_BLOCKING")
    dropped.push({
      field: `${at}.behavior`,
      reason: "calls that go on while the answer does are only known to Gemini",
    });
  const description = members.string("description");
  members.dropRest(dropped, "no other provider is told what results look like");
  return {
    kind: "function",
    name,
    namespace: null,
    description,
    parameters: openApi === null ? jsonSchema : decodeSchema(openApi, `${at}.parameters`),
    strict: null,
    isDeferred: false,
    cache: null,
    at,
  };
}

function decodeSearch(setting: unknown, at: string, dropped: Drop[]): Tool {
  const members = new Members(setting, at);
  const blocked = members.strings("excludeDomains");
  members.dropRest(dropped, "a web search has no such setting elsewhere");
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

/** Which tools; null: nothing was said. */
export function decodeToolChoice(body: Members, dropped: Drop[]): ToolChoice | null {
  const config = body.members("toolConfig");
  if (config === null) return null;
  // Says only in which order Google's own tools show up in replies.
  config.get("includeServerSideToolInvocations");
  const calling = config.members("functionCallingConfig");
  config.dropRest(dropped);
  if (calling === null) return null;
  // Calls are shown whole, which every client reads that reads them in pieces.
  calling.get("streamFunctionCallArguments");
  const mode = calling.string("mode")?.toUpperCase() ?? "MODE_UNSPECIFIED";
  const tools: ToolName[] = calling
    .strings("allowedFunctionNames")
    .map((name) => ({ name, namespace: null }));
  calling.dropRest(dropped);
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
      throw wrong(calling.path("mode"), "one of AUTO, ANY, NONE and VALIDATED");
  }
}
