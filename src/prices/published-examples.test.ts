/**
 * Costs that are published, and sums of published counts and rates, from the list of this program. The addresses
 * were read in November 2026, some as copies that public repositories keep.
 */
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
  const found = book.find("main", provider, model);
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

/** The cost itself stands on the page. */
const PUBLISHED: readonly Example[] = [
  {
    // https://platform.claude.com/docs/en/about-claude/pricing, where 0.08 for an hour of a session is added
    title: "an hour of an agent: 50,000 × $5 + 15,000 × $25 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, outputTokens: 15_000 },
    usd: "0.625",
  },
  {
    // The same page
    title: "the same with 40,000 tokens read from a cache: 0.05 + 0.02 + 0.375",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, cacheReadTokens: 40_000, outputTokens: 15_000 },
    usd: "0.445",
  },
  {
    // The same page, which counts all tokens at the rate of input
    title: "a support ticket of 3,700 tokens: $37.00 for 10,000",
    provider: "anthropic",
    model: "claude-haiku-4-5",
    usage: { inputTokens: 3700, outputTokens: 0 },
    usd: "0.0037",
  },
  {
    // The reply of the sample at https://docs.x.ai/developers/rest-api-reference/inference/responses says
    // `cost_in_usd_ticks: 37756000`; https://docs.x.ai/developers/cost-tracking: 10^10 are a dollar, and that
    // is what was billed
    title:
      "what a reply says that it cost, at the rates of its day: 3 × $2 + 128 × $0.20 + 624 × $6 a million",
    provider: "x-ai",
    model: "grok-4.20-0309-reasoning",
    usage: { inputTokens: 131, cacheReadTokens: 128, outputTokens: 624, reasoningTokens: 246 },
    facts: { atMs: 1_774_274_151_000 },
    usd: "0.0037756",
  },
  {
    // https://community.openai.com/t/gpt-image-1-collected-pricing-information-and-why-responses-is-undocumented/1275254
    title: "a square image of low quality: 272 tokens at $40 a million",
    provider: "openai",
    model: "gpt-image-1",
    usage: { inputTokens: 0, outputTokens: 272, outputImageTokens: 272 },
    usd: "0.01088",
  },
  {
    // The same thread
    title: "a square image of medium quality: 1,056 tokens at $40 a million",
    provider: "openai",
    model: "gpt-image-1",
    usage: { inputTokens: 0, outputTokens: 1056, outputImageTokens: 1056 },
    usd: "0.04224",
  },
  {
    // The same thread
    title: "a square image of high quality: 4,160 tokens at $40 a million",
    provider: "openai",
    model: "gpt-image-1",
    usage: { inputTokens: 0, outputTokens: 4160, outputImageTokens: 4160 },
    usd: "0.1664",
  },
  {
    // https://ai.google.dev/gemini-api/docs/pricing: $0.039
    title: "an image of 1,290 tokens at $30 a million",
    provider: "google",
    model: "gemini-2.5-flash-image",
    usage: { inputTokens: 0, outputTokens: 1290, outputImageTokens: 1290 },
    usd: "0.0387",
  },
  {
    // The same page: $0.134
    title: "an image of 1,120 tokens at $120 a million",
    provider: "google",
    model: "gemini-3-pro-image-preview",
    usage: { inputTokens: 0, outputTokens: 1120, outputImageTokens: 1120 },
    usd: "0.1344",
  },
  {
    // The same page: $0.24
    title: "an image of 2,000 tokens at $120 a million",
    provider: "google",
    model: "gemini-3-pro-image-preview",
    usage: { inputTokens: 0, outputTokens: 2000, outputImageTokens: 2000 },
    usd: "0.24",
  },
];

