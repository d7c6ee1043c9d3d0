// Failures of OpenAI-compatible servers: the same meanings in many envelopes.

import { Refusal } from "../base/refusal.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";

type Rest = Omit<Scenario, "reply">;
type Body = unknown | ((context: ScenarioContext) => unknown);

function say(
  rest: Rest,
  status: number,
  body: Body,
  headers: (context: ScenarioContext) => Record<string, string> = () => ({}),
): Scenario {
  return {
    ...rest,
    reply: (context) =>
      new Refusal(status, typeof body === "function" ? body(context) : body, headers(context)),
  };
}

function plain(
  message: string,
  code: string | number | null = null,
  type = "invalid_request_error",
): unknown {
  return { error: { message, type, param: null, code } };
}

function edgePages() {
  const page = (status: number): Scenario =>
    say(
      { signal: `${status} of the network edge, in HTML`, meaning: "overloaded", scope: "none" },
      status,
      "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head></html>\n",
      () => ({ "content-type": "text/html; charset=UTF-8" }),
    );
  return { "compat/page-401": page(401), "compat/page-403": page(403), "compat/page-429": page(429) };
}

export const COMPAT_SCENARIOS = {
  "compat/openrouter-credits": say(
    { signal: "402 of OpenRouter about max_tokens", meaning: "bad-request", scope: "none" },
    402,
    {
      error: {
        message:
          "This request requires more credits, or fewer max_tokens. You requested up to 200000 tokens, but can only afford 92985. To increase, visit https://openrouter.ai/settings/credits and add more credits",
        code: 402,
        metadata: {},
      },
      user_id: "user_simulated",
    },
  ),
  "compat/openrouter-no-credits": say(
    { signal: "402 of OpenRouter about the account", meaning: "credit", scope: "key" },
    402,
    {
      error: {
        message: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
        code: 402,
      },
      user_id: "user_simulated",
    },
  ),
  "compat/insufficient-balance": say(
    { signal: "402 of DeepSeek", meaning: "credit", scope: "key" },
    402,
    plain("Insufficient Balance", "invalid_request_error", "unknown_error"),
  ),
  "compat/invalid-key": say(
    { signal: "401", meaning: "invalid", scope: "key" },
    401,
    plain("Authentication Fails, your api key is invalid", "invalid_request_error", "authentication_error"),
  ),
  "compat/forbidden-balance": say(
    { signal: "403 that speaks of quota", meaning: "credit", scope: "key" },
    403,
    plain("The user's quota balance is used up", "insufficient_user_quota", "new_api_error"),
  ),
  "compat/forbidden": say(
    { signal: "403", meaning: "forbidden", scope: "key-model" },
    403,
    plain("You do not have access to this model", "access_denied"),
  ),
  "compat/rate-limit": say(
    { signal: "429 with retry-after", meaning: "rate", scope: "key-model", resetS: 12 },
    429,
    plain("Too many requests", "rate_limit_exceeded", "requests"),
    ({ resetS }) => ({ "retry-after": String(resetS) }),
  ),
  "compat/rate-limit-date": say(
    { signal: "429 with retry-after as a date", meaning: "rate", scope: "key-model", resetS: 90 },
    429,
    plain("Too many requests", "rate_limit_exceeded", "requests"),
    ({ nowMs, resetS }) => ({ "retry-after": new Date(nowMs + resetS * 1000).toUTCString() }),
  ),
  "compat/model-denied": say(
    { signal: "403 of One API about the model", meaning: "forbidden", scope: "key-model" },
    403,
    ({ model }: ScenarioContext) => plain(`该令牌无权使用模型：${model}`, null, "one_api_error"),
  ),
  "compat/model-denied-401": say(
    { signal: "401 of LiteLLM about the model", meaning: "forbidden", scope: "key-model" },
    401,
    ({ model }: ScenarioContext) =>
      plain(
        `key not allowed to access model. This key can only access models=['other']. Tried to access ${model}`,
        "401",
        "key_model_access_denied",
      ),
  ),
  "compat/throttled-quota": say(
    {
      signal: "429 insufficient_quota of DashScope, per minute",
      meaning: "rate",
      scope: "key-model",
      resetS: 5,
    },
    429,
    plain(
      "Allocated quota exceeded, please increase your quota limit.",
      "insufficient_quota",
      "insufficient_quota",
    ),
  ),
  "compat/concurrency": say(
    { signal: "429 of DeepSeek about concurrency", meaning: "rate", scope: "key-model", resetS: 5 },
    429,
    plain(
      "Too many requests. Your current concurrency is 6, which exceeds your concurrency limit of 5 based on your remaining balance. Please top up your balance to restore your concurrency.",
      null,
      "rate_limit_error",
    ),
  ),
  "compat/quota-exceeded": say(
    { signal: "429 that speaks of quota", meaning: "rate", scope: "key-model", resetS: 5 },
    429,
    plain(
      "You exceeded your current quota, please check your plan and billing details",
      "insufficient_quota",
      "insufficient_quota",
    ),
  ),
  "compat/balance-429": say({ signal: "429 that speaks of balance", meaning: "credit", scope: "key" }, 429, {
    error: { message: "Account balance is not enough, please recharge", code: "1113" },
  }),
  "compat/engine-overloaded": say(
    { signal: "429 that speaks of overload", meaning: "overloaded", scope: "none" },
    429,
    plain("The engine is currently overloaded, please try again later", null, "engine_overloaded_error"),
  ),
  "compat/no-capacity": say(
    { signal: "429 that speaks of capacity", meaning: "overloaded", scope: "none" },
    429,
    plain("No capacity available for this model", null, "capacity"),
  ),
  "compat/model-not-found": say(
    { signal: "404 model not found", meaning: "forbidden", scope: "key-model" },
    404,
    ({ model }: ScenarioContext) => plain(`model '${model}' not found`, null, "api_error"),
  ),
  "compat/model-not-exist": say(
    { signal: "400 model does not exist", meaning: "forbidden", scope: "key-model" },
    400,
    plain("Model Not Exist", "invalid_request_error"),
  ),
  "compat/server-error": say(
    { signal: "500 without an envelope", meaning: "overloaded", scope: "none" },
    500,
    { detail: "Internal Server Error" },
  ),
  "compat/unavailable": say(
    { signal: "503 in plain text", meaning: "overloaded", scope: "none" },
    503,
    "upstream connect error or disconnect/reset before headers",
    () => ({ "content-type": "text/plain" }),
  ),
  "compat/ok-rate-limit": say(
    { signal: "200 with the body of a 429", meaning: "rate", scope: "key-model", resetS: 60 },
    200,
    { error: { code: 429, message: "Rate limit reached for requests" } },
  ),
  "compat/ok-invalid-key": say(
    { signal: "200 with the body of a 401", meaning: "invalid", scope: "key" },
    200,
    { error: { code: "401", message: "Invalid token" } },
  ),
  "compat/ok-no-credit": say({ signal: "200 with the body of a 402", meaning: "credit", scope: "key" }, 200, {
    error: { code: "402", message: "Insufficient balance" },
  }),
  "compat/ok-server-error": say(
    { signal: "200 with the body of a 500", meaning: "overloaded", scope: "none" },
    200,
    { error: { code: 500, message: "Internal error" } },
  ),
  "compat/openrouter-wrapped": say(
    { signal: "429 of a provider behind OpenRouter", meaning: "overloaded", scope: "none" },
    429,
    ({ model }: ScenarioContext) => ({
      error: {
        message: "Provider returned error",
        code: 429,
        metadata: {
          raw: `${model} is temporarily overloaded upstream. Please retry shortly.`,
          provider_name: "Simulated",
        },
      },
      user_id: "user_simulated",
    }),
  ),
  "compat/openrouter-limited": say(
    { signal: "429 of a provider behind OpenRouter", meaning: "rate", scope: "key-model", resetS: 5 },
    429,
    ({ model }: ScenarioContext) => ({
      error: {
        message: "Provider returned error",
        code: 429,
        metadata: {
          raw: `${model} is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits: https://openrouter.ai/settings/integrations`,
          provider_name: "Simulated",
        },
      },
      user_id: "user_simulated",
    }),
  ),
  ...edgePages(),
  "compat/openrouter-in-band": say(
    {
      signal: "an error chunk of OpenRouter inside a stream",
      meaning: "overloaded",
      scope: "none",
      place: "in-band",
    },
    502,
    {
      id: "gen-simulated",
      object: "chat.completion.chunk",
      error: { code: 502, message: "Provider disconnected" },
      choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
    },
  ),
  "compat/bad-request": say(
    { signal: "400 about the request", meaning: "bad-request", scope: "none" },
    400,
    plain("messages must not be empty"),
  ),
} satisfies Record<string, Scenario>;
