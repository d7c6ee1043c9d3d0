/** Reads the tools of a request: of the request itself, and of items in its input. */
import type { JsonObject } from "../../core/json.ts";
import type { CustomTool, FunctionTool, Tool, ToolChoice, ToolName } from "../../neutral/request.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { Drops } from "../shared/drops.ts";
import {
  booleanAt,
  elementAt,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  stringAt,
  stringsAt,
  textAt,
  wordAt,
} from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { TOOL_SEARCH } from "./reply-context.ts";
import { MAKER } from "./seal.ts";

const FUNCTION_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "name",
  "description",
  "parameters",
  "strict",
  "defer_loading",
]);
const CUSTOM_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "name",
  "description",
  "format",
  "defer_loading",
]);
const NAMESPACE_MEMBERS: ReadonlySet<string> = new Set(["type", "name", "description", "tools"]);
const SEARCH_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "filters",
  "user_location",
  "search_context_size",
  "external_web_access",
]);
/** The type, with or without the date of a version. */
const WEB_SEARCH = /^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/;

/**
 * Collects the tools of a request, the tools that items of the input add, and the tools that a search of the
 * tools found.
 */
export class ToolList {
  readonly #drops: Drops;
  readonly #maxSearches: number | null;
  readonly #tools: Tool[] = [];
  readonly #keys = new Set<string>();
  /** Names of the deferred tools that a search found. */
  readonly #found = new Set<string>();
  /** The client searches its tools itself and answers that call like any other. */
  searchesTools = false;
  #isSearchOmitted = false;
  #deferredAt: string | null = null;

  constructor(drops: Drops, maxSearches: number | null) {
    this.#drops = drops;
    this.#maxSearches = maxSearches;
  }

  addAll(list: readonly unknown[], at: string): void {
    const before = this.#tools.length;
    this.#addAll(list, at);
    for (let index = before; index < this.#tools.length; index++) {
      const tool = this.#tools[index] as Tool;
      if (isNamed(tool)) this.#keys.add(keyOf(tool));
    }
  }

  #addAll(list: readonly unknown[], at: string): void {
    for (let index = 0; index < list.length; index++) {
      this.#add(elementAt(list, index, at), `${at}[${index}]`, null);
    }
  }

  /**
   * Adds tools that a search found. They are shown from here on, also if they are among the deferred tools.
   */
  addFound(list: readonly unknown[], at: string): readonly string[] {
    const before = this.#tools.length;
    this.#addAll(list, at);
    const names: string[] = [];
    for (const tool of this.#tools.splice(before)) {
      if (!isNamed(tool)) {
        this.#tools.push(tool);
        continue;
      }
      const key = keyOf(tool);
      names.push(tool.namespace === null ? tool.name : `${tool.namespace}.${tool.name}`);
      this.#found.add(key);
      if (!this.#keys.has(key)) this.#tools.push(tool);
      this.#keys.add(key);
    }
    return names;
  }

  /**
   * The tools for the model. Deferred tools wait for the client's search; without a search they are shown at
   * once.
   */
  finish(): readonly Tool[] {
    if (this.#deferredAt !== null && !this.searchesTools) {
      this.#drops.add(this.#deferredAt, "other providers do not search tools; the model sees all of them");
    }
    return this.#tools.flatMap((tool) => {
      if (tool.kind !== "function" || !tool.isDeferred) return [tool];
      return this.searchesTools && !this.#found.has(keyOf(tool)) ? [] : [{ ...tool, isDeferred: false }];
    });
  }

  /** Whether the request asks for a web search that was left out. */
  get isSearchOmitted(): boolean {
    return this.#isSearchOmitted;
  }

  #add(tool: JsonObject, at: string, namespace: string | null, prefix = ""): void {
    const type = nameAt(tool, "type", at);
    if (type === "function") this.#tools.push(this.#function(tool, at, namespace, prefix));
    else if (type === "custom") this.#custom(tool, at, namespace, prefix);
    else if (namespace !== null) throw notOneOf(`${at}.type`, ["function", "custom"]);
    else if (type === "namespace") this.#namespace(tool, at);
    else if (WEB_SEARCH.test(type)) this.#webSearch(tool, at);
    else if (type === TOOL_SEARCH) this.#toolSearch(tool, at);
    else this.#tools.push({ kind: "hosted", maker: MAKER, type, raw: tool, at });
  }

  #function(tool: JsonObject, at: string, namespace: string | null, prefix: string): FunctionTool {
    this.#drops.addUnknown(tool, FUNCTION_MEMBERS, at);
    const isDeferred = booleanAt(tool, "defer_loading", at) ?? false;
    if (isDeferred) this.#deferredAt ??= `${at}.defer_loading`;
    return {
      kind: "function",
      name: nameAt(tool, "name", at),
      namespace,
      description: described(prefix, stringAt(tool, "description", at)),
      parameters: objectAt(tool, "parameters", at),
      strict: booleanAt(tool, "strict", at),
      isDeferred,
      cache: null,
      at,
    };
  }

  #custom(tool: JsonObject, at: string, namespace: string | null, prefix: string): void {
    this.#drops.addUnknown(tool, CUSTOM_MEMBERS, at);
    if (tool.defer_loading === true) {
      this.#drops.add(`${at}.defer_loading`, "the model always sees a custom tool");
    }
    const format = objectAt(tool, "format", at);
    const isGrammar =
      format !== null && wordAt(format, "type", `${at}.format`, ["text", "grammar"]) === "grammar";
    this.#tools.push({
      kind: "custom",
      name: nameAt(tool, "name", at),
      namespace,
      description: described(prefix, stringAt(tool, "description", at)),
      grammar: isGrammar
        ? {
            syntax: wordAt(format, "syntax", `${at}.format`, ["lark", "regex"]) ?? "lark",
            definition: textAt(format, "definition", `${at}.format`),
          }
        : null,
      at,
    });
  }

  /** The description of a namespace precedes the description of its first tool. */
  #namespace(tool: JsonObject, at: string): void {
    this.#drops.addUnknown(tool, NAMESPACE_MEMBERS, at);
    const name = nameAt(tool, "name", at);
    const list = listAt(tool, "tools", at) ?? [];
    let prefix = stringAt(tool, "description", at) ?? "";
    for (let index = 0; index < list.length; index++) {
      this.#add(elementAt(list, index, `${at}.tools`), `${at}.tools[${index}]`, name, prefix);
      prefix = "";
    }
  }

  #webSearch(tool: JsonObject, at: string): void {
    this.#drops.addUnknown(tool, SEARCH_MEMBERS, at);
    if (booleanAt(tool, "external_web_access", at) === false) {
      this.#isSearchOmitted = true;
      this.#drops.add(at, "only OpenAI has a search without access to the web; the tool was left out");
      return;
    }
    const filters = objectAt(tool, "filters", at);
    const place = objectAt(tool, "user_location", at);
    this.#tools.push({
      kind: "web-search",
      allowedDomains: filters === null ? null : stringsAt(filters, "allowed_domains", `${at}.filters`),
      blockedDomains: filters === null ? null : stringsAt(filters, "blocked_domains", `${at}.filters`),
      maxUses: this.#maxSearches,
      userLocation: place === null ? null : withoutType(place),
      contextSize: wordAt(tool, "search_context_size", at, ["low", "medium", "high"]),
      externalAccess: null,
      at,
    });
  }

  /**
   * No other provider has OpenAI's search of the tools. The client's own search is a function like any other.
   */
  #toolSearch(tool: JsonObject, at: string): void {
    if (wordAt(tool, "execution", at, ["server", "client"]) !== "client") {
      this.#deferredAt ??= at;
      return;
    }
    this.searchesTools = true;
    this.#tools.push({
      kind: "function",
      name: TOOL_SEARCH,
      namespace: null,
      description: stringAt(tool, "description", at),
      parameters: objectAt(tool, "parameters", at),
      strict: null,
      isDeferred: false,
      cache: null,
      at,
    });
  }
}

