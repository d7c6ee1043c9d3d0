import { afterAll, beforeAll, expect, test } from "bun:test";
import { CHAT, GEMINI, MESSAGES } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/passing-limits.ts";
import { CHAT_WHOLE, type Refusal, RefusingStage } from "./refusing-stage.ts";

const HOUR_MS = 3_600_000;

const limit = (message: string, type: string | null = null, code: string | null = type): Refusal => ({
  status: 429,
  body: { error: { message, type, code } },
});

/** Each is a reply as the reports quote it. */
const REPORTED: Readonly<Record<string, Refusal>> = {
  "DashScope's throttle per minute": limit(
    "Allocated quota exceeded, please increase your quota limit.",
    "insufficient_quota",
  ),
  "DashScope's throttle in OpenAI's words": limit(
    "You exceeded your current quota, please check your plan and billing details.",
    "insufficient_quota",
  ),
  "MiMo's throttle": limit("usage allocated quota exceeded. please try again later."),
  "Google's words, wrapped by a gateway": limit("Resource has been exhausted (e.g. check quota)."),
  "a load balancer": limit("no worker free behind the load balancer"),
  "OpenAI's older throttle": limit(
    "Rate limit reached for default-gpt in organization org-x on requests per min. Limit: 3 / min. Please try again in 20s. Contact us if you continue to have issues. Please add a payment method to your account to increase your rate limit. Visit https://platform.openai.com/account/billing to add a payment method.",
    "requests",
    null,
  ),
  "DeepSeek's concurrency": limit(
    "Too many requests. Your current concurrency is 6, which exceeds your concurrency limit of 5 based on your remaining balance. Please top up your balance to restore your concurrency.",
    "rate_limit_error",
    null,
  ),
  "an empty account at Zhipu": limit("账户余额不足，请充值后使用", null, "1113"),
};

/** The same words in the other families' envelopes. */
const WORDS = [
  "Quota exceeded, check your balance and billing.",
  "insufficient balance on the worker",
  "Your credit is low today",
  "billing quota balance",
];

describeKind(kind, () => {
  let chat: RefusingStage;
  let messages: RefusingStage;
  let gemini: RefusingStage;

  beforeAll(async () => {
    [chat, messages, gemini] = await Promise.all([
      RefusingStage.open(),
      RefusingStage.open({ family: "anthropic" }),
      RefusingStage.open({ family: "gemini" }),
    ]);
  });
  afterAll(() => Promise.all([chat.close(), messages.close(), gemini.close()]));

  /** Nothing has a state without an end, and none lasts longer than an hour. */
  async function expectPassing(stage: RefusingStage): Promise<void> {
    for (const { state, until, left_ms } of await stage.credentials()) {
      if (state === "ready") continue;
      expect(until).not.toBeNull();
      expect(left_ms).toBeLessThanOrEqual(HOUR_MS);
      expect(state).not.toBe("invalid");
    }
    await stage.reset();
  }

  for (const [name, refusal] of Object.entries(REPORTED)) {
    test(`reported: ${name} passes by itself`, async () => {
      chat.refusal = refusal;
      await chat.refused(CHAT_WHOLE);
      await expectPassing(chat);
    }, 60_000);
  }

  test("the same words in the envelopes of Anthropic and Google pass as well", async () => {
    for (const [index, message] of WORDS.entries()) {
      messages.refusal = {
        status: 429,
        body: { type: "error", error: { type: "rate_limit_error", message } },
      };
      await messages.refused({ name: "messages", recording: MESSAGES, isStream: false }, `model-${index}`);
      gemini.refusal = {
        status: 429,
        body: { error: { code: 429, status: "RESOURCE_EXHAUSTED", message } },
      };
      await gemini.refused({ name: "gemini", recording: GEMINI, isStream: false }, `model-${index}`);
    }
    for (const stage of [messages, gemini]) {
      for (const { state, models } of await stage.credentials()) {
        expect(state).toBe("ready");
        expect(models.map((one) => one.state)).toEqual(WORDS.map(() => "cooling"));
      }
    }
  });

  test("reported: a model that is limited at its maker, behind OpenRouter, leaves the others alone", async () => {
    const raw = `${CHAT.model} is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits: https://openrouter.ai/settings/integrations`;
    chat.refusal = {
      status: 429,
      body: {
        error: { message: "Provider returned error", code: 429, metadata: { raw, provider_name: "Maker" } },
      },
      headers: { "retry-after": "40" },
    };
    await chat.refused(CHAT_WHOLE);
    const other = await chat.answered(CHAT_WHOLE, "paid/model-2");
    expect(other.status).toBe(200);
    for (const { state, models } of await chat.credentials()) {
      expect(state).toBe("ready");
      expect(models).toMatchObject([{ model: CHAT.model, state: "cooling" }]);
    }
    await chat.reset();
  }, 60_000);
});
