/** Changes to the body of a Chat request that is relayed. */
import type { JsonObject } from "../../core/json.ts";
import { type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import type { CodecProfile } from "../codec-profile.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";
import { otherVariables, THINKING_MEMBERS } from "./thinking-decode.ts";
import { encodeThinking } from "./thinking-encode.ts";

const LIMITS = ["max_completion_tokens", "max_tokens"] as const;

export function amend(body: JsonObject, amendment: Amendment, target: AmendTarget): AmendedBody {
  const { traits } = target;
  const dropped: Drop[] = [];
  const members = new Map(Object.entries(body));
  const messages = amendMessages(asArray(body.messages), amendment);
  if (messages !== null) members.set("messages", messages);
  const limit = limitName(body, target);
  const names = {
    temperature: "temperature",
    topP: "top_p",
    topK: "top_k",
    maxOutputTokens: limit,
    stop: "stop",
    seed: "seed",
  };
  const values = planAmendment(amendment, (parameter) => {
    if (parameter === "reasoning") return THINKING_MEMBERS.some((name) => isSaid(body, name));
    return (parameter === "maxOutputTokens" ? LIMITS : [names[parameter]]).some((name) => isSaid(body, name));
  });
  for (const [name, value] of amendedMembers(values, names, traits, dropped)) {
    // The model takes one of two names: the client's value under the other one gives way.
    if (name === limit) for (const other of LIMITS) members.delete(other);
    members.set(name, value);
  }
  if (values.reasoning !== null) {
    const thinking = encodeThinking(
      { reasoning: values.reasoning, toolChoice: null, tools: [], maxOutputTokens: values.maxOutputTokens },
      target,
      false,
      (field, reason) => dropped.push({ field, reason }),
    );
    if (Object.keys(thinking).length > 0) for (const name of THINKING_MEMBERS) members.delete(name);
    for (const [name, value] of Object.entries(thinking)) members.set(name, value);
    // Variables of the template that say nothing of thinking stay.
    const variables = { ...otherVariables(body), ...asObject(thinking.chat_template_kwargs) };
    if (Object.keys(variables).length > 0) members.set("chat_template_kwargs", variables);
  }
  if (amendment.search && !isSaid(body, "web_search_options")) {
    checkSearch(traits);
    members.set("web_search_options", {});
  }
  return { body: Object.fromEntries(members), dropped };
}

function isSaid(body: JsonObject, key: string): boolean {
  return body[key] !== undefined && body[key] !== null;
}

/** The name that the model takes, else the client's name of the limit, else the name that the server knows. */
function limitName(body: JsonObject, { profile, traits }: AmendTarget): string {
  const said = traits.needsCompletionLimit ? undefined : LIMITS.find((name) => isSaid(body, name));
  return said ?? limitParameterOf(profile, traits);
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
