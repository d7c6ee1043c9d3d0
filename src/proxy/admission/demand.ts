/** The most that a request may take of the limits of its key: tokens, and money at the dearest of its targets. */
import type { Peek } from "../../dialects/dialect.ts";
import type { Needed } from "../../limits/reservation.ts";
import { bookedInputTokens, likelyInputTokens } from "../../neutral/estimate.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import type { Target } from "../../plan/plan.ts";
import type { PriceBook } from "../../prices/price-book.ts";
import { type CostLimits, mostNanoUsd } from "../../prices/reserve.ts";
import { type Tier, tierOfWord } from "../../prices/tier.ts";
import type { Snapshot, UpstreamView } from "../../snapshot.ts";
import type { Exchange } from "../exchange.ts";

/** The parts of a served request on which its demand depends. */
export interface Demanding {
  readonly gateway: { readonly snapshot: Snapshot };
  readonly exchange: Pick<Exchange, "route" | "client" | "requestBytes" | "amendment" | "atMs">;
  readonly peek: Peek | null;
}

/** Sums of such counts are exact. */
const MAX_TOKENS = 1e12;

/**
 * What a request may need at one target. `hasBudget`: the cost counts; a null cost then says that the model, or one that
 * it may fall back on, has no price. Without it no price is looked up, and every cost is null. `fallbacks`: other models
 * that the target may charge for.
 */
export function demandAt(
  request: Demanding,
  target: Target,
  hasBudget: boolean,
  fallbacks: readonly string[],
): Needed {
  const { exchange, peek } = request;
  const { snapshot } = request.gateway;
  const upstream = snapshot.upstreams.get(target.upstream);
  // Nobody is charged for a count or for a stored answer.
  if (upstream === undefined || !exchange.route.isBilled) return NOTHING;
  const traits = traitsOf(snapshot, exchange, upstream, target.model);
  const inputTokens = mostInput(exchange, traits);
  const outputTokens = mostOutput(snapshot, exchange, peek, traits);
  const tokens = inputTokens + outputTokens;
  if (!hasBudget) return { tokens, costNanoUsd: null };
  const limits: CostLimits = {
    inputTokens,
    outputTokens,
    // How often a model searches is not known before it has.
    webSearches: 0,
    tier: tierAsked(peek?.tier ?? null),
    region: upstream.priceRegion ?? peek?.region ?? null,
    atMs: exchange.atMs,
  };
  let costNanoUsd = mostAt(snapshot.prices, upstream, target.model, limits);
  for (const model of fallbacks) {
    const other = mostAt(snapshot.prices, upstream, model, limits);
    costNanoUsd = costNanoUsd === null || other === null ? null : Math.max(costNanoUsd, other);
  }
  return { tokens, costNanoUsd };
}

/** The most tokens that a request may take at a target. */
export interface DemandedTokens {
  readonly input: number;
  readonly output: number;
}

const NO_TOKENS: DemandedTokens = Object.freeze({ input: 0, output: 0 });

export function tokensAt(
  { gateway: { snapshot }, exchange, peek }: Demanding,
  target: Target,
): DemandedTokens {
  const upstream = snapshot.upstreams.get(target.upstream);
  if (upstream === undefined || !exchange.route.isBilled) return NO_TOKENS;
  const traits = traitsOf(snapshot, exchange, upstream, target.model);
  return { input: mostInput(exchange, traits), output: mostOutput(snapshot, exchange, peek, traits) };
}

/** What the provider of a target will count of the input, as a rule. `likelyBytes`: the request's, without media. */
export function likelyInputAt(
  { gateway: { snapshot }, exchange }: Demanding,
  target: Target,
  likelyBytes: number,
): number {
  const upstream = snapshot.upstreams.get(target.upstream);
  if (upstream === undefined || !exchange.route.isBilled) return 0;
  const traits = traitsOf(snapshot, exchange, upstream, target.model);
  return likelyInputTokens(likelyBytes, contextOf(exchange, traits));
}

const NOTHING: Needed = Object.freeze({ tokens: 0, costNanoUsd: 0 });

function mostAt(
  prices: PriceBook,
  { name, place }: UpstreamView,
  model: string,
  limits: CostLimits,
): number | null {
  const priced = prices.find(name, place?.provider ?? null, model);
  return priced === null ? null : mostNanoUsd(priced, limits);
}

function traitsOf(
  { modelTraits }: Snapshot,
  { route }: Pick<Exchange, "route">,
  upstream: UpstreamView,
  model: string,
): ModelTraits {
  const { dialects, translatedTo } = upstream.spokenTo(model);
  const dialect = dialects.has(route.dialect) ? route.dialect : translatedTo[0];
  return modelTraits.traitsOf(upstream, dialect, model);
}

/**
 * With this beta, Claude models of a smaller context read as much:
 * https://docs.claude.com/en/docs/build-with-claude/context-windows
 */
const LONG_CONTEXT = { beta: "context-1m-", tokens: 1_000_000 };

/** What the model can read for this request; a very large number where it is not known. */
export function contextOf({ client }: Pick<Exchange, "client">, { contextTokens }: ModelTraits): number {
  const most = contextTokens ?? MAX_TOKENS;
  const betas = most < LONG_CONTEXT.tokens ? client.headers.get("anthropic-beta") : null;
  return betas?.includes(LONG_CONTEXT.beta) === true ? LONG_CONTEXT.tokens : most;
}

/** As `contextOf`, for a target. */
export function contextAt({ gateway: { snapshot }, exchange }: Demanding, target: Target): number {
  const upstream = snapshot.upstreams.get(target.upstream);
  if (upstream === undefined) return MAX_TOKENS;
  return contextOf(exchange, traitsOf(snapshot, exchange, upstream, target.model));
}

function mostInput(exchange: Pick<Exchange, "client" | "requestBytes">, traits: ModelTraits): number {
  return bookedInputTokens(exchange.requestBytes, contextOf(exchange, traits));
}

/** All answers together. */
function mostOutput(
  { config }: Snapshot,
  { amendment, route }: Pick<Exchange, "amendment" | "route">,
  peek: Peek | null,
  { maxOutputTokens }: ModelTraits,
): number {
  if (!route.isGenerative) return 0;
  const asked =
    amendment?.fixed.maxOutputTokens ?? peek?.maxOutputTokens ?? amendment?.defaults.maxOutputTokens ?? null;
  const one = Math.min(asked ?? config.limits.assumedOutputTokens, maxOutputTokens ?? MAX_TOKENS);
  return Math.min(one * (peek?.answers ?? 1), MAX_TOKENS);
}

/** null: the provider may choose. */
function tierAsked(word: string | null): Tier | null {
  if (word === null || word === "auto") return null;
  return word === "standard_only" ? "standard" : tierOfWord(word);
}
