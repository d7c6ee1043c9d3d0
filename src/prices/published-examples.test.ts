/** Costs that providers publish, and sums of published counts and rates, from the list of this program. */
import { expect, test } from "bun:test";
import { makeUsage, type Usage } from "../neutral/usage.ts";
import { type Cost, type CostFacts, costOf } from "./cost.ts";
import { priceAt } from "./price.ts";
import { PriceBook } from "./price-book.ts";
import { builtInPrices } from "./price-files.ts";

const book = new PriceBook(await builtInPrices(), []);
const AT_MS = Date.parse("2026-11-01T12:00:00Z");
const PLAIN: CostFacts = { atMs: AT_MS, tier: null, region: null };

function cost(provider: string, model: string, usage: Partial<Usage>, facts: Partial<CostFacts> = {}): Cost {
  const found = book.find({ upstream: "main", provider, model });
  const price = found === null ? null : priceAt(found, facts.atMs ?? AT_MS);
  const result = price === null ? null : costOf(makeUsage(usage), price, { ...PLAIN, ...facts });
  if (result === null) throw new Error(`${provider}/${model} has no price`);
  return result;
}

interface Example {
  readonly title: string;
  readonly provider: string;
  readonly model: string;
  readonly usage: Partial<Usage>;
  readonly facts?: Partial<CostFacts>;
  /** In dollars, as a decimal. */
  readonly usd: string;
}

/** https://platform.claude.com/docs/en/about-claude/pricing, read in November 2026. */
const ANTHROPIC: readonly Example[] = [
  {
    title: "a coding session: 50,000 × $5 + 15,000 × $25 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, outputTokens: 15_000 },
    usd: "0.625",
  },
  {
    title: "the same with 40,000 tokens read from a cache: 0.05 + 0.02 + 0.375",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, cacheReadTokens: 40_000, outputTokens: 15_000 },
    usd: "0.445",
  },
  {
    title: "a support ticket of 3,700 tokens: $37.00 for 10,000",
    provider: "anthropic",
    model: "claude-haiku-4-5",
    usage: { inputTokens: 3700, outputTokens: 0 },
    usd: "0.0037",
  },
  {
    title: "a batch at half the price: $2.50 and $12.50 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 1_000_000, outputTokens: 1_000_000, serviceTier: "batch" },
    usd: "15",
  },
  {
    title: "cache multipliers stack with the batch discount: 0.5 × (1.25 + 2 + 0.1) × $5",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: {
      inputTokens: 3_000_000,
      cacheReadTokens: 1_000_000,
      cacheWriteTokens: 2_000_000,
      cacheWrite1hTokens: 1_000_000,
    },
    facts: { tier: "batch" },
    usd: "8.375",
  },
  {
    title: "fast mode: $10 and $50 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 1_000_000, outputTokens: 1_000_000 },
    facts: { tier: "fast" },
    usd: "60",
  },
  {
    title: "inference in the US: 1.1 × all categories of tokens, and not the searches",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, outputTokens: 15_000, webSearches: 2 },
    facts: { region: "us" },
    usd: "0.7075",
  },
  {
    title: "900,000 tokens of a newer model at the rate of 9,000",
    provider: "anthropic",
    model: "claude-opus-4-6",
    usage: { inputTokens: 900_000, outputTokens: 0 },
    usd: "4.5",
  },
  {
    // The usage of the sample at
    // https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
    title: "one web search at $10 per 1,000 beside the tokens",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: {
      inputTokens: 105 + 7123 + 7345,
      cacheReadTokens: 7123,
      cacheWriteTokens: 7345,
      outputTokens: 6039,
      webSearches: 1,
    },
    usd: "0.21096775",
  },
];

