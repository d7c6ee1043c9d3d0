/** Changes to the body of a Responses request that is relayed. */
import type { JsonObject } from "../../core/json.ts";
import { type Amendment, planAmendment } from "../../neutral/amendment.ts";
import type { Drop, ReasoningRequest } from "../../neutral/request.ts";
import { nearestEffort } from "../../neutral/thinking.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { AmendedBody, AmendTarget } from "../codec.ts";
import { amendedMembers, checkSearch } from "../shared/amend-values.ts";
import { wantedEffort } from "./request-encode.ts";

const NAMES = {
  temperature: "temperature",
  topP: "top_p",
  topK: null,
  maxOutputTokens: "max_output_tokens",
  stop: null,
  seed: null,
} as const;

export function amend(body: JsonObject, amendment: Amendment, { traits }: AmendTarget): AmendedBody {
  const dropped: Drop[] = [];
  const members = new Map(Object.entries(body));
  addInstructions(members, amendment);
  if (amendment.search) {
    const tools = withSearch(asArray(body.tools), traits);
    if (tools !== null) members.set("tools", tools);
  }
  const asked = asObject(body.reasoning);
  const values = planAmendment(amendment, (parameter) => {
    if (parameter === "reasoning") return asString(asked?.effort) !== null;
    const name = NAMES[parameter];
    return name !== null && body[name] !== undefined && body[name] !== null;
  });
  for (const [name, value] of amendedMembers(values, NAMES, traits, dropped)) members.set(name, value);
  const reasoning =
    values.reasoning === null ? null : amendReasoning(asked, values.reasoning, traits, dropped);
  if (reasoning !== null) members.set("reasoning", reasoning);
  return { body: Object.fromEntries(members), dropped };
}

/** Adds text in front of all instructions, and behind the instructions with which the client begins. */
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

/** null: there is a search already. */
function withSearch(tools: readonly unknown[], traits: ModelTraits): readonly unknown[] | null {
  if (tools.some((tool) => asString(asObject(tool)?.type)?.startsWith("web_search") === true)) return null;
  checkSearch(traits);
  return [...tools, { type: "web_search" }];
}

/** null: the client's own stays. */
function amendReasoning(
  asked: JsonObject | null,
  reasoning: ReasoningRequest,
  traits: ModelTraits,
  dropped: Drop[],
): JsonObject | null {
  const wanted = wantedEffort(reasoning, traits);
  const effort = wanted === null ? null : nearestEffort(wanted, traits.thinking.efforts);
  if (wanted !== "none" && (traits.thinking.kind === "none" || (wanted !== null && effort === null))) {
    dropped.push({ field: "reasoning", reason: "the model cannot be told how much to think" });
  }
  const summary = reasoning.isShown === true && traits.thinking.kind !== "none" ? { summary: "auto" } : null;
  if (summary === null && effort === null) return null;
  return { ...summary, ...asked, ...(effort === null ? null : { effort }) };
}
