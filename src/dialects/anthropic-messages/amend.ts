/** Changes to the body of a Messages request that is relayed or sent again. */
import type { JsonObject } from "../../core/json.ts";
import { type AmendedValues, type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { ModelReply } from "../../neutral/event.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import type { Drop, ReasoningRequest, ToolName } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";
import { CacheMarks } from "./cache-marks.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { encodeAssistantParts, withoutUnsendable } from "./turn-encode.ts";
import { isUnthinkable } from "./unseal.ts";
import { ATTRIBUTION, WEB_SEARCH_NAME, WEB_SEARCH_TYPE } from "./wire.ts";

/**
 * The body that continues a paused reply: the reply, as the upstream gave it, is the last message. null: the
 * reply is empty.
 */
export function continueReply(body: JsonObject, reply: ModelReply): JsonObject | null {
  const encoding = {
    names: { wireName: ({ name }: ToolName) => name, original: () => null },
    marks: new CacheMarks(),
    dropped: [],
    withoutSeals: false,
  };
  const { parts } = withoutUnsendable({ role: "assistant", parts: reply.parts }, encoding);
  const content = encodeAssistantParts(parts as readonly AssistantPart[], encoding);
  if (content.length === 0) return null;
  return { ...body, messages: [...asArray(body.messages), { role: "assistant", content }] };
}

const NAMES = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  maxOutputTokens: "max_tokens",
  stop: "stop_sequences",
  seed: null,
} as const;

export function amend(body: JsonObject, amendment: Amendment, { traits }: AmendTarget): AmendedBody {
  const dropped: Drop[] = [];
  const values = planAmendment(amendment, (parameter) => isSaid(body, parameter));
  const members = amendedMembers(values, NAMES, traits, dropped);
  const amended = {
    ...withoutOther(body, members, traits),
    ...amendSystem(body, amendment),
    ...(amendment.search ? amendTools(body, traits) : null),
    ...Object.fromEntries(members),
  };
  const { reasoning } = values;
  return { body: reasoning === null ? amended : amendThinking(amended, reasoning, traits, dropped), dropped };
}

function isSaid(body: JsonObject, parameter: keyof AmendedValues): boolean {
  if (parameter === "reasoning")
    return asObject(body.thinking) !== null || asString(asObject(body.output_config)?.effort) !== null;
  const name = NAMES[parameter];
  return name !== null && body[name] !== undefined && body[name] !== null;
}

/**
 * A model that refuses temperature and top_p together gets the operator's in place of the client's other one.
 */
function withoutOther(
  body: JsonObject,
  members: readonly (readonly [name: string, value: unknown])[],
  traits: ModelTraits,
): JsonObject {
  const isSet = members.some(([name]) => name === "temperature" || name === "top_p");
  if (traits.sampling !== "one" || !isSet) return body;
  const { temperature: _, top_p: __, ...rest } = body;
  return rest;
}

/** Claude Code's line on who is billed stays the first block, and a block of its own. */
function amendSystem(body: JsonObject, { systemBefore, systemAfter }: Amendment): JsonObject | null {
  if (systemBefore === null && systemAfter === null) return null;
  const blocks =
    typeof body.system === "string" ? [{ type: "text", text: body.system }] : [...asArray(body.system)];
  const isAttributed = asString(asObject(blocks[0])?.text)?.startsWith(ATTRIBUTION) === true;
  const before = systemBefore === null ? [] : [{ type: "text", text: systemBefore }];
  blocks.splice(isAttributed ? 1 : 0, 0, ...before);
  if (systemAfter !== null) blocks.push({ type: "text", text: systemAfter });
  return { system: blocks };
}

/** null: there is a search already. */
function amendTools(body: JsonObject, traits: ModelTraits): JsonObject | null {
  const tools = asArray(body.tools);
  if (tools.some((tool) => asObject(tool)?.name === WEB_SEARCH_NAME)) return null;
  checkSearch(traits);
  return { tools: [...tools, { type: WEB_SEARCH_TYPE, name: WEB_SEARCH_NAME }] };
}

const SAMPLING = { temperature: "temperature", top_p: "topP", top_k: "topK" } as const;

function amendThinking(
  body: JsonObject,
  reasoning: ReasoningRequest,
  traits: ModelTraits,
  dropped: Drop[],
): JsonObject {
  const maxTokens = typeof body.max_tokens === "number" ? body.max_tokens : Number.POSITIVE_INFINITY;
  const isForced = ["any", "tool"].includes(asString(asObject(body.tool_choice)?.type) ?? "");
  const { thinking, effort } = encodeThinking(
    reasoning,
    { traits, maxTokens, isForced, isUnthinkable: isUnthinkable(asArray(body.messages)) },
    dropped,
  );
  const { thinking: _, output_config: config, ...others } = body;
  const rest: Record<string, unknown> = others;
  if (thinking !== null && thinking.type !== "disabled") {
    for (const [name, field] of Object.entries(SAMPLING)) {
      if (rest[name] !== undefined && rest[name] !== null)
        dropped.push({ field, reason: "this model refuses it while it thinks" });
      delete rest[name];
    }
  }
  const { effort: __, ...otherConfig } = asObject(config) ?? {};
  const newConfig = effort === null ? otherConfig : { ...otherConfig, effort };
  return {
    ...rest,
    ...(thinking === null ? null : { thinking }),
    ...(Object.keys(newConfig).length === 0 ? null : { output_config: newConfig }),
  };
}
