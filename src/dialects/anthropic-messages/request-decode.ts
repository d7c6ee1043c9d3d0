/** Reads a request of the Messages API. A request for a count is the same without `max_tokens`. */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { TextPart } from "../../neutral/message.ts";
import type { ModelRequest, OutputFormat, ReasoningRequest, Sampling } from "../../neutral/request.ts";
import { EFFORTS, type Effort } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { DecodedRequest, DecodeRequestOptions } from "../codec.ts";
import { Drops } from "../shared/drops.ts";
import { decodeExtraSampling, withExtraSampling } from "../shared/extra-sampling.ts";
import {
  booleanAt,
  checkDepth,
  integerAt,
  isAbsent,
  nameAt,
  notOneOf,
  numberAt,
  objectAt,
  requiredObjectAt,
  stringAt,
  stringsAt,
} from "../shared/members.ts";
import { refusedPart } from "../shared/refusal.ts";
import { cacheHintAt } from "./cache-marks.ts";
import { blocksOf, decodeText, plainText } from "./part-decode.ts";
import type { MessagesReplyContext } from "./reply-context.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeMessages } from "./turn-decode.ts";
import { ATTRIBUTION } from "./wire.ts";

/** Members that only Anthropic has. An answer without them is still the answer that the client asked for. */
const DROPPED: readonly (readonly [member: string, reason: string])[] = [
  ["fallbacks", "the gateway chooses other models by its own configuration"],
  ["fallback_credit_token", "only Anthropic gives refunds"],
  ["speed", "only Anthropic has faster modes of a model"],
  ["diagnostics", "only Anthropic gives diagnostics"],
  ["user_profile_id", "profiles of users are stored at Anthropic"],
  ["workspace_id", "only Anthropic has workspaces"],
  ["billing_policy", "billing is agreed with Anthropic"],
  ["compaction", "only Anthropic compacts histories"],
];

/** Members that are read below, and members that are dropped with a reason of their own. */
const KNOWN = new Set([
  ...DROPPED.map(([member]) => member),
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
  // These repeat the headers and the path.
  "betas",
  "anthropic_beta",
  "anthropic_version",
]);

const KNOWN_OR_PASSED = withExtraSampling(KNOWN);

const METADATA: ReadonlySet<string> = new Set(["user_id"]);

/** `options`: a path of Vertex AI names the model in the body's place. */
export function decodeRequest(
  body: JsonObject,
  options: Pick<DecodeRequestOptions, "model">,
): DecodedRequest {
  checkDepth(body, "");
  refuseWhatOnlyAnthropicHas(body);
  const drops = new Drops();
  dropSettings(body, drops);
  const references = new Set<string>();
  const { messages, changes, outputConfig } = decodeMessages(body, { drops, references });
  const tools = decodeTools(body, { changes, references }, drops);
  const config = objectAt(body, "output_config", "");
  if (config?.task_budget !== undefined && config.task_budget !== null) {
    drops.add("output_config.task_budget", "only Anthropic takes a budget for the whole task");
  }
  const thinking = objectAt(body, "thinking", "");
  const effort = effortAt(outputConfig?.effort) ?? effortAt(config?.effort);
  const metadata = objectAt(body, "metadata", "");
  if (metadata !== null) drops.addUnknown(metadata, METADATA, "metadata");
  const request: ModelRequest = {
    model: body.model === undefined && options.model !== "" ? options.model : nameAt(body, "model", ""),
    stream: booleanAt(body, "stream", "") ?? false,
    system: decodeSystem(body.system, drops),
    messages,
    tools,
    ...decodeToolChoice(body, tools),
    maxOutputTokens: decodeMaxTokens(body),
    stop: stringsAt(body, "stop_sequences", "") ?? [],
    sampling: decodeSampling(body),
    candidates: 1,
    logprobs: null,
    reasoning: decodeThinking(thinking, effort),
    verbosity: null,
    output: decodeFormat(body, config),
    outputModalities: [],
    userId: metadata === null ? null : stringAt(metadata, "user_id", "metadata"),
    metadata: null,
    serviceTier: stringAt(body, "service_tier", ""),
    cacheKey: null,
    cacheWhole: cacheHintAt(body, ""),
  };
  const replyContext: MessagesReplyContext = { showsThinking: thinking?.display !== "omitted" };
  return { request, dropped: drops.list, replyContext };
}

/** Leaves out Claude Code's line on billing, which is meant for Anthropic and not for the model. */
function decodeSystem(value: unknown, drops: Drops): readonly TextPart[] {
  if (value === undefined || value === null) return [];
  const parts =
    typeof value === "string"
      ? plainText(value)
      : blocksOf(value, "system").map((block, index) => {
          const at = `system[${index}]`;
          if (block.type !== "text") throw notOneOf(`${at}.type`, ["text"]);
          return decodeText(block, at, drops);
        });
  return parts[0]?.text.startsWith(ATTRIBUTION) === true ? parts.slice(1) : parts;
}

