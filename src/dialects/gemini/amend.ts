/** Changes to the body of a Gemini request that is relayed. */
import type { JsonObject } from "../../core/json.ts";
import { type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { DUMMY_SIGNATURE } from "./wire.ts";

/** The spelling of the name in the object: both count, and only one of them may be there. */
function nameIn(object: JsonObject, name: string): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return !Object.hasOwn(object, name) && Object.hasOwn(object, snake) ? snake : name;
}

function read(object: JsonObject, name: string): unknown {
  const found = nameIn(object, name);
  return Object.hasOwn(object, found) ? (object[found] ?? null) : null;
}

/** The object with a member set in its place, or behind the others. */
function withMember(object: JsonObject, name: string, value: unknown): JsonObject {
  return { ...object, [nameIn(object, name)]: value };
}

export function amend(body: JsonObject, amendment: Amendment, target: AmendTarget): AmendedBody {
  const wrapped = asObject(read(body, "generateContentRequest"));
  if (wrapped !== null) {
    const { body: inner, dropped } = amend(wrapped, amendment, target);
    return { body: withMember(body, "generateContentRequest", inner), dropped };
  }
  const { traits } = target;
  const dropped: Drop[] = [];
  let amended: JsonObject = { ...body };
  if (amendment.systemBefore !== null || amendment.systemAfter !== null) {
    const value = amendSystem(read(body, "systemInstruction"), amendment);
    amended = withMember(amended, "systemInstruction", value);
  }
  if (amendment.search) amended = amendTools(amended, traits);
  const former = asObject(read(body, "generationConfig")) ?? {};
  const config = amendConfig(former, amendment, traits, dropped);
  return { body: config === former ? amended : withMember(amended, "generationConfig", config), dropped };
}

function amendSystem(system: unknown, { systemBefore, systemAfter }: Amendment): JsonObject {
  const content = typeof system === "string" ? { parts: [{ text: system }] } : (asObject(system) ?? {});
  const parts = read(content, "parts") ?? [];
  const text = (value: string | null): JsonObject[] => (value === null ? [] : [{ text: value }]);
  return withMember(content, "parts", [
    ...text(systemBefore),
    ...(Array.isArray(parts) ? parts : [parts]),
    ...text(systemAfter),
  ]);
}

function amendTools(body: JsonObject, traits: ModelTraits): JsonObject {
  const value = read(body, "tools");
  const tools = Array.isArray(value) ? value : value === null ? [] : [value];
  const has = (name: string): boolean => tools.some((tool) => read(asObject(tool) ?? {}, name) !== null);
  if (has("googleSearch") || has("googleSearchRetrieval")) return body;
  checkSearch(traits);
  const amended = withMember(body, "tools", [...tools, { googleSearch: {} }]);
  if (!has("functionDeclarations") || !traits.sealedCalls) return amended;
  const config = asObject(read(body, "toolConfig")) ?? {};
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
  const said = asObject(read(former, "thinkingConfig"));
  const values = planAmendment(amendment, (parameter) =>
    parameter === "reasoning" ? said !== null : read(former, NAMES[parameter]) !== null,
  );
  let config = former;
  for (const [name, value] of amendedMembers(values, NAMES, traits, dropped)) {
    config = withMember(config, name, value);
  }
  const limit = read(config, "maxOutputTokens");
  const amount = encodeThinking(values.reasoning, traits, typeof limit === "number" ? limit : null, dropped);
  if (amount === null) return config;
  // The amount is replaced; whether thoughts are shown stays the client's choice.
  const kept = Object.entries(said ?? {}).filter(([name]) => !AMOUNTS.includes(name));
  return withMember(config, "thinkingConfig", { ...Object.fromEntries(kept), ...amount });
}

/**
 * The body without signatures; null: it has none. The first call of a turn that had one gets the stand-in.
 */
export function withoutSeals(body: JsonObject): JsonObject | null {
  let hasSeal = false;
  const contents = asArray(read(body, "contents")).map((entry) => {
    const content = asObject(entry);
    if (content === null) return entry;
    let isFirstCall = true;
    const parts = asArray(read(content, "parts")).map((each) => {
      const part = asObject(each);
      if (part === null) return each;
      const isCall = read(part, "functionCall") !== null;
      const isReplaced = isCall && isFirstCall;
      if (isCall) isFirstCall = false;
      const name = nameIn(part, "thoughtSignature");
      if (!Object.hasOwn(part, name) || part[name] === DUMMY_SIGNATURE) return each;
      hasSeal = true;
      if (isReplaced) return { ...part, [name]: DUMMY_SIGNATURE };
      return Object.fromEntries(Object.entries(part).filter(([key]) => key !== name));
    });
    // An empty text was there only for its signature.
    return withMember(
      content,
      "parts",
      parts.filter((part) => !isEmptyText(part)),
    );
  });
  return hasSeal ? withMember(body, "contents", contents) : null;
}

function isEmptyText(part: unknown): boolean {
  const object = asObject(part);
  return (
    object !== null &&
    object.text === "" &&
    Object.keys(object).every((name) => name === "text" || name === "thought")
  );
}
