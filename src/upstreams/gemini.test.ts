import { expect, test } from "bun:test";
import { gemini } from "./gemini.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const DECEMBER = Date.parse("2026-12-01T00:00:00Z");
const PACIFIC_MIDNIGHT = Date.parse("2026-11-24T08:00:00Z");
const PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
const PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";

interface Case {
  readonly name: string;
  readonly code: number;
  readonly status: string;
  readonly message?: string;
  readonly reason?: string;
  readonly quotaId?: string;
  readonly retryDelay?: string;
  readonly says: object;
}

const exceeded = (limit: number, rest = ""): string =>
  `You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: x, limit: ${limit}, model: m\n${rest}`;

const CASES: readonly Case[] = [
  {
    name: "key not valid",
    code: 400,
    status: "INVALID_ARGUMENT",
    message: "API key not valid. Please pass a valid API key.",
    reason: "API_KEY_INVALID",
    says: { class: "invalid" },
  },
  {
    name: "key expired, in words only",
    code: 400,
    status: "INVALID_ARGUMENT",
    message: "API key expired. Please renew the API key.",
    says: { class: "invalid" },
  },
  {
    name: "location",
    code: 400,
    status: "FAILED_PRECONDITION",
    message: "User location is not supported for the API use.",
    says: { class: "config" },
  },
  {
    name: "free tier needs billing",
    code: 400,
    status: "FAILED_PRECONDITION",
    message: "Gemini API free tier is not available in your country. Please enable billing on your project.",
    says: { class: "credit" },
  },
  {
    name: "leaked key",
    code: 403,
    status: "PERMISSION_DENIED",
    message: "Your API key was reported as leaked. Please use another API key.",
    says: { class: "invalid" },
  },
  {
    name: "suspended",
    code: 403,
    status: "PERMISSION_DENIED",
    reason: "CONSUMER_SUSPENDED",
    says: { class: "invalid" },
  },
  {
    name: "project denied",
    code: 403,
    status: "PERMISSION_DENIED",
    message: "Your project has been denied access. Please contact support.",
    says: { class: "invalid" },
  },
  ...[
    "API_KEY_SERVICE_BLOCKED",
    "API_KEY_HTTP_REFERRER_BLOCKED",
    "API_KEY_IP_ADDRESS_BLOCKED",
    "SERVICE_DISABLED",
  ].map((reason) => ({
    name: reason,
    code: 403,
    status: "PERMISSION_DENIED",
    reason,
    says: { class: "config" },
  })),
  {
    name: "somebody else's cached content",
    code: 403,
    status: "PERMISSION_DENIED",
    message: "CachedContent not found (or permission denied)",
    says: { class: "bad" },
  },
  {
    name: "unknown model",
    code: 404,
    status: "NOT_FOUND",
    message: "models/m is not found for API version v1beta",
    says: { class: "forbid" },
  },
  {
    name: "unknown file",
    code: 404,
    status: "NOT_FOUND",
    message: "Requested entity was not found.",
    says: { class: "bad" },
  },
  {
    name: "per minute",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(10),
    quotaId: PER_MINUTE,
    retryDelay: "46.07s",
    says: { class: "rate", scope: "model", untilMs: NOW + 46_070 },
  },
  {
    name: "per minute with the time in the text",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(10, "Please retry in 12.5s."),
    quotaId: PER_MINUTE,
    says: { class: "rate", scope: "model", untilMs: NOW + 12_500 },
  },
  {
    name: "per day with RetryInfo",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(250),
    quotaId: PER_DAY,
    retryDelay: "37025s",
    says: { class: "quota", scope: "model", untilMs: NOW + 37_025_000 },
  },
  {
    name: "per day with the time in the text",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(250, "Please retry in 10h17m5.7s."),
    quotaId: PER_DAY,
    says: { class: "quota", scope: "model", untilMs: NOW + 37_025_700 },
  },
  {
    name: "per day without a time",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(250),
    quotaId: PER_DAY,
    says: { class: "quota", scope: "model", untilMs: PACIFIC_MIDNIGHT },
  },
  {
    name: "a limit of zero",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: exceeded(0, "Please retry in 30s."),
    quotaId: PER_DAY,
    retryDelay: "30s",
    says: { class: "forbid" },
  },
  {
    name: "RetryInfo alone, whatever the text says",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: "Your prepayment credits are depleted. You exceeded your current quota, limit: 0",
    retryDelay: "21.5s",
    says: { class: "rate", scope: "model", untilMs: NOW + 21_500 },
  },
  {
    name: "prepaid credits",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: "Your prepayment credits are depleted.",
    says: { class: "credit" },
  },
  {
    name: "monthly cap",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: "Your project has exceeded its monthly spending cap.",
    says: { class: "quota", scope: "credential", untilMs: DECEMBER },
  },
  {
    name: "exhausted without details",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message: "Resource has been exhausted (e.g. check quota).",
    says: { class: "rate", scope: "model", untilMs: NOW + 60_000, isGuess: true },
  },
  {
    name: "a delay that cannot be read",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    retryDelay: "a while",
    says: { class: "rate", untilMs: NOW + 60_000, isGuess: true },
  },
  {
    name: "no capacity as 429",
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    reason: "MODEL_CAPACITY_EXHAUSTED",
    says: { class: "overload" },
  },
  {
    name: "overload",
    code: 503,
    status: "UNAVAILABLE",
    message: "The model is overloaded.",
    says: { class: "overload" },
  },
  { name: "internal", code: 500, status: "INTERNAL", says: { class: "overload" } },
  { name: "deadline", code: 504, status: "DEADLINE_EXCEEDED", says: { class: "overload" } },
  {
    name: "bad request",
    code: 400,
    status: "INVALID_ARGUMENT",
    message: 'Unknown name "x"',
    says: { class: "bad" },
  },
];

function bodyOf({ code, status, message, reason, quotaId, retryDelay }: Case): object {
  const details = [
    ...(reason === undefined ? [] : [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason }]),
    ...(quotaId === undefined
      ? []
      : [{ "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] }]),
    ...(retryDelay === undefined
      ? []
      : [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }]),
  ];
  return { error: { code, message, status, details } };
}

const classify = (status: number, body: unknown) =>
  gemini.classify({ status, headers: new Headers(), body: JSON.stringify(body), nowMs: NOW, model: "m" });

test.each(CASES.map((each) => [each.name, each] as const))("%s", (_, each) => {
  expect(classify(each.code, bodyOf(each))).toMatchObject(each.says);
  // A streamed request without SSE gets its error as the element of an array.
  expect(classify(each.code, [bodyOf(each)])).toMatchObject(each.says);
});

test("an error inside a stream stands for its own code, or for that of its name", () => {
  expect(gemini.inBandStatus(JSON.stringify({ error: { code: 429, status: "RESOURCE_EXHAUSTED" } }))).toBe(
    429,
  );
  expect(gemini.inBandStatus(JSON.stringify({ status: "UNAVAILABLE", message: "x" }))).toBe(503);
  expect(gemini.inBandStatus(JSON.stringify({ error: { code: 8, status: "RESOURCE_EXHAUSTED" } }))).toBe(429);
  expect(gemini.inBandStatus("{}")).toBe(500);
});

test("a good reply says nothing: there are no rate headers", () => {
  expect(gemini.roomOf(new Headers({ "retry-after": "5" }), NOW)).toBeNull();
});
