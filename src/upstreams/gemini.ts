/** Google AI Studio's Gemini API: https://ai.google.dev/gemini-api/docs/troubleshooting, …/rate-limits. */

import { joinClientVersion } from "./address.ts";
import { readFailure, statusOfError } from "./failure.ts";
import type { Family } from "./family.ts";
import { eventsOrArray } from "./framing.ts";
import { limitEnd } from "./limit-time.ts";
import { geminiTraits } from "./model-traits/gemini-traits.ts";
import { GEMINI } from "./profiles.ts";
import { nextMonthUtc, nextPacificMidnight } from "./reset-time.ts";
import type { Signal } from "./signal.ts";
import { classifyByTable, type Row } from "./signal-table.ts";

const ZERO_LIMIT = /\blimit: 0(?![\d.])/i;

/** Shared with OpenAI-compatible servers that answer in Google's envelope. */
export const GEMINI_ROWS: readonly Row[] = [
  {
    status: [400, 401, 403],
    code: /^API_KEY_INVALID$/,
    verdict: { class: "invalid", reason: "the key is not valid or has expired" },
  },
  {
    status: [403],
    code: /^CONSUMER_(?:SUSPENDED|INVALID)$/,
    verdict: { class: "invalid", reason: "the project is suspended" },
  },
  {
    status: [403],
    code: /^(?:API_KEY_SERVICE_BLOCKED|API_KEY_HTTP_REFERRER_BLOCKED|API_KEY_IP_ADDRESS_BLOCKED|API_KEY_ANDROID_APP_BLOCKED|API_KEY_IOS_APP_BLOCKED|SERVICE_DISABLED)$/,
    verdict: { class: "config", reason: "the key's restrictions or the project's services refuse this use" },
  },
  { status: [403], code: /^BILLING_DISABLED$/, verdict: { class: "credit", reason: "billing is disabled" } },
  { status: [401], verdict: { class: "invalid", reason: "the key was refused" } },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: /user location is not supported/i,
    verdict: { class: "config", reason: "not served at the location that requests come from" },
  },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: /billing/i,
    verdict: { class: "credit", reason: "the project needs billing" },
  },
  {
    status: [400],
    text: /^api key (?:not valid|expired)/i,
    verdict: { class: "invalid", reason: "the key is not valid" },
  },
  {
    status: [403],
    text: /reported as leaked/i,
    verdict: { class: "invalid", reason: "the key was reported as leaked" },
  },
  {
    status: [403],
    text: /has been suspended|project has been denied access/i,
    verdict: { class: "invalid", reason: "the project is denied access" },
  },
  {
    status: [403],
    text: /caller does not have permission/i,
    verdict: { class: "forbid", reason: "no permission" },
  },
  {
    status: [404],
    text: /\bmodels\/|\bmodel\b/i,
    verdict: { class: "forbid", reason: "no such model for this key" },
  },
  {
    status: [429],
    code: /^MODEL_CAPACITY_EXHAUSTED$/,
    verdict: { class: "overload", reason: "the model has no capacity" },
  },
  {
    // A limit of 0 means that the tier does not have the model, so waiting for its RetryInfo would not help.
    status: [429],
    when: (failure) => failure.hasQuotaFailure && ZERO_LIMIT.test(failure.message),
    verdict: { class: "forbid", reason: "the tier of this key does not include the model" },
  },
  {
    status: [429],
    code: /PerDay/i,
    verdict: {
      class: "quota",
      scope: "model",
      until: [limitEnd, ({ nowMs }) => nextPacificMidnight(nowMs)],
      reason: "daily quota used up",
    },
  },
  {
    status: [429],
    when: (failure) => failure.hasQuotaFailure || failure.hasRetryInfo,
    verdict: {
      class: "rate",
      scope: "model",
      until: [limitEnd],
      guessMs: 60_000,
      reason: "rate limited",
    },
  },
  {
    status: [429],
    text: ZERO_LIMIT,
    verdict: { class: "forbid", reason: "the tier of this key does not include the model" },
  },
  {
    status: [429],
    text: /monthly (?:spending|spend|usage) (?:cap|limit)|spending cap/i,
    verdict: {
      class: "quota",
      scope: "credential",
      until: [({ nowMs }) => nextMonthUtc(nowMs)],
      reason: "monthly spending cap reached",
    },
  },
  {
    status: [429],
    text: /prepa(?:id|yment) credits?|credits? (?:are|is|have been|has been)? ?(?:depleted|exhausted|used up)/i,
    verdict: { class: "credit", reason: "prepaid credits are depleted" },
  },
  {
    status: [429],
    verdict: {
      class: "rate",
      scope: "model",
      until: [limitEnd],
      guessMs: 60_000,
      reason: "resource exhausted",
    },
  },
];

/** Statuses by google.rpc.Code, as in Google's API design guide. */
const STATUS_OF_NAME: ReadonlyMap<string, number> = new Map([
  ["INVALID_ARGUMENT", 400],
  ["FAILED_PRECONDITION", 400],
  ["OUT_OF_RANGE", 400],
  ["UNAUTHENTICATED", 401],
  ["PERMISSION_DENIED", 403],
  ["NOT_FOUND", 404],
  ["ABORTED", 409],
  ["ALREADY_EXISTS", 409],
  ["RESOURCE_EXHAUSTED", 429],
  ["CANCELLED", 499],
  ["INTERNAL", 500],
  ["UNKNOWN", 500],
  ["DATA_LOSS", 500],
  ["UNIMPLEMENTED", 501],
  ["UNAVAILABLE", 503],
  ["DEADLINE_EXCEEDED", 504],
]);

const OK: Signal = { class: "ok" };

export const gemini: Family = {
  name: "gemini",
  dialects: ["gemini"],
  defaultBaseUrl: "https://generativelanguage.googleapis.com",
  profileOf: () => GEMINI,
  url: ({ baseUrl }, path) => joinClientVersion(baseUrl, path),
  authorization: {
    kind: "fixed",
    headerNames: ["x-goog-api-key"],
    lines: (apiKey) => [["x-goog-api-key", apiKey]],
  },
  framingOf: eventsOrArray,
  modelList: "/v1beta/models?pageSize=1000",
  modelNames: /^(?:gemini|gemma|learnlm|imagen|veo)-/,
  servesOtherMakers: false,
  traitsOf: geminiTraits,
  defaultHeaders: [],
  classify: (reply) => classifyByTable(GEMINI_ROWS, readFailure(reply)),
  inBandStatus: (body) => statusOfError(body, (code) => STATUS_OF_NAME.get(code)),
  // Google sends no rate headers with good replies.
  classifyOk: () => OK,
};
