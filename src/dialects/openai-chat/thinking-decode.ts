/**
 * Reads how a request asks for thinking. OpenAI has `reasoning_effort`; clients of other servers send those servers'
 * members, at the top of the body or in `extra_body`, which some SDKs send as it is:
 *
 * - `reasoning`: OpenRouter (effort, max_tokens, enabled, exclude); `include_reasoning`: OpenRouter, Groq
 * - `thinking`: DeepSeek, Kimi, GLM, and LiteLLM for Claude (type, budget_tokens)
 * - `enable_thinking`, `thinking_budget`: Alibaba, SiliconFlow
 * - `chat_template_kwargs`: vLLM, SGLang, llama.cpp (enable_thinking, thinking)
 * - `google.thinking_config`: Google (thinking_budget, thinking_level, include_thoughts)
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import type { ReasoningRequest } from "../../neutral/request.ts";
import { EFFORTS, type Effort } from "../../neutral/traits.ts";
import { asObject } from "../../wire/json.ts";
import type { Drops } from "../shared/drops.ts";
import { booleanAt, integerAt, isAbsent, objectAt, pathOf, wordAt, wrongType } from "../shared/members.ts";

/** Members of the body that say how to think. */
export const THINKING_MEMBERS: readonly string[] = [
  "reasoning_effort",
  "reasoning",
  "include_reasoning",
  "thinking",
  "enable_thinking",
  "thinking_budget",
  "chat_template_kwargs",
  "google",
];
const EXTRA = "extra_body";
const EXTRA_MEMBERS: ReadonlySet<string> = new Set(THINKING_MEMBERS);
/** A body without any of these says nothing of thinking. */
const SPEAKING: ReadonlySet<string> = new Set([...THINKING_MEMBERS, EXTRA]);
const REASONING: ReadonlySet<string> = new Set(["effort", "max_tokens", "enabled", "exclude", "summary"]);
const THINKING: ReadonlySet<string> = new Set(["type", "budget_tokens", "keep", "clear_thinking"]);
const TEMPLATE: ReadonlySet<string> = new Set(["enable_thinking", "thinking", "reasoning_effort"]);
const GOOGLE: ReadonlySet<string> = new Set(["thinking_config"]);
const GOOGLE_THINKING: ReadonlySet<string> = new Set([
  "thinking_budget",
  "thinking_level",
  "include_thoughts",
]);
const SWITCH_WORDS = ["enabled", "disabled", "adaptive", "auto"] as const;

/** What one member says; null: nothing. */
interface Said {
  readonly isOn: boolean | null;
  readonly effort: Effort | null;
  readonly budgetTokens: number | null;
  readonly isShown: boolean | null;
}

const NOTHING: Said = { isOn: null, effort: null, budgetTokens: null, isShown: null };

/**
 * A switch that is off counts more than any amount; of amounts the first one counts. Chat cannot ask for the text of
 * reasoning: a client that asks for thinking is shown it, as compatible servers do.
 */
export function decodeThinking(body: JsonObject, drops: Drops): ReasoningRequest | null {
  if (!speaksOfThinking(body)) return null;
  const extra = objectAt(body, EXTRA, "");
  if (extra !== null) drops.addUnknown(extra, EXTRA_MEMBERS, EXTRA);
  const all = [body, ...(extra === null ? [] : [extra])].flatMap((object, n) =>
    saidIn(object, n === 0 ? "" : EXTRA, drops),
  );
  if (all.every((said) => said === NOTHING)) return null;
  const first = <K extends keyof Said>(name: K): Said[K] | null =>
    all.find((said) => said[name] !== null)?.[name] ?? null;
  const isOff = all.some(({ isOn }) => isOn === false);
  const amount = isOff ? undefined : all.find((said) => said.effort !== null || said.budgetTokens !== null);
  const effort = isOff ? "none" : (amount?.effort ?? null);
  const budgetTokens = amount?.effort === null ? amount.budgetTokens : null;
  const isDynamic = effort === null && budgetTokens === null && first("isOn") === true;
  const isWanted = effort !== "none" && (effort !== null || budgetTokens !== null || isDynamic);
  return { effort, budgetTokens, isDynamic, isShown: first("isShown") ?? (isWanted ? true : null) };
}

