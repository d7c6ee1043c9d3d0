/** The file of prices: its form, and the prices in it as whole numbers. */
import { sha256Hex } from "../core/hash.ts";
import type { NamePattern } from "./model-name.ts";
import type { DayWindow, Dispute, Price, PricedModel, Tariff } from "./price.ts";
import { ratesOf, type UsdRates } from "./rates.ts";
import { OWN_TIERS, type OwnTier } from "./tier.ts";

export interface PriceList {
  /** Changes when older programs cannot read the file. */
  readonly format: 1;
  /** The day on which the sources were read, as in `2026-11-29`; a later list replaces an older one. */
  readonly version: string;
  /** The first decides; a rate of the second is used where the first has none, and says so. */
  readonly sources: readonly PriceSource[];
  readonly providers: readonly ListedProvider[];
}

export interface PriceSource {
  readonly name: string;
  readonly version: string;
  readonly origin: string;
  readonly license: string;
  /** The text that the license wants in every copy. */
  readonly notice: string;
}

export interface ListedProvider {
  readonly id: string;
  readonly name: string;
  /** Where it is reached, in the form of `provider-address.ts`. */
  readonly addresses: readonly string[];
  /** Providers whose prices hold for models that this one does not list. */
  readonly resells?: readonly string[];
  /** The first that matches a name is the model. */
  readonly models: readonly ListedModel[];
}

export interface ListedModel {
  readonly id: string;
  readonly names: readonly NamePattern[];
  readonly prices: readonly ListedPrice[];
  readonly disputes?: readonly (readonly [rate: string, first: number | null, second: number | null])[];
  readonly filled?: readonly string[];
}

/** Rates in dollars. A step lists the rates that change. */
export interface ListedTariff {
  readonly rates: UsdRates;
  readonly steps?: readonly { readonly above: number; readonly rates: UsdRates }[];
}

export interface ListedPrice extends ListedTariff {
  /** A day that begins at 00:00 UTC, as in `2026-03-13`; absent: from the beginning. */
  readonly since?: string;
  readonly tiers?: Readonly<Partial<Record<OwnTier, ListedTariff>>>;
  /** Times as in `16:30`, UTC. */
  readonly windows?: readonly { readonly from: string; readonly to: string; readonly rates: UsdRates }[];
  /** As in `{ "us": 1.1 }`, with three decimals at most. */
  readonly uplifts?: Readonly<Record<string, number>>;
}

/** A list of no model. */
export const NO_PRICES: PriceList = Object.freeze({ format: 1, version: "", sources: [], providers: [] });

export function pricedModel(provider: string, model: ListedModel): PricedModel {
  return {
    provider,
    model: model.id,
    prices: model.prices.map((price) => priceOf(`${provider}/${model.id}`, price)),
    disputes: (model.disputes ?? []).map(([rate, first, second]): Dispute => ({ rate, first, second })),
    filled: model.filled ?? [],
  };
}

/** One price; `name` is its version without the date and the hash of what it says. */
export function priceOf(name: string, listed: ListedPrice): Price {
  const dated = listed.since === undefined ? name : `${name}@${listed.since}`;
  const content = contentOf(listed);
  return { version: `${dated}#${hashOf(content)}`, ...content };
}

const HASH_CHARS = 12;

/** The same rates have the same hash, however a file writes them. */
function hashOf(content: PriceContent): string {
  const json = JSON.stringify(content);
  return sha256Hex(json).slice(0, HASH_CHARS);
}

type PriceContent = Omit<Price, "version">;

/** The members of each object are in an order of ours. */
function contentOf(listed: ListedPrice): PriceContent {
  const { since, windows = [], tiers = {}, uplifts = {} } = listed;
  const standard = tariffOf(listed);
  return {
    sinceMs: since === undefined ? null : Date.parse(since),
    standard,
    windows: windows.map(
      ({ from, to, rates }): DayWindow => ({
        fromMinute: minuteOf(from),
        toMinute: minuteOf(to),
        tariff: { rates: ratesOf({ ...listed.rates, ...rates }), steps: [] },
      }),
    ),
    tiers: Object.fromEntries(
      OWN_TIERS.flatMap((tier) => {
        const tariff = tiers[tier];
        return tariff === undefined ? [] : [[tier, tariffOf(tariff)]];
      }),
    ),
    uplifts: Object.fromEntries(
      Object.entries(uplifts)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([region, factor]) => [region, Math.round(factor * 1000)]),
    ),
  };
}

function tariffOf({ rates, steps = [] }: ListedTariff): Tariff {
  const base = ratesOf(rates);
  return {
    rates: base,
    steps: steps.map((step) => ({ aboveTokens: step.above, rates: ratesOf({ ...rates, ...step.rates }) })),
  };
}

/** Minutes since midnight of a time such as `16:30`. */
export function minuteOf(time: string): number {
  const [hours = "", minutes = ""] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}
