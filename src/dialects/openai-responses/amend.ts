/** Changes to a request that is relayed in its own dialect. Members that nothing is asked of stay as they are. */
import type { Amendment, ParameterValues } from "../../neutral/amendment.ts";
import type { ReasoningRequest } from "../../neutral/request.ts";
import { effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";
import { wantedEffort } from "./request-encode.ts";

export function amend(body: JsonObject, amendment: Amendment, traits: ModelTraits): JsonObject {
  const members = new Map(Object.entries(body));
  const set = (name: string, value: unknown): void => {
    if (value !== null && value !== undefined) members.set(name, value);
  };
  addInstructions(members, amendment);
  if (amendment.search) set("tools", withSearch(body.tools));
  const { defaults, fixed } = amendment;
  set("max_output_tokens", fixed.maxOutputTokens ?? body.max_output_tokens ?? defaults.maxOutputTokens);
  if (traits.sampling !== "none") {
    set("temperature", fixed.temperature ?? body.temperature ?? defaults.temperature);
    set("top_p", fixed.topP ?? body.top_p ?? defaults.topP);
  }
  set("reasoning", reasoningOf(asObject(body.reasoning), amendment, traits));
  return Object.fromEntries(members);
}

/** In front of all, and behind the instructions with which the client begins. */
function addInstructions(members: Map<string, unknown>, { systemBefore, systemAfter }: Amendment): void {
  const lines = [systemBefore, asString(members.get("instructions"))];
  const input = members.get("input");
  if (systemAfter !== null && Array.isArray(input)) {
    const at = input.findIndex((item) => !isInstruction(item));
    const content = [{ type: "input_text", text: systemAfter }];
    const item = { type: "message", role: "developer", content };
    members.set("input", input.toSpliced(at === -1 ? input.length : at, 0, item));
  } else lines.push(systemAfter);
  const text = lines.filter((line) => line !== null).join("\n\n");
  if (text !== "") members.set("instructions", text);
}

function isInstruction(item: unknown): boolean {
  const role = asObject(item)?.role;
  return role === "developer" || role === "system";
}

function withSearch(tools: unknown): readonly unknown[] {
  const list = asArray(tools);
  const has = list.some((tool) => asString(asObject(tool)?.type)?.startsWith("web_search") === true);
  return has ? list : [...list, { type: "web_search" }];
}

/** What the operator fixes, what the client says, what the model's name says, what the operator says otherwise: in this order. */
function reasoningOf(
  asked: JsonObject | null,
  { thinking, defaults, fixed }: Amendment,
  traits: ModelTraits,
): JsonObject | null {
  const own = asString(asked?.effort);
  const fixedEffort = valuesEffort(fixed, traits);
  if (fixedEffort !== null) return { ...asked, effort: fixedEffort };
  if (own !== null || traits.thinking.kind === "none") return asked;
  if (thinking !== null) {
    const { budgetTokens } = thinking;
    const reasoning = { effort: null, budgetTokens, isDynamic: budgetTokens === null, isShown: true };
    const effort = wantedEffort(reasoning, traits);
    const word = effort === null ? null : nearestEffort(effort, traits.thinking.efforts);
    return { summary: "auto", ...asked, ...(word === null ? null : { effort: word }) };
  }
  const effort = valuesEffort(defaults, traits);
  return effort === null ? asked : { ...asked, effort };
}

function valuesEffort(values: ParameterValues, { thinking }: ModelTraits): string | null {
  const reasoning: ReasoningRequest = {
    effort: values.effort,
    budgetTokens: values.thinkingBudgetTokens,
    isDynamic: false,
    isShown: null,
  };
  const effort = effortOf(reasoning);
  return effort === null ? null : nearestEffort(effort, thinking.efforts);
}

/** Calls lose their ids, which would ask for the reasoning that they came from. */
export function withoutSeals(body: JsonObject): JsonObject | null {
  const { input } = body;
  if (!Array.isArray(input) || !input.some(isSealed)) return null;
  const kept = input
    .filter((item) => !isSealed(item))
    .map((item) => {
      const object = asObject(item);
      const isCall = object?.type === "function_call" || object?.type === "custom_tool_call";
      if (object === null || !isCall || object.id === undefined) return item;
      return Object.fromEntries(Object.entries(object).filter(([name]) => name !== "id"));
    });
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, name === "input" ? kept : value]),
  );
}

function isSealed(value: unknown): boolean {
  const item = asObject(value);
  return item?.type === "reasoning" && asString(item.encrypted_content) !== null;
}
