/**
 * Refusals of OpenAI and of the servers that speak its dialects, other than limits of rate: what a 400, 401, 402, 403 or
 * 404 says about the credential, the model or the request. What no row tells is the request's fault.
 */
import type { Failure } from "../failure.ts";
import { MODEL_MARK, wording } from "./request-words.ts";
import type { Row } from "./signal-table.ts";

const NO_MODEL = { class: "forbid", reason: "the provider has no such model, or not for this key" } as const;
const LOCATION = "not served at the location that requests come from";

/** The message speaks of something else that the client named, such as the model of a tool. */
function namesAnother({ message }: Failure): boolean {
  return !message.includes(MODEL_MARK) && /["'`“][^"'`”]+["'`”]/.test(message);
}

function namesModel({ message }: Failure): boolean {
  return message.includes(MODEL_MARK);
}

/** Words about the size, the betas or the region of a request. They clear the credential, so they may be the client's. */
function isAboutRequest({ message }: Failure): boolean {
  return /\bmax_\w*tokens\b|\b(?:prompt|input|output|completion|fewer) tokens\b|\bbetas?\b|\bregions?\b/i.test(
    message,
  );
}

/** OpenAI and many others; Volcengine's Ark; Zhipu (https://docs.z.ai/api-reference/api-code). */
const MODEL_CODES = /^(?:model_not_found|ModelNotOpen|InvalidEndpointOrModel\.NotFound|1211)$/;

/** A provider that names the asked model as not there, or not for this key. */
const MODEL_ROWS: readonly Row[] = [
  {
    // BerriAI/litellm: ProxyErrorTypes; 401 in older versions.
    status: [401, 403],
    code: /^(?:key|team|user|org|project)_model_access_denied$/,
    verdict: { class: "forbid", reason: "the key may not use the model" },
  },
  {
    status: [400, 403],
    text: wording("your organization must be verified to (?:use the model {model}|stream this model)"),
    verdict: { class: "forbid", reason: "the organization must be verified for this" },
  },
  {
    status: [400, 403, 404],
    code: MODEL_CODES,
    when: namesAnother,
    verdict: { class: "bad", reason: "the request names something that is not there" },
  },
  { status: [400, 403, 404], code: MODEL_CODES, verdict: NO_MODEL },
  {
    // Alibaba's Model Studio, of the asked model.
    status: [403],
    code: /^AllocationQuota\.FreeTierOnly$/,
    verdict: { class: "forbid", reason: "the free tier of the model is used up" },
  },
  {
    status: [400, 403, 404],
    text: wording(
      [
        // OpenAI, vLLM, Ollama, Groq
        "(?:the )?(?:requested )?model:? {model},? (?:does not exist|(?:is |was )?not found|could not be found)",
        // OpenRouter
        "no endpoints found for {model}",
        "{model} is not a valid model id",
        // Mistral, Together, Moonshot, One API and New API, LiteLLM
        "(?:no such|unknown|invalid) model:? {model}",
        "unable to access model {model}",
        "not found the model {model} or permission denied",
        "该令牌无权(?:使用|访问)模型[：: ]?{model}",
        "key not allowed to access model\\.",
        "you (?:do not|don't) have access to (?:(?:the )?model )?{model}",
        // DeepSeek, SiliconFlow: without a name
        "model not exist$",
        "model does not exist\\.",
        "you (?:do not|don't) have access to this model",
      ].join("|"),
    ),
    verdict: NO_MODEL,
  },
  { status: [401, 402, 403], when: namesModel, verdict: { class: "forbid", reason: "not for this model" } },
];

const ADDRESS = {
  class: "config",
  reason: "the address that requests come from is not allowed",
} as const;

/** Before the rows of models: what a restricted key may do, and where from. */
const SCOPE_ROWS: readonly Row[] = [
  { status: [401], code: /^ip_not_authorized$/, verdict: { ...ADDRESS, isStatement: true } },
  { status: [401], text: wording("(?:your )?ip(?: address)? (?:is )?not authorized"), verdict: ADDRESS },
  {
    status: [401, 403],
    text: wording(
      "you have insufficient permissions for this operation\\. missing scopes: (?:[\\w.]+, ?)*model\\.request",
    ),
    verdict: { class: "forbid", reason: "the key's permissions do not include models" },
  },
  {
    // Which scope is missing depends on the endpoint that the client chose.
    status: [401, 403],
    text: wording("you have insufficient permissions for this operation"),
    verdict: { class: "bad", reason: "the key's permissions do not include this call" },
  },
  {
    status: [401, 403],
    code: /^(?:insufficient_permissions|missing_scope)$/,
    verdict: { class: "bad", reason: "the key's permissions do not include this call" },
  },
  {
    status: [403],
    code: /^unsupported_country_region_territory$/,
    verdict: { class: "config", reason: LOCATION, isStatement: true },
  },
];

const XAI_NO_CREDITS = wording(
  "your newly created teams? doesn't have any credits|your team (?:\\S{1,60} )?has either used all available credits or reached its monthly",
);

/** After the rows of models: the key itself, and its money. */
const ACCOUNT_ROWS: readonly Row[] = [
  {
    status: [401],
    code: /^(?:invalid_api_key|invalid_organization|account_deactivated|authentication_error|invalid_authentication_error)$/,
    verdict: { class: "invalid", reason: "the key was refused", isStatement: true },
  },
  {
    // OpenRouter has the status as the code, and no other word.
    status: [401],
    code: /^401$/,
    text: wording(
      "user not found|no (?:auth|cookie auth) credentials found|invalid credentials|unauthorized$",
    ),
    verdict: { class: "invalid", reason: "the key was refused", isStatement: true },
  },
  {
    status: [401, 402],
    // OpenRouter's "can only afford 0" is an empty account, whatever the request asks for.
    text: wording(
      "this request requires more credits, or fewer max_tokens.*\\bcan only afford (?:0|-\\d+)\\b",
    ),
    verdict: { class: "credit", reason: "no credits" },
  },
  {
    status: [401, 402],
    when: isAboutRequest,
    verdict: { class: "bad", reason: "the request is too large for the account, or asks for what it lacks" },
  },
  { status: [401], verdict: { class: "invalid", reason: "the key was refused" } },
  {
    // DeepSeek
    status: [402],
    text: wording("insufficient (?:account )?balance"),
    verdict: { class: "credit", reason: "no balance", isStatement: true },
  },
  { status: [402], verdict: { class: "credit", reason: "no balance" } },
  {
    // xAI
    status: [400],
    text: wording("incorrect api key provided"),
    verdict: { class: "invalid", reason: "the key was refused" },
  },
  { status: [403], text: XAI_NO_CREDITS, verdict: { class: "credit", reason: "no credits" } },
  {
    // New API: QuantumNous/new-api; Volcengine's Ark: AccountOverdueError.
    status: [403],
    code: /^(?:insufficient_user_quota|AccountOverdueError)$/,
    verdict: { class: "credit", reason: "no balance" },
  },
  {
    // SiliconFlow, code 30001
    status: [403],
    text: wording("sorry, your account balance is insufficient"),
    verdict: { class: "credit", reason: "no balance", isStatement: true },
  },
  {
    // OpenRouter
    status: [403],
    text: wording("key limit exceeded \\("),
    verdict: { class: "credit", reason: "the key's own limit is used up", isStatement: true },
  },
  {
    // Fireworks: https://docs.fireworks.ai/guides/quotas_usage/account-quotas
    status: [412],
    text: wording("account \\S{1,80} is suspended"),
    verdict: { class: "credit", reason: "the account is suspended" },
  },
  {
    // Alibaba's Model Studio: https://www.alibabacloud.com/help/en/model-studio/error-code
    status: [400],
    code: /^Arrearage$/,
    verdict: { class: "credit", reason: "no balance" },
  },
];

export const REFUSAL_ROWS: readonly Row[] = [...SCOPE_ROWS, ...MODEL_ROWS, ...ACCOUNT_ROWS];

/**
 * Codes and words for an empty account at status 429. Bare words such as quota, balance and billing stand in throttles that
 * pass within a minute: XiaomiMiMo/MiMo-Code#1690, tarigelamin1997/jobfetcher#42.
 */
export const EMPTY_ACCOUNT_ROWS: readonly Row[] = [
  {
    // Moonshot
    status: [429],
    code: /^exceeded_current_quota_error$/,
    text: wording("your account .{0,200}\\b(?:suspended|insufficient balance)"),
    verdict: { class: "credit", reason: "no balance", isStatement: true },
  },
  { status: [429], text: XAI_NO_CREDITS, verdict: { class: "credit", reason: "no credits" } },
  // Zhipu
  { status: [429], code: /^1113$/, verdict: { class: "credit", reason: "no balance" } },
  {
    status: [429],
    text: wording(
      "insufficient (?:account )?balance|(?:your )?account balance is (?:not enough|insufficient)|余额不足|账户余额不足",
    ),
    verdict: { class: "credit", reason: "no balance" },
  },
];
