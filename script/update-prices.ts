/**
 * Writes `src/prices/built-in.json` from two packages of PyPI: `bun script/update-prices.ts [--date
 * 2026-11-29] [--out FILE] [--sources FILE] [PACKAGE==VERSION...]`. Needs Python 3 with pip, and executes
 * nothing of the packages. `--sources` takes the output of `script/price-sources.py` in place of a download.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ListedModel, ListedProvider, PriceList } from "../src/prices/price-list.ts";
import { type GenaiProvider, readGenaiPrices } from "./genai-prices.ts";
import {
  disputesOf,
  entriesOf,
  entryOf,
  fill,
  type LitellmModels,
  statedIn,
  withSearches,
} from "./litellm-prices.ts";

interface Sources {
  readonly genai: { version: string; license: string; providers: readonly GenaiProvider[] };
  readonly litellm: { version: string; license: string; models: LitellmModels };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { date: { type: "string" }, out: { type: "string" }, sources: { type: "string" } },
});
const today = values.date ?? new Date().toISOString().slice(0, 10);
const out = values.out ?? join(import.meta.dir, "../src/prices/built-in.json");

function loadSources(): Sources {
  if (values.sources !== undefined) return JSON.parse(readFileSync(values.sources, "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "prices-"));
  try {
    const command = ["python3", join(import.meta.dir, "price-sources.py"), folder, ...positionals];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`the packages could not be read:\n${stderr.toString()}`);
    return JSON.parse(stdout.toString());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Both packages are under the MIT license; LiteLLM's folder `enterprise/` is not, and is not in the table.
 */
function noticeOf(name: string, license: string): string {
  if (!license.includes("Permission is hereby granted, free of charge"))
    throw new Error(`the license of ${name} is no longer MIT; look at it before you take its data`);
  return license.replaceAll(/\s+/g, " ").trim();
}

function merge(provider: ListedProvider, models: LitellmModels): ListedProvider {
  const entries = entriesOf(models, provider.id);
  return {
    ...provider,
    models: provider.models.map((model) => withSearches(provider.id, mergeModel(model, provider, entries))),
  };
}

function mergeModel(
  model: ListedModel,
  provider: ListedProvider,
  entries: ReturnType<typeof entriesOf>,
): ListedModel {
  const entry = entryOf(entries, provider, model);
  // Prices of the future are not in the second source yet.
  const index = model.prices.findLastIndex(({ since }) => since === undefined || since <= today);
  const current = model.prices[index];
  if (entry === null || current === undefined) return model;
  const stated = statedIn(entry);
  const disputes = disputesOf(current, stated);
  const { price, filled } = fill(current, stated, disputes.length > 0);
  return {
    ...model,
    prices: model.prices.with(index, price),
    ...(disputes.length === 0 ? null : { disputes }),
    ...(filled.length === 0 ? null : { filled }),
  };
}

/** One line for each model, so that a change of the file can be read. */
function print({ providers, ...head }: PriceList): string {
  const blocks = providers.map(({ models, ...provider }) => {
    const lines = models.map((model) => `      ${JSON.stringify(model)}`).join(",\n");
    return `    ${JSON.stringify(provider).slice(0, -1)},"models":[\n${lines}\n    ]}`;
  });
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "providers": [\n${blocks.join(",\n")}\n  ]\n}\n`;
}

const { genai, litellm } = loadSources();
const { providers, skipped } = readGenaiPrices(genai.providers, today);
const list: PriceList = {
  format: 1,
  version: today,
  sources: [
    {
      name: "genai-prices",
      version: genai.version,
      origin: "https://pypi.org/project/genai-prices/",
      license: "MIT",
      notice: noticeOf("genai-prices", genai.license),
    },
    {
      name: "litellm",
      version: litellm.version,
      origin: "https://pypi.org/project/litellm/",
      license: "MIT",
      notice: noticeOf("litellm", litellm.license),
    },
  ],
  providers: providers.map((provider) => merge(provider, litellm.models)),
};
writeFileSync(out, print(list));
const models = list.providers.flatMap((provider) => provider.models);
console.log(skipped.map((line) => `left out: ${line}`).join("\n"));
console.log(
  `${out}: ${list.providers.length} providers, ${models.length} models, ${models.filter(({ disputes }) => disputes).length} disputed, ${models.filter(({ filled }) => filled).length} with a part of the second source`,
);
