/**
 * Reads the program's own price list, in the form in which `script/update-prices.ts` writes it: a block for each provider, a
 * line for each model. Most gateways ask one or two providers, so the models of a provider are read when they are first
 * asked for: to read all of them takes 3 ms of a start, and 3 MB.
 */
import type { ListedModel, ListedProvider, PriceList } from "./price-list.ts";

const BEGIN = '"models":[\n';
const END = "\n    ]}";

type Head = Omit<PriceList, "providers"> & { readonly providers: readonly Omit<ListedProvider, "models">[] };

export function ownPriceList(text: string): PriceList {
  const models: string[] = [];
  let headText = "";
  let from = 0;
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, from)) {
    const begin = at + BEGIN.length;
    headText += text.slice(from, begin);
    from = text.indexOf(END, begin);
    models.push(text.slice(begin, from));
  }
  const { providers, ...head } = JSON.parse(headText + text.slice(from)) as Head;
  return { ...head, providers: providers.map((provider, i) => withModels(provider, models[i] ?? "")) };
}

function withModels(provider: Omit<ListedProvider, "models">, text: string): ListedProvider {
  let models: readonly ListedModel[] | null = null;
  return {
    ...provider,
    get models() {
      models ??= JSON.parse(`[${text}]`) as readonly ListedModel[];
      return models;
    },
  };
}
