/** Writes the tools of a request and the choice among them. */
import type { JsonObject } from "../../core/json.ts";
import type {
  CustomTool,
  Drop,
  FunctionTool,
  ModelRequest,
  OutputFormat,
  Tool,
  ToolName,
  WebSearchTool,
} from "../../neutral/request.ts";
import { CUSTOM_PARAMETERS, customDescription } from "../../neutral/tools/custom-tool.ts";
import { schemaOnWire, schemasOf, withPropertyKeys } from "../../neutral/tools/keys-on-wire.ts";
import { lettersDigitsAnd } from "../../neutral/tools/legal-names.ts";
import { objectRoot, strictSubset } from "../../neutral/tools/schema.ts";
import {
  distinctTools,
  makeToolNames,
  OUTPUT_TOOL,
  type ToolNames,
  toolKey,
} from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { foreignTool, type ProviderTool } from "../shared/provider-tools.ts";
import { refusedParameter, refusedPart } from "../shared/refusal.ts";
import type { CacheMarks } from "./cache-marks.ts";
import { MAKER, WEB_SEARCH_NAME, WEB_SEARCH_TYPE, type WireBlock } from "./wire.ts";

/** Anthropic compiles strict tools, and refuses more of them. */
const MAX_STRICT_TOOLS = 20;

const NAME_CHARACTERS = lettersDigitsAnd("_-");
const NAME_RULE = { isAllowed: (character: string) => NAME_CHARACTERS.has(character), maxChars: 64 };

type JsonSchemaOutput = OutputFormat & { kind: "json-schema" };

/** The names of tools on this wire. `output`: the format of the answer for which a tool stands. */
export function toolNames(
  request: ModelRequest,
  output: JsonSchemaOutput | null,
  { plainKeys }: ModelTraits,
): ToolNames {
  const plain = makeToolNames(request.tools, request.messages, NAME_RULE, output !== null);
  const hasSearch = request.tools.some((tool) => tool.kind === "web-search");
  const names = hasSearch ? withoutSearchName(plain) : plain;
  return plainKeys ? withPropertyKeys(names, schemasOf(request.tools, output?.schema ?? null)) : names;
}

/** A client's tool with the name of the provider's search gets another name. */
function withoutSearchName(names: ToolNames): ToolNames {
  if (names.original(WEB_SEARCH_NAME) === null) return names;
  let alias = `client_${WEB_SEARCH_NAME}`;
  while (names.original(alias) !== null) alias = `${alias}_`;
  return {
    wireName: (tool) => {
      const name = names.wireName(tool);
      return name === WEB_SEARCH_NAME ? alias : name;
    },
    original: (wireName) => {
      if (wireName === WEB_SEARCH_NAME) return null;
      return names.original(wireName === alias ? WEB_SEARCH_NAME : wireName);
    },
  };
}

export interface ToolEncoding {
  readonly names: ToolNames;
  readonly traits: ModelTraits;
  readonly marks: CacheMarks;
  readonly dropped: Drop[];
}

/** The tools in the client's order; `output`: the format that one more tool stands for. */
export function encodeTools(
  request: ModelRequest,
  output: OutputFormat | null,
  encoding: ToolEncoding,
): readonly WireBlock[] {
  const choice = request.toolChoice;
  const isOffered = choice?.mode === "subset" ? among(choice.tools) : () => true;
  let strictLeft = MAX_STRICT_TOOLS;
  const blocks: WireBlock[] = [];
  for (const tool of distinctTools(request.tools)) {
    if (!isOffered(tool)) continue;
    switch (tool.kind) {
      case "function": {
        const isStrict = tool.strict === true && encoding.traits.structuredOutput && strictLeft > 0;
        if (isStrict) strictLeft--;
        else if (tool.strict === true) {
          encoding.dropped.push({
            field: `${tool.at}.strict`,
            reason: "this model is not held to this tool's schema",
          });
        }
        blocks.push(encodeFunction(tool, isStrict, encoding));
        break;
      }
      case "custom":
        blocks.push(encodeCustom(tool, encoding));
        break;
      case "web-search":
        if (tool.externalAccess === false) {
          encoding.dropped.push({
            field: tool.at,
            reason: "this provider has no search in cached pages alone",
          });
        } else blocks.push(encodeWebSearch(tool, encoding));
        break;
      case "hosted":
        blocks.push({ ...tool.raw } as WireBlock);
    }
  }
  if (output?.kind === "json-schema") blocks.push(outputTool(output, encoding.names));
  return blocks;
}

/** Whether a tool is one of these. */
function among(names: readonly ToolName[]): (tool: Tool) => boolean {
  const keys = new Set(names.map(toolKey));
  return (tool) => (tool.kind === "function" || tool.kind === "custom") && keys.has(toolKey(tool));
}

function encodeFunction(tool: FunctionTool, isStrict: boolean, encoding: ToolEncoding): WireBlock {
  const root = objectRoot(tool.parameters);
  const { schema, moved } = isStrict ? strictSubset(root) : { schema: root, moved: [] };
  if (moved.length > 0) encoding.dropped.push(movedConstraints(tool.at, moved));
  if (tool.isDeferred) {
    encoding.dropped.push({
      field: `${tool.at}.defer_loading`,
      reason: "tools cannot be loaded on demand here, so it is shown from the start",
    });
  }
  const block = {
    name: encoding.names.wireName(tool),
    ...(tool.description ? { description: tool.description } : null),
    input_schema: schemaOnWire(encoding.names, tool, schema),
    ...(isStrict ? { strict: true } : null),
  } as unknown as WireBlock;
  return encoding.marks.mark(block, tool.cache);
}

