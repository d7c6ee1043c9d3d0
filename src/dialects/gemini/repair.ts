/** What Google's servers and those of its dialect refuse, and what is changed for them. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { type BodyEdit, mapMember, type Refusal, type RepairRules } from "../repair.ts";
import { REFUSED_MEMBER } from "../shared/refused-member.ts";
import { joinTurnsIn, withoutSealsIn } from "../shared/turns.ts";
import { withoutSeals } from "./unseal.ts";
import { DUMMY_SIGNATURE } from "./wire.ts";

const REFUSALS: readonly Refusal[] = [
  // Calls of another model in a conversation: https://ai.google.dev/gemini-api/docs/thought-signatures
  {
    words:
      /^(?:Unable to submit request because )?function call (?:.{0,200} )?is missing a thought_signature/i,
    repairs: ["sign-calls"],
  },
  {
    words:
      /^(?:.{0,120})?(?:corrupted|invalid|not valid)\s*thought[_ ]signature|^.{0,120}thought[_ ]signature.{0,60}(?:is not valid|corrupted|invalid)/i,
    repairs: ["without-seals"],
    isOnce: true,
  },
  {
    words:
      /^(?:Unable to submit request because )?Thinking is not (?:supported|enabled) (?:by|for) this model/i,
    repairs: ["without"],
    members: ["generationConfig.thinkingConfig"],
  },
  {
    words: /^Thinking level is not supported for this model/i,
    repairs: ["without"],
    members: ["generationConfig.thinkingConfig.thinkingLevel"],
  },
  {
    words: /^Thinking level \w+ is not supported for this model/i,
    repairs: ["without"],
    members: ["generationConfig.thinkingConfig.thinkingLevel"],
    isOnce: true,
  },
  {
    words: /^Penalty is not enabled for/i,
    repairs: ["without"],
    members: ["generationConfig.presencePenalty", "generationConfig.frequencyPenalty"],
  },
  {
    words:
      /^Please ensure that multiturn requests (?:alternate|ends? with)|^Please ensure that function call turn/i,
    repairs: ["join-turns"],
  },
  ...REFUSED_MEMBER,
];

const OPTIONAL = {
  labels: null,
  store: null,
  serviceTier: "serviceTier",
  "generationConfig.temperature": "temperature",
  "generationConfig.topP": "topP",
  "generationConfig.topK": "topK",
  "generationConfig.seed": "seed",
  "generationConfig.presencePenalty": "presencePenalty",
  "generationConfig.frequencyPenalty": "frequencyPenalty",
  "generationConfig.thinkingConfig": "reasoning",
  "generationConfig.thinkingConfig.thinkingLevel": "reasoning",
  "generationConfig.thinkingConfig.thinkingBudget": "reasoning",
  "generationConfig.thinkingConfig.includeThoughts": "reasoning",
  "generationConfig.mediaResolution": null,
  "generationConfig.enableEnhancedCivicAnswers": null,
  "contents.*.parts.*.thoughtSignature": "reasoning",
  "contents.*.parts.*.mediaResolution": null,
  "contents.*.parts.*.functionCall.id": null,
  "contents.*.parts.*.functionResponse.id": null,
  // Words of JSON Schema that say nothing of the value, or less than Google's own schemas know.
  "tools.*.functionDeclarations.*.parameters.**.$schema": null,
  "tools.*.functionDeclarations.*.parameters.**.$id": null,
  "tools.*.functionDeclarations.*.parameters.**.$comment": null,
  "tools.*.functionDeclarations.*.parameters.**.additionalProperties": null,
  "tools.*.functionDeclarations.*.parameters.**.examples": null,
  "tools.*.functionDeclarations.*.parameters.**.deprecated": null,
  "tools.*.functionDeclarations.*.behavior": null,
  "tools.*.functionDeclarations.*.response": null,
  "tools.*.functionDeclarations.*.responseJsonSchema": null,
} satisfies RepairRules["optional"];

const EDITS = {
  "sign-calls": {
    field: "contents",
    parameter: null,
    reason: "calls that Google did not sign got its stand-in for a signature",
    change: (body) => mapMember(body, "contents", withSignature),
  },
  "join-turns": joinTurnsIn("contents", joinParts),
  "without-seals": withoutSealsIn("contents", withoutSeals),
} satisfies Readonly<Record<string, BodyEdit>>;

export const REPAIRS: RepairRules = {
  refusals: REFUSALS,
  optional: OPTIONAL,
  replaced: {},
  renamed: {},
  edits: EDITS,
  betaHeader: null,
  limits: {
    answer: [
      ["generationConfig", "maxOutputTokens"],
      ["generation_config", "max_output_tokens"],
      ["generationConfig", "max_output_tokens"],
      ["generation_config", "maxOutputTokens"],
    ],
    thinking: null,
  },
};

/** Google signs the first of parallel calls. Its REST API takes names in both spellings. */
function withSignature(content: JsonObject): JsonObject {
  const parts = asArray(content.parts);
  const at = parts.findIndex((part) => {
    const { functionCall, function_call } = asObject(part) ?? {};
    return asObject(functionCall ?? function_call) !== null;
  });
  const call = asObject(parts[at]);
  if (content.role !== "model" || call === null) return content;
  if (call.thoughtSignature !== undefined || call.thought_signature !== undefined) return content;
  const signed = { ...call, thoughtSignature: DUMMY_SIGNATURE };
  return { ...content, parts: parts.map((part, n) => (n === at ? signed : part)) };
}

function joinParts(run: readonly JsonObject[]): JsonObject {
  return { ...run[0], parts: run.flatMap(({ parts }) => asArray(parts)) };
}
