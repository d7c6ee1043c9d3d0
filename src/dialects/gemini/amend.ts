/** Changes to the body of a Gemini request that is relayed. */
import type { JsonObject } from "../../core/json.ts";
import { type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asObject } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { memberIn, withMember } from "./wire.ts";

export function amend(body: JsonObject, amendment: Amendment, target: AmendTarget): AmendedBody {
  const wrapped = asObject(memberIn(body, "generateContentRequest"));
  if (wrapped !== null) {
    const { body: inner, dropped } = amend(wrapped, amendment, target);
    return { body: withMember(body, "generateContentRequest", inner), dropped };
  }
  const { traits } = target;
  const dropped: Drop[] = [];
  let amended: JsonObject = { ...body };
  if (amendment.systemBefore !== null || amendment.systemAfter !== null) {
    const value = amendSystem(memberIn(body, "systemInstruction"), amendment);
    amended = withMember(amended, "systemInstruction", value);
  }
  if (amendment.search) amended = amendTools(amended, traits);
  const former = asObject(memberIn(body, "generationConfig")) ?? {};
  const config = amendConfig(former, amendment, traits, dropped);
  return { body: config === former ? amended : withMember(amended, "generationConfig", config), dropped };
}

function amendSystem(system: unknown, { systemBefore, systemAfter }: Amendment): JsonObject {
  const content = typeof system === "string" ? { parts: [{ text: system }] } : (asObject(system) ?? {});
  const parts = memberIn(content, "parts") ?? [];
  const text = (value: string | null): JsonObject[] => (value === null ? [] : [{ text: value }]);
  return withMember(content, "parts", [
    ...text(systemBefore),
    ...(Array.isArray(parts) ? parts : [parts]),
    ...text(systemAfter),
  ]);
}

function amendTools(body: JsonObject, traits: ModelTraits): JsonObject {
  const value = memberIn(body, "tools");
  const tools = Array.isArray(value) ? value : value === null ? [] : [value];
  const has = (name: string): boolean => tools.some((tool) => memberIn(asObject(tool) ?? {}, name) !== null);
  if (has("googleSearch") || has("googleSearchRetrieval")) return body;
  checkSearch(traits);
  const amended = withMember(body, "tools", [...tools, { googleSearch: {} }]);
  if (!has("functionDeclarations") || !traits.sealedCalls) return amended;
  const config = asObject(memberIn(body, "toolConfig")) ?? {};
  return withMember(amended, "toolConfig", withMember(config, "includeServerSideToolInvocations", true));
}

const NAMES = {
  temperature: "temperature",
  topP: "topP",
  topK: "topK",
  maxOutputTokens: "maxOutputTokens",
  stop: "stopSequences",
  seed: "seed",
} as const;

const AMOUNTS = ["thinkingBudget", "thinking_budget", "thinkingLevel", "thinking_level"];

/** The same object when nothing is asked. */
function amendConfig(
  former: JsonObject,
  amendment: Amendment,
  traits: ModelTraits,
  dropped: Drop[],
): JsonObject {
  const said = asObject(memberIn(former, "thinkingConfig"));
  const values = planAmendment(amendment, (parameter) =>
    parameter === "reasoning" ? said !== null : memberIn(former, NAMES[parameter]) !== null,
  );
  let config = former;
  for (const [name, value] of amendedMembers(values, NAMES, traits, dropped)) {
    config = withMember(config, name, value);
  }
  const limit = memberIn(config, "maxOutputTokens");
  const amount = encodeThinking(values.reasoning, traits, typeof limit === "number" ? limit : null, dropped);
  if (amount === null) return config;
  // The amount is replaced; whether thoughts are shown stays the client's choice.
  const kept = Object.entries(said ?? {}).filter(([name]) => !AMOUNTS.includes(name));
  return withMember(config, "thinkingConfig", { ...Object.fromEntries(kept), ...amount });
}