/** A path is as long as a client makes its names, and as many constraints may stand at its end as it likes. */
const MAX_NAMED_CONSTRAINTS = 16;

/** Names the parts that were taken out of a schema. */
export function movedConstraints(field: string, moved: readonly string[]): Drop {
  const named = moved.slice(0, MAX_NAMED_CONSTRAINTS).join(", ");
  const more =
    moved.length > MAX_NAMED_CONSTRAINTS ? `, and ${moved.length - MAX_NAMED_CONSTRAINTS} more` : "";
  return {
    field,
    reason: `constraints that this provider does not check were moved into descriptions: ${named}${more}`,
  };
}

function encodeCustom(tool: CustomTool, { names, dropped }: ToolEncoding): WireBlock {
  if (tool.grammar !== null) {
    dropped.push({
      field: tool.at,
      reason: "the grammar of the tool's input is told to the model, which is not held to it",
    });
  }
  const description = customDescription(tool);
  return {
    name: names.wireName(tool),
    ...(description ? { description } : null),
    input_schema: CUSTOM_PARAMETERS,
  } as unknown as WireBlock;
}

/** Why the model cannot use a tool that a provider runs; null: it can. */
export function toolFault(tool: ProviderTool, { webSearch }: ModelTraits): string | null {
  if (tool.kind === "hosted") return tool.maker === MAKER ? null : foreignTool(tool);
  return webSearch ? null : "the model cannot search the web";
}

function encodeWebSearch(tool: WebSearchTool, { dropped }: ToolEncoding): WireBlock {
  const { allowedDomains, blockedDomains } = tool;
  if (
    allowedDomains !== null &&
    blockedDomains !== null &&
    allowedDomains.length * blockedDomains.length > 0
  ) {
    throw refusedPart(tool.at, "the provider takes domains to allow or domains to block; leave one list out");
  }
  if (tool.contextSize !== null) {
    dropped.push({ field: tool.at, reason: "the provider takes no size of the search context" });
  }
  return {
    type: WEB_SEARCH_TYPE,
    name: WEB_SEARCH_NAME,
    ...(allowedDomains?.length ? { allowed_domains: allowedDomains } : null),
    ...(blockedDomains?.length ? { blocked_domains: blockedDomains } : null),
    ...(tool.maxUses === null ? null : { max_uses: tool.maxUses }),
    ...(tool.userLocation === null ? null : { user_location: { type: "approximate", ...tool.userLocation } }),
  };
}

function outputTool(output: JsonSchemaOutput, names: ToolNames): WireBlock {
  return {
    name: names.wireName(OUTPUT_TOOL),
    description:
      output.description ?? "Gives the answer. Call it once, with the whole answer as its arguments.",
    input_schema: schemaOnWire(names, OUTPUT_TOOL, objectRoot(output.schema)),
  } as unknown as WireBlock;
}

export interface EncodedToolChoice {
  readonly choice: JsonObject | null;
  /** The request forces a call. */
  readonly isForced: boolean;
}

/** `tools`: the tools that are offered. */
export function encodeToolChoice(
  request: ModelRequest,
  tools: readonly WireBlock[],
  output: OutputFormat | null,
  encoding: ToolEncoding,
): EncodedToolChoice {
  const encoded = wantedToolChoice(request, tools, output, encoding);
  if (!encoded.isForced || encoding.traits.forcedTools) return encoded;
  encoding.dropped.push({
    field: "toolChoice",
    reason: "this model cannot be told that it must call a tool",
  });
  const { disable_parallel_tool_use: isSingle } = encoded.choice ?? {};
  const choice = isSingle === true ? { type: "auto", disable_parallel_tool_use: true } : null;
  return { choice, isForced: false };
}

function wantedToolChoice(
  request: ModelRequest,
  tools: readonly WireBlock[],
  output: OutputFormat | null,
  { names, dropped }: ToolEncoding,
): EncodedToolChoice {
  const choice = request.toolChoice;
  if (tools.length === 0) {
    if (choice !== null && choice.mode !== "auto" && choice.mode !== "none") {
      dropped.push({ field: "toolChoice", reason: "there are no tools to choose from" });
    }
    return { choice: null, isForced: false };
  }
  const isSingle = request.parallelToolCalls === false || output !== null;
  const single = isSingle ? { disable_parallel_tool_use: true } : null;
  if (output !== null) {
    const outputName = names.wireName(OUTPUT_TOOL);
    const only = tools.length === 1 || choice?.mode === "none";
    return {
      choice: only ? { type: "tool", name: outputName, ...single } : { type: "any", ...single },
      isForced: true,
    };
  }
  switch (choice?.mode) {
    case undefined:
    case "auto":
      return {
        choice: single === null && choice === null ? null : { type: "auto", ...single },
        isForced: false,
      };
    case "none":
      return { choice: { type: "none" }, isForced: false };
    case "required":
      return { choice: { type: "any", ...single }, isForced: true };
    case "subset":
      return choice.isRequired
        ? { choice: { type: "any", ...single }, isForced: true }
        : { choice: { type: "auto", ...single }, isForced: false };
    case "web-search":
      return { choice: { type: "tool", name: WEB_SEARCH_NAME, ...single }, isForced: true };
    case "tool": {
      const name = names.wireName(choice.tool);
      if (!tools.some((tool) => tool.name === name)) {
        throw refusedParameter(
          "toolChoice",
          `there is no tool "${choice.tool.name}" among the tools; choose one of them`,
        );
      }
      return { choice: { type: "tool", name, ...single }, isForced: true };
    }
  }
}
