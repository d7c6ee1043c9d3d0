/** Reads the first source, the package `genai-prices`, into the form of our price list. */
import type { NamePattern } from "../src/prices/model-name.ts";
import type { ListedModel, ListedPrice, ListedProvider, ListedTariff } from "../src/prices/price-list.ts";
import { isProviderAddress } from "../src/prices/provider-address.ts";
import { RATE_KIND_NAMES, type RateKind, type UsdRates } from "../src/prices/rates.ts";
import { OWN_TIERS, type OwnTier } from "../src/prices/tier.ts";

/** Objects as `script/price-sources.py` prints them: `is` is the name of the class. */
export interface GenaiProvider {
  readonly id: string;
  readonly name: string;
  readonly api_pattern: string;
  readonly fallback_model_providers?: readonly string[] | null;
  readonly models: readonly GenaiModel[];
}

interface GenaiModel {
  readonly id: string;
  readonly match: GenaiClause;
  readonly price_comments?: string | null;
  readonly prices: GenaiRates | readonly Conditional[];
  readonly price_variants?: readonly Variant[] | null;
}

type GenaiClause = { readonly is: string } & Readonly<Record<string, unknown>>;
type GenaiRates = Readonly<Record<string, unknown>>;

interface Constraint {
  readonly is: string;
  readonly start_date?: { readonly args: readonly number[] };
  readonly start_time?: { readonly args: readonly number[] };
  readonly end_time?: { readonly args: readonly number[] };
}

interface Conditional {
  readonly constraint?: Constraint | null;
  readonly prices: GenaiRates;
}

interface Variant extends Conditional {
  readonly when: Readonly<Record<string, string>>;
}

interface Stepped {
  readonly base: string;
  readonly tiers: readonly { readonly start: number; readonly price: string }[];
}

/** Its names of rates. */
const KINDS: Readonly<Record<string, RateKind>> = {
  input_mtok: "input",
  output_mtok: "output",
  cache_read_mtok: "cacheRead",
  cache_write_mtok: "cacheWrite",
  cache_write_1h_mtok: "cacheWrite1h",
  output_reasoning_mtok: "reasoning",
  input_audio_mtok: "inputAudio",
  cache_audio_read_mtok: "cacheReadAudio",
  output_audio_mtok: "outputAudio",
  input_image_mtok: "inputImage",
  cache_image_read_mtok: "cacheReadImage",
  output_image_mtok: "outputImage",
  web_searches_kcount: "webSearch",
  requests_kcount: "request",
};

/** Units that no reply of a model reports, beside units that all of them report: their rates are left out. */
const LEFT_OUT = new Set(["is", "storage_searches_kcount", "input_video_mtok", "output_video_mtok"]);

const TIERS: Readonly<Record<string, OwnTier>> = {
  "processing=batch": "batch",
  "service_tier=flex": "flex",
  "service_tier=priority": "priority",
  "service_tier=fast": "fast",
  "speed=fast": "fast",
};

const STANDARD = new Set(["service_tier=default", "search_type=web"]);

/** A provider that no address reaches: another one with the same address stands before it. */
const UNREACHED = new Set(["openai-decisions"]);

/** Patterns of addresses that are more than a host and a path. A new form stops the script. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "https://bedrock-runtime\\.[a-z0-9-]+\\.amazonaws\\.com(/|$)": ["bedrock-runtime.*.amazonaws.com"],
  "(https?://)?([^.]*\\.)?(?:openai\\.azure\\.com|azure-api\\.net|cognitiveservices\\.azure\\.com|services\\.ai\\.azure\\.com)":
    ["*.openai.azure.com", "*.azure-api.net", "*.cognitiveservices.azure.com", "*.services.ai.azure.com"],
  "https://api\\.cloudflare\\.com/client/v4/accounts/[^/]+/ai(?:/|$)": [
    "api.cloudflare.com/client/v4/accounts/*/ai",
  ],
  "https://api\\.cohere\\.(?:ai|com)": ["api.cohere.ai", "api.cohere.com"],
  "https://[^/]+\\.(?:cloud\\.databricks\\.com|azuredatabricks\\.net|gcp\\.databricks\\.com)/(?:serving-endpoints|ai-gateway)(?:/|$)":
    ["*.cloud.databricks.com", "*.*.azuredatabricks.net", "*.*.gcp.databricks.com"].flatMap((host) => [
      `${host}/serving-endpoints`,
      `${host}/ai-gateway`,
    ]),
  "https://api\\.(?:(?:us|eu\\.residency|in\\.residency|sg\\.residency)\\.)?elevenlabs\\.io(?:/|$)": [
    "api.elevenlabs.io",
    "api.us.elevenlabs.io",
    "api.*.residency.elevenlabs.io",
  ],
  "https://(.*\\.)?googleapis\\.com": ["*.googleapis.com", "*.*.googleapis.com", "*.*.*.googleapis.com"],
  "https://api\\.minimax(i)?\\.(?:com|io)": [
    "api.minimax.com",
    "api.minimax.io",
    "api.minimaxi.com",
    "api.minimaxi.io",
  ],
  "https://[^/]+\\.modal\\.(?:run|direct)(?:/|$)": [
    "*.modal.run",
    "*.*.modal.run",
    "*.modal.direct",
    "*.*.modal.direct",
  ],
  // Without an end the pattern would match every host that begins so.
  "https://api\\.moonshot\\.": ["api.moonshot.ai", "api.moonshot.cn"],
  "https://(api\\.)?openrouter\\.ai": ["openrouter.ai", "api.openrouter.ai"],
};

