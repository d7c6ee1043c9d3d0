/** Reads the second source, the table in the package `litellm`, and lays it beside the first. */
import { NameIndex } from "../src/prices/model-name.ts";
import type { ListedModel, ListedPrice, ListedProvider, ListedTariff } from "../src/prices/price-list.ts";
import { RATE_KIND_NAMES, RATE_KINDS, type RateKind, type UsdRates } from "../src/prices/rates.ts";
import { OWN_TIERS, type OwnTier } from "../src/prices/tier.ts";
import { rounded } from "./genai-prices.ts";

export type LitellmModels = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Its providers by our provider. */
const PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  anthropic: ["anthropic"],
  aws: ["bedrock", "bedrock_converse"],
  azure: ["azure", "azure_ai"],
  baseten: ["baseten"],
  cerebras: ["cerebras"],
  cloudflare: ["cloudflare"],
  cohere: ["cohere", "cohere_chat"],
  databricks: ["databricks"],
  deepseek: ["deepseek"],
  fireworks: ["fireworks_ai"],
  "github-copilot": ["github_copilot"],
  google: ["gemini", "vertex_ai-anthropic_models"],
  groq: ["groq"],
  meta: ["meta"],
  minimax: ["minimax"],
  mistral: ["mistral"],
  moonshotai: ["moonshot"],
  novita: ["novita"],
  openai: ["openai"],
  openrouter: ["openrouter"],
  ovhcloud: ["ovhcloud"],
  perplexity: ["perplexity"],
  together: ["together_ai"],
  voyageai: ["voyage"],
  "x-ai": ["xai"],
  zai: ["zai"],
};

const KEYS: Readonly<Partial<Record<RateKind, string>>> = {
  input: "input_cost_per_token",
  output: "output_cost_per_token",
  cacheRead: "cache_read_input_token_cost",
  cacheWrite: "cache_creation_input_token_cost",
  cacheWrite1h: "cache_creation_input_token_cost_above_1hr",
  reasoning: "output_cost_per_reasoning_token",
  inputAudio: "input_cost_per_audio_token",
  cacheReadAudio: "cache_read_input_audio_token_cost",
  outputAudio: "output_cost_per_audio_token",
  inputImage: "input_cost_per_image_token",
  cacheReadImage: "cache_read_input_image_token_cost",
  outputImage: "output_cost_per_image_token",
};

const TIER_ENDINGS: Readonly<Partial<Record<OwnTier, string>>> = {
  batch: "_batches",
  flex: "_flex",
  priority: "_priority",
};

const STEP = /_above_(\d+)k_tokens/;

type Entry = Readonly<Record<string, unknown>>;

/** Its entries for one of our providers, by the name of the model in lower case. */
export function entriesOf(models: LitellmModels, provider: string): ReadonlyMap<string, Entry> {
  const theirs = PROVIDERS[provider] ?? [];
  const found = new Map<string, Entry>();
  for (const their of theirs) {
    for (const [key, entry] of Object.entries(models)) {
      if (entry.litellm_provider !== their || typeof entry.input_cost_per_token !== "number") continue;
      const name = key
        .toLowerCase()
        .replace(/^(?:[a-z_]+_ai|[a-z_]+)\//, (prefix) =>
          prefix.slice(0, -1) === their.replace(/-.*/, "") ? "" : prefix,
        );
      if (!found.has(name)) found.set(name, entry);
    }
  }
  return found;
}

/**
 * The entry of a model: the one of its own name, else the one with the shortest name that the model answers
 * to.
 */
export function entryOf(
  entries: ReadonlyMap<string, Entry>,
  provider: ListedProvider,
  model: ListedModel,
): Entry | null {
  const own =
    entries.get(model.id.toLowerCase()) ?? entries.get(model.id.toLowerCase().replace(/-latest$/, ""));
  if (own !== undefined) return own;
  const names = [...entries.keys()]
    .filter((name) => firstMatch(provider, name) === model)
    .sort((a, b) => a.length - b.length);
  return entries.get(names[0] ?? "") ?? null;
}

