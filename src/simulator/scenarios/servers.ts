// Failures that one server words in its own way: limits, empty accounts, wrong keys, models that are not there. Personas
// answer with them.

import { Refusal } from "../base/refusal.ts";
import type { Meaning, Scenario, ScenarioContext, Scope } from "./scenario.ts";

type Body = unknown | ((context: ScenarioContext) => unknown);

const SCOPES: Readonly<Partial<Record<Meaning, Scope>>> = {
  rate: "key-model",
  forbidden: "key-model",
  credit: "key",
  invalid: "key",
};

/** A limit that names no end is tried again after so many seconds. */
export const GUESS_S = 5;

function fail(
  signal: string,
  meaning: Meaning,
  status: number,
  body: Body,
  more: { resetS?: number; headers?: (context: ScenarioContext) => Record<string, string> } = {},
): Scenario {
  const { headers = () => ({}) } = more;
  const resetS = more.resetS ?? (meaning === "rate" ? GUESS_S : undefined);
  return {
    signal,
    meaning,
    scope: SCOPES[meaning] ?? "none",
    ...(resetS === undefined ? {} : { resetS }),
    reply: (context) =>
      new Refusal(status, typeof body === "function" ? body(context) : body, headers(context)),
  };
}

function error(message: string, type: string | null, code: string | number | null): unknown {
  return { error: { message, type, param: null, code } };
}

const baseResp = (code: number, message: string): unknown => ({
  id: "",
  choices: null,
  created: 0,
  model: "",
  object: "",
  usage: { total_tokens: 0, total_characters: 0 },
  base_resp: { status_code: code, status_msg: message },
});

