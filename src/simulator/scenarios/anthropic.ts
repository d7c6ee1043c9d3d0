// Anthropic's failures (api.anthropic.com; wording and codes as of November 2026).

import { type AnthropicErrorType, anthropicRefusal, Refusal } from "../base/refusal.ts";
import { nextMonthMs, type Scenario, type ScenarioContext, timestamp } from "./scenario.ts";

type More = {
  status?: number;
  errorCode?: string;
  headers?: (context: ScenarioContext) => Record<string, string>;
};
type Rest = Omit<Scenario, "reply">;

function say(
  rest: Rest,
  type: AnthropicErrorType,
  message: string | ((context: ScenarioContext) => string),
  more: More = {},
): Scenario {
  return {
    ...rest,
    reply: (context) =>
      anthropicRefusal(type, typeof message === "string" ? message : message(context), {
        ...(more.status === undefined ? {} : { status: more.status }),
        ...(more.errorCode === undefined ? {} : { errorCode: more.errorCode }),
        headers: { "x-should-retry": isRetried(type) ? "true" : "false", ...more.headers?.(context) },
      }),
  };
}

function isRetried(type: AnthropicErrorType): boolean {
  return ["rate_limit_error", "api_error", "timeout_error", "overloaded_error", "conflict_error"].includes(
    type,
  );
}

const retryAfter = ({ resetS }: ScenarioContext) => ({ "retry-after": String(resetS) });

function limitHeaders(
  context: ScenarioContext,
  kind: string,
  limit: number,
  remaining: number,
): Record<string, string> {
  return {
    [`anthropic-ratelimit-${kind}-limit`]: String(limit),
    [`anthropic-ratelimit-${kind}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${kind}-reset`]: timestamp(context.nowMs + context.resetS * 1000),
  };
}

/** The limit window of a subscription; `claim` is five_hour, seven_day or seven_day_opus. */
function unified(claim: string, resetS: number, scope: Rest["scope"]): Scenario {
  return say(
    { signal: `subscription window ${claim} used up`, meaning: "quota", scope, resetS },
    "rate_limit_error",
    "This request would exceed your account's rate limit. Please try again later.",
    {
      headers: (context) => ({
        ...retryAfter(context),
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": String(Math.ceil(context.nowMs / 1000 + context.resetS)),
        "anthropic-ratelimit-unified-representative-claim": claim,
      }),
    },
  );
}

const inKey: Rest["scope"] = "key";
const inOrganization: Rest["scope"] = "organization";

