// AI Studio's failures (generativelanguage.googleapis.com).

import { geminiRefusal } from "../base/refusal.ts";
import { nextMonthMs, type Scenario, type ScenarioContext } from "./scenario.ts";

type Rest = Omit<Scenario, "reply">;
type Text = string | ((context: ScenarioContext) => string);
type Details = (context: ScenarioContext) => readonly unknown[];

const TYPE = "type.googleapis.com/google.rpc.";
const LIMITS =
  "For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.";

function say(rest: Rest, code: number, status: string, message: Text, details: Details = () => []): Scenario {
  return {
    ...rest,
    reply: (context) =>
      geminiRefusal(code, status, typeof message === "string" ? message : message(context), details(context)),
  };
}

function errorInfo(reason: string): Details {
  return () => [
    {
      "@type": `${TYPE}ErrorInfo`,
      reason,
      domain: "googleapis.com",
      metadata: { service: "generativelanguage.googleapis.com" },
    },
  ];
}

function quotaFailure(quotaId: string, quotaValue: string | undefined, hasRetryInfo: boolean): Details {
  return ({ model, resetS }) => [
    {
      "@type": `${TYPE}QuotaFailure`,
      violations: [
        {
          quotaMetric: "generativelanguage.googleapis.com/generate_content_free_tier_requests",
          quotaId,
          quotaDimensions: { location: "global", model },
          ...(quotaValue === undefined ? {} : { quotaValue }),
        },
      ],
    },
    {
      "@type": `${TYPE}Help`,
      links: [
        {
          description: "Learn more about Gemini API quotas",
          url: "https://ai.google.dev/gemini-api/docs/rate-limits",
        },
      ],
    },
    ...(hasRetryInfo ? [{ "@type": `${TYPE}RetryInfo`, retryDelay: `${resetS}s` }] : []),
  ];
}

function exceeded(limit: number): (context: ScenarioContext) => string {
  return ({ model, resetS }) =>
    `You exceeded your current quota, please check your plan and billing details. ${LIMITS}\n` +
    `* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: ${limit}, model: ${model}\n` +
    `Please retry in ${duration(resetS)}.`;
}

