import { expect, test } from "bun:test";
import { ONE_KEY, OTHER_WAYS } from "./other-ways.ts";
import { type Figures, type MakeGateway, run } from "./run.ts";
import { ThisPool } from "./this-pool.ts";
import { PUBLISHED, type PublishedLimits } from "./tiers.ts";
import { makeConversations } from "./traffic.ts";

const THIS: MakeGateway = (provider, timeline, seed) => new ThisPool(provider, timeline, seed);

const runOf = (provider: string, makeGateway: MakeGateway, isUnlimited = false): Promise<Figures> =>
  run(
    {
      published: PUBLISHED[provider] as PublishedLimits,
      conversations: makeConversations(1, 150),
      load: 0.7,
      seed: 1,
    },
    makeGateway,
    isUnlimited,
  );

for (const provider of Object.keys(PUBLISHED)) {
  test(`${provider}: conversations stay warm, and keys in turn lose them`, async () => {
    const one = await runOf(provider, ONE_KEY, true);
    const own = await runOf(provider, THIS);
    const inTurn = await runOf(provider, OTHER_WAYS["round robin"] as MakeGateway);
    expect(one.refused + own.refused).toBe(0);
    // Every turn of every conversation has been served.
    expect([own.requests, own.promptTokens]).toEqual([one.requests, one.promptTokens]);
    expect(own.cachedTokens / one.cachedTokens).toBeGreaterThan(0.95);
    expect(inTurn.cachedTokens / one.cachedTokens).toBeLessThan(0.7);
    // The same seed gives the same figures.
    expect(await runOf(provider, THIS)).toEqual(own);
  });
}
