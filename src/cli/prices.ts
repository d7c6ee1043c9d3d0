/** `clewline prices`: shows what models cost, and takes a newer price list. */
import { resolve } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import { makeGlob } from "../core/glob.ts";
import { suggest } from "../core/nearest.ts";
import { type Price, type PricedModel, priceAt, type Tariff } from "../prices/price.ts";
import { PriceBook } from "../prices/price-book.ts";
import { builtInPrices, loadPrices, pricesFile, readPriceFile } from "../prices/price-files.ts";
import { type PriceList, pricedModel } from "../prices/price-list.ts";
import { PriceListError } from "../prices/price-list-text.ts";
import { RATE_KIND_NAMES, RATE_KINDS, type RateKind, type Rates, usdOf } from "../prices/rates.ts";
import { OWN_TIERS } from "../prices/tier.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { findDataDir } from "./ledger-reader.ts";
import { type Column, columnWidths, tableLine, toJsonLine } from "./table.ts";

export const prices = makeCommand(
  {
    name: "prices",
    usage: [
      "show MODEL [--provider PROVIDER] [--json] [--config FILE] [--data-dir DIR]",
      "update --from FILE [--config FILE] [--data-dir DIR]",
    ],
    about: `Shows what models cost, in dollars for a million tokens, and takes a newer price list into the data folder.`,
    positionals: {
      "show MODEL": "the price of a model by its name or a pattern with *, at every provider that has it",
      update: "check a price list and keep it in the data folder, where it holds in place of the program's",
    },
    flags: {
      provider: { value: "PROVIDER", help: "this provider only, as in openai, anthropic, google" },
      from: { value: "FILE", help: "the price list" },
      json: { help: "one JSON object a line" },
      config: { value: "FILE", help: "the configuration that says where the data is" },
      "data-dir": { value: "DIR", help: "the data folder itself; no configuration is read then" },
    },
    notes: `A disputed price is one in which two sources differ by more than 1 %: the first source's holds.`,
  },
  async ({ flags, positionals }, io) => {
    const [action, model, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError(`${rest[0]} is one argument too many`);
    if (action === "show" && model !== undefined) return show(model, flags, io);
    if (action === "show") throw new UsageError(`show needs the name of a model, as in show claude-opus-5`);
    if (action !== "update")
      throw new UsageError(
        `${action ?? "nothing"} is no action; ${suggest(action ?? "", ["show", "update"], "give show or update")}`,
      );
    if (model !== undefined) throw new UsageError(`update takes no ${model}; name the file with --from`);
    if (flags.from === undefined) throw new UsageError(`update needs --from FILE, the price list`);
    return update(flags.from, flags, io);
  },
);

interface FolderFlags {
  readonly config: string | undefined;
  readonly "data-dir": string | undefined;
}

interface ShowFlags extends FolderFlags {
  readonly provider: string | undefined;
  readonly json: boolean;
}

async function show(model: string, flags: ShowFlags, io: CliIo): Promise<number> {
  const { list, file, problem } = await loadPrices(await dataDirOf(flags, io));
  if (problem !== null)
    io.err(`clewline prices: ${problem}; the prices of this program hold (${list.version})\n`);
  const { provider } = flags;
  const ids = list.providers.map(({ id }) => id);
  if (provider !== undefined && !ids.includes(provider))
    throw new UsageError(
      `--provider ${provider} is not in the list; ${suggest(provider, ids, `give one of ${ids.join(", ")}`)}`,
    );
  const found = findModels(list, model).filter(
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

/** The prices of the program are shown also where no configuration is. */
async function dataDirOf(flags: FolderFlags, io: CliIo): Promise<string | null> {
  if (flags["data-dir"] !== undefined || flags.config !== undefined) return findDataDir(flags, io);
  return findDataDir(flags, io).catch(() => null);
}

function findModels(list: PriceList, model: string): readonly PricedModel[] {
  if (!model.includes("*")) {
    const book = new PriceBook(list, []);
    const found = list.providers.flatMap(({ id }) => book.find({ upstream: "", provider: id, model }) ?? []);
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

async function update(from: string, flags: FolderFlags, io: CliIo): Promise<number> {
  if (/^[a-z]+:\/\//i.test(from))
    throw new UsageError(`--from ${from} is a URL; download it, look at it, and give the file`);
  const refuse = (fault: string): number => {
    io.err(`clewline prices: ${fault}\n`);
    return EXIT.failed;
  };
  const read = await readPriceFile(resolve(io.cwd, from)).catch((error: Error) => error);
  if (read instanceof PriceListError) return refuse(`${from} is no price list: ${read.message}`);
  if (read instanceof Error)
    throw new UsageError(`--from ${from} does not exist; give the path of a price list`);
  const { list, text } = read;
  const builtIn = await builtInPrices();
  if (list.version <= builtIn.version)
    return refuse(
      `${from} is of ${list.version} and the program's own list is of ${builtIn.version}, so the program's holds already; give a later list`,
    );
  const file = pricesFile(await findDataDir(flags, io));
  try {
    await writeAtomically(file, text, io.ids.hex(8));
  } catch (error) {
    return refuse(
      `${file} cannot be written (${(error as Error).message}), so the list before it still holds`,
    );
  }
  const models = list.providers.flatMap((provider) => provider.models);
  const disputed = models.filter(({ disputes = [] }) => disputes.length > 0).length;
  io.out(
    `${file}: prices of ${list.version}, ${list.providers.length} providers, ${models.length} models, ${disputed} disputed\n`,
  );
  return EXIT.ok;
}