/** Seconds in Google's notation: `10h17m5.7s`. */
function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Number((seconds % 60).toFixed(3));
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${rest}s`;
}

/** The next midnight in Los Angeles, in ms since the epoch: AI Studio's daily quotas reset then. */
export function nextPacificMidnightMs(nowMs: number): number {
  const hour = new Intl.DateTimeFormat("en-US", {
    timeZone: "America/Los_Angeles",
    hour: "numeric",
    hourCycle: "h23",
  });
  const hourMs = 3_600_000;
  let atMs = Math.floor(nowMs / hourMs) * hourMs + hourMs;
  while (Number(hour.format(atMs)) !== 0) {
    atMs += hourMs;
  }
  return atMs;
}

const inProject: Rest["scope"] = "organization";

export const GEMINI_SCENARIOS = {
  "gemini/invalid-key": say(
    { signal: "400 API_KEY_INVALID", meaning: "invalid", scope: "key" },
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    errorInfo("API_KEY_INVALID"),
  ),
  "gemini/expired-key": say(
    { signal: "400 API key expired", meaning: "invalid", scope: "key" },
    400,
    "INVALID_ARGUMENT",
    "API key expired. Please renew the API key.",
    errorInfo("API_KEY_INVALID"),
  ),
  "gemini/location": say(
    { signal: "400 location not supported", meaning: "misconfigured", scope: "key" },
    400,
    "FAILED_PRECONDITION",
    "User location is not supported for the API use.",
  ),
  "gemini/needs-billing": say(
    { signal: "400 free tier not available, billing needed", meaning: "credit", scope: inProject },
    400,
    "FAILED_PRECONDITION",
    "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.",
  ),
  "gemini/leaked-key": say(
    { signal: "403 key reported as leaked", meaning: "invalid", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "Your API key was reported as leaked. Please use another API key.",
  ),
  "gemini/suspended": say(
    { signal: "403 CONSUMER_SUSPENDED", meaning: "invalid", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "Permission denied: Consumer 'projects/000000000000' has been suspended.",
    errorInfo("CONSUMER_SUSPENDED"),
  ),
  "gemini/project-denied": say(
    { signal: "403 project denied access", meaning: "invalid", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "Your project has been denied access. Please contact support.",
  ),
  "gemini/service-blocked": say(
    { signal: "403 API_KEY_SERVICE_BLOCKED", meaning: "misconfigured", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "Requests to this API generativelanguage.googleapis.com method google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent are blocked.",
    errorInfo("API_KEY_SERVICE_BLOCKED"),
  ),
  "gemini/referrer-blocked": say(
    { signal: "403 API_KEY_HTTP_REFERRER_BLOCKED", meaning: "misconfigured", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "Requests from referer <empty> are blocked.",
    errorInfo("API_KEY_HTTP_REFERRER_BLOCKED"),
  ),
  "gemini/address-blocked": say(
    { signal: "403 API_KEY_IP_ADDRESS_BLOCKED", meaning: "misconfigured", scope: "key" },
    403,
    "PERMISSION_DENIED",
    "The provided API key has an IP address restriction. The originating IP address of the call violates this restriction.",
    errorInfo("API_KEY_IP_ADDRESS_BLOCKED"),
  ),
  "gemini/service-disabled": say(
    { signal: "403 SERVICE_DISABLED", meaning: "misconfigured", scope: inProject },
    403,
    "PERMISSION_DENIED",
    "Generative Language API has not been used in project 000000000000 before or it is disabled. Enable it, then retry.",
    errorInfo("SERVICE_DISABLED"),
  ),
  "gemini/model-not-found": say(
    { signal: "404 that names the model", meaning: "forbidden", scope: "key-model" },
    404,
    "NOT_FOUND",
    ({ model }) =>
      `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
  ),
  "gemini/rate-limit": say(
    {
      signal: "429 quota per minute with RetryInfo",
      meaning: "rate",
      scope: "organization-model",
      resetS: 46.07,
    },
    429,
    "RESOURCE_EXHAUSTED",
    exceeded(10),
    quotaFailure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "10", true),
  ),
  "gemini/retry-info-only": say(
    {
      signal: "429 with RetryInfo and no QuotaFailure",
      meaning: "rate",
      scope: "organization-model",
      resetS: 21.5,
    },
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan and billing details.",
    ({ resetS }) => [{ "@type": `${TYPE}RetryInfo`, retryDelay: `${resetS}s` }],
  ),
  "gemini/daily-quota": say(
    {
      signal: "429 quota per day with RetryInfo",
      meaning: "quota",
      scope: "organization-model",
      resetS: 37_025.7,
    },
    429,
    "RESOURCE_EXHAUSTED",
    exceeded(250),
    quotaFailure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250", true),
  ),
  "gemini/daily-quota-until-midnight": say(
    {
      signal: "429 quota per day without RetryInfo",
      meaning: "quota",
      scope: "organization-model",
      resetAtMs: nextPacificMidnightMs,
    },
    429,
    "RESOURCE_EXHAUSTED",
    `You exceeded your current quota, please check your plan and billing details. ${LIMITS}`,
    quotaFailure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250", false),
  ),
  "gemini/limit-zero": say(
    {
      signal: "429 limit: 0, the tier has none of this model",
      meaning: "forbidden",
      scope: "key-model",
      resetS: 30,
    },
    429,
    "RESOURCE_EXHAUSTED",
    exceeded(0),
    quotaFailure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", undefined, true),
  ),
  "gemini/prepaid-depleted": say(
    { signal: "429 prepaid credits depleted", meaning: "credit", scope: inProject },
    429,
    "RESOURCE_EXHAUSTED",
    "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and billing.",
  ),
  "gemini/spending-cap": say(
    { signal: "429 monthly spending cap", meaning: "quota", scope: inProject, resetAtMs: nextMonthMs },
    429,
    "RESOURCE_EXHAUSTED",
    "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend to manage your project spend cap.",
  ),
  "gemini/exhausted": say(
    { signal: "429 without details", meaning: "rate", scope: "organization-model", resetS: 60 },
    429,
    "RESOURCE_EXHAUSTED",
    "Resource has been exhausted (e.g. check quota).",
  ),
  "gemini/overloaded": say(
    { signal: "503 UNAVAILABLE", meaning: "overloaded", scope: "none" },
    503,
    "UNAVAILABLE",
    "The model is overloaded. Please try again later.",
  ),
  "gemini/internal": say(
    { signal: "500 INTERNAL", meaning: "overloaded", scope: "none" },
    500,
    "INTERNAL",
    "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
  ),
  "gemini/deadline": say(
    { signal: "504 DEADLINE_EXCEEDED", meaning: "overloaded", scope: "none" },
    504,
    "DEADLINE_EXCEEDED",
    "Deadline expired before operation could complete.",
  ),
  "gemini/capacity": say(
    { signal: "429 MODEL_CAPACITY_EXHAUSTED", meaning: "overloaded", scope: "none" },
    429,
    "RESOURCE_EXHAUSTED",
    "No capacity available for this model on the server.",
    errorInfo("MODEL_CAPACITY_EXHAUSTED"),
  ),
  "gemini/overloaded-in-band": say(
    { signal: "503 UNAVAILABLE inside a stream", meaning: "overloaded", scope: "none", place: "in-band" },
    503,
    "UNAVAILABLE",
    "The model is overloaded. Please try again later.",
  ),
  "gemini/context-length": say(
    { signal: "400 the input token count exceeds", meaning: "bad-request", scope: "none" },
    400,
    "INVALID_ARGUMENT",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
  ),
  "gemini/bad-request": say(
    { signal: "400 about the request", meaning: "bad-request", scope: "none" },
    400,
    "INVALID_ARGUMENT",
    "Request contains an invalid argument.",
  ),
} satisfies Record<string, Scenario>;
