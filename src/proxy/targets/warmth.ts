/** What a request has to do with prompt caches: what a wait for a warm one is worth, and what its answer tells of them. */
import type { TapState } from "../../dialects/dialect.ts";
import { likelyInputTokens } from "../../neutral/estimate.ts";
import type { Target } from "../../plan/plan.ts";
import type { WarmWait } from "../../pool/need.ts";
import { cacheSaving } from "../../prices/cache-saving.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { ServedRequest } from "../served-request.ts";

const MILLION = 1e6;

/** null: the request waits for no credential because it is warm. */
export function warmWaitAt(
  { gateway: { snapshot, clock }, exchange }: ServedRequest,
  { upstream, model }: Target,
  promptTokens: number,
): WarmWait | null {
  const { maxWaitS, warmWaitMs, warmWorthNanoUsd } = snapshot.config.pool;
  const place = snapshot.upstreams.get(upstream)?.place ?? null;
  if (maxWaitS === 0 || warmWaitMs === 0) return null;
  const priced = snapshot.prices.find(upstream, place?.provider ?? null, model);
  const saving = priced === null ? 0 : cacheSaving(priced, promptTokens, exchange.atMs);
  if (saving === 0) return null;
  return {
    worthTokens: (warmWorthNanoUsd / saving) * MILLION,
    untilMs: clock.monotonicMs() + warmWaitMs,
  };
}

/** Tells the pool what the last attempt's answer said of the prompt cache; nothing where nobody has asked for the prefix. */
export function learnWarmth(
  { pool }: Pick<Gateway, "pool">,
  { prefix, attempt, startedMs, requestBytes, likelyBytes }: Exchange,
  facts: Pick<TapState, "usage"> | null,
): void {
  const usage = facts?.usage ?? null;
  const { upstream, credential, modelUsed } = attempt;
  if (prefix === null || prefix === undefined || usage === null) return;
  if (upstream === null || credential === null) return;
  const { inputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  const bookedTokens = likelyInputTokens(likelyBytes ?? requestBytes, null);
  const report = { inputTokens, cacheReadTokens, cacheWriteTokens, bookedTokens };
  pool.learn(`${upstream}/${credential}`, modelUsed ?? "", prefix, report, startedMs);
}