function isNamed(tool: Tool): tool is FunctionTool | CustomTool {
  return tool.kind === "function" || tool.kind === "custom";
}

function keyOf({ name, namespace }: ToolName): string {
  return `${namespace ?? ""}\0${name}`;
}

function described(prefix: string, description: string | null): string | null {
  if (prefix === "") return description;
  return description === null || description === "" ? prefix : `${prefix}\n\n${description}`;
}

function withoutType(place: JsonObject): JsonObject {
  const members = Object.entries(place).filter(([name, value]) => name !== "type" && value !== null);
  return Object.fromEntries(members);
}

/** null: the client chose nothing, or its choice was left out. */
export function decodeToolChoice(value: unknown, tools: ToolList, drops: Drops): ToolChoice | null {
  if (value === undefined || value === null) return null;
  if (value === "auto" || value === "none" || value === "required") return { mode: value };
  const choice = asObject(value);
  if (choice === null) throw malformed("tool_choice", 'must be "auto", "none", "required" or an object');
  const type = nameAt(choice, "type", "tool_choice");
  if (type === "function" || type === "custom") return { mode: "tool", tool: nameOf(choice, "tool_choice") };
  if (type === "allowed_tools") return allowedTools(choice, drops);
  if (!WEB_SEARCH.test(type)) {
    throw refusedPart("tool_choice", `only OpenAI runs the tool "${type}"; choose another tool`);
  }
  if (!tools.isSearchOmitted) return { mode: "web-search" };
  drops.add("tool_choice", "the chosen tool was left out");
  return null;
}

function allowedTools(choice: JsonObject, drops: Drops): ToolChoice {
  const list = listAt(choice, "tools", "tool_choice") ?? [];
  const tools: ToolName[] = [];
  for (let index = 0; index < list.length; index++) {
    const at = `tool_choice.tools[${index}]`;
    const entry = elementAt(list, index, "tool_choice.tools");
    if (entry.type === "function" || entry.type === "custom") tools.push(nameOf(entry, at));
    else drops.add(at, "elsewhere a choice among the tools names only functions");
  }
  const isRequired = wordAt(choice, "mode", "tool_choice", ["auto", "required"]) === "required";
  if (isRequired && tools.length === 0 && list.length > 0)
    throw refusedPart("tool_choice.tools", "only OpenAI runs the tools to choose from; name functions");
  return { mode: "subset", tools, isRequired };
}

function nameOf(entry: JsonObject, at: string): ToolName {
  return { name: nameAt(entry, "name", at), namespace: asString(entry.namespace) };
}
