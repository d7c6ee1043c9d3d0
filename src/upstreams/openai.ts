/**
 * OpenAI (https://platform.openai.com/docs/guides/error-codes) and the servers that speak its dialects. Both
 * share one table: OpenAI's structured codes come first, then the rows for compatible servers.
 */

import { joinWithoutVersion } from "./address.ts";
import { EMPTY_ACCOUNT_ROWS, REFUSAL_ROWS } from "./evidence/openai-refusals.ts";
import { wording } from "./evidence/request-words.ts";
import { classifyByTable, type Row } from "./evidence/signal-table.ts";
import { type Failure, readFailure, statusOfError } from "./failure.ts";
import type { Family } from "./family.ts";
import { eventsOrJson } from "./framing.ts";
import { GEMINI_ROWS } from "./gemini.ts";
import { limitEnd } from "./limit-time.ts";
import { openaiTraits } from "./model-traits/openai-traits.ts";
import { isOversize } from "./refusals/oversize.ts";
import { nextMonthUtc } from "./reset-time.ts";
import { geminiRefusedRoom } from "./room/gemini-room.ts";
import { openaiRoom } from "./room/openai-room.ts";
import { openaiProfile } from "./servers/openai-servers.ts";

const RATE = {
  class: "rate",
  scope: "model",
  until: [limitEnd],
  guessMs: 5_000,
  reason: "rate limited",
} as const;

/** "Request too large … Limit 30000, Requested 41234": waiting does not make the request fit. */
function isTooLarge({ message }: Failure): boolean {
  const match = /^request too large\b.*?\blimit:? (\d+),.*?\brequested:? (\d+)/is.exec(message);
  return match !== null && Number(match[2]) > Number(match[1]);
}

const OPENAI_ROWS: readonly Row[] = [
  {
    status: [429],
    code: /^credit_balance_exhausted$/,
    verdict: { class: "credit", reason: "credit balance is exhausted", isStatement: true },
  },
  {
    status: [429],
    code: /^(?:(?:organization|project)_spend_limit_exceeded|organization_usage_limit_exceeded)$/,
    verdict: {
      class: "quota",
      scope: "credential",
      until: [({ nowMs }) => nextMonthUtc(nowMs)],
      reason: "monthly spend limit reached",
    },
  },
  {
    status: [429],
    code: /^(?:slow_down|server_is_overloaded|service_unavailable|server_error|overloaded_error|engine_overloaded(?:_error)?)$/,
    verdict: { class: "overload", reason: "the upstream is overloaded" },
  },
  {
    status: [429],
    when: isTooLarge,
    verdict: { class: "bad", reason: "the request is larger than the key's limit", isAboveLimit: true },
  },
  {
    // OpenAI and Groq count for each model.
    status: [429],
    text: wording("rate limit reached for (?:model )?{model}"),
    verdict: { ...RATE, isOfModel: true },
  },
  { status: [429], code: /^rate_limit_exceeded$/, verdict: RATE },
];

const OVERLOADED = { class: "overload", reason: "the upstream is overloaded" } as const;

const COMPAT_ROWS: readonly Row[] = [
  {
    // llama.cpp and LocalAI, and errors inside a stream without a code: no second try would fit.
    status: [500],
    when: ({ message, codes }) => isOversize(message, codes),
    verdict: { class: "bad", reason: "the request is larger than the model's context" },
  },
  {
    // OpenRouter, about the provider behind it, in that provider's words.
    status: [429],
    text: wording("provider returned error\\n{model} is temporarily overloaded"),
    verdict: OVERLOADED,
  },
  {
    // OpenRouter: a provider behind it limits one model.
    status: [429],
    when: ({ isOfProviderBehind }) => isOfProviderBehind,
    verdict: { ...RATE, reason: "the model is limited at its provider", isOfModel: true },
  },
  {
    status: [429],
    text: wording("rate limit exceeded: free-models-per-day"),
    verdict: {
      class: "quota",
      scope: "model",
      until: [limitEnd, ({ nowMs }) => nowMs + 3_600_000],
      reason: "the daily quota of free models is used up",
      isOfModel: true,
    },
  },
  {
    status: [429],
    text: wording("rate limit exceeded: free-models-per-min"),
    verdict: { ...RATE, isOfModel: true },
  },
  {
    status: [429],
    text: wording("(?:your )?daily\\b|rate limit (?:exceeded|reached)\\b[^.]{0,200}\\bper[- ]day\\b"),
    verdict: {
      class: "quota",
      scope: "model",
      until: [limitEnd, ({ nowMs }) => nowMs + 3_600_000],
      reason: "daily quota used up",
    },
  },
  // Cerebras, whose queue is full for everybody: https://inference-docs.cerebras.ai/support/error
  { status: [429], code: /^queue_exceeded$/, verdict: OVERLOADED },
  { status: [429], when: (failure) => limitEnd(failure) !== null, verdict: RATE },
  ...EMPTY_ACCOUNT_ROWS,
  {
    status: [429],
    text: wording(
      "no capacity available|(?:the )?(?:engine|model|server|service|{model}) is (?:currently |temporarily )?overloaded",
    ),
    verdict: OVERLOADED,
  },
  { status: [429], verdict: RATE },
];