const indexes = new WeakMap<ListedProvider, NameIndex<ListedModel>>();

function firstMatch(provider: ListedProvider, name: string): ListedModel | null {
  const index = indexes.get(provider) ?? new NameIndex(provider.models);
  indexes.set(provider, index);
  return index.find(name);
}

/**
 * The rates that an entry states: those of a tier or a step alone, without the ones that it leaves to be
 * inferred.
 */
export interface Stated {
  readonly standard: ListedTariff;
  readonly tiers: ReadonlyMap<OwnTier, ListedTariff>;
  readonly uplifts: Readonly<Record<string, number>>;
}

export function statedIn(entry: Entry): Stated {
  const tiers = OWN_TIERS.flatMap((tier) => {
    const ending = TIER_ENDINGS[tier];
    if (ending === undefined || entry[`input_cost_per_token${ending}`] === undefined) return [];
    return [[tier, litellmTariff(entry, ending)] as const];
  });
  const searches = (entry.search_context_cost_per_query as Entry | undefined)?.search_context_size_medium;
  const standard = litellmTariff(entry, "");
  const webSearch = typeof searches === "number" ? { webSearch: rounded(searches * 1000) } : null;
  return {
    standard: { ...standard, rates: { ...standard.rates, ...webSearch } },
    tiers: new Map(tiers),
    uplifts: upliftsOf(entry),
  };
}

function litellmTariff(entry: Entry, ending: string): ListedTariff {
  const steps = [...new Set(Object.keys(entry).flatMap((key) => STEP.exec(key)?.[1] ?? []))]
    .map(Number)
    .sort((a, b) => a - b)
    .map((thousands) => ({
      above: thousands * 1000,
      rates: litellmRates(entry, (key) => `${key}_above_${thousands}k_tokens${ending}`),
    }))
    .filter(({ rates }) => Object.keys(rates).length > 0);
  return {
    rates: litellmRates(entry, (key) => `${key}${ending}`),
    ...(steps.length === 0 ? null : { steps }),
  };
}

function litellmRates(entry: Entry, keyOf: (key: string) => string): UsdRates {
  return Object.fromEntries(
    RATE_KIND_NAMES.flatMap((kind) => {
      const key = KEYS[kind];
      const value = key === undefined ? undefined : entry[keyOf(key)];
      return typeof value === "number" ? [[kind, rounded(value * 1e6)]] : [];
    }),
  );
}

function upliftsOf(entry: Entry): Readonly<Record<string, number>> {
  const us =
    (entry.provider_specific_entry as Entry | undefined)?.us ??
    entry.regional_processing_uplift_multiplier_us;
  const eu = entry.regional_processing_uplift_multiplier_eu;
  // For Vertex: any endpoint but the global one.
  const regional = entry.regional_endpoint_uplift_multiplier;
  return Object.fromEntries(
    Object.entries({ us, eu, regional }).filter(
      (uplift): uplift is [string, number] => typeof uplift[1] === "number",
    ),
  );
}

/**
 * Providers that do not charge by the search, where both sources say that they do. Google charges models before Gemini 3
 * by the prompt that was grounded (https://ai.google.dev/gemini-api/docs/google-search). OpenAI's models that search on
 * Chat Completions do so for each request, and their replies count no searches
 * (https://developers.openai.com/api/docs/guides/tools-web-search).
 */
const OTHER_SEARCHES: readonly { provider: string; models: RegExp; kind: RateKind }[] = [
  { provider: "google", models: /^gemini-[12]\b/, kind: "searchRequest" },
  { provider: "openai", models: /-search-/, kind: "request" },
];

/** The model with its searches charged as its provider does. */
export function withSearches(provider: string, model: ListedModel): ListedModel {
  const other = OTHER_SEARCHES.find((entry) => entry.provider === provider && entry.models.test(model.id));
  return other === undefined
    ? model
    : JSON.parse(JSON.stringify(model).replaceAll('"webSearch"', JSON.stringify(other.kind)));
}