/** Most requests do not, and need not be asked member by member. */
function speaksOfThinking(body: JsonObject): boolean {
  for (const name in body) if (SPEAKING.has(name)) return true;
  return false;
}

function saidIn(object: JsonObject, at: string, drops: Drops): Said[] {
  return [
    ofEffort(wordAt(object, "reasoning_effort", at, EFFORTS)),
    ofReasoning(objectAt(object, "reasoning", at), pathOf(at, "reasoning"), drops),
    ofThinking(object, at, drops),
    ofSwitch(booleanAt(object, "enable_thinking", at), integerAt(object, "thinking_budget", at, 0)),
    ofTemplate(objectAt(object, "chat_template_kwargs", at), pathOf(at, "chat_template_kwargs"), drops),
    ofGoogle(objectAt(object, "google", at), pathOf(at, "google"), drops),
    ofShown(booleanAt(object, "include_reasoning", at)),
  ];
}

function ofEffort(effort: Effort | null): Said {
  if (effort === null) return NOTHING;
  return { ...NOTHING, effort };
}

function ofShown(isShown: boolean | null): Said {
  return isShown === null ? NOTHING : { ...NOTHING, isShown };
}

function ofBudget(tokens: number | null): Pick<Said, "isOn" | "budgetTokens"> {
  if (tokens === 0) return { isOn: false, budgetTokens: null };
  // Google leaves the amount to the model by -1.
  return tokens === null || tokens < 0
    ? { isOn: tokens === null ? null : true, budgetTokens: null }
    : { isOn: null, budgetTokens: tokens };
}

function ofSwitch(isOn: boolean | null, tokens: number | null): Said {
  if (isOn === null && tokens === null) return NOTHING;
  const budget = ofBudget(tokens);
  return { ...NOTHING, ...budget, isOn: isOn ?? budget.isOn };
}

function ofReasoning(reasoning: JsonObject | null, at: string, drops: Drops): Said {
  if (reasoning === null) return NOTHING;
  drops.addUnknown(reasoning, REASONING, at);
  const isHidden = booleanAt(reasoning, "exclude", at);
  return {
    ...ofSwitch(booleanAt(reasoning, "enabled", at), integerAt(reasoning, "max_tokens", at, 0)),
    effort: wordAt(reasoning, "effort", at, EFFORTS),
    isShown: isHidden === true ? false : null,
  };
}

/** Some clients send true or false in place of the object. */
function ofThinking(object: JsonObject, at: string, drops: Drops): Said {
  const given = object.thinking;
  if (isAbsent(given)) return NOTHING;
  if (typeof given === "boolean") return ofSwitch(given, null);
  const path = pathOf(at, "thinking");
  if (!isObject(given)) throw wrongType(given, path, "an object with a type");
  drops.addUnknown(given, THINKING, path);
  const word = wordAt(given, "type", path, SWITCH_WORDS);
  const tokens = integerAt(given, "budget_tokens", path, 0);
  return ofSwitch(word === null ? null : word !== "disabled", tokens);
}

function ofTemplate(template: JsonObject | null, at: string, drops: Drops): Said {
  if (template === null) return NOTHING;
  drops.addUnknown(template, TEMPLATE, at);
  const isOn = booleanAt(template, "enable_thinking", at) ?? booleanAt(template, "thinking", at);
  const effort = wordAt(template, "reasoning_effort", at, EFFORTS);
  return isOn === null && effort === null ? NOTHING : { ...NOTHING, isOn, effort };
}

/** The variables of the chat template that say nothing of thinking. */
export function otherVariables(body: JsonObject): JsonObject {
  const variables = Object.entries(asObject(body.chat_template_kwargs) ?? {});
  return Object.fromEntries(variables.filter(([name]) => !TEMPLATE.has(name)));
}

function ofGoogle(google: JsonObject | null, at: string, drops: Drops): Said {
  if (google === null) return NOTHING;
  drops.addUnknown(google, GOOGLE, at);
  const config = objectAt(google, "thinking_config", at);
  if (config === null) return NOTHING;
  const path = pathOf(at, "thinking_config");
  drops.addUnknown(config, GOOGLE_THINKING, path);
  return {
    ...ofSwitch(null, integerAt(config, "thinking_budget", path, -1)),
    effort: wordAt(config, "thinking_level", path, EFFORTS),
    isShown: booleanAt(config, "include_thoughts", path),
  };
}
