/** Changes to the body of a Chat request that is relayed. */
import type { JsonObject } from "../../core/json.ts";
import { type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { Drop, ReasoningRequest } from "../../neutral/request.ts";
import { effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import type { CodecProfile } from "../codec-profile.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";

export function amend(body: JsonObject, amendment: Amendment, { traits, profile }: AmendTarget): AmendedBody {
  const dropped: Drop[] = [];
  const members = new Map(Object.entries(body));
  const messages = amendMessages(asArray(body.messages), amendment);
  if (messages !== null) members.set("messages", messages);
  const names = {
    temperature: "temperature",
    topP: "top_p",
    topK: "top_k",
    maxOutputTokens: limitName(body, profile, traits),
    stop: "stop",
    seed: "seed",
  };
  const said = { ...names, reasoning: "reasoning_effort" };
  const values = planAmendment(amendment, (parameter) => isSaid(body, said[parameter]));
  for (const [name, value] of amendedMembers(values, names, traits, dropped)) members.set(name, value);
  const effort = values.reasoning === null ? null : wantedEffort(values.reasoning, traits, dropped);
  if (effort !== null) members.set("reasoning_effort", effort);
  if (amendment.search && !isSaid(body, "web_search_options")) {
    checkSearch(traits);
    members.set("web_search_options", {});
  }
  return { body: Object.fromEntries(members), dropped };
}

function isSaid(body: JsonObject, key: string): boolean {
  return body[key] !== undefined && body[key] !== null;
}

/** The nearest word that the model takes. An amount that is left to the model becomes `medium`. */
function wantedEffort(
  reasoning: ReasoningRequest,
  { thinking }: ModelTraits,
  dropped: Drop[],
): string | null {
  const wanted = effortOf(reasoning) ?? "medium";
  const effort = nearestEffort(wanted, thinking.efforts);
  if (effort === null && wanted !== "none") {
    dropped.push({ field: "reasoning", reason: "the model cannot be told how much to think" });
  }
  return effort;
}

/** The client's name of the limit, else the name that the model or its server knows. */
function limitName(body: JsonObject, profile: CodecProfile, traits: ModelTraits): string {
  if (isSaid(body, "max_completion_tokens")) return "max_completion_tokens";
  return isSaid(body, "max_tokens") ? "max_tokens" : limitParameterOf(profile, traits);
}

/** The parameter that bounds the answer. */
export function limitParameterOf({ limitParameter }: CodecProfile, traits: ModelTraits): string {
  return traits.needsCompletionLimit ? "max_completion_tokens" : limitParameter;
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
