/** What providers report, and what each report costs: counted by hand, at rates that are all different. */
import type { DialectName } from "../kit/recordings.ts";
import type { Paid } from "./paid-answers.ts";

/** The prices of every model of every upstream: dollars for a million tokens, or for a thousand calls. */
export const PRICES_TOML = `[[prices]]
model = "*"
input = 2
output = 10
cache_read = 0.2
cache_write = 2.5
cache_write_1h = 4
reasoning = 12
input_audio = 32
cache_read_audio = 0.4
output_audio = 64
input_image = 5
cache_read_image = 1.25
output_image = 30
web_search = 14
[[prices]]
model = "*"
above_tokens = 100000
input = 3
cache_read = 0.3
output = 15
[[prices]]
model = "*"
tier = "flex"
input = 1
output = 5
[[prices]]
model = "*"
tier = "priority"
input = 3.5
output = 17.5
[[prices]]
model = "*"
tier = "batch"
input = 1
cache_read = 0.1
output = 5
[[prices]]
model = "*"
tier = "fast"
input = 12
output = 60
[[prices]]
model = "*"
region = "us"
factor = 1.1
`;

export interface PaidCase {
  readonly dialect: DialectName;
  readonly title: string;
  readonly paid: Paid;
  /** Units and their rate in dollars: of tokens for a million, of searches for a thousand. */
  readonly tokens: readonly (readonly [count: number, usd: number])[];
  readonly searches?: number;
  /** Of the tokens. */
  readonly factor?: number;
  readonly gaps?: readonly string[];
}

const chat = (title: string, usage: object, tokens: PaidCase["tokens"], more: object = {}): PaidCase => ({
  dialect: "openai-chat",
  title,
  paid: { usage: { total_tokens: 0, ...usage }, ...more },
  tokens,
});

const CHAT_CASES: readonly PaidCase[] = [
  chat("plain", { prompt_tokens: 101, completion_tokens: 7 }, [
    [101, 2],
    [7, 10],
  ]),
  chat(
    "cache and reasoning",
    {
      prompt_tokens: 1200,
      completion_tokens: 300,
      prompt_tokens_details: { cached_tokens: 1024 },
      completion_tokens_details: { reasoning_tokens: 200 },
    },
    [
      [176, 2],
      [1024, 0.2],
      [100, 10],
      [200, 12],
    ],
  ),
  chat(
    "writes to a cache",
    {
      prompt_tokens: 500,
      completion_tokens: 1,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 400 },
    },
    [
      [100, 2],
      [400, 2.5],
      [1, 10],
    ],
  ),
  chat(
    "audio, of which a part was cached",
    {
      prompt_tokens: 100,
      completion_tokens: 60,
      prompt_tokens_details: {
        audio_tokens: 50,
        cached_tokens: 40,
        cached_tokens_details: { audio_tokens: 30, text_tokens: 10 },
      },
      completion_tokens_details: { audio_tokens: 45 },
    },
    [
      [40, 2],
      [10, 0.2],
      [20, 32],
      [30, 0.4],
      [15, 10],
      [45, 64],
    ],
  ),
  chat(
    "images in and out",
    {
      prompt_tokens: 90,
      completion_tokens: 80,
      prompt_tokens_details: { image_tokens: 70 },
      completion_tokens_details: { image_tokens: 60 },
    },
    [
      [20, 2],
      [70, 5],
      [20, 10],
      [60, 30],
    ],
  ),
  chat(
    "the flex tier",
    { prompt_tokens: 100, completion_tokens: 10 },
    [
      [100, 1],
      [10, 5],
    ],
    { service_tier: "flex" },
  ),
  chat(
    "the priority tier",
    { prompt_tokens: 100, completion_tokens: 10 },
    [
      [100, 3.5],
      [10, 17.5],
    ],
    {
      service_tier: "priority",
    },
  ),
  {
    ...chat(
      "a tier without a rate",
      { prompt_tokens: 100, completion_tokens: 10 },
      [
        [100, 2],
        [10, 10],
      ],
      {
        service_tier: "scale",
      },
    ),
    gaps: ["tier"],
  },
  chat("a prompt that is just not long", { prompt_tokens: 100_000, completion_tokens: 10 }, [
    [100_000, 2],
    [10, 10],
  ]),
  chat(
    "a long prompt, charged as a whole",
    { prompt_tokens: 100_001, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 90_000 } },
    [
      [10_001, 3],
      [90_000, 0.3],
      [10, 15],
    ],
  ),
  {
    ...chat(
      "searches",
      { prompt_tokens: 3, completion_tokens: 3, server_tool_use: { web_search_requests: 4 } },
      [
        [3, 2],
        [3, 10],
      ],
    ),
    searches: 4,
  },
  chat("counts of billions", { prompt_tokens: 3_000_000_019, completion_tokens: 2_000_000_003 }, [
    [3_000_000_019, 3],
    [2_000_000_003, 15],
  ]),
];

