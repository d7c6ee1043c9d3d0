/** `clewline prices`: shows what models cost, and takes a newer price list. */
import { resolve } from "node:path";
import { findConfigFile } from "../../config/file.ts";
import { loadConfig } from "../../config/load.ts";
import { makeGlob } from "../../core/glob.ts";
import { suggest } from "../../core/nearest.ts";
import { type Price, type PricedModel, priceAt, type Tariff } from "../../prices/price.ts";
import { PriceBook } from "../../prices/price-book.ts";
import { loadPrices } from "../../prices/price-files.ts";
import { type PriceList, pricedModel } from "../../prices/price-list.ts";
import { makePriceOverrides, type PriceOverride, pricedOverride } from "../../prices/price-overrides.ts";
import { RATE_KIND_NAMES, RATE_KINDS, type RateKind, type Rates, usdOf } from "../../prices/rates.ts";
import { OWN_TIERS } from "../../prices/tier.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { makeCommand, UsageError } from "../command.ts";
import type { FolderFlags } from "../ledger-reader.ts";
import { type Column, columnWidths, tableLine, toJsonLine } from "../table.ts";
import { apply } from "./apply.ts";
import { update } from "./update.ts";

export const prices = makeCommand(
  {
    name: "prices",
    usage: [
      "show MODEL [--provider PROVIDER] [--json] [--config FILE] [--data-dir DIR]",
      "update --from FILE|URL [--config FILE] [--data-dir DIR]",
      "apply --since WHEN [--dry-run] [--json] [--config FILE] [--data-dir DIR]",
    ],
    about: `Shows what models cost, in dollars for a million tokens, takes a newer price list into the data folder, and gives rows without a cost their cost.`,
    positionals: {
      "show MODEL": "the price of a model by its name or a pattern with *, at every provider that has it",
      update: "check a price list and keep it in the data folder, where it holds in place of the program's",
      apply: "give rows of the ledger a cost whose models had no price then; a gateway may run meanwhile",
    },
    flags: {
      provider: { value: "PROVIDER", help: "this provider only, as in openai, anthropic, google" },
      from: { value: "FILE|URL", help: "the price list: a file, or an https URL" },
      since: {
        value: "WHEN",
        help: "apply: rows accepted since then: 12h, 7d, or a date (UTC) such as 2026-11-01",
      },
      "dry-run": { help: "apply: say what would get a cost, and change nothing" },
      json: { help: "show, apply: one JSON object a line" },
      config: { value: "FILE", help: "the configuration that says where the data is" },
      "data-dir": {
        value: "DIR",
        help: "the data folder itself; a configuration is read then by apply, for upstreams and prices, and by update from a URL, for its proxy",
      },
    },
    notes: `A disputed price is one in which two sources differ by more than 1 %: the first source's holds.`,
  },
  async ({ flags, positionals }, io) => {
    const [action, model, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError(`${rest[0]} is one argument too many`);
    if (action === "show" && model !== undefined) return show(model, flags, io);
    if (action === "show") throw new UsageError(`show needs the name of a model, as in show claude-opus-5`);
    if (action !== "update" && action !== "apply")
      throw new UsageError(
        `${action ?? "nothing"} is no action; ${suggest(action ?? "", ["show", "update", "apply"], "give show, update or apply")}`,
      );
    if (model !== undefined) throw new UsageError(`${action} takes no ${model}; see clewline prices --help`);
    if (action === "apply") return apply(flags, io);
    if (flags.from === undefined) throw new UsageError(`update needs --from, the price list`);
    return update(flags.from, flags, io);
  },
);

interface ShowFlags extends FolderFlags {
  readonly provider: string | undefined;
  readonly json: boolean;
}

async function show(model: string, flags: ShowFlags, io: CliIo): Promise<number> {
  const { dataDir, own } = await folderOf(flags, io);
  const { list, file, problem } = await loadPrices(dataDir);
  if (problem !== null)
    io.err(`clewline prices: ${problem}; the prices of this program hold (${list.version})\n`);
  const { provider } = flags;
  const ids = list.providers.map(({ id }) => id);
  if (provider !== undefined && !ids.includes(provider))
    throw new UsageError(
      `--provider ${provider} is not in the list; ${suggest(provider, ids, `give one of ${ids.join(", ")}`)}`,
    );
  const found = [...findOwn(own, model), ...findModels(list, model)].filter(
    (entry) => provider === undefined || entry.provider === provider,
  );
  if (found.length === 0) {
    const names = list.providers.flatMap((entry) => entry.models.map(({ id }) => id));
    io.err(
      `clewline prices: no price for ${model}, so its requests count as unpriced; ${suggest(model, names, "look for a part of the name, as in show '*opus*'")}\n`,
    );
    return EXIT.failed;
  }
  const nowMs = io.clock.nowMs();
  if (flags.json) {
    for (const entry of found) io.out(toJsonLine(toJson(entry, list, nowMs)));
    return EXIT.ok;
  }
  const sources = list.sources.map(({ name, version }) => `${name} ${version}`).join(", checked with ");
  io.out(`${render(found, nowMs)}\nPrices of ${list.version} from ${file ?? "this program"}: ${sources}.\n`);
  return EXIT.ok;
}

interface Folder {
  /** null: no configuration says which. */
  readonly dataDir: string | null;
  /** The prices of the configuration. */
  readonly own: readonly PriceOverride[];
}

/** The prices of the program are shown also where no configuration is. */
async function folderOf(flags: FolderFlags, io: CliIo): Promise<Folder> {
  const named = flags["data-dir"];
  if (named !== undefined) return { dataDir: resolve(io.cwd, named), own: [] };
  try {
    const file = findConfigFile(flags, io.env, io.cwd);
    const { config } = await loadConfig({ file, env: io.env, flags: {}, cwd: io.cwd, needsSecrets: false });
    return { dataDir: config.server.dataDir, own: makePriceOverrides(config.prices) };
  } catch (error) {
    if (flags.config !== undefined) throw error;
    return { dataDir: null, own: [] };
  }
}

/** Prices of the configuration for a name, or whose names a pattern matches. */
function findOwn(own: readonly PriceOverride[], model: string): readonly PricedModel[] {
  const matches = makeGlob(model);
  return own
    .filter((override) => makeGlob(override.model)(model) || matches(override.model))
    .map((override) => ({
      ...pricedOverride(override),
      provider: override.upstream ?? "every upstream",
    }));
}

function findModels(list: PriceList, model: string): readonly PricedModel[] {
  if (!model.includes("*")) {
    const book = new PriceBook(list, []);
    const found = list.providers.flatMap(({ id }) => book.find("", id, model) ?? []);
    // A provider that resells another one's models has found the other one's price.
    return [...new Map(found.map((entry) => [`${entry.provider}/${entry.model}`, entry])).values()];
  }
  const matches = makeGlob(model);
  return list.providers.flatMap((provider) =>
    provider.models
      .filter(({ id, prices: listed }) => listed.length > 0 && matches(id))
      .map((entry) => pricedModel(provider.id, entry)),
  );
}

const SHOWN_KINDS = [
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "cacheWrite1h",
] as const satisfies readonly RateKind[];

const COLUMNS: readonly Column[] = [
  { title: "PROVIDER", align: "left", maxChars: 24 },
  { title: "MODEL", align: "left", maxChars: 60 },
  { title: "SINCE", align: "left", maxChars: 10 },
  { title: "WHEN", align: "left", maxChars: 24 },
  ...SHOWN_KINDS.map(
    (kind): Column => ({
      title: RATE_KINDS[kind].label.toUpperCase(),
      align: "right",
      maxChars: 14,
    }),
  ),
  { title: "OTHER", align: "left", maxChars: 100 },
];

function render(models: readonly PricedModel[], nowMs: number): string {
  const rows = [COLUMNS.map(({ title }) => title), ...models.flatMap((model) => rowsOf(model, nowMs))];
  const widths = columnWidths(COLUMNS, rows);
  const table = rows.map((row) => `${tableLine(COLUMNS, widths, row)}\n`).join("");
  return table + models.flatMap(notesOf).join("");
}

function rowsOf(model: PricedModel, nowMs: number): readonly (readonly string[])[] {
  const price = priceAt(model, nowMs);
  if (price === null) return [];
  const mark = model.disputes.length > 0 ? " (disputed)" : "";
  return tariffsOf(price).map(({ when, rates }, index) => [
    index === 0 ? model.provider : "",
    index === 0 ? `${model.model}${mark}` : "",
    index === 0 ? dayOf(price.sinceMs) : "",
    when,
    ...SHOWN_KINDS.map((kind) => (rates[kind] === undefined ? "-" : String(usdOf(kind, rates[kind])))),
    [...otherRates(rates), ...(index === 0 ? upliftTexts(price) : [])].join(", "),
  ]);
}

interface NamedRates {
  readonly when: string;
  readonly rates: Rates;
}

function tariffsOf({ standard, windows, tiers }: Price): readonly NamedRates[] {
  const time = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  return [
    ...stepsOf("standard", standard),
    ...windows.flatMap(({ fromMinute, toMinute, tariff }) =>
      stepsOf(`${time(fromMinute)}-${time(toMinute)} UTC`, tariff),
    ),
    ...OWN_TIERS.flatMap((tier) => {
      const tariff = tiers[tier];
      return tariff === undefined ? [] : stepsOf(tier, tariff);
    }),
  ];
}

function stepsOf(name: string, { rates, steps }: Tariff): readonly NamedRates[] {
  return [
    { when: name, rates },
    ...steps.map((step) => ({ when: `${name} > ${step.aboveTokens}`, rates: step.rates })),
  ];
}

function otherRates(rates: Rates): readonly string[] {
  return RATE_KIND_NAMES.filter((kind) => !SHOWN_KINDS.some((shown) => shown === kind)).flatMap((kind) => {
    const rate = rates[kind];
    if (rate === undefined) return [];
    const unit = RATE_KINDS[kind].per === "thousand calls" ? " per 1000" : "";
    return [`${RATE_KINDS[kind].label} ${usdOf(kind, rate)}${unit}`];
  });
}

function upliftTexts({ uplifts }: Price): readonly string[] {
  return Object.entries(uplifts).map(([region, thousandths]) => `${region} × ${thousandths / 1000}`);
}

function notesOf({ provider, model, disputes, filled }: PricedModel): readonly string[] {
  const lines = disputes.map(
    ({ rate, first, second }) =>
      `disputed: ${provider}/${model} ${rate}: ${first ?? "no rate of its own"}, and ${second ?? "no rate"} in the second source\n`,
  );
  return filled.length === 0
    ? lines
    : [...lines, `from the second source alone: ${provider}/${model} ${filled.join(", ")}\n`];
}

function dayOf(atMs: number | null): string {
  return atMs === null ? "-" : new Date(atMs).toISOString().slice(0, 10);
}

function toJson(model: PricedModel, list: PriceList, nowMs: number): Record<string, unknown> {
  const price = priceAt(model, nowMs);
  return {
    provider: model.provider,
    model: model.model,
    version: price?.version ?? null,
    since: price === null || price.sinceMs === null ? null : dayOf(price.sinceMs),
    tariffs:
      price === null ? [] : tariffsOf(price).map(({ when, rates }) => ({ when, usd: usdRates(rates) })),
    uplifts:
      price === null ? {} : Object.fromEntries(Object.entries(price.uplifts).map(([k, n]) => [k, n / 1000])),
    is_disputed: model.disputes.length > 0,
    disputes: model.disputes,
    from_second_source: model.filled,
    sources: list.sources.map(({ name, version }) => `${name} ${version}`),
  };
}

function usdRates(rates: Rates): Record<string, number> {
  return Object.fromEntries(
    RATE_KIND_NAMES.flatMap((kind) => {
      const rate = rates[kind];
      return rate === undefined ? [] : [[kind, usdOf(kind, rate)]];
    }),
  );
}
