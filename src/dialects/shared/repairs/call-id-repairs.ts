/** Ids of calls that a server refused, replaced by such as it takes, in the bodies of all dialects: a call and its result alike. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { type CallIdRule, callIdFor } from "../../../neutral/conversation/call-ids.ts";
import { type BodyEdit, mapMember, type Refusal } from "../../repair.ts";

/**
 * Ids that are too long, at OpenAI and resellers of it (langgenius/dify#28987, AnswerDotAI/fastllm#45, openclaw/openclaw#875),
 * or that hold other signs, at Anthropic (experientiallabs/experiential#801).
 */
export const CALL_IDS_REFUSED: readonly Refusal[] = [
  {
    words:
      /^Invalid '(?:messages|input)\[\d+\]\.(?:tool_calls\[\d+\]\.id|tool_call_id|call_id)': string too long\. Expected a string with maximum length (?<amount>\d{1,4})\b/,
    repairs: ["fit-call-ids"],
  },
  {
    words:
      /^messages\.\d+\.content\.\d+\.(?:tool_use\.id|tool_result\.tool_use_id|id|tool_use_id): String should (?:match pattern|have at most (?<amount>\d{1,4}) characters)/,
    repairs: ["fit-call-ids"],
  },
];

/** `rule`: what the dialect's own provider takes, but for the length that a refusal told. */
export function fitCallIds(list: "messages" | "input", rule: CallIdRule): BodyEdit {
  return {
    field: list,
    parameter: null,
    reason: "the ids of calls were replaced by such as the upstream takes",
    change: (body, { amount }) => {
      const told = amount === null ? rule : { ...rule, maxChars: amount };
      return mapMember(body, list, (item) => withIds(item, told));
    },
  };
}

function withIds(item: JsonObject, rule: CallIdRule): JsonObject {
  const named = withId(withId(item, "tool_call_id", rule), "call_id", rule);
  const calls = mapList(item.tool_calls, (call) => withId(call, "id", rule));
  const blocks = mapList(item.content, (block) =>
    withId(block, block.type === "tool_use" ? "id" : "tool_use_id", rule),
  );
  if (calls === item.tool_calls && blocks === item.content) return named;
  return {
    ...named,
    ...(calls === item.tool_calls ? {} : { tool_calls: calls }),
    ...(blocks === item.content ? {} : { content: blocks }),
  };
}

function mapList(list: unknown, change: (item: JsonObject) => JsonObject): unknown {
  if (!Array.isArray(list)) return list;
  const changed = list.map((item: unknown) => (isObject(item) ? change(item) : item));
  return changed.every((item, n) => item === list[n]) ? list : changed;
}

function withId(object: JsonObject, member: string, rule: CallIdRule): JsonObject {
  const id = object[member];
  const fitting = typeof id === "string" ? callIdFor(id, rule) : id;
  return fitting === id ? object : { ...object, [member]: fitting };
}
