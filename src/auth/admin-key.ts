/**
 * The principal of the admin's own requests. It is in the key ring as clients' are, so limits, budgets and rows treat it
 * alike, but under a digest that no key has: no client can be it.
 */
import { type KeyConfig, PLAIN_SETTINGS } from "../config/client-keys.ts";
import type { Config } from "../config/config.ts";
import { nanoUsdOf } from "../config/key-values.ts";

const NAME = "admin";
/** A digest of a key has 64 hexadecimal digits. */
const DIGEST = "admin";

/** null: the admin is off, or a client's key has its name, whose usage must stay its own. */
export function adminKey({ admin }: Pick<Config, "admin">, keys: readonly KeyConfig[]): KeyConfig | null {
  if (admin === null || keys.some(({ name }) => name === NAME)) return null;
  return {
    ...PLAIN_SETTINGS,
    name: NAME,
    keySha256: DIGEST,
    mayReport: true,
    limits: {
      requestsPerMinute: null,
      tokensPerMinute: null,
      concurrency: null,
      budgetPerDayNanoUsd: nanoUsdOf(admin.budgetUsdPerDay),
      budgetPerWeekNanoUsd: null,
      budgetPerMonthNanoUsd: null,
      timeZone: "UTC",
      perModel: [],
    },
  };
}

/** A person who tries a model without a price sees that it has none, so the budget need not refuse it. */
export function isAdminKey({ keySha256 }: Pick<KeyConfig, "keySha256">): boolean {
  return keySha256 === DIGEST;
}

/** The principal in a key ring; undefined as `adminKey` says. */
export function adminIn<Principal>(ring: ReadonlyMap<string, Principal>): Principal | undefined {
  return ring.get(DIGEST);
}
