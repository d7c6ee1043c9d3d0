/** A thousand requests at once against room for 37, in each kind of limit. */
import { expect, test } from "bun:test";
import type { KeyLimits } from "../../src/config/client-keys.ts";
import { ask, LimitsFolder, makeKey, makeTeam } from "../../src/limits/fixtures/limits-under-test.ts";
import { Reservation } from "../../src/limits/reservation.ts";

const DEMAND = { tokens: 1_000, costNanoUsd: 27_000_001 };

const KINDS: Readonly<Record<string, Partial<KeyLimits>>> = {
  requests: { requestsPerMinute: 37 },
  tokens: { tokensPerMinute: 37_999 },
  "requests at once": { concurrency: 37 },
  "a day": { budgetPerDayNanoUsd: 37 * DEMAND.costNanoUsd + 27_000_000 },
  "a week": { budgetPerWeekNanoUsd: 37 * DEMAND.costNanoUsd },
  "a month, with room in others": {
    budgetPerDayNanoUsd: 1_000 * DEMAND.costNanoUsd,
    budgetPerMonthNanoUsd: 38 * DEMAND.costNanoUsd - 1,
    requestsPerMinute: 500,
  },
};

test.each(Object.entries(KINDS))("%s", (_kind, limits) => {
  using folder = new LimitsFolder();
  const key = makeKey(limits);
  const limiter = folder.limiter([key]);
  const found = Array.from({ length: 1_000 }, () => limiter.reserve(key, ask(DEMAND)));
  expect(found.filter((one) => one instanceof Reservation).length).toBe(37);
  limiter.close();
});

test("the budget of a team, by 20 keys and two gateways", () => {
  using folder = new LimitsFolder();
  const keys = Array.from({ length: 20 }, (_, i) => makeKey({}, `key${i}`, "research"));
  // A gateway that has a part of a portion left does not give it to the other one.
  const teams = [makeTeam({ budgetPerMonthNanoUsd: 38 * DEMAND.costNanoUsd })];
  const limiters = [folder.limiter(keys, teams), folder.limiter(keys, teams)];
  const found = Array.from({ length: 1_000 }, (_, i) =>
    limiters[i % 2]?.reserve(keys[i % 20] ?? makeKey({}), ask(DEMAND)),
  );
  const count = found.filter((one) => one instanceof Reservation).length;
  expect(count).toBeGreaterThanOrEqual(37);
  expect(count).toBeLessThanOrEqual(38);
  for (const limiter of limiters) limiter.close();
});
