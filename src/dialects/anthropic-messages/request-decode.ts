/** A client's request of the Messages API in no vendor's words. The body of a count is the same without `max_tokens`. */
import { GatewayError } from "../../core/errors.ts";
import type { TextPart } from "../../neutral/message.ts";
import type {
  JsonObject,
  ModelRequest,
  OutputFormat,
  ReasoningRequest,
  Sampling,
} from "../../neutral/request.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { EFFORTS, type Effort } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { DecodedRequest } from "../codec.ts";
import {
  badField,
  cacheHintOf,
  type Drops,
  dropUnknown,
  notTranslatable,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalObject,
  optionalText,
  optionalTexts,
  requireName,
} from "./fields.ts";
import { blocksOf, decodeText } from "./part-decode.ts";
import type { MessagesReplyContext } from "./reply-context.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeMessages } from "./turn-decode.ts";
import { ATTRIBUTION } from "./wire.ts";

/** Read below, or looked at there on their own. */
const KNOWN = new Set([
  "model",
  "max_tokens",
  "messages",
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "output_format",
  "stop_sequences",
  "stream",
  "metadata",
  "service_tier",
  "cache_control",
  "temperature",
  "top_p",
  "top_k",
  "context_management",
  "container",
  "inference_geo",
  "mcp_servers",
  "thread",
  // Say again what headers and the path say, and mean nothing to others.
  "betas",
  "anthropic_beta",
  "anthropic_version",
]);

/** What only Anthropic has, and why an answer without it is still the answer that was asked for. */
const DROPPED: Readonly<Record<string, string>> = {
  fallbacks: "falling back to another model is this gateway's own business here",
  fallback_credit_token: "a refund can only be claimed from Anthropic",
  speed: "a faster mode of the model can only be asked of Anthropic",
  diagnostics: "diagnostics can only be asked of Anthropic",
  user_profile_id: "profiles of users are kept at Anthropic",
  workspace_id: "workspaces are Anthropic's",
  billing_policy: "billing is agreed with Anthropic",
  compaction: "histories are compacted by Anthropic alone",
};

export function decodeRequest(body: JsonObject): DecodedRequest {
  if (isDeeperThan(body, MAX_DEPTH)) {
    throw new GatewayError(
      "bad_request",
      `The body is nested more than ${MAX_DEPTH} levels deep. Flatten it.`,
    );
  }
  refuseWhatOnlyAnthropicHas(body);
  const drops: Drops = [];
  dropSettings(body, drops);
  const references = new Set<string>();
  const { messages, changes, outputConfig } = decodeMessages(body, { drops, references });
  const tools = decodeTools(body.tools, { changes, references }, drops);
  const config = optionalObject(body.output_config, "output_config");
  if (config?.task_budget !== undefined && config.task_budget !== null) {
    drops.push({
      field: "output_config.task_budget",
      reason: "a budget for the whole task can only be given to Anthropic",
    });
  }
  const thinking = optionalObject(body.thinking, "thinking");
  const effort = effortAt(outputConfig?.effort) ?? effortAt(config?.effort);
  const metadata = optionalObject(body.metadata, "metadata");
  if (metadata !== null) dropUnknown(metadata, new Set(["user_id"]), "metadata", drops);
  const request: ModelRequest = {
    model: requireName(body.model, "model"),
    stream: optionalFlag(body.stream, "stream") ?? false,
    system: decodeSystem(body.system, drops),
    messages,
    tools,
    ...decodeToolChoice(body.tool_choice, tools),
    maxOutputTokens: decodeMaxTokens(body.max_tokens),
    stop: optionalTexts(body.stop_sequences, "stop_sequences") ?? [],
    sampling: decodeSampling(body),
    candidates: 1,
    logprobs: null,
    reasoning: decodeThinking(thinking, effort),
    verbosity: null,
    output: decodeFormat(config?.format ?? body.output_format),
    outputModalities: [],
    userId: optionalText(metadata?.user_id, "metadata.user_id"),
    metadata: null,
    serviceTier: optionalText(body.service_tier, "service_tier"),
    cacheKey: null,
    cacheWhole: cacheHintOf(body, ""),
  };
  const replyContext: MessagesReplyContext = { showsThinking: thinking?.display !== "omitted" };
  return { request, dropped: drops, replyContext };
}

/** Claude Code's line on who is billed speaks to Anthropic, not to the model. */
function decodeSystem(value: unknown, drops: Drops): readonly TextPart[] {
  if (value === undefined || value === null) return [];
  return blocksOf(value, "system").flatMap((block, index) => {
    const at = `system[${index}]`;
    if (block.type !== "text") throw badField(`${at}.type`, 'must be "text".');
    const part = decodeText(block, at, drops);
    return index === 0 && part.text.startsWith(ATTRIBUTION) ? [] : [part];
  });
}

