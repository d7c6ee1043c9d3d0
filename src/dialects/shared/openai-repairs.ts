/** Repairs that Chat and Responses have in common. */
import { asObject } from "../../wire/json.ts";
import { type BodyEdit, mapMember, type Refusal } from "../repair.ts";

/**
 * A forced tool while the model thinks. DeepSeek: BerriAI/litellm#37470; Kimi: UKGovernmentBEIS/inspect_ai#5152;
 * Qwen: cloudwego/eino#994; Claude behind resellers. Where the request says whether the model thinks, the next one may
 * say otherwise.
 */
export const FORCED_TOOL_REFUSED: readonly Refusal[] = [
  {
    words:
      /^Thinking mode does not support this tool_choice|^tool_choice ['"`]?\w+['"`]? is incompatible with thinking enabled|^The tool_choice parameter does not support being set to required or object in thinking mode|^Thinking may not be enabled when tool_choice forces tool use/i,
    repairs: ["free-tool-choice"],
    isOnce: true,
  },
  { words: /^\S+ does not support this tool_choice/i, repairs: ["free-tool-choice"] },
];

export const FREE_TOOL_CHOICE: BodyEdit = {
  field: "tool_choice",
  parameter: "toolChoice",
  reason: "left out, because the upstream lets nobody force a tool while the model thinks",
  change(body) {
    const { tool_choice: choice, ...rest } = body;
    return isForced(choice) ? rest : body;
  },
};

/** Whether a `tool_choice` forces a call. Any object names a tool, but for a choice among some tools. */
export function isForced(choice: unknown): boolean {
  const object = asObject(choice);
  const subset = asObject(object?.allowed_tools) ?? object;
  return choice === "required" || (object !== null && subset?.mode !== "auto");
}

/**
 * The role `developer`. DeepSeek: num-scope/pix#34; Qwen: haru/redmine_ai_helper#242; Vercel:
 * egoist/chatwise-releases#971; OpenAI's older models; vLLM's templates: kubernetes-sigs/inference-perf#553;
 * Z.ai: vastsa/PI-Desktop#30.
 */
export const DEVELOPER_REFUSED: Refusal = {
  words:
    /^(?:messages|input)[.[]\d+\]?(?:\.\w+)*\.role: (?:unknown variant [`'"]developer|Input should be|Invalid)|^['"`]?developer['"`]? is not one of|^Invalid enum value\. .{0,120}received ['"]developer|^Unsupported value: '(?:messages|input)\[\d+\]\.role' does not support 'developer'|^Unexpected message role|^Incorrect role information|^(?:Invalid|Unknown|Unsupported|Unexpected) (?:message )?(?:role|value):? ['"`]?developer|^(?:The )?(?:role )?['"`]?developer['"`]?(?: role)? is not (?:supported|allowed|valid)/i,
  repairs: ["system-role"],
};

/** `list`: the member that holds the conversation. */
export function systemRole(list: "messages" | "input"): BodyEdit {
  return {
    field: list,
    parameter: null,
    reason: "the role developer was sent as system, the only name that the upstream knows",
    change: (body) =>
      mapMember(body, list, (item) => (item.role === "developer" ? { ...item, role: "system" } : item)),
  };
}
