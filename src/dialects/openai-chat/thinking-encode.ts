/** Asks the model to think, or not to, in the members that its server knows. */
import type { JsonObject } from "../../core/json.ts";
import type { ModelRequest, Parameter, ToolChoice } from "../../neutral/request.ts";
import { budgetOf, effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { Effort, ModelTraits, ThinkingSwitch } from "../../neutral/traits.ts";
import type { EncodeRequestOptions } from "../codec.ts";

/** The words for models whose own words are not known. */
const COMMON_EFFORTS: readonly Effort[] = ["low", "medium", "high"];

/** What the members are to say. */
interface Wanted {
  readonly isOn: boolean;
  /** null: the model decides, or it has one degree of thinking only. */
  readonly word: Effort | null;
  readonly budgetTokens: number | null;
  /** The model has several words for its thinking. */
  readonly hasDegrees: boolean;
  readonly templateSwitch: string | null;
  /** The model thinks by itself, so that only the amount need be said. */
  readonly isGiven: boolean;
}

type WriteThinking = (wanted: Wanted) => JsonObject;

const byType =
  (on: string): WriteThinking =>
  (wanted) => ({
    ...switched({ thinking: { type: wanted.isOn ? on : "disabled" } }, wanted),
    ...degree(wanted),
  });

const WRITERS: Readonly<Record<ThinkingSwitch, WriteThinking>> = {
  reasoning_effort: ({ isOn, word }) => {
    const said = isOn ? word : "none";
    return said === null ? {} : { reasoning_effort: said };
  },
  thinking: byType("enabled"),
  "thinking-adaptive": byType("adaptive"),
  enable_thinking: (wanted) => ({
    ...switched({ enable_thinking: wanted.isOn }, wanted),
    ...(wanted.isOn && wanted.budgetTokens !== null ? { thinking_budget: wanted.budgetTokens } : {}),
  }),
  chat_template_kwargs: (wanted) =>
    wanted.templateSwitch === null
      ? WRITERS.reasoning_effort(wanted)
      : {
          ...switched({ chat_template_kwargs: { [wanted.templateSwitch]: wanted.isOn } }, wanted),
          ...degree(wanted),
        },
  reasoning: ({ isOn, word, budgetTokens }) => {
    if (!isOn) return { reasoning: { enabled: false } };
    if (budgetTokens !== null) return { reasoning: { max_tokens: budgetTokens } };
    return { reasoning: word === null ? { enabled: true } : { effort: word } };
  },
  "reasoning-enabled": (wanted) => ({ reasoning: { enabled: wanted.isOn }, ...degree(wanted) }),
};

function switched(members: JsonObject, { isOn, isGiven }: Wanted): JsonObject {
  return isOn && isGiven ? {} : members;
}

function degree({ isOn, word, hasDegrees }: Wanted): JsonObject {
  return isOn && hasDegrees && word !== null ? { reasoning_effort: word } : {};
}

/** Servers that pass over what a model does not know, so that unknown models are asked as well. */
const FOR_ANY_MODEL: ReadonlySet<ThinkingSwitch> = new Set(["reasoning"]);

/** The part of a request that decides how the model thinks. */
type ThinkingRequest = Pick<ModelRequest, "reasoning" | "toolChoice" | "tools" | "maxOutputTokens">;
type Target = Pick<EncodeRequestOptions, "profile" | "traits">;

/** What becomes of a choice that forces a tool: it is sent, it is sent and the thinking is switched off, or left out. */
export type Forcing = "sent" | "instead-of-thinking" | "left-out";

/** A client that forces a tool and does not ask for thinking wants the call: thinking by habit makes room for it. */
export function forcingOf(
  { toolChoice, tools, reasoning }: ThinkingRequest,
  { profile, traits }: Target,
): Forcing {
  if (!isForced(toolChoice) || tools.length === 0) return "sent";
  const rule = profile.forcedTools ?? (traits.onChat.forcesWhileThinking ? "always" : "unless-thinking");
  if (!traits.forcedTools || rule === "never") return "left-out";
  if (rule === "always") return "sent";
  const { kind, isOnByDefault, canDisable } = traits.thinking;
  const effort = effortOf(reasoning);
  const isThinking = effort === null ? reasoning?.isDynamic === true : effort !== "none";
  if (isThinking) return kind === "none" && !isOnByDefault ? "sent" : "left-out";
  if (!isOnByDefault) return "sent";
  if (!canDisable) return "left-out";
  return effort === "none" ? "sent" : "instead-of-thinking";
}

function isForced(choice: ToolChoice | null): boolean {
  if (choice?.mode === "subset") return choice.isRequired;
  return choice?.mode === "required" || choice?.mode === "tool";
}

/** The members that ask for thinking; each part of the wish that cannot be said is a drop. */
export function encodeThinking(
  request: ThinkingRequest,
  options: Target,
  hasTools: boolean,
  drop: (field: Parameter, reason: string) => void,
): JsonObject {
  const { reasoning } = request;
  const { traits } = options;
  const { kind, isOnByDefault, canDisable } = traits.thinking;
  let effort = forcingOf(request, options) === "instead-of-thinking" ? "none" : effortOf(reasoning);
  const isDynamic = effort === null && reasoning?.isDynamic === true;
  const known = kind === "effort" ? traits.thinking.efforts : COMMON_EFFORTS;
  if (hasTools && traits.needsResponsesForTools && known.includes("none")) {
    if ((effort !== null && effort !== "none") || (isDynamic && !isOnByDefault))
      drop("reasoning", "this model does not think on Chat Completions when it has tools");
    effort = "none";
  } else if (effort === null && !isDynamic) return {};
  const switches = switchesOf(options);
  const isAnyModel = switches.some((one) => FOR_ANY_MODEL.has(one));
  if (effort !== "none") {
    if (kind !== "none" || (isAnyModel && !isOnByDefault))
      return write(switches, wantedOn(effort, request, options));
    // A model that thinks by itself does what a client wants that leaves the amount to it.
    if (!isOnByDefault) drop("reasoning", "this model does not think on request");
    else if (effort !== null) drop("reasoning", "this model cannot be told how much to think");
    return {};
  }
  if (kind === "none" ? isAnyModel && !isOnByDefault : canDisable)
    return write(switches, { ...wantedOn(null, request, options), isOn: false });
  if (!isOnByDefault) return {};
  drop("reasoning", "this model cannot be told not to think; it thinks as little as it can");
  return kind === "none" ? {} : write(switches, wantedOn("minimal", request, options));
}

function switchesOf({ profile, traits }: Target): readonly ThinkingSwitch[] {
  if (profile.thinkingSwitch !== null) return [profile.thinkingSwitch];
  const { switches } = traits.onChat;
  return switches.length === 0 ? ["reasoning_effort"] : switches;
}

function write(switches: readonly ThinkingSwitch[], wanted: Wanted): JsonObject {
  return Object.assign({}, ...switches.map((one) => WRITERS[one](wanted)));
}

/** `effort`: null: the model decides. */
function wantedOn(
  effort: Effort | null,
  { reasoning, maxOutputTokens }: ThinkingRequest,
  { traits, profile }: Target,
): Wanted {
  const { kind, efforts, isOnByDefault } = traits.thinking;
  const degrees = kind === "effort" ? efforts.filter((word) => word !== "none") : COMMON_EFFORTS;
  const wish = effort ?? (isOnByDefault ? null : "medium");
  return {
    isOn: true,
    word: wish === null ? null : nearestEffort(wish, degrees),
    budgetTokens: budgetFor(kind, reasoning, traits, maxOutputTokens),
    hasDegrees: kind === "effort" && degrees.length > 1,
    templateSwitch: traits.onChat.templateSwitch,
    isGiven: isOnByDefault && profile.thinkingSwitch === null,
  };
}

function budgetFor(
  kind: ModelTraits["thinking"]["kind"],
  reasoning: ModelRequest["reasoning"],
  traits: ModelTraits,
  maxOutputTokens: number | null,
): number | null {
  if (kind !== "budget") return reasoning?.budgetTokens ?? null;
  return budgetOf(reasoning, traits, maxOutputTokens);
}
