/** A forced tool at a server whose model thinks unasked: its thinking makes room for the call, as in translated requests. */
import type { JsonObject } from "../../../core/json.ts";
import type { BodyEdit, Refusal } from "../../repair.ts";
import { isForced } from "../openai-repairs.ts";

/** Members by which clients of Chat say something of thinking. */
const WISHES = [
  "reasoning_effort",
  "reasoning",
  "thinking",
  "enable_thinking",
  "thinking_budget",
  "chat_template_kwargs",
  "extra_body",
] as const;

/** By the switch that the refusing server knows. */
const OFF: Readonly<Record<string, JsonObject>> = {
  thinking: { thinking: { type: "disabled" } },
  enable_thinking: { enable_thinking: false },
};

/** The words say whose server it is: DeepSeek (BerriAI/litellm#37470), Kimi (UKGovernmentBEIS/inspect_ai#5152), Qwen (cloudwego/eino#994). */
export const FORCED_CALL_REFUSED: readonly Refusal[] = [
  {
    words:
      /^Thinking mode does not support this tool_choice|^tool_choice ['"`]?\w+['"`]? is incompatible with thinking enabled/i,
    repairs: ["call-instead-of-thinking"],
    members: ["thinking"],
    unlessSaid: WISHES,
  },
  {
    words:
      /^(?:<400> InternalError\.Algo\.InvalidParameter: )?The tool_choice parameter does not support being set to required or object in thinking mode/i,
    repairs: ["call-instead-of-thinking"],
    members: ["enable_thinking"],
    unlessSaid: WISHES,
  },
];

export const CALL_INSTEAD_OF_THINKING: BodyEdit = {
  field: "thinking",
  parameter: "reasoning",
  reason: "switched off, because the upstream lets nobody force a tool while the model thinks",
  concerns: ["tool_choice"],
  change: (body, { member }) =>
    isForced(body.tool_choice) && !saysAny(body, WISHES) ? { ...body, ...OFF[member] } : body,
};

/** Whether a body has one of the members, with a value. */
export function saysAny(body: JsonObject, members: readonly string[]): boolean {
  return members.some((name) => body[name] !== undefined && body[name] !== null);
}
