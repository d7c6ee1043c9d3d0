/** Rules over several keys of `[[prices]]`, and over several entries. */
import type { Draft } from "../draft.ts";
import { type Path, renderPath } from "../problem.ts";
import { checkReference, namesIn } from "../references.ts";
import type { Tree } from "../toml/toml.ts";
import { minutesOf, RATE_KEYS } from "./schema-prices.ts";

const CONDITIONS = ["tier", "above_tokens", "hours", "region"] as const;
const DAY_MINUTES = 1440;

interface Entry {
  readonly table: Tree;
  readonly path: Path;
}

export function checkPrices(draft: Draft): void {
  const entries = draft.tables(["prices"]);
  const upstreams = namesIn(draft, "upstreams");
  for (const { table, path } of entries) {
    checkReference(draft, [...path, "upstream"], table.upstream, upstreams);
    checkMembers(draft, table, path);
  }
  for (const group of groupsOf(entries)) checkGroup(draft, group);
}

function checkMembers(draft: Draft, table: Tree, path: Path): void {
  const rates = RATE_KEYS.filter((key) => table[key] !== undefined);
  const conditions = CONDITIONS.filter((key) => table[key] !== undefined);
  if (table.region === undefined) {
    if (table.factor !== undefined)
      draft.refuse([...path, "factor"], "has no region", 'add region, as in region = "eu"');
    if (rates.length === 0)
      draft.refuse(path, "has no rate", "add one at least, as in input = 2.5 (dollars for a million tokens)");
  } else if (table.factor === undefined) {
    draft.refuse([...path, "region"], "has no factor", "add factor, as in factor = 1.1");
  }
  const [rate] = rates;
  if (table.region !== undefined && rate !== undefined)
    draft.refuse(
      [...path, rate],
      "cannot be combined with region",
      "give region and factor an entry of their own",
    );
  const isStepOfTier =
    conditions.length === 2 && conditions.includes("tier") && conditions.includes("above_tokens");
  if (conditions.length > 1 && !isStepOfTier)
    draft.refuse(
      [...path, conditions[1] as string],
      `cannot be combined with ${conditions[0]}`,
      "write an entry for each",
    );
}

/** The entries of one price: of the same upstream, model and day. */
function groupsOf(entries: readonly Entry[]): Iterable<readonly Entry[]> {
  return Map.groupBy(entries, ({ table: { upstream = null, model, since = null } }) =>
    JSON.stringify([upstream, model, since]),
  ).values();
}

function checkGroup(draft: Draft, group: readonly Entry[]): void {
  const firsts = new Map<string, Path>();
  for (const { table, path } of group) {
    const condition = JSON.stringify(CONDITIONS.map((key) => table[key] ?? null));
    const first = firsts.get(condition);
    if (first === undefined) firsts.set(condition, path);
    else
      draft.refuse(
        path,
        `is for the same requests as ${renderPath(first)}${lineText(draft, first)}`,
        "write both entries as one",
      );
  }
  const base = group.find(({ table }) => CONDITIONS.every((key) => table[key] === undefined));
  if (base === undefined)
    draft.refuse(
      (group[0] as Entry).path,
      "has a condition, and no entry has the rates without one",
      "add an entry for the same upstream, model and day without tier, above_tokens, hours and region",
    );
  checkTierOfSteps(draft, group);
  checkHours(draft, group);
}

function checkTierOfSteps(draft: Draft, group: readonly Entry[]): void {
  for (const { table, path } of group) {
    const { tier } = table;
    if (tier === undefined || table.above_tokens === undefined) continue;
    if (!group.some((entry) => entry.table.tier === tier && entry.table.above_tokens === undefined))
      draft.refuse(
        [...path, "tier"],
        "has rates for long requests alone",
        "add an entry for the tier without above_tokens",
      );
  }
}

function checkHours(draft: Draft, group: readonly Entry[]): void {
  const taken = new Set<number>();
  for (const { table, path } of group) {
    const minutes = typeof table.hours === "string" ? minutesOf(table.hours) : null;
    if (minutes === null) continue;
    const count = (minutes.to - minutes.from + DAY_MINUTES) % DAY_MINUTES;
    const own = Array.from({ length: count }, (_, i) => (minutes.from + i) % DAY_MINUTES);
    if (own.some((minute) => taken.has(minute)))
      draft.refuse(
        [...path, "hours"],
        "overlaps the hours of another entry",
        "let one begin when the other ends",
      );
    for (const minute of own) taken.add(minute);
    if (group.some((entry) => entry.table.above_tokens !== undefined && entry.table.tier === undefined))
      draft.refuse(
        [...path, "hours"],
        "cannot stand beside above_tokens",
        "keep one of the two: nothing says what a long request costs in these hours",
      );
  }
}

function lineText(draft: Draft, path: Path): string {
  const line = draft.lineOf(path);
  return line === null ? "" : ` (line ${line})`;
}
