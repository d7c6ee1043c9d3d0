/**
 * Writes a request. Members that stay the same from turn to turn come first: tools, instructions, history.
 */
import { appendAll } from "../../core/lists.ts";
import { arrange } from "../../neutral/conversation/conversation.ts";
import type { Drop, ModelRequest } from "../../neutral/request.ts";
import { makeToolNames } from "../../neutral/tools/tool-names.ts";
import type { EncodedRequest, EncodeRequestOptions } from "../codec.ts";
import { withRunnableTools } from "../shared/provider-tools.ts";
import { refusedBegunAnswer, refusedParameter } from "../shared/refusal.ts";
import { encodeConfig } from "./config-encode.ts";
import { encodeTools, TOOL_NAMES, toolFault } from "./tool-encode.ts";
import { encodeContents } from "./turn-encode.ts";

/** Claude Code's line on who is billed, which means nothing to another provider. */
const ATTRIBUTION = "x-anthropic-billing-header:";

export function encodeRequest(asked: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
  const { traits, repairs } = options;
  const dropped: Drop[] = [];
  const request = withRunnableTools(asked, (tool) => toolFault(tool, asked, traits), dropped);
  const names = makeToolNames(request.tools, request.messages, TOOL_NAMES);
  const last = request.messages.at(-1);
  const arranged = arrange(request.messages, { midSystem: "fold", needsUserFirst: true, mergesTurns: true });
  appendAll(dropped, arranged.dropped);
  if (options.purpose === "answer" && arranged.messages.at(-1)?.role === "assistant" && !traits.prefill)
    throw refusedBegunAnswer(last?.role === "assistant" ? last.at : undefined);
  const system = request.system.filter(({ text }) => text !== "" && !text.startsWith(ATTRIBUTION));
  const { tools, toolConfig } = encodeTools(request, names, dropped);
  const contents = encodeContents(arranged, { names, traits, withoutSeals: repairs.withoutSeals }, dropped);
  if (contents.length === 0)
    throw refusedParameter("messages", "the conversation is empty; send a message of the user");
  const prompt: Record<string, unknown> = {};
  if (tools !== null) prompt.tools = tools;
  if (system.length > 0) prompt.systemInstruction = { parts: system.map(({ text }) => ({ text })) };
  prompt.contents = contents;
  if (options.purpose === "count") {
    return {
      path: modelPath(options.model, "countTokens"),
      headers: [],
      names,
      body: { generateContentRequest: { model: nameOf(options.model), ...prompt } },
      dropped,
      watchedStops: [],
    };
  }
  const { config, watchedStops } = encodeConfig(request, options, dropped);
  const tier = encodeTier(request.serviceTier, dropped);
  dropWhatIsMissing(request, dropped);
  const body = prompt;
  if (toolConfig !== null) body.toolConfig = toolConfig;
  if (config !== null) body.generationConfig = config;
  if (tier !== null) body.serviceTier = tier;
  const method = request.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return { path: modelPath(options.model, method), body, headers: [], dropped, names, watchedStops };
}

/** The path of the model: tuned models have a collection of their own. */
export function nameOf(model: string): string {
  return /^(?:models|tunedModels)\//.test(model) ? model : `models/${model}`;
}

export function modelPath(model: string, method: string): string {
  const [collection, ...rest] = nameOf(model).split("/");
  return `/v1beta/${collection}/${encodeURIComponent(rest.join("/"))}:${method}`;
}

const TIERS: ReadonlyMap<string, string> = new Map([
  ["default", "standard"],
  ["standard", "standard"],
  ["standard_only", "standard"],
  ["flex", "flex"],
  ["priority", "priority"],
]);

function encodeTier(tier: string | null, dropped: Drop[]): string | null {
  // `auto` is what the provider does without the member.
  if (tier === null || tier === "auto") return null;
  const known = TIERS.get(tier) ?? null;
  if (known === null) dropped.push({ field: "serviceTier", reason: `Gemini has no tier "${tier}"` });
  return known;
}

/** Google caches by itself: hints and keys for the cache are left out and are no drops. */
function dropWhatIsMissing(request: ModelRequest, dropped: Drop[]): void {
  if (request.verbosity !== null)
    dropped.push({ field: "verbosity", reason: "Gemini cannot be told how much to say" });
  if (request.userId !== null) dropped.push({ field: "userId", reason: "Gemini is not told of end users" });
  if (request.metadata !== null && Object.keys(request.metadata).length > 0)
    dropped.push({ field: "metadata", reason: "Gemini keeps no metadata with requests" });
}