/** The price with what the second source alone has, and the names of those parts. */
export function fill(
  price: ListedPrice,
  stated: Stated,
  isDisputed: boolean,
): { price: ListedPrice; filled: readonly string[] } {
  // Other kinds are charged as the kind that they fall back to, which is a statement of the first source.
  const kinds = RATE_KIND_NAMES.filter(
    (kind) =>
      RATE_KINDS[kind].otherwise === null &&
      price.rates[kind] === undefined &&
      // Where each request has a price, that price holds its search.
      (kind !== "webSearch" || price.rates.request === undefined) &&
      stated.standard.rates[kind] !== undefined,
  );
  const added: UsdRates = Object.fromEntries(kinds.map((kind) => [kind, stated.standard.rates[kind]]));
  const standard: ListedTariff = withRates(price, added);
  const own = Object.entries(price.tiers ?? {}).map(
    ([tier, tariff]) => [tier, withRates(tariff, added)] as const,
  );
  // A tier beside a standard price that the sources do not share would be another price's tier.
  const lacking = isDisputed ? [] : [...stated.tiers].filter(([tier]) => price.tiers?.[tier] === undefined);
  const tiers = [
    ...own,
    ...lacking.map(([tier, tariff]) => [tier, withRates(tariff, standard.rates)] as const),
  ];
  const hasUplifts = Object.keys(stated.uplifts).length > 0;
  return {
    price: {
      ...price,
      ...standard,
      ...(tiers.length === 0 ? null : { tiers: Object.fromEntries(tiers) }),
      ...(hasUplifts ? { uplifts: stated.uplifts } : null),
    },
    filled: [...kinds, ...lacking.map(([tier]) => tier), ...(hasUplifts ? ["uplifts"] : [])],
  };
}

/** The tariff, with `rates` where it has none. */
function withRates(tariff: ListedTariff, rates: UsdRates): ListedTariff {
  const { steps } = tariff;
  return { rates: { ...rates, ...tariff.rates }, ...(steps === undefined ? null : { steps }) };
}

type Disputed = readonly [rate: string, first: number | null, second: number | null];

const TOLERANCE = 0.01;

/** The rates in which the second source differs by more than 1 %. */
export function disputesOf(price: ListedPrice, stated: Stated): readonly Disputed[] {
  const tiers = [...stated.tiers].flatMap(([tier, second]) => {
    const first = price.tiers?.[tier];
    return first === undefined ? [] : tariffDisputes(first, second, `${tier} `);
  });
  return [...tariffDisputes(price, stated.standard, ""), ...tiers];
}

function tariffDisputes(first: ListedTariff, second: ListedTariff, prefix: string): readonly Disputed[] {
  const thresholds = [...(first.steps ?? []), ...(second.steps ?? [])].map(({ above }) => above);
  const found = new Map<string, Disputed>();
  for (const threshold of [0, ...thresholds]) {
    // Where a threshold lies is not disputed within the tolerance: `above 199,999` is `from 200,000`.
    const probe = threshold * (1 + TOLERANCE);
    const theirs = statedAbove(second, probe);
    const own = { ...first.rates, ...statedAbove(first, probe) };
    for (const kind of RATE_KIND_NAMES) {
      const [one, other] = [effective(own, kind), theirs[kind]];
      if (other === undefined || one === null || agree(one, other)) continue;
      const name = `${prefix}${kind}${threshold === 0 ? "" : ` above ${Math.round(threshold / 1000)}k`}`;
      found.set(name, [name, own[kind] ?? null, other]);
    }
  }
  return [...found.values()];
}

function agree(one: number, other: number): boolean {
  return Math.abs(one - other) <= TOLERANCE * Math.max(one, other);
}

function statedAbove({ rates, steps = [] }: ListedTariff, tokens: number): UsdRates {
  return steps.findLast(({ above }) => tokens > above)?.rates ?? rates;
}

/** The rate that a kind is charged at. */
function effective(rates: UsdRates, kind: RateKind): number | null {
  for (let name: RateKind | null = kind; name !== null; name = RATE_KINDS[name].otherwise) {
    const rate = rates[name];
    if (rate !== undefined) return rate;
  }
  return null;
}