/** The rule and the rates stand on the page, and the counts where it says so; the sum is ours. */
const COUNTED: readonly Example[] = [
  {
    // https://platform.claude.com/docs/en/about-claude/pricing#batch-processing
    title: "a batch at half the price: $2.50 and $12.50 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 1_000_000, outputTokens: 1_000_000, serviceTier: "batch" },
    usd: "15",
  },
  {
    // https://platform.claude.com/docs/en/about-claude/pricing#prompt-caching
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
    // https://platform.claude.com/docs/en/about-claude/pricing#fast-mode-pricing
    title: "fast mode: $10 and $50 a million",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 1_000_000, outputTokens: 1_000_000 },
    facts: { tier: "fast" },
    usd: "60",
  },
  {
    // The same page: the multipliers of caches and of a region apply on top of fast mode
    title: "fast mode in the US with a cache: 1.1 × (1.25 + 0.1) × $10",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: {
      inputTokens: 2_000_000,
      cacheReadTokens: 1_000_000,
      cacheWriteTokens: 1_000_000,
      outputTokens: 0,
    },
    facts: { tier: "fast", region: "us" },
    usd: "14.85",
  },
  {
    // https://platform.claude.com/docs/en/about-claude/pricing#data-residency-pricing
    title: "inference in the US: 1.1 × all categories of tokens, and not the searches",
    provider: "anthropic",
    model: "claude-opus-5",
    usage: { inputTokens: 50_000, outputTokens: 15_000, webSearches: 2 },
    facts: { region: "us" },
    usd: "0.7075",
  },
  {
    // https://platform.claude.com/docs/en/about-claude/pricing#long-context-pricing
    title: "900,000 tokens of a newer model at the rate of 9,000",
    provider: "anthropic",
    model: "claude-opus-4-6",
    usage: { inputTokens: 900_000, outputTokens: 0 },
    usd: "4.5",
  },
  {
    // Usage: the sample at https://platform.claude.com/docs/en/about-claude/pricing#web-search-tool
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
  {
    // Usage and rates: https://openai.com/index/api-prompt-caching/
    title: "cached input: 86 × $2.50 + 1,920 × $1.25 + 300 × $10 a million",
    provider: "openai",
    model: "gpt-4o-2024-08-06",
    usage: { inputTokens: 2006, cacheReadTokens: 1920, outputTokens: 300 },
    usd: "0.005615",
  },
  {
    // https://developers.openai.com/api/docs/models/gpt-5.4: with more than 272K input tokens twice the input
    // and 1.5 times the output, for the whole session
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
    // https://developers.openai.com/api/docs/guides/flex-processing: at the rates of a batch, which are
    // $0.625, $0.0625 and $5 at https://developers.openai.com/api/docs/pricing
    title: "flex at half the price",
    provider: "openai",
    model: "gpt-5",
    usage: { inputTokens: 1_000_000, cacheReadTokens: 500_000, outputTokens: 1_000_000, serviceTier: "flex" },
    usd: "5.34375",
  },
  {
    // https://developers.openai.com/api/docs/pricing: 10 % more for models since 5 March 2026; the rates are
    // also at https://github.com/merefield/codexometer/releases/tag/v0.18.4
    title: "processing in the EU: 1.1 × the tokens",
    provider: "openai",
    model: "gpt-6-sol",
    usage: { inputTokens: 100_000, outputTokens: 10_000 },
    facts: { region: "eu" },
    usd: "0.33",
  },
  {
    // Usage: https://discuss.ai.google.dev/t/question-about-gemini-api-caching-pricing/107349, where each
    // request pays for the cached tokens that it uses, and thoughts are output; rates:
    // https://ai.google.dev/gemini-api/docs/pricing
    title: "cached tokens: 1,500 × $1.25 + 10,000 × $0.125 + 11,000 × $10 a million",
    provider: "google",
    model: "models/gemini-2.5-pro",
    usage: { inputTokens: 11_500, cacheReadTokens: 10_000, outputTokens: 11_000, reasoningTokens: 10_000 },
    usd: "0.113125",
  },
  {
    // https://ai.google.dev/gemini-api/docs/pricing: $2.50, $0.25 and $15 for prompts above 200k tokens
    title: "a prompt above 200,000 tokens: 50,000 × $2.50 + 200,000 × $0.25 + 1,000 × $15 a million",
    provider: "google",
    model: "gemini-2.5-pro",
    usage: { inputTokens: 250_000, cacheReadTokens: 200_000, outputTokens: 1000 },
    usd: "0.19",
  },
  {
    // https://ai.google.dev/gemini-api/docs/google-search: with Gemini 3 two queries in one call are two billable
    // uses; rate: https://ai.google.dev/gemini-api/docs/pricing, $14 per 1,000 queries
    title: "two queries of a grounded answer",
    provider: "google",
    model: "gemini-3-flash-preview",
    usage: { inputTokens: 0, outputTokens: 0, webSearches: 2 },
    usd: "0.028",
  },
  {
    // The same pages: models before Gemini 3 are billed by the prompt, $35 per 1,000 grounded prompts
    title: "a grounded prompt, whatever the number of its queries",
    provider: "google",
    model: "gemini-2.5-flash",
    usage: { inputTokens: 0, outputTokens: 0, webSearches: 2 },
    usd: "0.035",
  },
  {
    // https://ai.google.dev/gemini-api/docs/audio: 32 tokens a second; rates: the page of prices
    title: "a minute of audio at $1.00 beside text at $0.30",
    provider: "google",
    model: "gemini-2.5-flash",
    usage: { inputTokens: 1920 + 1000, inputAudioTokens: 1920, outputTokens: 0 },
    usd: "0.00222",
  },
  {
    // Usage: the sample at https://console.groq.com/docs/prompt-caching, where cached tokens cost half; rates:
    // https://github.com/braintrustdata/braintrust-proxy/issues/925, which read them at Groq's
    title: "cached input at half the rate: 33 × $0.15 + 4,608 × $0.075 + 1,817 × $0.60 a million",
    provider: "groq",
    model: "openai/gpt-oss-120b",
    usage: { inputTokens: 4641, cacheReadTokens: 4608, outputTokens: 1817 },
    usd: "0.00144075",
  },
];