function decodeMaxTokens(body: JsonObject): number | null {
  const maxTokens = integerAt(body, "max_tokens", "", 0);
  if (maxTokens === 0) {
    throw refusedPart(
      "max_tokens",
      "only Anthropic fills a cache without an answer, which 0 asks for; ask for at least 1 token",
    );
  }
  return maxTokens;
}

function decodeSampling(body: JsonObject): Sampling {
  return {
    temperature: numberAt(body, "temperature", ""),
    topP: numberAt(body, "top_p", ""),
    topK: integerAt(body, "top_k", "", 0),
    seed: null,
    frequencyPenalty: null,
    presencePenalty: null,
    logitBias: null,
    ...decodeExtraSampling(body, KNOWN, ""),
  };
}

function effortAt(value: unknown): Effort | null {
  if (value === undefined || value === null) return null;
  if (EFFORTS.includes(value as Effort)) return value as Effort;
  throw notOneOf("output_config.effort", ["low", "medium", "high", "xhigh", "max"]);
}

/**
 * A client that asks for thinking is shown it unless the client says otherwise: models without `display`
 * always show it.
 */
function decodeThinking(thinking: JsonObject | null, effort: Effort | null): ReasoningRequest | null {
  if (thinking === null) {
    return effort === null ? null : { effort, budgetTokens: null, isDynamic: false, isShown: null };
  }
  const isShown = thinking.display !== "omitted";
  switch (thinking.type) {
    case "adaptive":
      return { effort, budgetTokens: null, isDynamic: true, isShown };
    case "enabled": {
      const budget = integerAt(thinking, "budget_tokens", "thinking", 1);
      return {
        effort: budget === null ? effort : null,
        budgetTokens: budget,
        isDynamic: budget === null,
        isShown,
      };
    }
    case "disabled":
    // Short notes between calls in place of thinking.
    case "between_tools":
      return { effort: "none", budgetTokens: null, isDynamic: false, isShown: null };
    default:
      throw notOneOf("thinking.type", ["adaptive", "enabled", "disabled", "between_tools"]);
  }
}

/** `output_format` is the older name of `output_config.format`. */
function decodeFormat(body: JsonObject, config: JsonObject | null): OutputFormat | null {
  const format = config === null ? null : objectAt(config, "format", "output_config");
  const older = format ?? objectAt(body, "output_format", "");
  if (older === null) return null;
  const at = format === null ? "output_format" : "output_config.format";
  if (older.type !== "json_schema") throw notOneOf(`${at}.type`, ["json_schema"]);
  const schema = requiredObjectAt(older, "schema", at);
  return { kind: "json-schema", name: null, description: null, schema, strict: true };
}

function refuseWhatOnlyAnthropicHas(body: JsonObject): void {
  if (!isAbsent(body.thread)) {
    throw new GatewayError(
      "not_translatable",
      "thread: threads are kept at Anthropic; send the whole conversation in messages",
      { param: "thread", details: { error_code: "thread_unsupported_request", unsupported: ["thread"] } },
    );
  }
  if (asArray(body.mcp_servers).length > 0) {
    throw refusedPart(
      "mcp_servers",
      "only Anthropic calls MCP servers; send the tools of the servers in tools",
    );
  }
  if (!isAbsent(body.container)) {
    throw refusedPart(
      "container",
      "containers are kept at Anthropic; leave the field out, or use a model of Anthropic",
    );
  }
  if (!isAbsent(body.inference_geo)) {
    throw refusedPart(
      "inference_geo",
      "only Anthropic lets a client choose the region; leave the field out, or use a model of Anthropic",
    );
  }
}

function dropSettings(body: JsonObject, drops: Drops): void {
  drops.addUnknown(body, KNOWN_OR_PASSED, "");
  for (const [member, reason] of DROPPED) {
    const value = body[member];
    if (!isAbsent(value) && !(member === "speed" && value === "standard")) drops.add(member, reason);
  }
  const edits = asArray(asObject(body.context_management)?.edits);
  if (!edits.every(keepsAllThinking)) {
    drops.add("context_management", "only Anthropic edits histories");
  }
}

/**
 * Whether the edit keeps all thinking, as every other provider does. Claude Code always sends such an edit.
 */
function keepsAllThinking(edit: unknown): boolean {
  const { type, keep } = asObject(edit) ?? {};
  return (
    typeof type === "string" &&
    type.startsWith("clear_thinking_") &&
    (keep === "all" || asObject(keep)?.type === "all")
  );
}
