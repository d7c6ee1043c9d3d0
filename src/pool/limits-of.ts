/** The operator's limits of a credential, from its entry in the configuration. */

import type { Config, CredentialConfig } from "../config/config.ts";
import { parseHours } from "../config/credentials/active-hours.ts";
import { nanoUsdOf } from "../config/key-values.ts";
import { makeModelPattern } from "../core/model-pattern.ts";
import { UTC, zoneOfPlace } from "../core/time-zone.ts";
import { ActiveHours } from "./active-hours.ts";
import type { CredentialLimits } from "./credential-limits.ts";

/** undefined: the entry sets none. */
export function limitsOf(
  entry: CredentialConfig,
  unpriced: Config["limits"]["unpriced"],
): CredentialLimits | undefined {
  const { concurrency, requestsPerMinute, tokensPerMinute, budgetUsdPerDay, budgetUsdPerMonth } = entry;
  const { models, activeHours, timeZone } = entry;
  const all = [
    concurrency,
    requestsPerMinute,
    tokensPerMinute,
    budgetUsdPerDay,
    budgetUsdPerMonth,
    models,
    activeHours,
  ];
  if (all.every((value) => value === null)) return undefined;
  const hours = activeHours === null ? null : parseHours(activeHours);
  return {
    concurrency,
    requestsPerMinute,
    tokensPerMinute,
    budgetNanoUsdPerDay: budgetUsdPerDay === null ? null : nanoUsdOf(budgetUsdPerDay),
    budgetNanoUsdPerMonth: budgetUsdPerMonth === null ? null : nanoUsdOf(budgetUsdPerMonth),
    zone: timeZone === "UTC" ? UTC : (zoneOfPlace(timeZone) ?? UTC),
    models: models?.map(makeModelPattern) ?? null,
    activeHours: hours === null ? null : new ActiveHours(hours.fromMinute, hours.toMinute),
    needsPrice: unpriced === "refuse",
  };
}