const GROUPS = { published: PUBLISHED, "counts × rates": COUNTED };

for (const [group, examples] of Object.entries(GROUPS))
  for (const { title, provider, model, usage, facts, usd } of examples)
    test(`${group}: ${model}: ${title}`, () => {
      const result = cost(provider, model, usage, facts);
      expect(result.nanoUsd).toBe(Math.round(Number(usd) * 1e9));
      expect(result.gaps).toEqual([]);
    });

test("Claude Sonnet 4.5: the tokens of a cache make a prompt long", () => {
  // https://platform.claude.com/docs/en/about-claude/pricing while that model had 1M tokens: the sum of all
  // three kinds of input decides, and the whole request is charged at the higher rates
  const usage = { inputTokens: 210_000, cacheReadTokens: 60_000, outputTokens: 1000 };
  expect(cost("anthropic", "claude-sonnet-4-5-20250929", usage).nanoUsd).toBe(
    150_000 * 6000 + 60_000 * 600 + 1000 * 22_500,
  );
});

test("DeepSeek: the hours of the day, and the days on which prices changed", () => {
  // https://github.com/ccusage/ccusage/issues/1643, https://github.com/pydantic/genai-prices/pull/581 and
  // https://github.com/BerriAI/litellm/issues/37255. The first change was at 16:00 UTC of the day before: the
  // list has whole days.
  const usage = { inputTokens: 1_000_000, outputTokens: 0 };
  const at = (time: string): number =>
    cost("deepseek", "deepseek-v4-flash", usage, { atMs: Date.parse(time) }).nanoUsd;
  expect(at("2026-08-16T23:59:59.999Z")).toBe(140_000_000);
  expect(at("2026-08-17T00:00:00Z")).toBe(220_000_000);
  expect(at("2026-11-02T00:59:59Z")).toBe(150_000_000);
  expect(at("2026-11-02T01:00:00Z")).toBe(300_000_000);
  expect(at("2026-11-02T03:59:59.999Z")).toBe(300_000_000);
  expect(at("2026-11-02T04:00:00Z")).toBe(150_000_000);
  expect(at("2026-11-02T06:00:00Z")).toBe(300_000_000);
  expect(at("2026-11-02T10:00:00Z")).toBe(150_000_000);
});
