import { expect, test } from "bun:test";
import { anthropic } from "./anthropic.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const DECEMBER = Date.parse("2026-12-01T00:00:00Z");

interface Case {
  readonly name: string;
  readonly status: number;
  readonly type?: string;
  readonly message?: string;
  readonly errorCode?: string;
  readonly headers?: Record<string, string>;
  readonly says: object;
}

const rejected = (claim: string): Record<string, string> => ({
  "retry-after": "60",
  "anthropic-ratelimit-unified-status": "rejected",
  "anthropic-ratelimit-unified-reset": String(NOW / 1_000 + 9_000),
  "anthropic-ratelimit-unified-representative-claim": claim,
});

const CASES: readonly Case[] = [
  {
    name: "refused key",
    status: 401,
    type: "authentication_error",
    message: "invalid x-api-key",
    says: { class: "invalid" },
  },
  {
    name: "forwarded Origin",
    status: 401,
    type: "authentication_error",
    message: "CORS requests are not allowed for this Organization because of its settings.",
    says: { class: "bad" },
  },
  {
    name: "billing",
    status: 402,
    type: "billing_error",
    message: "Payment failed.",
    says: { class: "credit" },
  },
  {
    name: "billing of a linked organization",
    status: 402,
    type: "billing_error",
    errorCode: "linked_organization_billing_unavailable",
    says: { class: "bad" },
  },
  {
    name: "billing of a user profile",
    status: 402,
    type: "billing_error",
    errorCode: "user_profile_not_billable",
    says: { class: "bad" },
  },
  {
    name: "no credit",
    status: 400,
    type: "invalid_request_error",
    message: "Your credit balance is too low to access the Anthropic API.",
    says: { class: "credit" },
  },
  {
    name: "a request that only speaks of credit",
    status: 400,
    type: "invalid_request_error",
    message: "tools.0.name: 'your credit balance is too low' does not match the pattern",
    says: { class: "bad" },
  },
  {
    name: "own limit of the organization",
    status: 400,
    type: "invalid_request_error",
    message:
      "You have reached your specified API usage limits. You will regain access on 2026-12-05 at 00:00 UTC.",
    says: { class: "quota", scope: "credential", untilMs: Date.parse("2026-12-05T00:00:00Z") },
  },
  {
    name: "own limit of the workspace",
    status: 400,
    type: "invalid_request_error",
    message:
      "You have reached your specified workspace API usage limits. You will regain access on 2026-11-24 at 12:30 UTC.",
    says: { class: "quota", scope: "credential", untilMs: Date.parse("2026-11-24T12:30:00Z") },
  },
  {
    name: "own limit with a date that cannot be read",
    status: 400,
    type: "invalid_request_error",
    message: "You have reached your specified API usage limits. You will regain access on 1 December.",
    says: { class: "quota", scope: "credential", untilMs: DECEMBER },
  },
  {
    name: "organization on hold",
    status: 400,
    errorCode: "organization_on_hold",
    says: { class: "invalid" },
  },
  {
    name: "organization disabled",
    status: 400,
    type: "invalid_request_error",
    message: "This organization has been disabled.",
    says: { class: "invalid" },
  },
  {
    name: "creator of the key left",
    status: 400,
    errorCode: "claude_code_key_creator_not_member",
    says: { class: "invalid" },
  },
  { name: "encryption key disabled", status: 400, errorCode: "cmek_key_disabled", says: { class: "config" } },
  {
    name: "encryption key unreachable",
    status: 503,
    errorCode: "cmek_key_unreachable",
    says: { class: "overload" },
  },
  {
    name: "no permission for what the request names",
    status: 403,
    type: "permission_error",
    says: { class: "bad" },
  },
  { name: "a firewall's 403", status: 403, message: "Blocked", says: { class: "bad" } },
  {
    name: "unknown model",
    status: 404,
    type: "not_found_error",
    message: "model: claude-x",
    says: { class: "forbid" },
  },
  {
    name: "a file whose id is like a model",
    status: 404,
    type: "not_found_error",
    message: "model: file-claude-x",
    says: { class: "bad" },
  },
  {
    name: "unknown path",
    status: 404,
    type: "not_found_error",
    message: "Not found",
    says: { class: "bad" },
  },
  {
    name: "rate limit",
    status: 429,
    type: "rate_limit_error",
    headers: { "retry-after": "30" },
    says: { class: "rate", scope: "model", untilMs: NOW + 30_000 },
  },
  {
    name: "rate limit with an HTTP date",
    status: 429,
    type: "rate_limit_error",
    headers: { "retry-after": "Mon, 23 Nov 2026 10:02:00 GMT" },
    says: { class: "rate", untilMs: NOW + 120_000 },
  },
  {
    name: "rate limit with retry-after 0",
    status: 429,
    headers: { "retry-after": "0" },
    says: { class: "rate", untilMs: NOW + 1_000 },
  },
  {
    name: "rate limit with an absurd retry-after",
    status: 429,
    headers: { "retry-after": "999999999" },
    says: { class: "rate", untilMs: NOW + 31 * 86_400_000 },
  },
  {
    name: "rate limit with garbage for retry-after, and an empty bucket",
    status: 429,
    headers: {
      "retry-after": "soon",
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": "2026-11-23T10:00:40Z",
    },
    says: { class: "rate", untilMs: NOW + 40_000 },
  },
  {
    name: "rate limit without any time",
    status: 429,
    type: "rate_limit_error",
    says: { class: "rate", scope: "model", untilMs: NOW + 5_000, isGuess: true },
  },
  {
    name: "ramp limit",
    status: 429,
    type: "rate_limit_error",
    errorCode: "ramp_limit_exceeded",
    headers: { "retry-after": "45" },
    says: { class: "rate", untilMs: NOW + 45_000 },
  },
  {
    name: "enforced spend limit",
    status: 429,
    type: "rate_limit_error",
    errorCode: "enforced_spend_limit_reached",
    says: { class: "quota", scope: "credential", untilMs: DECEMBER },
  },
  {
    name: "contract spend limit",
    status: 429,
    type: "rate_limit_error",
    errorCode: "contract_spend_limit_reached",
    says: { class: "credit" },
  },
  {
    name: "long context that the plan does not include",
    status: 429,
    type: "rate_limit_error",
    message: "Extra usage is required for long context requests.",
    says: { class: "bad" },
  },
  {
    name: "limit of fast mode only",
    status: 429,
    type: "rate_limit_error",
    headers: { "retry-after": "15", "anthropic-fast-input-tokens-remaining": "0" },
    says: { class: "bad" },
  },
  {
    name: "five hours of a subscription",
    status: 429,
    type: "rate_limit_error",
    headers: rejected("five_hour"),
    says: { class: "quota", scope: "credential", untilMs: NOW + 9_000_000 },
  },
  {
    name: "seven days of a subscription",
    status: 429,
    type: "rate_limit_error",
    headers: rejected("seven_day"),
    says: { class: "quota", scope: "credential", untilMs: NOW + 9_000_000 },
  },
  {
    name: "seven days of a subscription for some models",
    status: 429,
    type: "rate_limit_error",
    headers: rejected("seven_day_opus"),
    says: { class: "quota", scope: "model", untilMs: NOW + 9_000_000 },
  },
  { name: "request too large", status: 413, type: "request_too_large", says: { class: "bad" } },
  { name: "conflict", status: 409, type: "conflict_error", says: { class: "bad" } },
  { name: "an unknown 4xx", status: 418, says: { class: "bad" } },
  { name: "server error", status: 500, type: "api_error", says: { class: "overload" } },
  { name: "time-out", status: 504, type: "timeout_error", says: { class: "overload" } },
  { name: "overload", status: 529, type: "overloaded_error", says: { class: "overload" } },
];

test.each(CASES.map((each) => [each.name, each] as const))("%s", (_, each) => {
  const { status, type, message, errorCode, headers } = each;
  const details = errorCode === undefined ? undefined : { error_code: errorCode };
  const body = JSON.stringify({ type: "error", error: { type, message, details }, request_id: "req_1" });
  const signal = anthropic.classify({
    status,
    headers: new Headers(headers),
    body,
    nowMs: NOW,
    model: "claude-x",
  });
  expect(signal).toMatchObject(each.says);
});

test.each([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["overloaded_error", 529],
  ["never_heard_of", 500],
])("the event %s stands for %d", (type, status) => {
  const error = { type, message: "x" };
  expect(anthropic.inBandStatus(JSON.stringify({ type: "error", error }))).toBe(status);
  expect(anthropic.inBandStatus(JSON.stringify(error))).toBe(status);
});