function addressesOf(pattern: string): readonly string[] {
  const known = ADDRESSES[pattern];
  if (known !== undefined) return known;
  const plain =
    /^https:\/\/(.+?)(?:\(\?:\/\|\$\)|\(\/\|\$\))?$/.exec(pattern)?.[1]?.replaceAll("\\.", ".") ?? "";
  if (isProviderAddress(plain) && !plain.includes("*")) return [plain];
  throw new Error(`genai-prices has a new form of address, ${pattern}: add it to ADDRESSES`);
}

export interface Reading {
  readonly providers: readonly ListedProvider[];
  /** Models that are charged by units that we cannot count, and prices that we cannot express. */
  readonly skipped: readonly string[];
}

/**
 * `today`: what a source found out up to then about a tier holds from the beginning of the standard price.
 */
export function readGenaiPrices(providers: readonly GenaiProvider[], today: string): Reading {
  const skipped: string[] = [];
  const listed = providers
    .filter(({ id }) => !UNREACHED.has(id))
    .map(
      (provider): ListedProvider => ({
        id: provider.id,
        name: provider.name,
        addresses: addressesOf(provider.api_pattern),
        ...(provider.fallback_model_providers ? { resells: provider.fallback_model_providers } : null),
        models: provider.models.flatMap((model) => {
          const reason = reasonToSkip(model);
          if (reason === null)
            return [modelOf(model, today, (text) => skipped.push(`${provider.id}/${text}`))];
          skipped.push(`${provider.id}/${model.id}: ${reason}`);
          // Its names stay, so that they are not taken for another model's.
          return [{ id: model.id, names: namesOf(model.match), prices: [] }];
        }),
      }),
    );
  return { providers: listed, skipped };
}

function conditionals({ prices }: GenaiModel): readonly Conditional[] {
  return Array.isArray(prices) ? prices : [{ prices: prices as GenaiRates }];
}

function reasonToSkip(model: GenaiModel): string | null {
  for (const { prices } of conditionals(model)) {
    const unknown = Object.keys(prices).filter((key) => !(key in KINDS) && !LEFT_OUT.has(key));
    if (unknown.length > 0) return `is charged by ${unknown.join(", ")}`;
    if (Object.keys(prices).every((key) => LEFT_OUT.has(key)) && !isFree(model)) return "has no rate";
  }
  return null;
}

/** A model without rates is free only if the source says so. */
function isFree({ id, price_comments }: GenaiModel): boolean {
  return (
    id.endsWith(":free") ||
    /^Free of charge|Free of charge on|^Included in the subscription/.test(price_comments ?? "")
  );
}

function modelOf(model: GenaiModel, today: string, skip: (text: string) => void): ListedModel {
  return { id: model.id, names: namesOf(model.match), prices: pricesOf(model, today, skip) };
}

function namesOf(clause: GenaiClause): readonly NamePattern[] {
  if (clause.is === "ClauseOr") return (clause.or_ as GenaiClause[]).flatMap(namesOf);
  if (clause.is === "ClauseAnd") return [(clause.and_ as GenaiClause[]).flatMap(namesOf) as string[]];
  const text = String(Object.entries(clause).find(([key]) => key !== "is")?.[1]);
  const name = text.toLowerCase();
  switch (clause.is) {
    case "ClauseEquals":
      return [name];
    case "ClauseStartsWith":
      return [`${name}*`];
    case "ClauseEndsWith":
      return [`*${name}`];
    case "ClauseContains":
      return [`*${name}*`];
    case "ClauseRegex":
      return [`/${text}/`];
    default:
      throw new Error(`genai-prices has a new kind of clause, ${clause.is}: add it to namesOf`);
  }
}