export const SERVER_SCENARIOS = {
  "compat/deepseek-busy": fail("503 of DeepSeek", "overloaded", 503, {
    error: {
      message:
        "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
      type: "service_unavailable_error",
      param: null,
      code: "service_unavailable_error",
    },
  }),
  "compat/moonshot-rate-limit": fail(
    "429 of Moonshot with the wait in words",
    "rate",
    429,
    ({ resetS }: ScenarioContext) =>
      error(
        `Your account org-simulated<ak-simulated> request reached organization max RPM: 3, please try again after ${resetS} seconds`,
        "rate_limit_reached_error",
        null,
      ),
    { resetS: 90 },
  ),
  "compat/moonshot-no-balance": fail(
    "429 of Moonshot about the account",
    "credit",
    429,
    error(
      "Your account org-simulated<ak-simulated> is suspended due to insufficient balance, please recharge your account or check your plan and billing details",
      "exceeded_current_quota_error",
      null,
    ),
  ),
  "compat/moonshot-model": fail("404 of Moonshot", "forbidden", 404, ({ model }: ScenarioContext) =>
    error(`Not found the model ${model} or Permission denied`, "resource_not_found_error", null),
  ),
  "compat/zai-concurrency": fail("429 of Z.ai about concurrency", "rate", 429, {
    error: {
      code: "1302",
      message:
        "High concurrency usage of this API, please reduce concurrency or contact customer service to increase limits",
    },
  }),
  "compat/zai-no-balance": fail("429 of Z.ai about the account", "credit", 429, {
    error: { code: "1113", message: "Insufficient balance or no resource package. Please recharge." },
  }),
  "compat/zai-busy": fail("500 of Z.ai", "overloaded", 500, {
    error: { code: "1234", message: "Network error, please contact customer service" },
  }),
  "compat/zai-model": fail("400 of Z.ai about the model", "forbidden", 400, {
    error: { code: "1211", message: "Unknown Model, please check the model code." },
  }),
  "compat/dashscope-requests": fail(
    "429 of DashScope about requests",
    "rate",
    429,
    error("Requests rate limit exceeded, please try again later.", "limit_requests", "limit_requests"),
  ),
  "compat/dashscope-arrears": fail(
    "400 of DashScope about the account",
    "credit",
    400,
    error("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"),
  ),
  "compat/dashscope-invalid-key": fail(
    "401 of DashScope",
    "invalid",
    401,
    error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
  ),
  "compat/minimax-rate-limit": fail(
    "200 of MiniMax with base_resp 1002",
    "rate",
    200,
    baseResp(1002, "rate limit exceeded(RPM)"),
  ),
  "compat/minimax-no-balance": fail(
    "200 of MiniMax with base_resp 1008",
    "credit",
    200,
    baseResp(1008, "insufficient balance"),
  ),
  "compat/minimax-login": fail(
    "200 of MiniMax with base_resp 1004",
    "invalid",
    200,
    baseResp(
      1004,
      "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    ),
  ),
  "compat/mistral-rate-limit": fail("429 of Mistral", "rate", 429, {
    object: "error",
    message: "Rate limit exceeded",
    type: "rate_limited",
    param: null,
    code: "1300",
    raw_status_code: 429,
  }),
  "compat/mistral-capacity": fail("429 of Mistral about the model's capacity", "rate", 429, {
    object: "error",
    message: "Service tier capacity exceeded for this model.",
    type: "service_tier_capacity_exceeded",
    param: null,
    code: "3505",
    raw_status_code: 429,
  }),
  "compat/mistral-unauthorized": fail("401 of Mistral", "invalid", 401, { detail: "Unauthorized" }),
  "compat/mistral-model": fail(
    "400 of Mistral about the model",
    "forbidden",
    400,
    ({ model }: ScenarioContext) => ({
      object: "error",
      message: `Invalid model: ${model}`,
      type: "invalid_model",
      param: null,
      code: "1500",
      raw_status_code: 400,
    }),
  ),
  "compat/xai-rate-limit": fail("429 of xAI", "rate", 429, {
    code: "Some resource has been exhausted",
    error:
      "Too many requests for team simulated and model grok-4. Your team's rate limit is: Requests per Minute (actual/limit): 481/480.",
  }),
  "compat/xai-no-credits": fail("403 of xAI about the account", "credit", 403, {
    code: "The caller does not have permission to execute the specified operation",
    error:
      "Your newly created team doesn't have any credits yet. You can purchase credits on https://console.x.ai/team/simulated.",
  }),
  "compat/xai-invalid-key": fail("400 of xAI about the key", "invalid", 400, {
    code: "Client specified an invalid argument",
    error: "Incorrect API key provided: xa***ed. You can obtain an API key from https://console.x.ai.",
  }),
  "compat/xai-model": fail("404 of xAI", "forbidden", 404, ({ model }: ScenarioContext) => ({
    code: "Some requested entity was not found",
    error: `The model ${model} does not exist or your team simulated does not have access to it. Please ensure you're using the correct API key.`,
  })),
  "compat/groq-tokens-per-minute": fail(
    "429 of Groq about tokens a minute",
    "rate",
    429,
    ({ model, resetS }: ScenarioContext) =>
      error(
        `Rate limit reached for model \`${model}\` in organization \`org_simulated\` service tier \`on_demand\` on tokens per minute (TPM): Limit 12000, Used 11500, Requested 900. Please try again in ${resetS}s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing`,
        "tokens",
        "rate_limit_exceeded",
      ),
    { resetS: 90, headers: ({ resetS }) => ({ "retry-after": String(resetS) }) },
  ),
  "compat/groq-invalid-key": fail(
    "401 of Groq",
    "invalid",
    401,
    error("Invalid API Key", "invalid_request_error", "invalid_api_key"),
  ),
  "compat/groq-over-capacity": fail("503 of Groq", "overloaded", 503, ({ model }: ScenarioContext) =>
    error(
      `${model} is currently over capacity. Please try again and back off exponentially. Visit https://groqstatus.com to see if there is an active incident.`,
      "internal_server_error",
      null,
    ),
  ),
  "compat/cerebras-tokens": fail("429 of Cerebras about tokens", "rate", 429, {
    message: "Tokens per minute limit exceeded - too many tokens processed.",
    type: "too_many_tokens_error",
    param: "quota",
    code: "token_quota_exceeded",
  }),
  "compat/cerebras-traffic": fail("429 of Cerebras about traffic", "overloaded", 429, {
    message: "We're experiencing high traffic right now! Please try again soon.",
    type: "too_many_requests_error",
    param: "queue",
    code: "queue_exceeded",
  }),
  "compat/openrouter-no-user": fail("401 of OpenRouter", "invalid", 401, {
    error: { message: "User not found.", code: 401 },
  }),
  "compat/openrouter-no-endpoints": fail(
    "404 of OpenRouter",
    "forbidden",
    404,
    ({ model }: ScenarioContext) => ({ error: { message: `No endpoints found for ${model}.`, code: 404 } }),
  ),
  "compat/together-rate-limit": fail("429 of Together", "rate", 429, ({ model }: ScenarioContext) =>
    error(
      `You have reached the rate limit specific to this model ${model}. The maximum rate limit for this model is 6.0 queries per minute. This limit differs from the general rate limits published at Together AI rate limits documentation (https://docs.together.ai/docs/rate-limits). For inquiries about increasing your model-specific rate limit, please contact our sales team (https://www.together.ai/forms/contact-sales)`,
      "model_rate_limit",
      null,
    ),
  ),
  "compat/together-no-credits": fail(
    "402 of Together",
    "credit",
    402,
    error(
      "Credit limit exceeded, please navigate to https://api.together.xyz/settings/billing to update your credit limit.",
      "credit_limit",
      null,
    ),
  ),
  "compat/fireworks-rate-limit": fail(
    "429 of Fireworks",
    "rate",
    429,
    error(
      "Request didn't generate first token before the given deadline",
      "rate_limit_exceeded",
      "rate_limit_exceeded",
    ),
  ),
  "compat/fireworks-suspended": fail("412 of Fireworks about the account", "credit", 412, {
    error: {
      object: "error",
      type: "invalid_request_error",
      code: "PRECONDITION_FAILED",
      message:
        "Account simulated is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices. Please go to https://fireworks.ai/account/billing for more information.",
    },
  }),
  "compat/siliconflow-tokens-per-minute": fail("429 of SiliconFlow", "rate", 429, {
    message:
      "Request was rejected due to rate limiting. If you want more, please contact contact@siliconflow.com. Details:TPM limit reached.",
    data: null,
  }),
  "compat/siliconflow-no-balance": fail("403 of SiliconFlow about the account", "credit", 403, {
    code: 30_001,
    message: "Sorry, your account balance is insufficient",
    data: null,
  }),
  "compat/siliconflow-busy": fail("503 of SiliconFlow", "overloaded", 503, {
    code: 50_505,
    message: "Model service overloaded. Please try again later.",
    data: null,
  }),
  "compat/ok-unknown-code": fail("200 with a code that is not documented", "overloaded", 200, {
    code: 50_112,
    msg: "rate limited, please try again later",
    data: null,
  }),
  // tarigelamin1997/jobfetcher#42
  "compat/deepseek-concurrency": fail(
    "429 of DeepSeek about concurrency, which grows with the balance",
    "rate",
    429,
    error(
      "Your current concurrency is 40, which exceeds your concurrency limit of 39 based on your remaining balance. Please top up your balance to restore your concurrency.",
      "rate_limit_error",
      "rate_limit_error",
    ),
  ),
  // sgl-project/sglang#33858
  "compat/sglang-queue": fail("503 of SGLang about its queue", "overloaded", 503, {
    object: "error",
    message: "The request queue is full.",
    type: "ServiceUnavailable",
    param: null,
    code: 503,
  }),
  // continuedev/continue#9233
  "compat/ollama-hourly": fail("429 of Ollama's cloud", "rate", 429, {
    error: "you've reached your hourly usage limit, please wait or upgrade to continue",
  }),
  "compat/vllm-no-model": fail("404 of vLLM", "forbidden", 404, ({ model }: ScenarioContext) =>
    error(`The model \`${model}\` does not exist.`, "NotFoundError", 404),
  ),
  "compat/vllm-unauthorized": fail("401 of vLLM", "invalid", 401, { error: "Unauthorized" }),
  "compat/llama-loading": fail("503 of llama.cpp", "overloaded", 503, {
    error: { code: 503, message: "Loading model", type: "unavailable_error" },
  }),
  "compat/litellm-rate-limit": fail(
    "429 of LiteLLM about a server behind it",
    "rate",
    429,
    ({ resetS }: ScenarioContext) =>
      error(
        `litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4.1 in organization org-simulated on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in ${resetS}s.`,
        "throttling_error",
        "429",
      ),
    { resetS: 90 },
  ),
  "compat/litellm-invalid-key": fail(
    "401 of LiteLLM",
    "invalid",
    401,
    error(
      "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...ated, Key Hash (Token) =simulated. Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
      "token_not_found_in_db",
      "401",
    ),
  ),
  "compat/new-api-saturated": fail(
    "429 of New API",
    "rate",
    429,
    error("当前分组上游负载已饱和，请稍后再试 (request id: 20261130)", "new_api_error", "upstream_saturated"),
  ),
  "compat/new-api-no-quota": fail(
    "403 of New API about the account",
    "credit",
    403,
    error(
      "用户额度不足, 剩余额度: ＄0.000000 (request id: 20261130)",
      "new_api_error",
      "insufficient_user_quota",
    ),
  ),
  "compat/new-api-invalid-token": fail(
    "401 of New API",
    "invalid",
    401,
    error("无效的令牌 (request id: 20261130)", "new_api_error", ""),
  ),
  "compat/new-api-no-channel": fail(
    "503 of New API about the model's channels",
    "overloaded",
    503,
    ({ model }: ScenarioContext) =>
      error(
        `No available channel for model ${model} under group default (distributor) (request id: 20261130)`,
        "new_api_error",
        "model_not_found",
      ),
  ),
} satisfies Record<string, Scenario>;

/** Limits that name no end. */
export const GUESSED_SCENARIOS: readonly string[] = Object.entries<Scenario>(SERVER_SCENARIOS)
  .filter(([, { resetS }]) => resetS === GUESS_S)
  .map(([name]) => name);
