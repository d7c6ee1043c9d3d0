/** Looks up what a model costs: the configuration's prices first, then those of a list. */
import { type Glob, makeGlob } from "../core/glob.ts";
import { MAX_NAME_CHARS, NameIndex, nameForms } from "./model-name.ts";
import type { PricedModel } from "./price.ts";
import { type ListedModel, type ListedProvider, type PriceList, pricedModel } from "./price-list.ts";
import { type PriceOverride, pricedOverride } from "./price-overrides.ts";
import { isAtAddress, placeOfUrl, type UrlPlace } from "./provider-address.ts";

interface Override {
  readonly upstream: string | null;
  readonly matches: Glob;
  readonly priced: PricedModel;
}

/** A provider of the list at an address. */
export interface ProviderPlace {
  readonly provider: string;
  /** The label before the provider's own host, as `eu` in `eu.api.openai.com`; null: there is none. */
  readonly region: string | null;
}

interface Remembered {
  readonly provider: string | null;
  readonly models: Map<string, PricedModel | null>;
}

/** Clients name models, so the number of remembered answers of an upstream has a limit. */
const MAX_REMEMBERED = 4096;

export class PriceBook {
  readonly list: PriceList;
  readonly #overrides: readonly Override[];
  readonly #providers: ReadonlyMap<string, ListedProvider>;
  /** Made when a provider is first asked for. */
  readonly #indexes = new Map<string, NameIndex<ListedModel>>();
  /** By the name of an upstream: a gateway's upstreams keep their providers. */
  readonly #found = new Map<string, Remembered>();

  /** Of the overrides the first that matches holds. */
  constructor(list: PriceList, overrides: readonly PriceOverride[]) {
    this.list = list;
    this.#overrides = overrides.map((override) => ({
      upstream: override.upstream,
      matches: makeGlob(override.model),
      priced: pricedOverride(override),
    }));
    this.#providers = new Map(list.providers.map((provider) => [provider.id, provider]));
  }

  /**
   * The price of a model, as an upstream knows it. null: the model is unpriced, which is not a price of 0. `provider`: from
   * `providerAt`; null: no provider of the list is at the upstream's address.
   */
  find(upstream: string, provider: string | null, model: string): PricedModel | null {
    if (model.length > MAX_NAME_CHARS) return null;
    let remembered = this.#found.get(upstream);
    if (remembered?.provider !== provider) {
      remembered = { provider, models: new Map() };
      this.#found.set(upstream, remembered);
    }
    const { models } = remembered;
    const known = models.get(model);
    if (known !== undefined) return known;
    const found = this.#findOverride(upstream, model) ?? this.#findListed(provider, model);
    if (models.size >= MAX_REMEMBERED) models.clear();
    models.set(model, found);
    return found;
  }

  #findOverride(upstream: string, model: string): PricedModel | null {
    const found = this.#overrides.find(
      (entry) => (entry.upstream === null || entry.upstream === upstream) && entry.matches(model),
    );
    return found?.priced ?? null;
  }

  #findListed(provider: string | null, model: string): PricedModel | null {
    const own = provider === null ? undefined : this.#providers.get(provider);
    if (own === undefined) return null;
    const sellers = [own, ...(own.resells ?? []).flatMap((id) => this.#providers.get(id) ?? [])];
    for (const form of nameForms(model)) {
      for (const seller of sellers) {
        const found = this.#indexOf(seller).find(form);
        // A model that is listed without prices is charged by something else than tokens.
        if (found !== null) return found.prices.length === 0 ? null : pricedModel(seller.id, found);
      }
    }
    return null;
  }

  #indexOf(provider: ListedProvider): NameIndex<ListedModel> {
    let index = this.#indexes.get(provider.id);
    if (index === undefined) {
      index = new NameIndex(provider.models);
      this.#indexes.set(provider.id, index);
    }
    return index;
  }

  /** The provider at a base URL; null: none of the list. A host stands for the names just below it. */
  providerAt(baseUrl: string): ProviderPlace | null {
    const place = placeOfUrl(baseUrl);
    if (place === null) return null;
    const own = this.#providerOf(place);
    if (own !== null) return { provider: own, region: null };
    const [region = "", ...labels] = place.labels;
    const parent = region === "" ? null : this.#providerOf({ ...place, labels });
    return parent === null ? null : { provider: parent, region };
  }

  #providerOf(place: UrlPlace): string | null {
    const isHere = (address: string): boolean => isAtAddress(place, address);
    return this.list.providers.find(({ addresses }) => addresses.some(isHere))?.id ?? null;
  }
}
