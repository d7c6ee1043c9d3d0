// OpenAI's failures (api.openai.com).

import { type OpenaiError, openaiRefusal, Refusal } from "../base/refusal.ts";
import { nextMonthMs, type Scenario, type ScenarioContext } from "./scenario.ts";

type Rest = Omit<Scenario, "reply">;
type Headers = (context: ScenarioContext) => Record<string, string>;

function say(
  rest: Rest,
  status: number,
  error: OpenaiError | ((context: ScenarioContext) => OpenaiError),
  headers: Headers = () => ({}),
): Scenario {
  return {
    ...rest,
    reply: (context) =>
      openaiRefusal(status, typeof error === "function" ? error(context) : error, headers(context)),
  };
}

/** Seconds in the notation of OpenAI's reset headers: `6m0s`, `1.5s`, `20ms`. */
export function openaiDuration(seconds: number): string {
  if (seconds < 1) {
    return `${Math.round(seconds * 1000)}ms`;
  }
  const minutes = Math.floor(seconds / 60);
  return `${minutes > 0 ? `${minutes}m` : ""}${Number((seconds % 60).toFixed(3))}s`;
}

function usedUp({ resetS }: ScenarioContext, kind: "requests" | "tokens"): Record<string, string> {
  return {
    [`x-ratelimit-limit-${kind}`]: kind === "requests" ? "500" : "30000",
    [`x-ratelimit-remaining-${kind}`]: "0",
    [`x-ratelimit-reset-${kind}`]: openaiDuration(resetS),
  };
}

function rateLimited(kind: "requests" | "tokens"): (context: ScenarioContext) => OpenaiError {
  const unit =
    kind === "requests"
      ? "requests per min (RPM): Limit 500, Used 500, Requested 1"
      : "tokens per min (TPM): Limit 30000, Used 29000, Requested 4500";
  return ({ model, resetS }) => ({
    message: `Rate limit reached for ${model} in organization org-simulated on ${unit}. Please try again in ${openaiDuration(resetS)}. Visit https://platform.openai.com/account/rate-limits to learn more.`,
    type: kind,
    code: "rate_limit_exceeded",
  });
}

const noRetry: Headers = () => ({ "x-should-retry": "false" });
const QUOTA_TEXT =
  "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";

function spendLimit(code: string, scope: Rest["scope"]): Scenario {
  return say(
    { signal: `429 insufficient_quota, ${code}`, meaning: "quota", scope, resetAtMs: nextMonthMs },
    429,
    { message: QUOTA_TEXT, type: "insufficient_quota", code },
    noRetry,
  );
}

