/** The keys of arguments of all tools of a request, in schemas and calls. */
import type { JsonObject } from "../../core/json.ts";
import type { ToolCallPart } from "../message.ts";
import type { Tool, ToolName } from "../request.ts";
import { parseArguments } from "./json-text.ts";
import { PropertyKeys } from "./property-keys.ts";
import { OUTPUT_TOOL, type ToolNames, toolKey } from "./tool-names.ts";

/** Names that also know the keys of their tools. `schemas`: each tool's own schema. */
export function withPropertyKeys(
  names: ToolNames,
  schemas: Iterable<readonly [tool: ToolName, schema: JsonObject]>,
): ToolNames {
  let keys: Map<string, PropertyKeys> | null = null;
  for (const [tool, schema] of schemas) {
    const found = PropertyKeys.of(schema);
    if (found === null) continue;
    keys ??= new Map();
    keys.set(toolKey(tool), found);
  }
  return keys === null ? names : withKeys(names, keys);
}

function withKeys(names: ToolNames, keys: ReadonlyMap<string, PropertyKeys>): ToolNames {
  return {
    wireName: (tool) => names.wireName(tool),
    original: (wireName) => names.original(wireName),
    keysOf: (tool) => keys.get(toolKey(tool)) ?? null,
  };
}

/** The schemas of all functions; `output`: that of the tool that stands for the format of the answer. */
export function* schemasOf(
  tools: readonly Tool[],
  output: JsonObject | null,
): Iterable<readonly [tool: ToolName, schema: JsonObject]> {
  for (const tool of tools)
    if (tool.kind === "function" && tool.parameters !== null) yield [tool, tool.parameters];
  if (output !== null) yield [OUTPUT_TOOL, output];
}

/** The schema of a tool with the keys of its wire. */
export function schemaOnWire(names: ToolNames, tool: ToolName, schema: JsonObject): JsonObject {
  const keys = names.keysOf?.(tool) ?? null;
  return keys === null ? schema : keys.encodeSchema(schema);
}

/** The JSON text of a call's arguments with the keys of its wire; unchanged where it is no object. */
export function argumentsOnWire(
  names: ToolNames,
  call: Pick<ToolCallPart, "name" | "namespace" | "input">,
): string {
  const keys = names.keysOf?.(call) ?? null;
  if (keys === null) return call.input;
  const parsed = parseArguments(call.input);
  return parsed === null ? call.input : JSON.stringify(keys.encodeData(parsed));
}
