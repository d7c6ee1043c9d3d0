/**
 * How servers say when a limit ends: one row for each server and form. `reply` is a refused reply at a given
 * moment; `waitS` is how long its limit lasts then.
 */
import type { FamilyName } from "../../src/config/schema.ts";

export interface AnnouncedTime {
  readonly server: string;
  readonly form: string;
  /** `owner/repo#number`, or the address of the server's documentation. */
  readonly source: string;
  readonly family: FamilyName;
  readonly waitS: number;
  readonly reply: (nowMs: number) => {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

const OPENAI_DOCS = "https://platform.openai.com/docs/guides/rate-limits";
const GROQ_DOCS = "https://console.groq.com/docs/rate-limits";
const CEREBRAS_DOCS = "https://inference-docs.cerebras.ai/support/rate-limits";
const ANTHROPIC_DOCS = "https://docs.claude.com/en/api/rate-limits";
const GOOGLE_DOCS = "https://cloud.google.com/apis/design/errors";
const RFC = "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3";
const IETF_DRAFT = "https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/";

const HOUR_MS = 3_600_000;
const message = (text: string, more: object = {}) => ({ error: { message: text, ...more } });
const LIMITED = message("Rate limit reached.");
const later = (nowMs: number, seconds: number): Date => new Date(nowMs + seconds * 1_000);
/** `2026-12-31 18:00:00` on the wall of a zone so many hours east of UTC. */
const wall = (nowMs: number, seconds: number, hours = 0): string =>
  later(nowMs + hours * HOUR_MS, seconds)
    .toISOString()
    .slice(0, 19)
    .replace("T", " ");
const words = (server: string, source: string, text: string, waitS: number): AnnouncedTime => ({
  server,
  form: text,
  source,
  family: "openai",
  waitS,
  reply: () => ({ body: message(text) }),
});
const headers = (
  server: string,
  source: string,
  waitS: number,
  lines: (nowMs: number) => Record<string, string>,
  family: FamilyName = "openai",
): AnnouncedTime => ({
  server,
  form: Object.entries(lines(0))
    .map(([name]) => name)
    .join(", "),
  source,
  family,
  waitS,
  reply: (nowMs) => ({
    headers: lines(nowMs),
    body:
      family === "anthropic" ? { type: "error", error: { type: "rate_limit_error", message: "x" } } : LIMITED,
  }),
});

const HEADERS: readonly AnnouncedTime[] = [
  headers("any server, seconds", RFC, 30, () => ({ "retry-after": "30" })),
  headers("any server, a fraction", RFC, 7.66, () => ({ "retry-after": "7.66" })),
  headers("any server, an HTTP date", RFC, 90, (now) => ({ "retry-after": later(now, 90).toUTCString() })),
  headers("any server, a duration", RFC, 90, () => ({ "retry-after": "1m30s" })),
  headers("any server, epoch seconds", RFC, 600, (now) => ({ "retry-after": String(now / 1_000 + 600) })),
  headers("Azure OpenAI", "icereed/paperless-gpt#814", 4.5, () => ({
    "retry-after-ms": "4500",
    "retry-after": "5",
  })),
  headers("Azure OpenAI, its older name", "icereed/paperless-gpt#814", 4.5, () => ({
    "x-ms-retry-after-ms": "4500",
  })),
  headers("GitHub Models", "microsoft/vscode-copilot-release#2627", 86_365, () => ({
    "x-ratelimit-type": "UserByModelByDay",
    "x-ratelimit-timeremaining": "86365",
  })),
  headers("OpenAI, durations", OPENAI_DOCS, 360, () => ({
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-remaining-tokens": "5",
    "x-ratelimit-reset-tokens": "20m0s",
  })),
  headers("Groq, the requests of a day", GROQ_DOCS, 8_572.5, () => ({
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "2h22m52.5s",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-tokens": "7.66s",
  })),
  headers("Cerebras, seconds, by day and minute", CEREBRAS_DOCS, 33_011.4, () => ({
    "x-ratelimit-remaining-requests-day": "0",
    "x-ratelimit-reset-requests-day": "33011.4",
    "x-ratelimit-remaining-tokens-minute": "60000",
    "x-ratelimit-reset-tokens-minute": "11.38",
  })),
  headers("Cerebras, the tokens of a minute", CEREBRAS_DOCS, 11.38, () => ({
    "x-ratelimit-remaining-requests-day": "99",
    "x-ratelimit-reset-requests-day": "33011.4",
    "x-ratelimit-remaining-tokens-minute": "0",
    "x-ratelimit-reset-tokens-minute": "11.38",
  })),
  headers("Mistral, by minute and month", "promptfoo/promptfoo#10577", 42, () => ({
    "x-ratelimit-remaining-tokens-minute": "0",
    "x-ratelimit-reset-tokens-minute": "42",
    "x-ratelimit-remaining-tokens-month": "999",
    "x-ratelimit-reset-tokens-month": "900000",
  })),
  headers("Mistral, its older name", "mistralai/client-ts#169", 23, () => ({
    "ratelimitbysize-remaining": "0",
    "ratelimitbysize-reset": "23",
  })),
  headers("OpenRouter, epoch milliseconds", "Gitlawb/openclaude#936", 32_400, (now) => ({
    "x-ratelimit-limit": "50",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(now + 32_400_000),
  })),
  headers("Together, seconds", "https://docs.together.ai/docs/rate-limits", 12, () => ({
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": "12",
  })),
  headers("a gateway in a chain, epoch seconds", "https://docs.pyannote.ai/ratelimits", 60, (now) => ({
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(now / 1_000 + 60),
  })),
  headers(
    "a gateway in a chain, the window in front",
    "https://developer.connecteam.com/docs/rate-limiting-1",
    45,
    (now) => ({
      "x-ratelimit-minute-remaining": "0",
      "x-ratelimit-minute-reset": String(now / 1_000 + 45),
      "x-ratelimit-day-remaining": "700",
      "x-ratelimit-day-reset": String(now / 1_000 + 40_000),
    }),
  ),
  headers("a gateway in a chain, RFC 3339", "https://docs.agent.ai/ratelimits", 75, (now) => ({
    "ratelimit-remaining": "0",
    "ratelimit-reset-date": later(now, 75).toISOString(),
  })),
  headers("a gateway in a chain, one structured header", IETF_DRAFT, 50, () => ({
    ratelimit: "limit=100, remaining=0, reset=50",
  })),
  headers("a gateway in a chain, a later draft", IETF_DRAFT, 50, () => ({ ratelimit: '"default";r=0;t=50' })),
  headers("Codex behind a gateway", "icebear0828/codex-proxy#65", 471_285, (now) => ({
    "x-codex-primary-used-percent": "100",
    "x-codex-primary-reset-after-seconds": "471285",
    "x-codex-primary-reset-at": String(now / 1_000 + 471_285),
    "x-codex-secondary-used-percent": "20",
    "x-codex-secondary-reset-after-seconds": "600000",
  })),
  headers(
    "Anthropic",
    ANTHROPIC_DOCS,
    40,
    (now) => ({
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": later(now, 40).toISOString(),
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": later(now, 400).toISOString(),
    }),
    "anthropic",
  ),
  headers(
    "Anthropic, a window of a subscription",
    ANTHROPIC_DOCS,
    9_000,
    (now) => ({
      "retry-after": "60",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(now / 1_000 + 9_000),
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
    }),
    "anthropic",
  ),
];

const MEMBERS: readonly AnnouncedTime[] = [
  {
    server: "OpenRouter",
    form: "error.metadata.headers",
    source: "Gitlawb/openclaude#936",
    family: "openai",
    waitS: 42,
    reply: (nowMs) => ({
      body: message("Rate limit exceeded: free-models-per-min. ", {
        code: 429,
        metadata: {
          headers: {
            "X-RateLimit-Limit": "20",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": String(nowMs + 42_000),
          },
        },
      }),
    }),
  },
  {
    server: "OpenRouter",
    form: "error.metadata.headers, by day",
    source: "Avarok-Cybersecurity/atlas#543",
    family: "openai",
    waitS: 32_400,
    reply: (nowMs) => ({
      body: message(
        "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
        {
          code: 429,
          metadata: {
            headers: {
              "X-RateLimit-Limit": "50",
              "X-RateLimit-Remaining": "0",
              "X-RateLimit-Reset": String(nowMs + 32_400_000),
            },
          },
        },
      ),
    }),
  },
  {
    server: "Codex behind a gateway",
    form: "error.resets_in_seconds",
    source: "router-for-me/CLIProxyAPI#1666",
    family: "openai",
    waitS: 529_498,
    reply: (nowMs) => ({
      body: message("The usage limit has been reached", {
        type: "usage_limit_reached",
        resets_at: nowMs / 1_000 + 529_498,
        resets_in_seconds: 529_498,
      }),
    }),
  },
  ...(["retry_after", "retryAfter", "retry_after_seconds", "wait_seconds", "cooldown_seconds"] as const).map(
    (name): AnnouncedTime => ({
      server: "a gateway in a chain",
      form: `${name} beside the error`,
      source: "BerriAI/litellm#3617",
      family: "openai",
      waitS: 25,
      reply: () => ({ body: { error: "too many requests", [name]: 25 } }),
    }),
  ),
  {
    server: "a gateway in a chain",
    form: "error.retry_after_ms",
    source: "BerriAI/litellm#3617",
    family: "anthropic",
    waitS: 2.5,
    reply: () => ({
      body: { type: "error", error: { type: "rate_limit_error", message: "x", retry_after_ms: 2_500 } },
    }),
  },
  {
    server: "Google",
    form: "RetryInfo",
    source: GOOGLE_DOCS,
    family: "gemini",
    waitS: 46.07,
    reply: () => ({
      body: message("Quota exceeded", {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "46.07s" }],
      }),
    }),
  },
  {
    server: "Google",
    form: "RetryInfo of a day's quota",
    source: GOOGLE_DOCS,
    family: "gemini",
    waitS: 11,
    reply: () => ({
      body: message("Quota exceeded", {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
          },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "11s" },
        ],
      }),
    }),
  },
  {
    server: "Google's Code Assist",
    form: "metadata.quotaResetTimeStamp",
    source: GOOGLE_DOCS,
    family: "gemini",
    waitS: 5_400,
    reply: (nowMs) => ({
      body: message("You have exhausted your capacity on this model.", {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "QUOTA_EXHAUSTED",
            metadata: { quotaResetTimeStamp: later(nowMs, 5_400).toISOString() },
          },
        ],
      }),
    }),
  },
];

