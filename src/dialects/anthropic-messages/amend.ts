/** Changes to a request of this dialect that is relayed or sent on: members that nothing is asked of stay as they are. */
import type { Amendment } from "../../neutral/amendment.ts";
import type { ModelReply } from "../../neutral/event.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import type { JsonObject, ReasoningRequest, ToolName } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { CacheMarks } from "./cache-marks.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { encodeAssistantParts, withoutUnsendable } from "./turn-encode.ts";
import { ATTRIBUTION, WEB_SEARCH_NAME, WEB_SEARCH_TYPE } from "./wire.ts";

/** The body that asks to go on behind a paused reply: the reply, as the upstream gave it, is the last message. null: nothing was said yet. */
export function goOn(body: JsonObject, reply: ModelReply): JsonObject | null {
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

export function amend(body: JsonObject, amendment: Amendment, traits: ModelTraits): JsonObject {
  const { defaults, fixed } = amendment;
  const amended = {
    ...body,
    ...amendSystem(body, amendment),
    ...(amendment.search && traits.webSearch ? amendTools(body) : null),
    ...value("max_tokens", body, fixed.maxOutputTokens, defaults.maxOutputTokens),
    ...value("stop_sequences", body, fixed.stop, defaults.stop),
  };
  return amendThinking(amendSampling(amended, amendment, traits), amendment, traits);
}

function amendSampling(body: JsonObject, { defaults, fixed }: Amendment, traits: ModelTraits): JsonObject {
  if (traits.sampling === "none") return body;
  const isSaid = [body.temperature, body.top_p].some((said) => said !== undefined && said !== null);
  const isFixed = fixed.temperature !== null || fixed.topP !== null;
  // Temperature and top_p are two ways to say one thing, and some models refuse them together.
  const spared = isSaid || isFixed ? { temperature: null, topP: null } : defaults;
  const { temperature, top_p, ...rest } = body;
  const asked = traits.sampling === "one" && isFixed ? rest : body;
  return {
    ...asked,
    ...value("temperature", asked, fixed.temperature, spared.temperature),
    ...value("top_p", asked, fixed.topP, spared.topP),
    ...value("top_k", asked, fixed.topK, defaults.topK),
  };
}

function value(name: string, body: JsonObject, fixed: unknown, byDefault: unknown): JsonObject | null {
  const said = body[name];
  const amended = fixed ?? (said === undefined || said === null ? byDefault : null);
  return amended === null || amended === undefined ? null : { [name]: amended };
}

/** Claude Code's line on who is billed stays first and alone. */
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

function amendTools(body: JsonObject): JsonObject | null {
  const tools = asArray(body.tools);
  if (tools.some((tool) => asObject(tool)?.name === WEB_SEARCH_NAME)) return null;
  return { tools: [...tools, { type: WEB_SEARCH_TYPE, name: WEB_SEARCH_NAME }] };
}

function amendThinking(body: JsonObject, amendment: Amendment, traits: ModelTraits): JsonObject {
  const config = asObject(body.output_config);
  const isSaid = asObject(body.thinking) !== null || asString(config?.effort) !== null;
  const reasoning = reasoningOf(amendment.fixed) ?? (isSaid ? null : wantedReasoning(amendment));
  if (reasoning === null) return body;
  const maxTokens = typeof body.max_tokens === "number" ? body.max_tokens : Number.POSITIVE_INFINITY;
  const isForced = ["any", "tool"].includes(asString(asObject(body.tool_choice)?.type) ?? "");
  const { thinking, effort } = encodeThinking(
    reasoning,
    { traits, maxTokens, isForced, isUnthinkable: isUnthinkable(asArray(body.messages)) },
    [],
  );
  const { thinking: _, temperature, top_p, top_k, output_config: __, ...rest } = body;
  const { effort: ___, ...otherConfig } = config ?? {};
  const newConfig = effort === null ? otherConfig : { ...otherConfig, effort };
  // Refused beside thinking.
  const sampling =
    thinking !== null && thinking.type !== "disabled" ? {} : definedOf({ temperature, top_p, top_k });
  return {
    ...rest,
    ...sampling,
    ...(thinking === null ? null : { thinking }),
    ...(Object.keys(newConfig).length === 0 ? null : { output_config: newConfig }),
  };
}

function definedOf(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

function wantedReasoning({ thinking, defaults }: Amendment): ReasoningRequest | null {
  if (thinking === null) return reasoningOf(defaults);
  const { budgetTokens } = thinking;
  return { effort: null, budgetTokens, isDynamic: budgetTokens === null, isShown: true };
}

function reasoningOf({ effort, thinkingBudgetTokens }: Amendment["fixed"]): ReasoningRequest | null {
  if (effort === null && thinkingBudgetTokens === null) return null;
  return { effort, budgetTokens: thinkingBudgetTokens, isDynamic: false, isShown: null };
}

/** Whether manual thinking would be refused: what follows is the rest of an answer that does not begin with thinking. */
export function isUnthinkable(messages: readonly unknown[]): boolean {
  const turns = messages.map(asObject).filter((message) => message !== null && message.role !== "system");
  const last = turns.at(-1);
  if (last?.role === "assistant") return true;
  if (firstType(last?.content) !== "tool_result") return false;
  const first = firstType(turns.at(-2)?.content);
  return first !== "thinking" && first !== "redacted_thinking";
}

function firstType(content: unknown): unknown {
  return asObject(asArray(content)[0])?.type;
}

/** The body without thinking blocks; null: there are none. Manual thinking goes with them where it could not go on without. */
export function withoutSeals(body: JsonObject): JsonObject | null {
  let hasSeals = false;
  const messages = asArray(body.messages).flatMap((entry) => {
    const message = asObject(entry);
    if (message?.role !== "assistant" || !Array.isArray(message.content)) return [entry];
    const content = message.content.filter((block) => !isSealed(asObject(block)?.type));
    if (content.length === message.content.length) return [entry];
    hasSeals = true;
    return content.length === 0 ? [] : [{ ...message, content }];
  });
  if (!hasSeals) return null;
  const stripped = { ...body, messages };
  if (asObject(body.thinking)?.type !== "enabled" || !isUnthinkable(messages)) return stripped;
  // To edit thinking is refused where there is none.
  const { thinking: _, context_management: management, ...rest } = stripped as JsonObject;
  const edits = asArray(asObject(management)?.edits);
  const kept = edits.filter((edit) => asString(asObject(edit)?.type)?.startsWith("clear_thinking_") !== true);
  return kept.length === 0 ? rest : { ...rest, context_management: { ...asObject(management), edits: kept } };
}

function isSealed(type: unknown): boolean {
  return type === "thinking" || type === "redacted_thinking";
}