const OPENAI: readonly Example[] = [
  {
    // The usage of the sample at https://platform.openai.com/docs/guides/prompt-caching, and the rates at
    // https://platform.openai.com/docs/pricing: $2.50, $1.25 cached, $10.
    title: "cached input: 86 × $2.50 + 1,920 × $1.25 + 300 × $10 a million",
    provider: "openai",
    model: "gpt-4o-2024-08-06",
    usage: { inputTokens: 2006, cacheReadTokens: 1920, outputTokens: 300 },
    usd: "0.005615",
  },
  {
    // https://platform.openai.com/docs/guides/image-generation#cost-and-latency: about $0.011
    title: "a square image of low quality: 272 tokens at $40 a million",
    provider: "openai",
    model: "gpt-image-1",
    usage: { inputTokens: 0, outputTokens: 272, outputImageTokens: 272 },
    usd: "0.01088",
  },
  {
    // The same page: about $0.042
    title: "a square image of medium quality: 1,056 tokens at $40 a million",
    provider: "openai",
    model: "gpt-image-1",
    usage: { inputTokens: 0, outputTokens: 1056, outputImageTokens: 1056 },
    usd: "0.04224",
  },
  {
    // https://developers.openai.com/api/docs/models/gpt-5.4: above 272K input tokens twice the input and 1.5
    // times the output, for the whole session
    title: "a long prompt is charged as a whole: 300,000 × $5 + 1,000 × $22.50 a million",
    provider: "openai",
    model: "gpt-5.4",
    usage: { inputTokens: 300_000, outputTokens: 1000 },
    usd: "1.5225",
  },
  {
    title: "a prompt of just 272,000 tokens is not long",
    provider: "openai",
    model: "gpt-5.4",
    usage: { inputTokens: 272_000, outputTokens: 1000 },
    usd: "0.695",
  },
  {
    // https://developers.openai.com/api/docs/guides/flex-processing: at the prices of a batch
    title: "flex at half the price",
    provider: "openai",
    model: "gpt-5",
    usage: { inputTokens: 1_000_000, cacheReadTokens: 500_000, outputTokens: 1_000_000, serviceTier: "flex" },
    usd: "5.34375",
  },
  {
    // https://developers.openai.com/api/docs/guides/your-data: 10 % more for newer models
    title: "processing in the EU: 1.1 × the tokens",
    provider: "openai",
    model: "gpt-6-sol",
    usage: { inputTokens: 100_000, outputTokens: 10_000 },
    facts: { region: "eu" },
    usd: "0.33",
  },
];

/** https://ai.google.dev/gemini-api/docs/pricing, read in November 2026. */
const GOOGLE: readonly Example[] = [
  {
    title: "an image of 1,290 tokens: $0.039",
    provider: "google",
    model: "gemini-2.5-flash-image",
    usage: { inputTokens: 0, outputTokens: 1290, outputImageTokens: 1290 },
    usd: "0.0387",
  },
  {
    title: "an image of 1,120 tokens: $0.134",
    provider: "google",
    model: "gemini-3-pro-image-preview",
    usage: { inputTokens: 0, outputTokens: 1120, outputImageTokens: 1120 },
    usd: "0.1344",
  },
  {
    // https://discuss.ai.google.dev/t/question-about-gemini-api-caching-pricing/107349: each request pays for
    // the cached tokens that it uses; thoughts are output
    title: "cached tokens: 1,500 × $1.25 + 10,000 × $0.125 + 11,000 × $10 a million",
    provider: "google",
    model: "models/gemini-2.5-pro",
    usage: { inputTokens: 11_500, cacheReadTokens: 10_000, outputTokens: 11_000, reasoningTokens: 10_000 },
    usd: "0.113125",
  },
  {
    title: "a prompt above 200,000 tokens is charged as a whole, with its cached tokens counted",
    provider: "google",
    model: "gemini-2.5-pro",
    usage: { inputTokens: 250_000, cacheReadTokens: 200_000, outputTokens: 1000 },
    usd: "0.19",
  },
  {
    // https://ai.google.dev/gemini-api/docs/audio: 32 tokens a second
    title: "a minute of audio at $1.00 beside text at $0.30",
    provider: "google",
    model: "gemini-2.5-flash",
    usage: { inputTokens: 1920 + 1000, inputAudioTokens: 1920, outputTokens: 0 },
    usd: "0.00222",
  },
];

for (const { title, provider, model, usage, facts, usd } of [...ANTHROPIC, ...OPENAI, ...GOOGLE]) {
  test(`${model}: ${title}`, () => {
    const result = cost(provider, model, usage, facts);
    expect(result.nanoUsd).toBe(Math.round(Number(usd) * 1e9));
    expect(result.gaps).toEqual([]);
  });
}

test("Claude Sonnet 4.5: the tokens of a cache make a prompt long", () => {
  // https://platform.claude.com/docs/en/build-with-claude/context-windows, while that model had 1M tokens
  const usage = { inputTokens: 210_000, cacheReadTokens: 60_000, outputTokens: 1000 };
  expect(cost("anthropic", "claude-sonnet-4-5-20250929", usage).nanoUsd).toBe(
    150_000 * 6000 + 60_000 * 600 + 1000 * 22_500,
  );
});

test("DeepSeek: the hours of the day, and the days on which prices changed", () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 0 };
  const at = (time: string): number =>
    cost("deepseek", "deepseek-v4-flash", usage, { atMs: Date.parse(time) }).nanoUsd;
  expect(at("2026-08-16T23:59:59.999Z")).toBe(140_000_000);
  expect(at("2026-08-17T00:00:00Z")).toBe(220_000_000);
  expect(at("2026-11-02T00:59:59Z")).toBe(150_000_000);
  expect(at("2026-11-02T01:00:00Z")).toBe(300_000_000);
  expect(at("2026-11-02T04:00:00Z")).toBe(150_000_000);
});
