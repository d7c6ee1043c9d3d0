/** What servers of Responses refuse, and what is changed for them. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { asArray } from "../../wire/json.ts";
import { type BodyEdit, mapMember, type Refusal, type RepairRules } from "../repair.ts";
import {
  DEVELOPER_REFUSED,
  FORCED_TOOL_REFUSED,
  FREE_TOOL_CHOICE,
  systemRole,
} from "../shared/openai-repairs.ts";
import { REFUSED_MEMBER } from "../shared/refused-member.ts";
import { CALL_IDS_REFUSED, fitCallIds } from "../shared/repairs/call-id-repairs.ts";
import { addProperties, TOOL_MEMBERS_REFUSED, WITHOUT_NULLS } from "../shared/repairs/tool-repairs.ts";
import { withoutSealsIn } from "../shared/turns.ts";
import { CALL_ID_RULE } from "./call-id.ts";
import { withoutSeals } from "./unseal.ts";

const REFUSALS: readonly Refusal[] = [
  {
    words:
      /^The encrypted content .{0,80}(?:could not be (?:verified|decrypted)|is invalid)|^invalid_encrypted_content$/i,
    repairs: ["without-seals"],
    isOnce: true,
  },
  {
    words: /^Your organization must be verified to generate reasoning summaries/i,
    repairs: ["without"],
    members: ["reasoning.summary"],
    statuses: [400, 403, 422],
  },
  {
    words: /^Encrypted content is not supported with this model/i,
    repairs: ["without-encrypted"],
  },
  // OpenAI: jeremychone/rust-genai#119, google/adk-go#1197
  {
    words:
      /^Invalid value: '(?:input_text|output_text|text)'\. Supported values are: '(?:input_text|output_text)'/i,
    repairs: ["parts-by-role"],
  },
  ...TOOL_MEMBERS_REFUSED,
  ...CALL_IDS_REFUSED,
  // Reasoning of another server in the same conversation: anomalyco/opencode#7724, can1357/oh-my-pi#41
  {
    words: /^Item with id 'rs_[^'\n]{0,200}' not found/i,
    repairs: ["without-named-reasoning"],
    statuses: [400, 404, 422],
    isOnce: true,
  },
  ...FORCED_TOOL_REFUSED,
  DEVELOPER_REFUSED,
  ...REFUSED_MEMBER,
];

const OPTIONAL = {
  stream_options: null,
  temperature: "temperature",
  top_p: "topP",
  parallel_tool_calls: "parallelToolCalls",
  reasoning: "reasoning",
  "reasoning.effort": "reasoning",
  "reasoning.summary": "reasoning",
  "reasoning.generate_summary": null,
  "reasoning.context": null,
  "reasoning.mode": null,
  "text.verbosity": "verbosity",
  user: "userId",
  safety_identifier: "userId",
  metadata: "metadata",
  client_metadata: null,
  store: null,
  include: null,
  service_tier: "serviceTier",
  prompt_cache_key: "cacheKey",
  prompt_cache_retention: null,
  prompt_cache_options: null,
  "input.*.status": null,
  "input.*.phase": null,
  // Codex's notes for its own provider: openai/codex#29469, Wei-Shaw/sub2api#7066, sozercan/vekil#228
  "input.*.metadata": null,
  "input.*.internal_chat_message_metadata_passthrough": null,
  "input.*.content.*.annotations": null,
  "input.*.content.*.logprobs": null,
  "input.*.content.*.prompt_cache_breakpoint": null,
  "tools.*.strict": null,
} satisfies RepairRules["optional"];

const ENCRYPTED = "reasoning.encrypted_content";

const EDITS = {
  "fit-call-ids": fitCallIds("input", CALL_ID_RULE),
  "add-properties": addProperties("parameters"),
  "without-nulls": WITHOUT_NULLS,
  "parts-by-role": {
    field: "input",
    parameter: null,
    reason: "parts of messages got the type that the role of their message wants",
    concerns: ["input_text", "output_text", "text"],
    change: (body) => mapMember(body, "input", withPartsOfRole),
  },
  "without-named-reasoning": {
    field: "input",
    parameter: "reasoning",
    reason: "reasoning that the upstream has not kept was left out",
    change: (body) => withoutNamedReasoning(body),
  },
  "without-encrypted": {
    field: "include",
    parameter: null,
    reason: "encrypted reasoning was not asked for, because the model has none",
    change(body) {
      const { include, ...rest } = body;
      const asked = asArray(include);
      const kept = asked.filter((item) => item !== ENCRYPTED);
      if (kept.length === asked.length) return body;
      return kept.length === 0 ? rest : { ...rest, include: kept };
    },
  },
  "free-tool-choice": FREE_TOOL_CHOICE,
  "system-role": systemRole("input"),
  "without-seals": withoutSealsIn("input", withoutSeals),
} satisfies Readonly<Record<string, BodyEdit>>;

export const REPAIRS: RepairRules = {
  refusals: REFUSALS,
  optional: OPTIONAL,
  replaced: {},
  renamed: {},
  edits: EDITS,
  betaHeader: null,
  limits: { answer: [["max_output_tokens"]], thinking: null },
};

const TEXT_TYPES: ReadonlySet<unknown> = new Set(["input_text", "output_text", "text"]);

function withPartsOfRole(item: JsonObject): JsonObject {
  const { role, content } = item;
  if (typeof role !== "string" || !Array.isArray(content)) return item;
  const type = role === "assistant" ? "output_text" : "input_text";
  const changed = content.map((part: unknown) =>
    isObject(part) && TEXT_TYPES.has(part.type) && part.type !== type ? { ...part, type } : part,
  );
  return changed.every((part, n) => part === content[n]) ? item : { ...item, content: changed };
}

/** Calls lose their ids, too: an id of a call makes OpenAI look for the reasoning before it. */
function withoutNamedReasoning(body: JsonObject): JsonObject {
  const isNamed = (item: JsonObject): boolean =>
    item.type === "reasoning" && typeof item.encrypted_content !== "string";
  const input = asArray(body.input);
  if (!input.some((item) => isObject(item) && isNamed(item))) return body;
  const kept = input.flatMap((item) => {
    if (!isObject(item)) return [item];
    if (isNamed(item)) return [];
    if (item.type !== "function_call" && item.type !== "custom_tool_call") return [item];
    const { id: _, ...call } = item;
    return [call];
  });
  return { ...body, input: kept };
}