const responses = (
  title: string,
  usage: object,
  tokens: PaidCase["tokens"],
  more: object = {},
): PaidCase => ({ dialect: "openai-responses", title, paid: { usage, ...more }, tokens });

const call = (action: object): object => ({
  type: "web_search_call",
  id: "ws_1",
  status: "completed",
  action,
});

const RESPONSES_CASES: readonly PaidCase[] = [
  responses("plain", { input_tokens: 101, output_tokens: 7, total_tokens: 108 }, [
    [101, 2],
    [7, 10],
  ]),
  responses(
    "cache, read and written, and reasoning",
    {
      input_tokens: 2000,
      output_tokens: 300,
      total_tokens: 2300,
      input_tokens_details: { cached_tokens: 1024, cache_write_tokens: 512 },
      output_tokens_details: { reasoning_tokens: 299 },
    },
    [
      [464, 2],
      [1024, 0.2],
      [512, 2.5],
      [1, 10],
      [299, 12],
    ],
  ),
  responses(
    "the flex tier",
    { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
    [
      [100, 1],
      [10, 5],
    ],
    {
      service_tier: "flex",
    },
  ),
  responses(
    "the priority tier",
    { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
    [
      [100, 3.5],
      [10, 17.5],
    ],
    {
      service_tier: "priority",
    },
  ),
  {
    ...responses(
      "searches by the reply's count",
      { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
      [
        [1, 2],
        [1, 10],
      ],
      {
        tool_usage: { web_search: { num_requests: 3 } },
      },
    ),
    searches: 3,
  },
  {
    ...responses(
      "searches by the items",
      { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
      [
        [1, 2],
        [1, 10],
      ],
      {
        items: [
          call({ type: "search", query: "a" }),
          call({ type: "open_page", url: "https://a.example" }),
          call({ type: "search", query: "b" }),
        ],
      },
    ),
    searches: 2,
  },
];

const messages = (
  title: string,
  usage: object,
  tokens: PaidCase["tokens"],
  more: Partial<PaidCase> = {},
): PaidCase => ({
  dialect: "anthropic-messages",
  title,
  paid: { usage: { service_tier: "standard", inference_geo: "not_available", ...usage } },
  tokens,
  ...more,
});

const MESSAGES_CASES: readonly PaidCase[] = [
  messages("plain", { input_tokens: 101, output_tokens: 7 }, [
    [101, 2],
    [7, 10],
  ]),
  messages(
    "a cache, written for five minutes and for an hour",
    {
      input_tokens: 10,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      output_tokens: 5,
    },
    [
      [10, 2],
      [1000, 0.2],
      [100, 2.5],
      [200, 4],
      [5, 10],
    ],
  ),
  messages(
    "thinking",
    { input_tokens: 10, output_tokens: 50, output_tokens_details: { thinking_tokens: 40 } },
    [
      [10, 2],
      [10, 10],
      [40, 12],
    ],
  ),
  messages(
    "the batch tier",
    { input_tokens: 10, cache_read_input_tokens: 100, output_tokens: 5, service_tier: "batch" },
    [
      [10, 1],
      [100, 0.1],
      [5, 5],
    ],
  ),
  messages("fast mode", { input_tokens: 10, output_tokens: 5, speed: "fast" }, [
    [10, 12],
    [5, 60],
  ]),
  messages(
    "inference in the US, and a search that costs the same there",
    {
      input_tokens: 1000,
      output_tokens: 50,
      inference_geo: "us",
      server_tool_use: { web_search_requests: 2 },
    },
    [
      [1000, 2],
      [50, 10],
    ],
    { factor: 1.1, searches: 2 },
  ),
  messages(
    "a cache makes a prompt long",
    { input_tokens: 2, cache_read_input_tokens: 99_999, output_tokens: 5 },
    [
      [2, 3],
      [99_999, 0.3],
      [5, 15],
    ],
  ),
];

const gemini = (
  title: string,
  usageMetadata: object,
  tokens: PaidCase["tokens"],
  more: object = {},
): PaidCase => ({ dialect: "gemini", title, paid: { usageMetadata, ...more }, tokens });

const GEMINI_CASES: readonly PaidCase[] = [
  gemini("plain", { promptTokenCount: 101, candidatesTokenCount: 7, totalTokenCount: 108 }, [
    [101, 2],
    [7, 10],
  ]),
  gemini(
    "cache and thoughts",
    { promptTokenCount: 1000, cachedContentTokenCount: 600, candidatesTokenCount: 7, thoughtsTokenCount: 30 },
    [
      [400, 2],
      [600, 0.2],
      [7, 10],
      [30, 12],
    ],
  ),
  gemini(
    "audio and images, of which a part was cached",
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 50,
      promptTokensDetails: [
        { modality: "AUDIO", tokenCount: 30 },
        { modality: "IMAGE", tokenCount: 20 },
        { modality: "TEXT", tokenCount: 50 },
      ],
      cacheTokensDetails: [
        { modality: "AUDIO", tokenCount: 25 },
        { modality: "IMAGE", tokenCount: 5 },
        { modality: "TEXT", tokenCount: 20 },
      ],
      candidatesTokenCount: 90,
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 80 }],
    },
    [
      [30, 2],
      [20, 0.2],
      [5, 32],
      [25, 0.4],
      [15, 5],
      [5, 1.25],
      [10, 10],
      [80, 30],
    ],
  ),
  gemini(
    "results of tools are input",
    { promptTokenCount: 10, toolUsePromptTokenCount: 90, candidatesTokenCount: 1 },
    [
      [100, 2],
      [1, 10],
    ],
  ),
  gemini(
    "a tier of Vertex",
    { promptTokenCount: 100, candidatesTokenCount: 10, trafficType: "ON_DEMAND_FLEX" },
    [
      [100, 1],
      [10, 5],
    ],
  ),
  {
    ...gemini(
      "queries, each once",
      { promptTokenCount: 1, candidatesTokenCount: 1 },
      [
        [1, 2],
        [1, 10],
      ],
      {
        groundingMetadata: { webSearchQueries: ["a", "b", "a", ""] },
      },
    ),
    searches: 2,
  },
];

export const PAID_CASES: readonly PaidCase[] = [
  ...CHAT_CASES,
  ...RESPONSES_CASES,
  ...MESSAGES_CASES,
  ...GEMINI_CASES,
];

/** Nano-dollars, in whole numbers of a billionth of them, rounded once. */
export function costOfCase({ tokens, searches = 0, factor = 1 }: PaidCase): number {
  const milli = (value: number): bigint => BigInt(Math.round(value * 1000));
  // A dollar for a million tokens is 1,000 nano-dollars a token.
  const atto = tokens.reduce((sum, [count, usd]) => sum + BigInt(count) * milli(usd) * milli(factor), 0n);
  return Number((atto + 500n) / 1000n) + searches * 14_000_000;
}
