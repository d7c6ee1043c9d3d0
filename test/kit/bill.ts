/** The simulator's own bill in the hands of a test: what each payer's answers cost, beside the ledger's word. */
import { SIMULATED_PRICES } from "../../src/simulator/answer/billed.ts";
import type { BillLine, BillView } from "../../src/simulator/server/bill.ts";
import type { Simulator } from "../../src/simulator/server/simulator.ts";
import { until, upstreamToml } from "./gateway.ts";

/** The words of a prompt by which the simulator knows who pays. */
export function billedTo(payer: string): string {
  return `[[bill ${payer}]]`;
}

/** The bill once no answer is under way any more. */
export async function settledBill(simulator: Pick<Simulator, "bill">): Promise<BillView> {
  await until("no answer of the simulator is under way", () => simulator.bill().open === 0);
  return simulator.bill();
}

/** Nano-dollars by payer, over all credentials and models. */
export function costsByPayer(lines: readonly BillLine[]): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const { marker, nanoUsd } of lines) costs.set(marker, (costs.get(marker) ?? 0) + nanoUsd);
  return costs;
}

/** The lines of `clewline usage --json`; `key` is there for `--by key`. */
export function readUsage(lines: string): { readonly key: string | null; readonly nanoUsd: number }[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { key = null, cost_usd } = JSON.parse(line) as { key?: string; cost_usd: string | null };
      const [dollars = "0", decimals = ""] = (cost_usd ?? "0").split(".");
      return { key, nanoUsd: Number(dollars) * 1e9 + Number(decimals.padEnd(9, "0")) };
    });
}

/** One upstream for each dialect, all played by the simulator, with the simulator's prices. */
export function simulatedToml(url: string): string {
  return [
    upstreamToml("chat", "openai", `${url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    upstreamToml("responses", "openai", `${url}/v1`, { lines: 'dialects = ["openai-responses"]' }),
    upstreamToml("anthropic", "anthropic", url),
    upstreamToml("gemini", "gemini", url),
    simulatedPricesToml(),
  ].join("\n");
}

/** `[[prices]]` with the simulator's prices, so that a bill and the ledger must agree to the nano-dollar. */
function simulatedPricesToml(): string {
  const entries = Object.entries(SIMULATED_PRICES).map(([model, price]) =>
    [
      "[[prices]]",
      `model = "${model}*"`,
      `input = ${perMillion(price.input)}`,
      `output = ${perMillion(price.output)}`,
      `cache_read = ${perMillion(price.cacheRead)}`,
      `cache_write = ${perMillion(price.cacheWrite5m)}`,
      `cache_write_1h = ${perMillion(price.cacheWrite1h)}`,
      `web_search = ${perThousand(price.searches)}`,
      "",
    ].join("\n"),
  );
  return entries.join("\n");
}

/** Dollars for a million tokens, from nano-dollars for one. */
function perMillion(nanoUsd: number): number {
  return nanoUsd / 1_000;
}

/** Dollars for a thousand searches, from nano-dollars for one. */
function perThousand(nanoUsd: number): number {
  return nanoUsd / 1_000_000;
}
