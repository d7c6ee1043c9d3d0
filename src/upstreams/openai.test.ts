import { expect, test } from "bun:test";
import { openai } from "./openai.ts";
import { OPENAI as OPENAI_PROFILE } from "./profiles.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const DECEMBER = Date.parse("2026-12-01T00:00:00Z");
const TOO_LARGE = "Request too large for gpt-5 in organization org-x on tokens per min (TPM): ";

interface Case {
  readonly name: string;
  readonly status: number;
  readonly error?: object | string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly says: object;
}

const limited = (type: string, message = "Rate limit reached."): object => ({
  type,
  code: "rate_limit_exceeded",
  message,
});

const OPENAI: readonly Case[] = [
  { name: "refused key", status: 401, error: { code: "invalid_api_key" }, says: { class: "invalid" } },
  {
    name: "unknown organization",
    status: 401,
    error: { code: "invalid_organization" },
    says: { class: "invalid" },
  },
  {
    name: "deactivated account",
    status: 401,
    error: { message: "The OpenAI account associated with this API key has been deactivated." },
    says: { class: "invalid" },
  },
  {
    name: "address not authorized, by code",
    status: 401,
    error: { code: "ip_not_authorized" },
    says: { class: "config" },
  },
  {
    name: "address not authorized, in words",
    status: 401,
    error: { message: "Your IP is not authorized for this project." },
    says: { class: "config" },
  },
  {
    name: "country",
    status: 403,
    error: { code: "unsupported_country_region_territory" },
    says: { class: "config" },
  },
  {
    name: "restricted key",
    status: 403,
    error: {
      message: "You have insufficient permissions for this operation. Missing scopes: model.request.",
    },
    says: { class: "forbid" },
  },
  {
    name: "restricted key as 401",
    status: 401,
    error: {
      message: "You have insufficient permissions for this operation. Missing scopes: model.request.",
    },
    says: { class: "forbid" },
  },
  { name: "unknown model", status: 404, error: { code: "model_not_found" }, says: { class: "forbid" } },
  {
    name: "not verified to stream",
    status: 400,
    error: { message: "Your organization must be verified to stream this model.", code: "unsupported_value" },
    says: { class: "forbid" },
  },
  {
    name: "no quota",
    status: 429,
    error: { type: "insufficient_quota", code: "insufficient_quota" },
    says: { class: "credit" },
  },
  {
    name: "no credit",
    status: 429,
    error: { type: "insufficient_quota", code: "credit_balance_exhausted" },
    says: { class: "credit" },
  },
  ...[
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
  ].map((code) => ({
    name: code,
    status: 429,
    error: { type: "insufficient_quota", code },
    says: { class: "quota", scope: "credential", untilMs: DECEMBER },
  })),
  {
    name: "rate limit: milliseconds before seconds before reset headers before text",
    status: 429,
    error: limited("requests", "Please try again in 9s."),
    headers: { "retry-after-ms": "2500", "retry-after": "3", "x-ratelimit-reset-requests": "6m0s" },
    says: { class: "rate", scope: "model", untilMs: NOW + 2_500 },
  },
  {
    name: "rate limit: seconds before reset headers",
    status: 429,
    error: limited("requests", "Please try again in 9s."),
    headers: { "retry-after": "3", "x-ratelimit-reset-requests": "6m0s" },
    says: { class: "rate", untilMs: NOW + 3_000 },
  },
  {
    name: "rate limit: the reset of the bucket that is meant",
    status: 429,
    error: limited("tokens", "Please try again in 9s."),
    headers: { "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "2s" },
    says: { class: "rate", untilMs: NOW + 2_000 },
  },
  {
    name: "rate limit: the later reset when no bucket is named",
    status: 429,
    error: limited("rate_limit_error"),
    headers: { "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "2s" },
    says: { class: "rate", untilMs: NOW + 360_000 },
  },
  {
    name: "rate limit: a reset below a second",
    status: 429,
    error: limited("requests"),
    headers: { "x-ratelimit-reset-requests": "20ms" },
    says: { class: "rate", untilMs: NOW + 1_000 },
  },
  {
    name: "rate limit: text",
    status: 429,
    error: limited(
      "tokens",
      "Rate limit reached for gpt-5: Limit 30000, Used 29000, Requested 4500. Please try again in 7.2s.",
    ),
    says: { class: "rate", untilMs: NOW + 7_200 },
  },
  {
    name: "rate limit: text before the resets of buckets with something left",
    status: 429,
    error: limited("tokens", "Please try again in 1m30s."),
    headers: { "x-ratelimit-remaining-tokens": "1999990", "x-ratelimit-reset-tokens": "0s" },
    says: { class: "rate", untilMs: NOW + 90_000 },
  },
  {
    name: "rate limit: only resets that are over, of buckets with something left",
    status: 429,
    error: limited("tokens"),
    headers: { "x-ratelimit-remaining-tokens": "1999990", "x-ratelimit-reset-tokens": "6ms" },
    says: { class: "rate", untilMs: NOW + 5_000, isGuess: true },
  },
  {
    name: "rate limit: no time at all",
    status: 429,
    error: limited("tokens"),
    says: { class: "rate", untilMs: NOW + 5_000, isGuess: true },
  },
  {
    name: "larger than the limit",
    status: 429,
    error: limited("tokens", `${TOO_LARGE}Limit 30000, Requested 45000.`),
    headers: { "retry-after": "30" },
    says: { class: "bad" },
  },
  {
    name: "too large only for now",
    status: 429,
    error: limited("tokens", `${TOO_LARGE}Limit 30000, Requested 25000.`),
    headers: { "retry-after": "30" },
    says: { class: "rate", untilMs: NOW + 30_000 },
  },
  {
    name: "slow down as 429",
    status: 429,
    error: { type: "server_error", code: "slow_down" },
    says: { class: "overload" },
  },
  { name: "slow down as 503", status: 503, error: { code: "slow_down" }, says: { class: "overload" } },
  { name: "overloaded", status: 503, error: { code: "server_is_overloaded" }, says: { class: "overload" } },
  { name: "server error", status: 500, error: { type: "server_error" }, says: { class: "overload" } },
  { name: "bad gateway in HTML", status: 502, body: "<html>billing</html>", says: { class: "overload" } },
  { name: "too long", status: 400, error: { code: "context_length_exceeded" }, says: { class: "bad" } },
  {
    name: "a prompt that speaks of models",
    status: 400,
    error: { message: "Invalid prompt: 'the model is not found' was flagged", code: "invalid_prompt" },
    says: { class: "bad" },
  },
];

const COMPATIBLE: readonly Case[] = [
  { name: "402", status: 402, error: { message: "Insufficient Balance" }, says: { class: "credit" } },
  ...[401, 402, 403, 429, 502].map((status) => ({
    name: `${status} in HTML`,
    status,
    body: "<!doctype html><html>insufficient balance</html>",
    says: { class: "overload" },
  })),
  { name: "404 in HTML", status: 404, body: "<html></html>", says: { class: "bad" } },
  { name: "401 in plain text", status: 401, body: "Unauthorized", says: { class: "invalid" } },
  {
    name: "403 about quota",
    status: 403,
    error: { message: "The user's quota is used up" },
    says: { class: "bad" },
  },
  {
    name: "403",
    status: 403,
    error: { message: "You do not have access to this model" },
    says: { class: "forbid" },
  },
  {
    name: "403 of a moderator",
    status: 403,
    error: { message: "requires moderation. Your input was flagged", code: 403 },
    says: { class: "bad" },
  },
  {
    name: "429 about balance with a time",
    status: 429,
    error: { message: "balance" },
    headers: { "retry-after": "12" },
    says: { class: "rate", untilMs: NOW + 12_000 },
  },
  {
    name: "429 about balance",
    status: 429,
    error: { message: "Account balance is not enough" },
    says: { class: "credit" },
  },
  {
    name: "429 about quota",
    status: 429,
    error: {
      message: "You exceeded your current quota, please check your plan and billing details.",
      code: "insufficient_quota",
    },
    says: { class: "rate", untilMs: NOW + 5_000, isGuess: true },
  },
  {
    name: "429 about a day's quota",
    status: 429,
    error: { message: "Daily quota exceeded" },
    says: { class: "quota", scope: "model", untilMs: NOW + 3_600_000 },
  },
  ...["No capacity available", "The engine is currently overloaded", "Model is overloaded"].map(
    (message) => ({
      name: `429 ${message}`,
      status: 429,
      error: { message },
      says: { class: "overload" },
    }),
  ),
  {
    name: "429 of a provider behind a router",
    status: 429,
    error: {
      message: "Provider returned error",
      code: 429,
      metadata: { raw: "gpt-5 is temporarily overloaded upstream." },
    },
    says: { class: "overload" },
  },
  {
    name: "429 without words",
    status: 429,
    body: "",
    says: { class: "rate", untilMs: NOW + 5_000, isGuess: true },
  },
  {
    name: "an error that is a string",
    status: 404,
    error: 'model "gpt-5" not found, try pulling it first',
    says: { class: "forbid" },
  },
  {
    name: "404 model",
    status: 404,
    error: { message: "The model `gpt-5` does not exist." },
    says: { class: "forbid" },
  },
  {
    name: "404 of another model, such as a tool's",
    status: 404,
    error: { message: "The model `gpt-image-9` does not exist.", code: "model_not_found" },
    says: { class: "bad" },
  },
  {
    name: "403 of One API about the model",
    status: 403,
    error: { message: "该令牌无权使用模型：gpt-5 (request id: 1)", type: "one_api_error" },
    says: { class: "forbid" },
  },
  {
    name: "401 of LiteLLM about the model",
    status: 401,
    error: {
      message:
        "key not allowed to access model. This key can only access models=['a']. Tried to access gpt-5",
      type: "key_model_access_denied",
      code: "401",
    },
    says: { class: "forbid" },
  },
  ...[403, 429].map((status) => ({
    name: `${status} of xAI without credits`,
    status,
    body: JSON.stringify({
      code: "The caller does not have permission to execute the specified operation",
      error:
        "Your team 0a1b-2c has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits.",
    }),
    says: { class: "credit" },
  })),
  {
    name: "403 of xAI for a new team",
    status: 403,
    error: "Your newly created team doesn't have any credits or licenses yet.",
    says: { class: "credit" },
  },
  {
    name: "400 of xAI about the key",
    status: 400,
    error: "Incorrect API key provided: xa***. You can obtain an API key from https://console.x.ai.",
    says: { class: "invalid" },
  },
  {
    name: "403 of Model Studio about the free tier of a model",
    status: 403,
    error: {
      message: "The free tier of the model has been exhausted.",
      code: "AllocationQuota.FreeTierOnly",
    },
    says: { class: "forbid" },
  },
  {
    name: "404 of Ark",
    status: 404,
    error: { message: "The model or endpoint gpt-5 does not exist", code: "InvalidEndpointOrModel.NotFound" },
    says: { class: "forbid" },
  },
  {
    name: "400 of Model Studio about the account",
    status: 400,
    error: {
      message: "Access denied, please make sure your account is in good standing.",
      code: "Arrearage",
    },
    says: { class: "credit" },
  },
  {
    name: "402 of OpenRouter about max_tokens",
    status: 402,
    error: {
      message:
        "This request requires more credits, or fewer max_tokens. You requested up to 200000 tokens, but can only afford 92985.",
      code: 402,
    },
    says: { class: "bad" },
  },
  {
    name: "402 of OpenRouter that affords nothing",
    status: 402,
    error: {
      message:
        "This request requires more credits, or fewer max_tokens. You requested up to 9 tokens, but can only afford 0.",
      code: 402,
    },
    says: { class: "credit" },
  },
  {
    name: "429 of a provider behind OpenRouter, with a time",
    status: 429,
    error: {
      message: "Provider returned error",
      code: 429,
      metadata: { raw: "gpt-5 is temporarily rate-limited upstream.", provider_name: "Simulated" },
    },
    headers: { "retry-after": "9" },
    says: { class: "rate", isOfModel: true, untilMs: NOW + 9_000 },
  },
  { name: "400 model", status: 400, error: { message: "Model Not Exist" }, says: { class: "forbid" } },
  { name: "404 of a wrong path", status: 404, body: "404 page not found", says: { class: "bad" } },
  {
    name: "500 in another envelope",
    status: 500,
    body: '{"detail":"Internal Server Error"}',
    says: { class: "overload" },
  },
  {
    name: "Google's envelope",
    status: 429,
    body: JSON.stringify([
      {
        error: {
          code: 429,
          status: "RESOURCE_EXHAUSTED",
          message: "You exceeded your current quota",
          details: [{ retryDelay: "21s" }],
        },
      },
    ]),
    says: { class: "rate", scope: "model", untilMs: NOW + 21_000 },
  },
];

const AT_OPENAI = OPENAI.map((each) => [each.name, each, OPENAI_PROFILE] as const);
const ELSEWHERE = COMPATIBLE.map((each) => [each.name, each, undefined] as const);

test.each([...AT_OPENAI, ...ELSEWHERE])("%s", (_, each, profile) => {
  const body = each.body ?? JSON.stringify({ error: each.error });
  const { status } = each;
  const signal = openai.classify(
    {
      status,
      headers: new Headers(each.headers),
      body,
      nowMs: NOW,
      model: "gpt-5",
    },
    profile,
  );
  expect(signal).toMatchObject(each.says);
});

test.each([
  [{ error: { code: "rate_limit_exceeded" } }, 429],
  [{ type: "error", code: "insufficient_quota", message: "x" }, 429],
  [{ type: "response.failed", response: { error: { code: "server_error", message: "x" } } }, 500],
  [{ code: "server_is_overloaded" }, 503],
  [{ error: { code: 502, message: "Provider disconnected" } }, 502],
  [{ error: { code: "401", message: "Invalid token" } }, 401],
  [{ error: { code: "invalid_prompt" } }, 400],
  [{ error: { code: "unknown_parameter" } }, 400],
  [{ error: { type: "invalid_request_error", code: "context_length_exceeded" } }, 400],
  [{ error: { message: "something" } }, 500],
  [{ error: "something" }, 500],
])("%j inside a good reply stands for %d", (error, status) => {
  expect(openai.inBandStatus(JSON.stringify(error))).toBe(status);
});