export const OPENAI_SCENARIOS = {
  "openai/invalid-key": say({ signal: "401 invalid_api_key", meaning: "invalid", scope: "key" }, 401, {
    message:
      "Incorrect API key provided: sk-simul**********ated. You can find your API key at https://platform.openai.com/account/api-keys.",
    code: "invalid_api_key",
  }),
  "openai/invalid-organization": say(
    { signal: "401 invalid_organization", meaning: "invalid", scope: "key" },
    401,
    { message: "No such organization: org-simulated.", code: "invalid_organization" },
  ),
  "openai/deactivated": say({ signal: "401 account deactivated", meaning: "invalid", scope: "key" }, 401, {
    message:
      "The OpenAI account associated with this API key has been deactivated. Please check your email for more information.",
    code: "account_deactivated",
  }),
  "openai/address-not-authorized": say(
    { signal: "401 IP not authorized", meaning: "misconfigured", scope: "key" },
    401,
    {
      message: "IP not authorized: your request came from an address that the project does not allow.",
      code: "ip_not_authorized",
    },
  ),
  "openai/unsupported-country": say(
    { signal: "403 unsupported_country_region_territory", meaning: "misconfigured", scope: "key" },
    403,
    {
      message: "Country, region, or territory not supported",
      type: "request_forbidden",
      code: "unsupported_country_region_territory",
    },
  ),
  "openai/insufficient-permissions": say(
    { signal: "403 restricted key", meaning: "forbidden", scope: "key-model" },
    403,
    {
      message: "You have insufficient permissions for this operation. Missing scopes: model.request.",
      code: "insufficient_permissions",
    },
  ),
  "openai/model-not-found": say(
    { signal: "404 model_not_found", meaning: "forbidden", scope: "key-model" },
    404,
    ({ model }) => ({
      message: `The model \`${model}\` does not exist or you do not have access to it.`,
      code: "model_not_found",
    }),
  ),
  "openai/must-be-verified": say(
    { signal: "400 organisation must be verified", meaning: "forbidden", scope: "key-model" },
    400,
    ({ model }) => ({
      message: `Your organization must be verified to use the model \`${model}\`. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.`,
      param: "model",
      code: "model_not_found",
    }),
  ),
  "openai/must-be-verified-to-stream": say(
    { signal: "400 organisation must be verified to stream", meaning: "forbidden", scope: "key-model" },
    400,
    {
      message:
        "Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.",
      param: "stream",
      code: "unsupported_value",
    },
  ),
  "openai/insufficient-quota": say(
    { signal: "429 insufficient_quota", meaning: "credit", scope: "organization" },
    429,
    { message: QUOTA_TEXT, type: "insufficient_quota", code: "insufficient_quota" },
    noRetry,
  ),
  "openai/credit-exhausted": say(
    { signal: "429 credit_balance_exhausted", meaning: "credit", scope: "organization" },
    429,
    {
      message: "Your credit balance is exhausted.",
      type: "insufficient_quota",
      code: "credit_balance_exhausted",
    },
    noRetry,
  ),
  "openai/organization-spend-limit": spendLimit("organization_spend_limit_exceeded", "organization"),
  "openai/project-spend-limit": spendLimit("project_spend_limit_exceeded", "organization"),
  "openai/organization-usage-limit": spendLimit("organization_usage_limit_exceeded", "organization"),
  "openai/rate-limit": say(
    {
      signal: "429 rate_limit_exceeded with retry-after",
      meaning: "rate",
      scope: "organization-model",
      resetS: 30,
    },
    429,
    rateLimited("requests"),
    (context) => ({ "retry-after": String(Math.ceil(context.resetS)), ...usedUp(context, "requests") }),
  ),
  "openai/rate-limit-ms": say(
    {
      signal: "429 rate_limit_exceeded with retry-after-ms",
      meaning: "rate",
      scope: "organization-model",
      resetS: 2.5,
    },
    429,
    rateLimited("tokens"),
    (context) => ({
      "retry-after-ms": String(Math.ceil(context.resetS * 1000)),
      "retry-after": String(Math.ceil(context.resetS)),
      ...usedUp(context, "tokens"),
    }),
  ),
  "openai/rate-limit-reset-header": say(
    {
      signal: "429 rate_limit_exceeded, reset header only",
      meaning: "rate",
      scope: "organization-model",
      resetS: 360,
    },
    429,
    { message: "Rate limit reached.", type: "tokens", code: "rate_limit_exceeded" },
    (context) => usedUp(context, "tokens"),
  ),
  "openai/rate-limit-text": say(
    {
      signal: "429 rate_limit_exceeded, delay in the text only",
      meaning: "rate",
      scope: "organization-model",
      resetS: 7.2,
    },
    429,
    rateLimited("tokens"),
  ),
  "openai/request-too-large": say(
    { signal: "429 request larger than the limit", meaning: "bad-request", scope: "none" },
    429,
    ({ model }) => ({
      message: `Request too large for ${model} in organization org-simulated on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.`,
      type: "tokens",
      code: "rate_limit_exceeded",
    }),
  ),
  "openai/slow-down": say({ signal: "429 slow_down", meaning: "overloaded", scope: "none" }, 429, {
    message: "Please slow down.",
    type: "server_error",
    code: "slow_down",
  }),
  "openai/slow-down-503": say({ signal: "503 slow_down", meaning: "overloaded", scope: "none" }, 503, {
    message: "Slow Down",
    type: "server_error",
    code: "slow_down",
  }),
  "openai/overloaded": say(
    { signal: "503 server_is_overloaded", meaning: "overloaded", scope: "none" },
    503,
    {
      message: "The server is currently overloaded. Please try again later.",
      type: "server_error",
      code: "server_is_overloaded",
    },
  ),
  "openai/unavailable": say(
    { signal: "503 service_unavailable", meaning: "overloaded", scope: "none" },
    503,
    { message: "The service is unavailable.", type: "server_error", code: "service_unavailable" },
  ),
  "openai/server-error": say({ signal: "500 server_error", meaning: "overloaded", scope: "none" }, 500, {
    message: "The server had an error while processing your request. Sorry about that!",
    type: "server_error",
  }),
  "openai/bad-gateway": {
    signal: "502 of the network edge, in HTML",
    meaning: "overloaded",
    scope: "none",
    reply: () =>
      new Refusal(502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n", {
        "content-type": "text/html",
      }),
  },
  "openai/timeout": say({ signal: "504", meaning: "overloaded", scope: "none" }, 504, {
    message: "The request timed out.",
    type: "server_error",
  }),
  "openai/server-error-in-band": say(
    { signal: "server_error inside a stream", meaning: "overloaded", scope: "none", place: "in-band" },
    500,
    {
      message: "The server had an error while processing your request. Sorry about that!",
      type: "server_error",
      code: "server_error",
    },
  ),
  "openai/context-length": say(
    { signal: "400 context_length_exceeded", meaning: "bad-request", scope: "none" },
    400,
    {
      message:
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens. Please reduce the length of the messages.",
      param: "messages",
      code: "context_length_exceeded",
    },
  ),
  "openai/unsupported-parameter": say(
    { signal: "400 unsupported_parameter", meaning: "bad-request", scope: "none" },
    400,
    {
      message: "Unsupported parameter: 'temperature' is not supported with this model.",
      param: "temperature",
      code: "unsupported_parameter",
    },
  ),
  "openai/content-policy": say({ signal: "400 content policy", meaning: "bad-request", scope: "none" }, 400, {
    message: "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    code: "invalid_prompt",
  }),
  "openai/requests-used-up": {
    signal: "200 with no request left until the reset",
    meaning: "rate",
    scope: "organization-model",
    resetS: 60,
    place: "headers",
    reply: (context) => new Refusal(200, null, usedUp(context, "requests")),
  },
  "openai/tokens-used-up": {
    signal: "200 with no token left until the reset",
    meaning: "rate",
    scope: "organization-model",
    resetS: 60,
    place: "headers",
    reply: (context) => new Refusal(200, null, usedUp(context, "tokens")),
  },
} satisfies Record<string, Scenario>;