export const ANTHROPIC_SCENARIOS = {
  "anthropic/requests-used-up": {
    signal: "200 with no request left until the reset",
    meaning: "rate",
    scope: "key-model",
    resetS: 20,
    place: "headers",
    reply: (context) => new Refusal(200, null, limitHeaders(context, "requests", 50, 0)),
  },
  "anthropic/tokens-used-up": {
    signal: "200 with no input token left until the reset",
    meaning: "rate",
    scope: "key-model",
    resetS: 20,
    place: "headers",
    reply: (context) => new Refusal(200, null, limitHeaders(context, "input-tokens", 40_000, 0)),
  },
  "anthropic/invalid-key": say(
    { signal: "401 authentication_error", meaning: "invalid", scope: inKey },
    "authentication_error",
    "invalid x-api-key",
  ),
  "anthropic/cors": say(
    { signal: "401 because an Origin header was sent", meaning: "bad-request", scope: "none" },
    "authentication_error",
    "CORS requests are not allowed for this Organization because of its settings.",
  ),
  "anthropic/billing": say(
    { signal: "402 billing_error", meaning: "credit", scope: inOrganization },
    "billing_error",
    "There is a problem with your billing information. Please check your payment details in the Console.",
  ),
  "anthropic/linked-organization-billing": say(
    { signal: "402 about the linked organisation of a user profile", meaning: "bad-request", scope: "none" },
    "billing_error",
    "The linked organization's billing is unavailable.",
    { errorCode: "linked_organization_billing_unavailable" },
  ),
  "anthropic/user-profile-billing": say(
    { signal: "402 about a user profile", meaning: "bad-request", scope: "none" },
    "billing_error",
    "The user profile cannot be billed.",
    { errorCode: "user_profile_not_billable" },
  ),
  "anthropic/credit-too-low": say(
    { signal: "400 credit balance is too low", meaning: "credit", scope: inOrganization },
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
  ),
  "anthropic/usage-limit": say(
    {
      signal: "400 own usage limit of the organisation",
      meaning: "quota",
      scope: inOrganization,
      resetAtMs: nextMonthMs,
    },
    "invalid_request_error",
    ({ nowMs, resetS }) =>
      `You have reached your specified API usage limits. You will regain access on ${day(nowMs + resetS * 1000)} at 00:00 UTC.`,
  ),
  "anthropic/workspace-usage-limit": say(
    {
      signal: "400 own usage limit of the workspace",
      meaning: "quota",
      scope: inOrganization,
      resetAtMs: nextMonthMs,
    },
    "invalid_request_error",
    ({ nowMs, resetS }) =>
      `You have reached your specified workspace API usage limits. You will regain access on ${day(nowMs + resetS * 1000)} at 00:00 UTC.`,
  ),
  "anthropic/organization-on-hold": say(
    { signal: "400 organization_on_hold", meaning: "invalid", scope: inOrganization },
    "invalid_request_error",
    "Your organization is on hold.",
    { errorCode: "organization_on_hold" },
  ),
  "anthropic/organization-disabled": say(
    { signal: "400 organisation disabled, in words only", meaning: "invalid", scope: inOrganization },
    "invalid_request_error",
    "This organization has been disabled.",
  ),
  "anthropic/key-creator-left": say(
    { signal: "400 claude_code_key_creator_not_member", meaning: "invalid", scope: inKey },
    "invalid_request_error",
    "The creator of this API key is no longer a member of the organization.",
    { errorCode: "claude_code_key_creator_not_member" },
  ),
  "anthropic/cmek-disabled": say(
    { signal: "400 the workspace's encryption key is disabled", meaning: "misconfigured", scope: inKey },
    "invalid_request_error",
    "The workspace's customer-managed encryption key is disabled.",
    { errorCode: "cmek_key_disabled" },
  ),
  "anthropic/cmek-unreachable": say(
    { signal: "503 the workspace's encryption key cannot be reached", meaning: "overloaded", scope: "none" },
    "api_error",
    "The workspace's customer-managed encryption key could not be reached.",
    { status: 503, errorCode: "cmek_key_unreachable" },
  ),
  "anthropic/permission": say(
    { signal: "403 about what the request names", meaning: "bad-request", scope: "none" },
    "permission_error",
    "Your API key does not have permission to use the specified resource.",
  ),
  "anthropic/model-not-found": say(
    { signal: "404 that names the model", meaning: "forbidden", scope: "key-model" },
    "not_found_error",
    ({ model }) => `model: ${model}`,
  ),
  "anthropic/rate-limit": say(
    { signal: "429 with retry-after", meaning: "rate", scope: "key-model", resetS: 30 },
    "rate_limit_error",
    "This request would exceed your organization's rate limit of 50 requests per minute.",
    { headers: (context) => ({ ...retryAfter(context), ...limitHeaders(context, "requests", 50, 0) }) },
  ),
  "anthropic/ramp-limit": say(
    { signal: "429 ramp_limit_exceeded", meaning: "rate", scope: "key-model", resetS: 45 },
    "rate_limit_error",
    "Your usage grew faster than the ramp limit allows. Please wait and scale up gradually.",
    { errorCode: "ramp_limit_exceeded", headers: retryAfter },
  ),
  "anthropic/enforced-spend-limit": say(
    {
      signal: "429 enforced_spend_limit_reached, no retry-after",
      meaning: "quota",
      scope: inOrganization,
      resetAtMs: nextMonthMs,
    },
    "rate_limit_error",
    "Your organization has reached its monthly API usage threshold.",
    { errorCode: "enforced_spend_limit_reached", headers: () => ({ "x-should-retry": "false" }) },
  ),
  "anthropic/contract-spend-limit": say(
    { signal: "429 contract_spend_limit_reached", meaning: "credit", scope: inOrganization },
    "rate_limit_error",
    "Your organization has reached the spend limit of its contract.",
    { errorCode: "contract_spend_limit_reached", headers: () => ({ "x-should-retry": "false" }) },
  ),
  "anthropic/fast-limit": say(
    { signal: "429 of the fast speed only", meaning: "rate", scope: "feature", resetS: 15 },
    "rate_limit_error",
    "This request would exceed your organization's fast mode rate limit.",
    {
      headers: (context) => ({
        ...retryAfter(context),
        "anthropic-fast-input-tokens-limit": "100000",
        "anthropic-fast-input-tokens-remaining": "0",
        "anthropic-fast-input-tokens-reset": timestamp(context.nowMs + context.resetS * 1000),
      }),
    },
  ),
  "anthropic/five-hours": unified("five_hour", 9000, "key"),
  "anthropic/seven-days": unified("seven_day", 200_000, "key"),
  "anthropic/seven-days-opus": unified("seven_day_opus", 100_000, "key-model"),
  "anthropic/bad-request": say(
    { signal: "400 about the request", meaning: "bad-request", scope: "none" },
    "invalid_request_error",
    "messages: at least one message is required",
  ),
  "anthropic/prompt-too-long": say(
    { signal: "400 prompt is too long", meaning: "bad-request", scope: "none" },
    "invalid_request_error",
    "prompt is too long: 213462 tokens > 200000 maximum",
  ),
  "anthropic/conflict": say(
    { signal: "409 conflict_error", meaning: "bad-request", scope: "none" },
    "conflict_error",
    "The request conflicts with another one.",
  ),
  "anthropic/too-large": say(
    { signal: "413 request_too_large", meaning: "bad-request", scope: "none" },
    "request_too_large",
    "Request exceeds the maximum size",
  ),
  "anthropic/too-large-html": {
    signal: "413 of the network edge, in HTML",
    meaning: "bad-request",
    scope: "none",
    reply: () =>
      new Refusal(413, "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n</html>\r\n", {
        "content-type": "text/html",
      }),
  },
  "anthropic/server-error": say(
    { signal: "500 api_error", meaning: "overloaded", scope: "none" },
    "api_error",
    "Internal server error",
  ),
  "anthropic/timeout": say(
    { signal: "504 timeout_error", meaning: "overloaded", scope: "none" },
    "timeout_error",
    "Request timed out",
  ),
  "anthropic/overloaded": say(
    { signal: "529 overloaded_error", meaning: "overloaded", scope: "none" },
    "overloaded_error",
    "Overloaded",
  ),
  "anthropic/overloaded-in-band": say(
    { signal: "overloaded_error inside a stream", meaning: "overloaded", scope: "none", place: "in-band" },
    "overloaded_error",
    "Overloaded",
  ),
} satisfies Record<string, Scenario>;

function day(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
