/**
 * OpenAI (https://platform.openai.com/docs/guides/error-codes) and the servers that speak its dialects. Both
 * share one table: OpenAI's structured codes come first, then the rows for compatible servers.
 */

import { joinWithoutVersion } from "./address.ts";
import { type Failure, readFailure, statusOfError } from "./failure.ts";
import type { Family } from "./family.ts";
import { eventsOrJson } from "./framing.ts";
import { GEMINI_ROWS } from "./gemini.ts";
import { limitEnd, spentBy } from "./limit-time.ts";
import { openaiTraits } from "./model-traits/openai-traits.ts";
import { COMPATIBLE, OPENAI_SERVERS, profileAt } from "./profiles.ts";
import { isOversize } from "./refusals/oversize.ts";
import { nextMonthUtc } from "./reset-time.ts";
import { classifyByTable, type Row } from "./signal-table.ts";

/** "Request too large … Limit 30000, Requested 41234": waiting does not make the request fit. */
function isTooLarge({ message }: Failure): boolean {
  const match = /^request too large\b.*?\blimit:? (\d+),.*?\brequested:? (\d+)/is.exec(message);
  return match !== null && Number(match[2]) > Number(match[1]);
}

const OPENAI_ROWS: readonly Row[] = [
  {
    status: [401],
    code: /^ip_not_authorized$/,
    verdict: { class: "config", reason: "the address that requests come from is not allowed" },
  },
  {
    status: [401],
    text: /\bip\b.*\bnot authorized/i,
    verdict: { class: "config", reason: "the address that requests come from is not allowed" },
  },
  {
    status: [401, 403],
    code: /^(?:insufficient_permissions|missing_scope)$/,
    verdict: { class: "forbid", reason: "the key's permissions do not include this" },
  },
  {
    status: [401, 403],
    text: /insufficient permissions|missing scopes/i,
    verdict: { class: "forbid", reason: "the key's permissions do not include this" },
  },
  { status: [401], verdict: { class: "invalid", reason: "the key was refused" } },
  {
    status: [403],
    code: /^unsupported_country_region_territory$/,
    verdict: { class: "config", reason: "not served at the location that requests come from" },
  },
  {
    status: [400, 403, 404],
    code: /^model_not_found$/,
    verdict: { class: "forbid", reason: "no such model for this key" },
  },
  {
    status: [400, 403],
    text: /^your organization must be verified to /i,
    verdict: { class: "forbid", reason: "the organization must be verified for this" },
  },
  {
    status: [429],
    code: /^credit_balance_exhausted$/,
    verdict: { class: "credit", reason: "credit balance is exhausted" },
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
  { status: [429], code: /^insufficient_quota$/, verdict: { class: "credit", reason: "quota used up" } },
  {
    status: [429],
    code: /^(?:slow_down|server_is_overloaded|service_unavailable|server_error|overloaded_error|engine_overloaded(?:_error)?)$/,
    verdict: { class: "overload", reason: "the upstream is overloaded" },
  },
  {
    status: [429],
    when: isTooLarge,
    verdict: { class: "bad", reason: "the request is larger than the key's limit" },
  },
  {
    status: [429],
    code: /^rate_limit_exceeded$/,
    verdict: { class: "rate", scope: "model", until: [limitEnd], guessMs: 5_000, reason: "rate limited" },
  },
];

const MONEY =
  /insufficient (?:balance|funds|credits?|quota)|balance|billing|out of credits?|more credits|exceeded your current quota|quota/i;

const COMPAT_ROWS: readonly Row[] = [
  {
    // llama.cpp and LocalAI, and errors inside a stream without a code: no second try would fit.
    status: [500],
    when: ({ message, codes }) => isOversize(message, codes),
    verdict: { class: "bad", reason: "the request is larger than the model's context" },
  },
  { status: [402], verdict: { class: "credit", reason: "no balance" } },
  {
    // A moderator in front of the model refuses the request, so the request is at fault.
    status: [403],
    text: /\bflagged\b|\bmoderation\b/i,
    verdict: { class: "bad", reason: "the request was flagged" },
  },
  { status: [403], text: MONEY, verdict: { class: "credit", reason: "no balance" } },
  { status: [403], verdict: { class: "forbid", reason: "no permission" } },
  {
    status: [400, 404],
    text: /^(?:the )?(?:requested )?model\b.{0,300}?\bnot (?:be )?(?:found|exist)|^(?:no such|unknown) model\b/is,
    verdict: { class: "forbid", reason: "no such model for this key" },
  },
  {
    status: [429],
    text: /\bper[- ]day\b|\bdaily\b/i,
    verdict: {
      class: "quota",
      scope: "model",
      until: [limitEnd, ({ nowMs }) => nowMs + 3_600_000],
      reason: "daily quota used up",
    },
  },
  {
    status: [429],
    when: (failure) => limitEnd(failure) !== null,
    verdict: { class: "rate", scope: "model", until: [limitEnd], guessMs: 5_000, reason: "rate limited" },
  },
  { status: [429], text: MONEY, verdict: { class: "credit", reason: "quota or balance used up" } },
  {
    status: [429],
    text: /\bcapacity\b|\boverloaded\b|\bengine\b/i,
    verdict: { class: "overload", reason: "the upstream is overloaded" },
  },
  {
    status: [429],
    verdict: { class: "rate", scope: "model", until: [], guessMs: 5_000, reason: "rate limited" },
  },
];

const ROWS: readonly Row[] = [...OPENAI_ROWS, ...COMPAT_ROWS];

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

function statusOfCode(code: string): number | undefined {
  return STATUS_OF_CODE.get(code) ?? (/^(?:invalid|unsupported)_/.test(code) ? 400 : undefined);
}

export const openai: Family = {
  name: "openai",
  dialects: ["openai-chat", "openai-responses"],
  defaultBaseUrl: "https://api.openai.com/v1",
  profileOf: (baseUrl) => profileAt(baseUrl, OPENAI_SERVERS, COMPATIBLE),
  url: ({ baseUrl }, path) => joinWithoutVersion(baseUrl, path),
  authorization: {
    kind: "fixed",
    headerNames: ["authorization"],
    lines: (apiKey) => [["authorization", `Bearer ${apiKey}`]],
  },
  framingOf: eventsOrJson,
  modelList: "/v1/models",
  modelNames:
    /^(?:ft:)?(?:(?:gpt|chatgpt|codex|text-embedding|text-moderation|omni-moderation|computer-use|dall-e|whisper|tts|sora|davinci|babbage)-|o\d+(?:-|$))/,
  servesOtherMakers: true,
  traitsOf: openaiTraits,
  defaultHeaders: [],
  classify(reply) {
    const failure = readFailure(reply);
    return classifyByTable(failure.isGoogle ? GEMINI_ROWS : ROWS, failure);
  },
  inBandStatus: (body) => statusOfError(body, statusOfCode),
  classifyOk: spentBy,
};
