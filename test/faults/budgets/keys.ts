/** Six client keys with limits of every kind and two credentials with budgets, for a gateway in front of the simulator. */
import { simulatedToml } from "../../kit/bill.ts";

export interface BudgetKey {
  readonly name: string;
  readonly secret: string;
  readonly team: string | null;
  /** null: the key has no budget of its own. */
  readonly budgetNanoUsd: number | null;
  /** Other limits, as lines of its `[[keys]]` entry. */
  readonly lines: readonly string[];
}

export interface Budgets {
  readonly keys: readonly BudgetKey[];
  /** The one team; its budget is over its keys. */
  readonly team: { readonly name: string; readonly budgetNanoUsd: number };
  /** Budgets of what the gateway may spend at an upstream; the others have none. */
  readonly credentials: readonly { readonly upstream: string; readonly budgetNanoUsd: number }[];
  readonly timeZone: string;
}

/**
 * `rounds`: how much load there will be, in units of about one cent a key. One key never comes to its budget;
 * the others do, about half-way.
 */
export function makeBudgets(rounds: number, nowMs: number): Budgets {
  const cent = 10_000_000;
  const key = (
    name: string,
    cents: number | null,
    team: string | null,
    ...lines: readonly string[]
  ): BudgetKey => ({
    name,
    secret: `clw-${name}-key-0123456789abcdef`,
    team,
    budgetNanoUsd: cents === null ? null : Math.round(cents * cent * rounds),
    lines,
  });
  return {
    keys: [
      key("alpha", 100, null),
      key("beta", 0.5, null, "concurrency = 3"),
      key("gamma", 0.4, "crew"),
      key("delta", null, "crew", "requests_per_minute = 600"),
      key("epsilon", null, null, "requests_per_minute = 300", "tokens_per_minute = 60000"),
      key("zeta", null, null),
    ],
    team: { name: "crew", budgetNanoUsd: Math.round(0.8 * cent * rounds) },
    credentials: [
      { upstream: "gemini", budgetNanoUsd: Math.round(0.6 * cent * rounds) },
      { upstream: "anthropic", budgetNanoUsd: 100 * cent * rounds },
    ],
    timeZone: zoneFarFromMidnight(nowMs),
  };
}

/** A time zone in which no day begins or ends within the next hours, so that a run is within one window. */
export function zoneFarFromMidnight(nowMs: number): string {
  return new Date(nowMs).getUTCHours() < 12 ? "UTC" : "Pacific/Honolulu";
}

/** Decimal dollars, exact. */
export function usdText(nanoUsd: number): string {
  const nano = String(nanoUsd).padStart(10, "0");
  return `${nano.slice(0, -9)}.${nano.slice(-9)}`;
}

/** The keys, the team and the credentials, in front of the simulator. */
export function budgetsToml(url: string, { keys, team, credentials, timeZone }: Budgets): string {
  const zone = `time_zone = "${timeZone}"`;
  const entries = keys.map(({ name, secret, team: of, budgetNanoUsd, lines }) =>
    [
      `[[keys]]\nname = "${name}"\nkey = "${secret}"`,
      ...(of === null ? [] : [`team = "${of}"`]),
      ...(budgetNanoUsd === null ? [] : [`budget_usd_per_day = "${usdText(budgetNanoUsd)}"`, zone]),
      ...lines,
      "",
    ].join("\n"),
  );
  const budget = `budget_usd_per_day = "${usdText(team.budgetNanoUsd)}"`;
  const upstreams = credentials.reduce((toml, { upstream, budgetNanoUsd }) => {
    const secret = `api_key = "sk-${upstream}-credential"`;
    return toml.replace(secret, `${secret}\nbudget_usd_per_day = "${usdText(budgetNanoUsd)}"\n${zone}`);
  }, simulatedToml(url));
  return [upstreams, ...entries, `[[teams]]\nname = "${team.name}"`, budget, zone, ""].join("\n");
}