const WORDS: readonly AnnouncedTime[] = [
  words(
    "OpenAI",
    OPENAI_DOCS,
    "Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000, Used 29000, Requested 4500. Please try again in 7.66s. Visit https://platform.openai.com/account/rate-limits to learn more.",
    7.66,
  ),
  words(
    "Groq",
    "continuedev/continue#10920",
    "Rate limit reached for model `llama` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s.",
    578.016,
  ),
  words("OpenAI", OPENAI_DOCS, "Rate limit reached. Limit: 3 / min. Please try again in 1m30.5s.", 90.5),
  words("OpenAI, milliseconds", OPENAI_DOCS, "Rate limit reached. Please try again in 5890ms.", 5.89),
  words(
    "Azure OpenAI",
    "jasonacox/TinyLLM#17",
    "Requests to the ChatCompletions_Create Operation have exceeded token rate limit. Please retry after 86400 seconds. Please contact Azure support.",
    86_400,
  ),
  words(
    "Azure OpenAI",
    "pollinations/pollinations#6260",
    "The system is currently experiencing high demand. Please retry after 20 seconds.",
    20,
  ),
  words(
    "GitHub Copilot",
    "microsoft/vscode-copilot-release#3519",
    "Sorry, your request was rate-limited. Please wait 10 hours 58 minutes before trying again.",
    39_480,
  ),
  words(
    "GitHub Copilot",
    "github/copilot-cli#3819",
    "You've hit your rate limit. Please wait for your limit to reset in 3 hours 49 minutes or switch to auto model to continue.",
    13_740,
  ),
  words(
    "GitHub Copilot",
    "github/copilot-cli#2696",
    "You've hit a rate limit that restricts the number of requests you can make within a specific time period. Please try again in 58 hours.",
    208_800,
  ),
  words(
    "GitHub Models",
    "microsoft/vscode-copilot-release#2627",
    "Rate limit of 10 per 60s exceeded for UserByModelByMinute. Please wait 41 seconds before retrying.",
    41,
  ),
  words(
    "a gateway in a chain",
    "diegosouzapw/OmniRoute#14573",
    "All accounts are rate limited. Try again in 5 minutes and 3 seconds.",
    303,
  ),
  words(
    "Gemini CLI's backend",
    "https://github.com/google-gemini/gemini-cli",
    "You have exhausted your capacity on this model. Your quota will reset after 18h31m10s.",
    66_670,
  ),
  words(
    "a gateway in a chain",
    "BerriAI/litellm#3617",
    "No deployments available for selected model, Try again in 60 seconds.",
    60,
  ),
  words(
    "a gateway in a chain, without a unit",
    "BerriAI/litellm#3617",
    "Too many requests (retry_after: 30)",
    30,
  ),
  {
    server: "QwenCloud",
    form: "a date with its zone",
    source: "QwenLM/qwen-code#7841",
    family: "openai",
    waitS: 7_200,
    reply: (nowMs) => ({
      body: message(
        `5-hour quota has been exhausted. The quota will reset at ${wall(nowMs, 7_200).slice(0, 16)} UTC`,
      ),
    }),
  },
  ...(["openai", "anthropic"] as const).flatMap((family): AnnouncedTime[] => [
    {
      server: "Zhipu",
      form: "a Chinese date without a zone",
      source: "dirge-code/dirge#818",
      family,
      waitS: 13_570,
      reply: (nowMs) => ({
        body: {
          error: {
            code: "1308",
            message: `已达到 5 小时的使用上限。您的限额将在 ${wall(nowMs, 13_570, 8)} 重置。`,
          },
        },
      }),
    },
    {
      server: "Z.ai",
      form: "an English date without a zone",
      source: "LionSR/TeXRA#9865",
      family,
      waitS: 13_570,
      reply: (nowMs) => ({
        body: {
          error: {
            code: "1308",
            message: `Usage limit reached for 5 hour. Your limit will reset at ${wall(nowMs, 13_570, 8)}`,
          },
        },
      }),
    },
    {
      server: "Z.ai",
      form: "RFC 3339 in words",
      source: "LionSR/TeXRA#9865",
      family,
      waitS: 13_570,
      reply: (nowMs) => ({
        body: {
          error: {
            code: "1316",
            message: `Limit exhausted. Resets at ${later(nowMs, 13_570).toISOString()}`,
          },
        },
      }),
    },
  ]),
  {
    server: "Claude's subscription behind a gateway",
    form: "epoch seconds behind a bar",
    source: "anthropics/claude-code#11429",
    family: "anthropic",
    waitS: 5_400,
    reply: (nowMs) => ({
      body: {
        type: "error",
        error: {
          type: "rate_limit_error",
          message: `Claude AI usage limit reached|${nowMs / 1_000 + 5_400}`,
        },
      },
    }),
  },
  {
    server: "Claude's subscription behind a gateway",
    form: "a clock in a zone",
    source: "anthropics/claude-code#9236",
    family: "anthropic",
    waitS: 7_200,
    reply: (nowMs) => ({
      body: {
        type: "error",
        error: {
          type: "rate_limit_error",
          message: `Claude usage limit reached. Your limit will reset at ${clockIn("Asia/Tokyo", nowMs + 7_200_000)} (Asia/Tokyo).`,
        },
      },
    }),
  },
  {
    server: "a gateway in a chain",
    form: "a clock in UTC",
    source: "diegosouzapw/OmniRoute#14573",
    family: "openai",
    waitS: 7_200,
    reply: (nowMs) => ({
      body: message(`Limit reached, resets at ${wall(nowMs, 7_200).slice(11, 16)} (UTC)`),
    }),
  },
  words("a Chinese server", "james-6-23/codex2api#9", "请求过于频繁，请在 30 秒后重试", 30),
  words("a Chinese server", "james-6-23/codex2api#9", "当前模型繁忙，请等待15秒再试", 15),
  words(
    "a Chinese server",
    "james-6-23/codex2api#9",
    "您的账户已达到速率限制（每 5 小时重置），1小时后恢复",
    3_600,
  ),
  words("a Chinese server", "james-6-23/codex2api#9", "额度已用完，1小时30分钟后重试", 5_400),
  words("a Chinese server", "james-6-23/codex2api#9", "触发限流，预计半小时后恢复", 1_800),
  {
    server: "a Chinese server",
    form: "将于 … 重置",
    source: "NanmiCoder/cc-haha#1266",
    family: "openai",
    waitS: 7_200,
    reply: (nowMs) => ({ body: message(`额度已用完，将于 ${wall(nowMs, 7_200, 8).slice(0, 16)} 重置`) }),
  },
  {
    server: "a Chinese server",
    form: "重置时间：… (UTC)",
    source: "NanmiCoder/cc-haha#1266",
    family: "openai",
    waitS: 7_200,
    reply: (nowMs) => ({ body: message(`额度已用完，重置时间：${wall(nowMs, 7_200)} UTC`) }),
  },
];

function clockIn(timeZone: string, atMs: number): string {
  const text = new Intl.DateTimeFormat("en-US", { timeZone, hour: "numeric", minute: "2-digit" }).format(
    atMs,
  );
  return text.replace(/\s/g, "").toLowerCase();
}

export const ANNOUNCED_TIMES: readonly AnnouncedTime[] = [...HEADERS, ...MEMBERS, ...WORDS];

/** Texts with numbers and times in them that announce no end. */
export const NO_TIMES: readonly string[] = [
  "Rate limit exceeded: 3 requests per 1 minute.",
  "You have used 100 requests in 1 hour.",
  "Usage limit reached for 5 hour.",
  "Too many requests: the limit resets every 5 hours",
  "已达到 5 小时的使用上限。",
  "每 5 小时重置一次",
  "Limits will reset at 9:30 AM.",
  "Your limit reset at 2020-01-01 00:00 UTC",
  "Please try again later. The model gpt-5-2026-03-01 is busy.",
  "This model is available in 30 regions",
  "Timeout was 600 seconds",
];
