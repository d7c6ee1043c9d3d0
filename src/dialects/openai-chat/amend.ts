/** Changes to the body of a request that is relayed as it is. */
import { GatewayError } from "../../core/errors.ts";
import type { Amendment, ParameterValues } from "../../neutral/amendment.ts";
import type { JsonObject } from "../../neutral/request.ts";
import { effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { Effort, ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";

/** Throws `not_translatable` when the model's name asks for a search that the model does not have. */
export function amend(body: JsonObject, amendment: Amendment, traits: ModelTraits): JsonObject {
  const { fixed, defaults, thinking, search } = amendment;
  const members = new Map(Object.entries(body));
  const messages = amendMessages(asArray(body.messages), amendment);
  if (messages !== null) members.set("messages", messages);
  const wanted = [...valuesOf(defaults, body, traits).filter(([key]) => !isSaid(body, key))];
  if (thinking !== null && !isSaid(body, "reasoning_effort"))
    wanted.push(...effortMember(suffixEffort(thinking.budgetTokens), traits));
  wanted.push(...valuesOf(fixed, body, traits));
  for (const [key, value] of wanted) members.set(key, value);
  if (search && !isSaid(body, "web_search_options")) {
    if (!traits.webSearch)
      throw new GatewayError("not_translatable", "This model has no web search here: ask for it without.", {
        param: "model",
      });
    members.set("web_search_options", {});
  }
  return Object.fromEntries(members);
}

function isSaid(body: JsonObject, key: string): boolean {
  return body[key] !== undefined && body[key] !== null;
}

/** A number of tokens as a word; none is what a model of its own accord would do. */
function suffixEffort(budgetTokens: number | null): Effort {
  return effortOf({ effort: null, budgetTokens, isDynamic: false, isShown: null }) ?? "medium";
}

function effortMember(effort: Effort | null, { thinking }: ModelTraits): [string, unknown][] {
  const nearest = effort === null ? null : nearestEffort(effort, thinking.efforts);
  return nearest === null ? [] : [["reasoning_effort", nearest]];
}

function valuesOf(values: ParameterValues, body: JsonObject, traits: ModelTraits): [string, unknown][] {
  const { temperature, topP, topK, maxOutputTokens, effort, thinkingBudgetTokens, stop, seed } = values;
  const members: [string, unknown][] = [
    ["temperature", temperature],
    ["top_p", topP],
    ["top_k", topK],
    [limitName(body, traits), maxOutputTokens],
    ["stop", stop],
    ["seed", seed],
  ];
  const asked = effort ?? (thinkingBudgetTokens === null ? null : suffixEffort(thinkingBudgetTokens));
  return [...members.filter(([, value]) => value !== null), ...effortMember(asked, traits)];
}

/** The name that the client used, else the one that such a model knows. */
function limitName(body: JsonObject, { thinking }: ModelTraits): string {
  if (isSaid(body, "max_completion_tokens")) return "max_completion_tokens";
  if (isSaid(body, "max_tokens")) return "max_tokens";
  return thinking.kind === "effort" ? "max_completion_tokens" : "max_tokens";
}

/** The messages with instructions before and behind the client's own; null: nothing is to be added. */
function amendMessages(
  messages: readonly unknown[],
  { systemBefore, systemAfter }: Amendment,
): readonly unknown[] | null {
  if (systemBefore === null && systemAfter === null) return null;
  let leading = 0;
  while (isInstruction(messages[leading])) leading++;
  const role = leading > 0 ? asObject(messages[0])?.role : "system";
  const said = (content: string | null): object[] => (content === null ? [] : [{ role, content }]);
  return [
    ...said(systemBefore),
    ...messages.slice(0, leading),
    ...said(systemAfter),
    ...messages.slice(leading),
  ];
}

function isInstruction(message: unknown): boolean {
  const role = asObject(message)?.role;
  return role === "system" || role === "developer";
}

/** The body without Google's signatures of calls; null: it has none. */
export function withoutSeals(body: JsonObject): JsonObject | null {
  let isChanged = false;
  const messages = asArray(body.messages).map((raw) => {
    const message = asObject(raw);
    const calls = asArray(message?.tool_calls);
    if (message === null || !calls.some((call) => asObject(call)?.extra_content !== undefined)) return raw;
    isChanged = true;
    const bare = calls.map((call) => {
      const { extra_content: _, ...rest } = asObject(call) ?? {};
      return rest;
    });
    return { ...message, tool_calls: bare };
  });
  return isChanged ? { ...body, messages } : null;
}