const ROWS: readonly Row[] = [...REFUSAL_ROWS, ...OPENAI_ROWS, ...COMPAT_ROWS];

/** Statuses by the code of an error event or a failed response. */
const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ["invalid_api_key", 401],
  ["authentication_error", 401],
  ["permission_error", 403],
  ["model_not_found", 404],
  ["not_found_error", 404],
  ["rate_limit_exceeded", 429],
  ["rate_limit_error", 429],
  ["insufficient_quota", 429],
  ["credit_balance_exhausted", 429],
  ["organization_spend_limit_exceeded", 429],
  ["project_spend_limit_exceeded", 429],
  ["organization_usage_limit_exceeded", 429],
  ["server_error", 500],
  ["slow_down", 503],
  ["server_is_overloaded", 503],
  ["service_unavailable", 503],
  ["overloaded_error", 503],
  ["context_length_exceeded", 400],
  ["content_filter", 400],
  ["content_policy_violation", 400],
  // MiniMax's `base_resp`: https://platform.minimaxi.com/document/error-code.
  ["base_resp_1002", 429],
  ["base_resp_1004", 401],
  ["base_resp_1008", 402],
  ["base_resp_1026", 400],
  ["base_resp_1027", 400],
  ["base_resp_1039", 429],
  ["base_resp_2013", 400],
  ["base_resp_2049", 401],
  ["base_resp_2056", 429],
]);

/** Codes of refused requests. */
const REFUSED_CODE = /^(?:(?:invalid|unsupported)_|(?:unknown|unrecognized)_parameter$|extra_forbidden$)/;

function statusOfCode(code: string): number | undefined {
  return STATUS_OF_CODE.get(code) ?? (REFUSED_CODE.test(code) ? 400 : undefined);
}

export const openai: Family = {
  name: "openai",
  dialects: ["openai-chat", "openai-responses"],
  defaultBaseUrl: "https://api.openai.com/v1",
  profileOf: openaiProfile,
  url: ({ baseUrl }, path) => joinWithoutVersion(baseUrl, path),
  authorization: {
    kind: "fixed",
    headerNames: ["authorization"],
    lines: (apiKey) => [["authorization", `Bearer ${apiKey}`]],
  },
  framingOf: eventsOrJson,
  modelLists: ["/v1/models"],
  modelNames:
    /^(?:ft:)?(?:(?:gpt|chatgpt|codex|text-embedding|text-moderation|omni-moderation|computer-use|dall-e|whisper|tts|sora|davinci|babbage)-|o\d+(?:-|$))/,
  servesOtherMakers: true,
  traitsOf: openaiTraits,
  defaultHeaders: [],
  classify(reply, profile) {
    const failure = readFailure(reply);
    return classifyByTable(failure.isGoogle ? GEMINI_ROWS : ROWS, failure, profile?.failures);
  },
  inBandStatus: (body) => statusOfError(body, statusOfCode),
  roomOf: openaiRoom,
  roomOfFailure: (reply) => openaiRoom(reply.headers, reply.nowMs) ?? geminiRefusedRoom(reply),
};
