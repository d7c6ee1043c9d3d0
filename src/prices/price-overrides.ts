/** The prices of the configuration in the form of a price list. */
import type { Config } from "../config/config.ts";
import type { PricedModel } from "./price.ts";
import { type ListedPrice, type ListedTariff, priceOf } from "./price-list.ts";
import { RATE_KIND_NAMES, type UsdRates } from "./rates.ts";
import { OWN_TIERS } from "./tier.ts";

type Entry = Config["prices"][number];

/** The provider of a person's prices. */
const CONFIGURATION = "configuration";

export function pricedOverride({ model, prices }: PriceOverride): PricedModel {
  return {
    provider: CONFIGURATION,
    model,
    prices: prices.map((price) => priceOf(`${CONFIGURATION}/${model}`, price)),
    disputes: [],
    filled: [],
  };
}

/** A price that a person sets: for models that no list has, for contracts, for servers of their own. */
export interface PriceOverride {
  /** The name of an upstream in the configuration; null: every upstream. */
  readonly upstream: string | null;
  /** The upstream's name for the model, or a pattern with `*`. */
  readonly model: string;
  readonly prices: readonly ListedPrice[];
}

/** The most special price first: an upstream's own before everybody's, then a name before a pattern. */
export function makePriceOverrides(entries: Config["prices"]): readonly PriceOverride[] {
  const models = Map.groupBy(entries, ({ upstream, model }) => JSON.stringify([upstream, model]));
  return [...models.values()]
    .map((own): PriceOverride => {
      const { upstream, model } = own[0] as Entry;
      const days = Map.groupBy(own, ({ since }) => since ?? "");
      const prices = [...days].sort(([a], [b]) => compare(a, b)).map(([, ofDay]) => priceOfDay(ofDay));
      return { upstream, model, prices };
    })
    .sort(
      (a, b) =>
        Number(a.upstream === null) - Number(b.upstream === null) ||
        Number(a.model.includes("*")) - Number(b.model.includes("*")) ||
        b.model.length - a.model.length,
    );
}

/** The configuration's checks have seen that there is one entry without a condition. */
function priceOfDay(entries: readonly Entry[]): ListedPrice {
  const base = tariffOf(entries, null, {});
  const { since } = entries[0] as Entry;
  const tiers = OWN_TIERS.filter((tier) => entries.some((entry) => entry.tier === tier));
  const windows = entries.flatMap((entry) => {
    const [from = "", to = ""] = entry.hours?.split("-") ?? [];
    return entry.hours === null ? [] : [{ from, to, rates: ratesOf(entry) }];
  });
  return {
    ...base,
    ...(since === null ? null : { since }),
    ...(windows.length === 0 ? null : { windows }),
    tiers: Object.fromEntries(tiers.map((tier) => [tier, tariffOf(entries, tier, base.rates)])),
    uplifts: Object.fromEntries(
      entries.flatMap(({ region, factor }) => (region === null || factor === null ? [] : [[region, factor]])),
    ),
  };
}

function tariffOf(entries: readonly Entry[], tier: Entry["tier"], base: UsdRates): ListedTariff {
  const own = entries.filter((entry) => entry.tier === tier && entry.hours === null && entry.region === null);
  const steps = own
    .flatMap((entry) =>
      entry.aboveTokens === null ? [] : [{ above: entry.aboveTokens, rates: ratesOf(entry) }],
    )
    .sort((a, b) => a.above - b.above);
  const plain = own.find((entry) => entry.aboveTokens === null);
  const rates = { ...base, ...(plain === undefined ? null : ratesOf(plain)) };
  return steps.length === 0 ? { rates } : { rates, steps };
}

function ratesOf(entry: Entry): UsdRates {
  const rates: { -readonly [Kind in keyof UsdRates]?: number } = {};
  for (const kind of RATE_KIND_NAMES) if (entry[kind] !== null) rates[kind] = entry[kind];
  return rates;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
