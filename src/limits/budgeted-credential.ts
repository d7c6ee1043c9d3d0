/** A credential at a provider, of which the operator limits what it may cost. */
import type { BudgetSet } from "../config/client-keys.ts";
import type { Config } from "../config/config.ts";
import { nanoUsdOf } from "../config/key-values.ts";

export interface BudgetedCredential extends BudgetSet {
  /** `upstream/name`. */
  readonly id: string;
  readonly timeZone: string;
}

/** Those of the configuration that have a budget. */
export function budgetedCredentials({ upstreams }: Pick<Config, "upstreams">): readonly BudgetedCredential[] {
  return upstreams.flatMap((upstream) =>
    upstream.credentials.flatMap(({ name, timeZone, budgetUsdPerDay, budgetUsdPerMonth }) => {
      if (budgetUsdPerDay === null && budgetUsdPerMonth === null) return [];
      const budgets = {
        budgetPerDayNanoUsd: budgetUsdPerDay === null ? null : nanoUsdOf(budgetUsdPerDay),
        budgetPerWeekNanoUsd: null,
        budgetPerMonthNanoUsd: budgetUsdPerMonth === null ? null : nanoUsdOf(budgetUsdPerMonth),
      };
      return [{ id: `${upstream.name}/${name}`, timeZone, ...budgets }];
    }),
  );
}
