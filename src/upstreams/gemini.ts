/** Google AI Studio's Gemini API: https://ai.google.dev/gemini-api/docs/troubleshooting, …/rate-limits. */

import { joinClientVersion } from "./address.ts";
import { wording } from "./evidence/request-words.ts";
import { classifyByTable, type Row } from "./evidence/signal-table.ts";
import { type Failure, readFailure, statusOfError } from "./failure.ts";
import type { Family } from "./family.ts";
import { eventsOrArray } from "./framing.ts";
import { limitEnd } from "./limit-time.ts";
import { geminiTraits } from "./model-traits/gemini-traits.ts";
import { GEMINI, GEMINI_SERVERS, profileAt } from "./profiles.ts";
import { nextMonthUtc, nextPacificMidnight } from "./reset-time.ts";
import { geminiRefusedRoom } from "./room/gemini-room.ts";

const endOfDay = ({ nowMs }: Failure): number => nextPacificMidnight(nowMs);

/** A line of the message for each quota that was exceeded. */
const ZERO_LIMIT = /^(?:\* )?quota exceeded for [^\n]{1,300}\blimit: 0(?![\d.])/im;

/** Shared with OpenAI-compatible servers that answer in Google's envelope. */
export const GEMINI_ROWS: readonly Row[] = [
  {
    status: [400, 401, 403],
    code: /^API_KEY_INVALID$/,
    verdict: { class: "invalid", reason: "the key is not valid or has expired", isStatement: true },
  },
  {
    status: [403],
    code: /^CONSUMER_(?:SUSPENDED|INVALID)$/,
    verdict: { class: "invalid", reason: "the project is suspended", isStatement: true },
  },
  {
    status: [403],
    code: /^(?:API_KEY_SERVICE_BLOCKED|API_KEY_HTTP_REFERRER_BLOCKED|API_KEY_IP_ADDRESS_BLOCKED|API_KEY_ANDROID_APP_BLOCKED|API_KEY_IOS_APP_BLOCKED|SERVICE_DISABLED)$/,
    verdict: {
      class: "config",
      reason: "the key's restrictions or the project's services refuse this use",
      isStatement: true,
    },
  },
  {
    status: [403],
    code: /^BILLING_DISABLED$/,
    verdict: { class: "credit", reason: "billing is disabled", isStatement: true },
  },
  { status: [401], verdict: { class: "invalid", reason: "the key was refused" } },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: wording("user location is not supported"),
    verdict: {
      class: "config",
      reason: "not served at the location that requests come from",
      isStatement: true,
    },
  },
  {
    status: [400],
    code: /^FAILED_PRECONDITION$/,
    text: wording("gemini api free tier is not available in your country"),
    verdict: { class: "credit", reason: "the project needs billing" },
  },
  {
    status: [400],
    text: wording("api key (?:not valid|expired)"),
    verdict: { class: "invalid", reason: "the key is not valid", isStatement: true },
  },
  {
    status: [403],
    text: wording("your api key was reported as leaked"),
    verdict: { class: "invalid", reason: "the key was reported as leaked", isStatement: true },
  },
  {
    status: [403],
    text: wording(
      "(?:permission denied: )?consumer '[^']{1,100}' has been suspended|your project has been denied access",
    ),
    verdict: { class: "invalid", reason: "the project is denied access", isStatement: true },
  },
  // Any other 403 is about something that the request names, such as a file of another project.
  {
    status: [404],
    text: wording("(?:this model )?(?:models/)?{model} is (?:not found|no longer available|not supported)"),
    verdict: { class: "forbid", reason: "the provider has no such model, or not for this key" },
  },
  {
    status: [429],
    code: /^MODEL_CAPACITY_EXHAUSTED$/,
    verdict: { class: "overload", reason: "the model has no capacity" },
  },
  {
    // A limit of 0 means that the tier does not have the model, so waiting for its RetryInfo would not help.
    status: [429],
    text: ZERO_LIMIT,
    when: ({ hasQuotaFailure }) => hasQuotaFailure,
    verdict: { class: "forbid", reason: "the tier of this key does not include the model" },
  },
  {
    status: [429],
    code: /PerDay/i,
    verdict: {
      class: "quota",
      scope: "model",
      until: [limitEnd, endOfDay],
      latest: endOfDay,
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
    text: wording(
      "your (?:project|account|billing account) has exceeded its monthly (?:spending|spend|usage) (?:cap|limit)",
    ),
    verdict: {
      class: "quota",
      scope: "credential",
      until: [({ nowMs }) => nextMonthUtc(nowMs)],
      reason: "monthly spending cap reached",
    },
  },
  {
    status: [429],
    text: wording("your prepa(?:id|yment) credits? (?:are|have been) (?:depleted|exhausted|used up)"),
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

export const gemini: Family = {
  name: "gemini",
  dialects: ["gemini"],
  defaultBaseUrl: "https://generativelanguage.googleapis.com",
  profileOf: (baseUrl) => profileAt(baseUrl, GEMINI_SERVERS, GEMINI),
  // A client in the form of Vertex AI asks for that provider's version.
  url: ({ baseUrl }, path) => joinClientVersion(baseUrl, path.replace(/^\/v1beta1\//, "/v1beta/")),
  authorization: {
    kind: "fixed",
    headerNames: ["x-goog-api-key"],
    lines: (apiKey) => [["x-goog-api-key", apiKey]],
  },
  framingOf: eventsOrArray,
  modelLists: ["/v1beta/models?pageSize=1000"],
  modelNames: /^(?:gemini|gemma|learnlm|imagen|veo)-/,
  servesOtherMakers: false,
  traitsOf: geminiTraits,
  defaultHeaders: [],
  classify: (reply, profile) => classifyByTable(GEMINI_ROWS, readFailure(reply), profile?.failures),
  inBandStatus: (body) => statusOfError(body, (code) => STATUS_OF_NAME.get(code)),
  // Google sends no rate headers with good replies.
  roomOf: () => null,
  roomOfFailure: geminiRefusedRoom,
};
