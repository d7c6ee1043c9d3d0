/**
 * Names of tools for a wire that does not accept the client's names: reversible within one request, and the
 * same on every process. A namespace becomes a prefix: `namespace__name`.
 */
import { GatewayError } from "../../core/errors.ts";
import type { Message } from "../message.ts";
import type { CustomTool, FunctionTool, Tool, ToolName } from "../request.ts";
import { freeName, legalName, type NameRule } from "./legal-names.ts";
import type { PropertyKeys } from "./property-keys.ts";

/** How a call of the upstream is shown to the client. */
export interface OriginalTool extends ToolName {
  /**
   * `custom`: on the wire the tool is a function with the one string argument `input`. `output`: the tool
   * carries structured output, and its arguments are the text of the answer.
   */
  readonly kind: "function" | "custom" | "output";
}

export interface ToolNames {
  /** The wire name of a tool of the request, or of a tool that only the history mentions. */
  wireName(tool: ToolName): string;
  /**
   * The tool behind a wire name; null when the upstream used an unknown name, which is passed on unchanged.
   */
  original(wireName: string): OriginalTool | null;
  /** The keys of a tool's arguments, where the wire does not accept all of them; null and absent: it does. */
  keysOf?(tool: ToolName): PropertyKeys | null;
}

/**
 * The tool that carries structured output where a model can only give it as the arguments of a call. No
 * client's tool has an empty namespace, so the name is unique.
 */
export const OUTPUT_TOOL: ToolName = { name: "structured_output", namespace: "" };

/**
 * Names for all tools of a request, and for the tools that only its history calls; `output` adds
 * `OUTPUT_TOOL`. Accepted names stay unchanged. The names depend on the arguments alone, and a longer history
 * does not change earlier names. Throws `bad_request` for two different tools with one name.
 */
export function makeToolNames(
  tools: readonly Tool[],
  messages: readonly Message[],
  rule: NameRule,
  output = false,
): ToolNames {
  const names = new NameTable(rule);
  const declared = distinctTools(tools).filter(isNamed);
  for (const tool of declared) names.addLegal(tool, tool.kind);
  for (const tool of declared) names.add(tool, tool.kind);
  if (output) names.add(OUTPUT_TOOL, "output");
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    for (const part of message.parts) if (part.type === "tool-call") names.add(part, part.kind);
  }
  return names;
}

/** The tools without exact duplicates. Throws `bad_request` for two different tools with one name. */
export function distinctTools(tools: readonly Tool[]): readonly Tool[] {
  if (tools.length < 2) return tools;
  const seen = new Map<string, FunctionTool | CustomTool>();
  const distinct: Tool[] = [];
  for (const tool of tools) {
    if (!isNamed(tool)) {
      distinct.push(tool);
      continue;
    }
    const key = toolKey(tool);
    const former = seen.get(key);
    if (former === undefined) {
      seen.set(key, tool);
      distinct.push(tool);
    } else if (contentOf(former) !== contentOf(tool)) {
      throw new GatewayError(
        "bad_request",
        `two different tools have the name "${tool.name}"; rename one of them, or remove one`,
        { param: tool.at },
      );
    }
  }
  return distinct;
}

class NameTable implements ToolNames {
  /** null while there are no names: many requests have none. */
  #wireNames: Map<string, string> | null = null;
  #originals: Map<string, OriginalTool> | null = null;
  readonly #rule: NameRule;

  constructor(rule: NameRule) {
    this.#rule = rule;
  }

  wireName(tool: ToolName): string {
    return this.#wireNames?.get(toolKey(tool)) ?? this.add(tool, "function");
  }

  original(wireName: string): OriginalTool | null {
    return this.#originals?.get(wireName) ?? null;
  }

  /** Keeps an accepted name for its tool, before the renaming of another tool can take that name. */
  addLegal(tool: ToolName, kind: OriginalTool["kind"]): void {
    if (tool.namespace === null && legalName(tool.name, this.#rule) === tool.name) this.add(tool, kind);
  }

  add(tool: ToolName, kind: OriginalTool["kind"]): string {
    const key = toolKey(tool);
    this.#wireNames ??= new Map();
    this.#originals ??= new Map();
    const known = this.#wireNames.get(key);
    if (known !== undefined) return known;
    const flat = tool.namespace ? `${tool.namespace}__${tool.name}` : tool.name;
    const wireName = freeName(legalName(flat, this.#rule), key, this.#originals, this.#rule.maxChars);
    this.#wireNames.set(key, wireName);
    this.#originals.set(wireName, { name: tool.name, namespace: tool.namespace, kind });
    return wireName;
  }
}

function isNamed(tool: Tool): tool is FunctionTool | CustomTool {
  return tool.kind === "function" || tool.kind === "custom";
}

/** Identifies a tool within a request. Distinguishes a missing namespace from an empty one. */
export function toolKey(tool: ToolName): string {
  return tool.namespace === null ? tool.name : `${tool.namespace}\0${tool.name}`;
}

/** The whole tool except its position. */
function contentOf(tool: FunctionTool | CustomTool): string {
  return JSON.stringify({ ...tool, at: "" });
}