function dayOf(constraint: Constraint | null | undefined): string | null {
  const [year, month, day] = constraint?.start_date?.args ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

const timeOf = (time: { readonly args: readonly number[] } | undefined): string =>
  [time?.args[0] ?? 0, time?.args[1] ?? 0].map((part) => String(part).padStart(2, "0")).join(":");

/** The rates by key, each a number with its steps. */
type ByKind = ReadonlyMap<RateKind, { readonly base: number; readonly steps: ReadonlyMap<number, number> }>;

function byKind(prices: GenaiRates): ByKind {
  return new Map(
    Object.entries(prices).flatMap(([key, value]) => {
      const kind = KINDS[key];
      if (kind === undefined || value === null) return [];
      if (typeof value !== "object") return [[kind, { base: rounded(value), steps: new Map() }] as const];
      const { base, tiers } = value as Stepped;
      const steps = new Map(tiers.map(({ start, price }) => [start, rounded(price)]));
      return [[kind, { base: rounded(base), steps }] as const];
    }),
  );
}

/** Nine decimals, as many as our rates have: some were computed in binary. */
export function rounded(value: unknown): number {
  return Number(Number(value).toFixed(9));
}

function tariffOf(rates: ByKind): ListedTariff {
  const starts = [...new Set([...rates.values()].flatMap(({ steps }) => [...steps.keys()]))].sort(
    (a, b) => a - b,
  );
  const pick = (rateOf: (kind: RateKind) => number | undefined): UsdRates =>
    Object.fromEntries(
      RATE_KIND_NAMES.flatMap((kind) => {
        const value = rateOf(kind);
        return value === undefined ? [] : [[kind, value]];
      }),
    );
  return {
    rates: pick((kind) => rates.get(kind)?.base),
    ...(starts.length === 0
      ? null
      : {
          steps: starts.map((above) => ({ above, rates: pick((kind) => rates.get(kind)?.steps.get(above)) })),
        }),
  };
}

function pricesOf(model: GenaiModel, today: string, skip: (text: string) => void): readonly ListedPrice[] {
  const entries = conditionals(model);
  const dated = entries.filter(({ constraint }) => constraint?.is !== "TimeOfDateConstraint");
  const windows = entries.filter(({ constraint }) => constraint?.is === "TimeOfDateConstraint");
  const variants = tierVariants(model, skip);
  const days = new Set([
    ...dated.map(({ constraint }) => dayOf(constraint) ?? ""),
    ...variants.map(({ day }) => day).filter((day) => day > today),
  ]);
  const starts = [...days].sort();
  if (starts[0] !== "") starts.unshift("");
  return starts.map((since, index): ListedPrice => {
    const until = starts[index + 1] ?? "9999";
    const current = dated.findLast(({ constraint }) => (dayOf(constraint) ?? "") <= since) ?? dated[0];
    const standard = isFreeRates(current?.prices) ? FREE : byKind(current?.prices ?? {});
    // A tier that was looked up later holds from the beginning of the standard price that it was looked up
    // beside.
    const active = variants.filter(({ day }) => day <= since || (day <= today && day < until));
    // The first that holds decides about a rate.
    const own = new Map<OwnTier, ByKind>();
    for (const { tier, rates } of active.toReversed())
      own.set(tier, new Map([...(own.get(tier) ?? []), ...rates]));
    const tiers = OWN_TIERS.flatMap((tier) => {
      const rates = own.get(tier);
      return rates === undefined ? [] : [[tier, tariffOf(new Map([...standard, ...rates]))] as const];
    });
    const isLast = index === starts.length - 1;
    return {
      ...(since === "" ? null : { since }),
      ...tariffOf(standard),
      ...(tiers.length === 0 ? null : { tiers: Object.fromEntries(tiers) }),
      // The source does not say from when on the day is divided; its newest dated price is the rest of that
      // day.
      ...(isLast && windows.length > 0
        ? {
            windows: windows.map(({ constraint, prices }) => ({
              from: timeOf(constraint?.start_time),
              to: timeOf(constraint?.end_time),
              rates: tariffOf(byKind(prices)).rates,
            })),
          }
        : null),
    };
  });
}

const FREE: ByKind = new Map([
  ["input", { base: 0, steps: new Map() }],
  ["output", { base: 0, steps: new Map() }],
]);

function isFreeRates(prices: GenaiRates | undefined): boolean {
  return prices !== undefined && Object.keys(prices).every((key) => LEFT_OUT.has(key));
}

interface TierVariant {
  readonly tier: OwnTier;
  readonly day: string;
  readonly rates: ByKind;
}

function tierVariants(
  { id, price_variants }: GenaiModel,
  skip: (text: string) => void,
): readonly TierVariant[] {
  return (price_variants ?? []).flatMap(({ when, constraint, prices }) => {
    const condition = Object.entries(when)
      .map(([key, value]) => `${key}=${value}`)
      .join("&");
    if (STANDARD.has(condition)) return [];
    const tier = TIERS[condition];
    if (tier !== undefined) return [{ tier, day: dayOf(constraint) ?? "", rates: byKind(prices) }];
    skip(`${id}: a price for ${condition} only`);
    return [];
  });
}
