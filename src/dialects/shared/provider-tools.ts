/** Tools that a provider runs itself, and that agents offer by habit: what becomes of one that the target cannot run. */
import type {
  Drop,
  HostedTool,
  ModelRequest,
  Tool,
  ToolChoice,
  WebSearchTool,
} from "../../neutral/request.ts";
import { refusedPart } from "./refusal.ts";

export type ProviderTool = HostedTool | WebSearchTool;

/** The fault of a hosted tool of another maker. */
export function foreignTool(tool: HostedTool): string {
  return `only another provider runs the tool "${tool.type}"`;
}

/**
 * The request without the tools that its target cannot run; each is named in `dropped`. `faultOf`: why the target
 * cannot run a tool; null: it can. Throws `not_translatable` for a tool that the request counts on: it forces a call
 * of the tool, or has no other tool.
 */
export function withRunnableTools(
  request: ModelRequest,
  faultOf: (tool: ProviderTool) => string | null,
  dropped: Drop[],
): ModelRequest {
  return request.tools.some(isProviderTool) ? withRunnable(request, faultOf, dropped) : request;
}

function withRunnable(
  request: ModelRequest,
  faultOf: (tool: ProviderTool) => string | null,
  dropped: Drop[],
): ModelRequest {
  const { tools, toolChoice } = request;
  const left: { readonly tool: ProviderTool; readonly fault: string }[] = [];
  const runnable = tools.filter((tool) => {
    const fault = isProviderTool(tool) ? faultOf(tool) : null;
    if (fault !== null) left.push({ tool: tool as ProviderTool, fault });
    return fault === null;
  });
  for (const { tool, fault } of left) {
    if (runnable.length === 0 || isForced(tool, toolChoice, runnable))
      throw refusedPart(tool.at, `${fault}; leave the tool out, or use a model whose provider runs it`);
    dropped.push({ field: tool.at, reason: `${fault}; the tool was left out` });
  }
  return left.length === 0 ? request : { ...request, tools: runnable };
}

function isProviderTool(tool: Tool): tool is ProviderTool {
  return tool.kind === "hosted" || tool.kind === "web-search";
}

/**
 * A choice names a hosted tool by its name or type, unless a function has the same name. A search may also be asked
 * for by the name of the model.
 */
function isForced(tool: ProviderTool, choice: ToolChoice | null, others: readonly Tool[]): boolean {
  if (tool.at === "model") return true;
  if (choice?.mode === "web-search") return tool.kind === "web-search";
  if (choice?.mode !== "tool" || tool.kind !== "hosted") return false;
  const { name } = choice.tool;
  const isNamed = tool.raw.name === name || tool.type === name;
  return isNamed && !others.some((other) => "name" in other && other.name === name);
}
