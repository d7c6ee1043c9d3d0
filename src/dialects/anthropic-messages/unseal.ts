/** Takes sealed reasoning out of a request, and tells where a request has to think without it. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";

/**
 * Whether Anthropic would refuse manual thinking: the last message begins the answer, or holds results of
 * calls whose turn does not begin with thinking.
 */
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

/** The body without thinking blocks; null: there are none. Manual thinking goes too where it needs them. */
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
  // Anthropic rejects `clear_thinking_*` edits when thinking is off, so they go too.
  const { thinking: _, context_management: management, ...rest } = stripped as JsonObject;
  const edits = asArray(asObject(management)?.edits);
  const kept = edits.filter((edit) => asString(asObject(edit)?.type)?.startsWith("clear_thinking_") !== true);
  return kept.length === 0 ? rest : { ...rest, context_management: { ...asObject(management), edits: kept } };
}

function isSealed(type: unknown): boolean {
  return type === "thinking" || type === "redacted_thinking";
}
