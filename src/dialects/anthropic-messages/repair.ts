/** What servers of Messages refuse, and what is changed for them. */
import type { JsonObject } from "../../core/json.ts";
import { asObject } from "../../wire/json.ts";
import { type BodyEdit, mapMember, type Refusal, type RepairRules } from "../repair.ts";
import { REFUSED_MEMBER } from "../shared/refused-member.ts";
import { CALL_IDS_REFUSED, fitCallIds } from "../shared/repairs/call-id-repairs.ts";
import { addProperties, TOOL_MEMBERS_REFUSED, WITHOUT_NULLS } from "../shared/repairs/tool-repairs.ts";
import { joinContents, joinTurnsIn, partsOf, withoutSealsIn } from "../shared/turns.ts";
import { withoutSeals } from "./unseal.ts";
import { CALL_ID } from "./wire.ts";

const REFUSALS: readonly Refusal[] = [
  {
    words:
      /^(?:messages[\w.]+: )?(?:Invalid `?signature`? in `?thinking`? block|`?thinking`?.{0,80}cannot be modified|.{0,200}must start with a thinking block)/i,
    repairs: ["without-seals"],
    isOnce: true,
  },
  // DeepSeek: QwenLM/qwen-code#3788, leookun/cursor-byok#276; Kimi: anthropics/claude-code#37757
  {
    words:
      /^The [`'"]?content\[\]\.thinking[`'"]? in the thinking mode must be passed back|^thinking is enabled but reasoning_content is missing/i,
    repairs: ["return-reasoning"],
  },
  // Anthropic's documentation of extended thinking
  {
    words: /^Thinking may not be enabled when tool_choice forces tool use/i,
    repairs: ["free-tool-choice"],
    isOnce: true,
  },
  {
    words: /^tool_choice[:.]? .{0,80}(?:not supported|incompatible) (?:with|while|when) thinking/i,
    repairs: ["free-tool-choice"],
    isOnce: true,
  },
  {
    words: /^messages: roles must alternate between "user" and "assistant"/i,
    repairs: ["join-turns"],
  },
  // Anthropic, and resellers behind it: https://docs.claude.com/en/api/beta-headers
  {
    words: /^Unexpected value\(s\) (?<members>.{1,500}?) for the \W?[\w-]+-beta\W? header/i,
    repairs: ["without-beta"],
  },
  // Amazon Bedrock names none of them
  { words: /^invalid beta flag/i, repairs: ["without-beta"] },
  {
    words: /^`?temperature`? and `?top_p`? cannot both be specified/i,
    repairs: ["one-sampling"],
  },
  {
    words: /^This model does not support the effort parameter/i,
    repairs: ["without"],
    members: ["output_config.effort"],
  },
  {
    words:
      /^adaptive thinking is not supported on this model|^"?thinking\.type\.adaptive"? is not supported/i,
    repairs: ["without-adaptive"],
  },
  ...TOOL_MEMBERS_REFUSED,
  ...CALL_IDS_REFUSED,
  ...REFUSED_MEMBER,
];

const OPTIONAL = {
  temperature: "temperature",
  top_p: "topP",
  top_k: "topK",
  metadata: "metadata",
  service_tier: "serviceTier",
  thinking: "reasoning",
  "thinking.display": "reasoning",
  "output_config.effort": "reasoning",
  context_management: null,
  diagnostics: null,
  speed: null,
  inference_geo: null,
  cache_control: null,
  "system.*.cache_control": null,
  "system.*.cache_control.ttl": null,
  "system.*.cache_control.scope": null,
  "messages.*.content.*.cache_control": null,
  "messages.*.content.*.cache_control.ttl": null,
  "messages.*.content.*.cache_control.scope": null,
  "messages.*.content.*.content.*.cache_control": null,
  "messages.*.content.*.caller": null,
  "tools.*.cache_control": null,
  "tools.*.cache_control.ttl": null,
  "tools.*.cache_control.scope": null,
  "tools.*.strict": null,
  "tools.*.defer_loading": null,
  "tools.*.input_examples": null,
  "tools.*.allowed_callers": null,
  "tools.*.eager_input_streaming": null,
  "tool_choice.disable_parallel_tool_use": "parallelToolCalls",
} satisfies RepairRules["optional"];

/** A turn without thinking, as DeepSeek and Kimi take it. */
const NO_THOUGHT = { type: "thinking", thinking: "", signature: "" };

const EDITS = {
  "fit-call-ids": fitCallIds("messages", CALL_ID),
  "add-properties": addProperties("input_schema"),
  "without-nulls": WITHOUT_NULLS,
  "return-reasoning": {
    field: "messages",
    parameter: null,
    reason: "each turn of the assistant got the reasoning that the upstream wants back, empty where none was",
    change: (body) => mapMember(body, "messages", withThinking),
  },
  "free-tool-choice": {
    field: "tool_choice",
    parameter: "toolChoice",
    reason: "left out, because the upstream lets nobody force a tool while the model thinks",
    change(body) {
      const choice = asObject(body.tool_choice);
      if (choice?.type !== "any" && choice?.type !== "tool") return body;
      const { name: _, ...rest } = choice;
      return { ...body, tool_choice: { ...rest, type: "auto" } };
    },
  },
  "without-adaptive": {
    field: "thinking",
    parameter: "reasoning",
    reason: "left out, because the model does not decide itself how much to think",
    change(body) {
      const { thinking, ...rest } = body;
      return asObject(thinking)?.type === "adaptive" ? rest : body;
    },
  },
  "one-sampling": {
    field: "top_p",
    parameter: "topP",
    reason: "left out, because the model does not take it beside temperature",
    change(body) {
      const { top_p: topP, ...rest } = body;
      return topP === undefined || body.temperature === undefined ? body : rest;
    },
  },
  "join-turns": joinTurnsIn("messages", joinMessages),
  "without-seals": withoutSealsIn("messages", withoutSeals),
} satisfies Readonly<Record<string, BodyEdit>>;

export const REPAIRS: RepairRules = {
  refusals: REFUSALS,
  optional: OPTIONAL,
  replaced: {},
  renamed: {},
  edits: EDITS,
  betaHeader: "anthropic-beta",
  limits: { answer: [["max_tokens"]], thinking: ["thinking", "budget_tokens"] },
};

function withThinking(message: JsonObject): JsonObject {
  const parts = partsOf(message.content);
  const hasThought = parts.some((part) => asObject(part)?.type === "thinking");
  if (message.role !== "assistant" || hasThought) return message;
  return { ...message, content: [NO_THOUGHT, ...parts] };
}

function joinMessages(run: readonly JsonObject[]): JsonObject {
  return { ...run[0], content: joinContents(run.map(({ content }) => content)) };
}