function decodeMaxTokens(value: unknown): number | null {
  const maxTokens = optionalCount(value, 0, "max_tokens");
  if (maxTokens === 0) {
    throw notTranslatable(
      "max_tokens",
      "0 warms Anthropic's cache and gives no answer; ask for at least 1 token here.",
    );
  }
  return maxTokens;
}

function decodeSampling(body: JsonObject): Sampling {
  return {
    temperature: optionalNumber(body.temperature, "temperature"),
    topP: optionalNumber(body.top_p, "top_p"),
    topK: optionalCount(body.top_k, 0, "top_k"),
    seed: null,
    frequencyPenalty: null,
    presencePenalty: null,
    logitBias: null,
  };
}

function effortAt(value: unknown): Effort | null {
  if (value === undefined || value === null) return null;
  if (EFFORTS.includes(value as Effort)) return value as Effort;
  throw badField("output_config.effort", 'must be "low", "medium", "high", "xhigh" or "max".');
}

/** A client that asks for thinking and does not say otherwise is shown it, as those models do that know no other way. */
function decodeThinking(thinking: JsonObject | null, effort: Effort | null): ReasoningRequest | null {
  if (thinking === null) {
    return effort === null ? null : { effort, budgetTokens: null, isDynamic: false, isShown: null };
  }
  const isShown = thinking.display !== "omitted";
  switch (thinking.type) {
    case "adaptive":
      return { effort, budgetTokens: null, isDynamic: true, isShown };
    case "enabled": {
      const budget = optionalCount(thinking.budget_tokens, 1, "thinking.budget_tokens");
      return {
        effort: budget === null ? effort : null,
        budgetTokens: budget,
        isDynamic: budget === null,
        isShown,
      };
    }
    case "disabled":
    // Short notes between calls instead of thinking.
    case "between_tools":
      return { effort: "none", budgetTokens: null, isDynamic: false, isShown: null };
    default:
      throw badField("thinking.type", 'must be "adaptive", "enabled", "disabled" or "between_tools".');
  }
}

function decodeFormat(value: unknown): OutputFormat | null {
  const format = optionalObject(value, "output_config.format");
  if (format === null) return null;
  if (format.type !== "json_schema") throw badField("output_config.format.type", 'must be "json_schema".');
  const schema = asObject(format.schema);
  if (schema === null) throw badField("output_config.format.schema", "must be a JSON Schema object.");
  return { kind: "json-schema", name: null, description: null, schema, strict: true };
}

function refuseWhatOnlyAnthropicHas(body: JsonObject): void {
  if (isGiven(body.thread)) {
    throw new GatewayError(
      "not_translatable",
      "thread: threads are kept at Anthropic, and this model is not. Send the whole conversation in messages.",
      { param: "thread", details: { error_code: "thread_unsupported_request", unsupported: ["thread"] } },
    );
  }
  if (asArray(body.mcp_servers).length > 0) {
    throw notTranslatable(
      "mcp_servers",
      "only Anthropic calls MCP servers itself. Give their tools in tools.",
    );
  }
  if (isGiven(body.container)) {
    throw notTranslatable("container", "containers are kept at Anthropic, and this model is not.");
  }
  if (isGiven(body.inference_geo)) {
    throw notTranslatable(
      "inference_geo",
      "only Anthropic can be told where to compute. Leave it out, or use a model of Anthropic.",
    );
  }
}

function dropSettings(body: JsonObject, drops: Drops): void {
  const unknown: Record<string, unknown> = Object.create(null);
  for (const [member, value] of Object.entries(body)) {
    if (KNOWN.has(member)) continue;
    if (!Object.hasOwn(DROPPED, member)) unknown[member] = value;
    else if (isGiven(value) && !(member === "speed" && value === "standard")) {
      drops.push({ field: member, reason: DROPPED[member] as string });
    }
  }
  dropUnknown(unknown, KNOWN, "", drops);
  const edits = asArray(asObject(body.context_management)?.edits);
  if (!edits.every(keepsAllThinking)) {
    drops.push({ field: "context_management", reason: "histories are edited by Anthropic alone" });
  }
}

/** To keep all thinking is what happens everywhere else; Claude Code always asks for it. */
function keepsAllThinking(edit: unknown): boolean {
  const { type, keep } = asObject(edit) ?? {};
  return (
    typeof type === "string" &&
    type.startsWith("clear_thinking_") &&
    (keep === "all" || asObject(keep)?.type === "all")
  );
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
