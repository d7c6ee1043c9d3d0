/** Prices and bills as the admin shows them. */
import type { AdminContext, CostLine, TargetPrice } from "../admin/context.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { type Bill, chargedRegion, costOf, fillBill, NO_UPLIFT } from "../prices/cost.ts";
import { type Price, priceAt, standardAt } from "../prices/price.ts";
import { RATE_KINDS, type RateKind } from "../prices/rates.ts";
import { billedPlace, type Snapshot } from "../snapshot.ts";

const UNITS = 1_000_000;
const UPLIFT = BigInt(NO_UPLIFT);

/** `nowMs`: the price in force at that time. */
export function priceOfTarget(
  snapshot: Snapshot,
  upstream: string,
  model: string,
  nowMs: number,
): TargetPrice | null {
  const price = findPrice(snapshot, upstream, model, nowMs);
  if (price === null) return null;
  const { rates } = standardAt(price, nowMs);
  const rate = (kind: RateKind): number | null => rates[kind] ?? null;
  return {
    input: rate("input"),
    output: rate("output"),
    cacheRead: rate("cacheRead"),
    cacheWrite: rate("cacheWrite"),
    version: price.version,
  };
}

/** null: the row has no cost, or the prices in force give another one. */
export function linesOfRow(snapshot: Snapshot, row: LedgerRow): ReturnType<AdminContext["costLines"]> {
  const { upstream, credential, modelUsed, modelReported, atMs, costNanoUsd, usage } = row;
  if (upstream === null || costNanoUsd === null) return null;
  const names = [modelUsed, modelReported].filter((name) => name !== null);
  const price = names
    .map((name) => findPrice(snapshot, upstream, name, atMs))
    .find((found) => found !== null);
  if (price === undefined) return null;
  const place = billedPlace(snapshot.upstreams.get(upstream), credential);
  const region = chargedRegion(price, usage.region, place?.region ?? null);
  const facts = { atMs, tier: null, region };
  if (costOf(usage, price, facts)?.nanoUsd !== costNanoUsd) return null;
  const bill = new LineBill();
  return fillBill(bill, usage, price, facts) ? bill.lines : null;
}

/** Names that need not be those of now: a list has models that were retired as well. */
export function pricedModelsOf({ prices, upstreams }: Snapshot, upstream: string): readonly string[] {
  const provider = upstreams.get(upstream)?.place?.provider;
  const listed = prices.list.providers.find(({ id }) => id === provider);
  return listed?.models.map(({ id }) => id) ?? [];
}

function findPrice(
  { prices, upstreams }: Snapshot,
  upstream: string,
  model: string,
  atMs: number,
): Price | null {
  const provider = upstreams.get(upstream)?.place?.provider ?? null;
  const priced = prices.find(upstream, provider, model);
  return priced === null ? null : priceAt(priced, atMs);
}

class LineBill implements Bill {
  readonly lines: CostLine[] = [];

  add(kind: RateKind, units: number, rate: number | null, factor: number): void {
    if (units === 0) return;
    const { label, per } = RATE_KINDS[kind];
    // A rate is for a million units; tables show that of calls for a thousand.
    const shown =
      rate === null ? null : ((per === "million tokens" ? rate : rate / 1_000) * factor) / NO_UPLIFT;
    const nanoUsd =
      rate === null ? null : Number((BigInt(units) * BigInt(rate) * BigInt(factor)) / UPLIFT) / UNITS;
    this.lines.push({ label, units, rateNanoUsd: shown, per, nanoUsd });
  }

  addGap(): void {
    // The row names what its price did not say.
  }
}
