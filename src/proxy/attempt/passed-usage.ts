/** The usage of an attempt whose answer the provider has not counted, or not to its end. */
import type { TapState } from "../../dialects/dialect.ts";
import { estimateUsage, mostUsage } from "../../neutral/estimate.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { makeUsage, NO_USAGE, type Usage } from "../../neutral/usage.ts";
import type { BilledAnswer } from "../../prices/answer-cost.ts";
import { contextOf } from "../admission/demand.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";

const NOTHING: BilledAnswer = Object.freeze({ usage: null, model: null });

/**
 * The last attempt's answer: its usage as the provider reported it, with an estimate of what has passed beyond that.
 * `usage` is what was reported itself when nothing else has passed; null: the attempt costs nothing.
 */
export function passedAnswer(
  gateway: Gateway,
  exchange: Exchange,
  facts: (BilledAnswer & Pick<TapState, "uncountedBytes" | "pendingId" | "stopReason">) | null,
): BilledAnswer {
  const { attempt, route } = exchange;
  const reported = facts?.usage ?? null;
  const uncountedBytes = facts?.uncountedBytes ?? 0;
  const isCounted = reported !== null && reported.inputTokens !== null && uncountedBytes === 0;
  // The provider goes on, and its usage comes later: a count up to now would be counted twice.
  if ((facts?.pendingId ?? null) !== null) return NOTHING;
  if (isCounted || !attempt.mayBeBilled || !route.isBilled) return facts ?? NOTHING;
  const limits = limitsOf(gateway, exchange);
  if (reported === null && uncountedBytes === 0 && goesOnUnseen(exchange, facts)) {
    const { requestBytes, outputLimit } = exchange;
    const { assumedOutputTokens } = gateway.snapshot.config.limits;
    const most = mostUsage({ requestBytes, outputLimit: outputLimit ?? assumedOutputTokens, ...limits });
    return { usage: most, model: null };
  }
  const usage = estimateUsage(reported, {
    requestBytes: exchange.requestBytes,
    // Embeddings are numbers: their output has no tokens.
    uncountedBytes: route.isGenerative ? uncountedBytes : null,
    ...limits,
  });
  const model = facts?.model ?? null;
  const partUsages = facts?.partUsages;
  if (usage === null || partUsages === undefined) return { usage, model };
  return { usage, model, partUsages: [...partUsages, beyond(reported, usage)] };
}

/** Whether the provider makes an answer whose id nobody has heard, because its reply did not come through. */
function goesOnUnseen(
  { isBackground, attempt, route }: Exchange,
  facts: Pick<TapState, "stopReason"> | null,
): boolean {
  return isBackground && attempt.upstreamDialect === route.dialect && (facts?.stopReason ?? null) === null;
}

/** The estimates alone. */
function beyond(reported: Usage | null, usage: Usage): Usage {
  const { inputTokens, outputTokens } = reported ?? NO_USAGE;
  return makeUsage({
    inputTokens: inputTokens === null ? usage.inputTokens : null,
    outputTokens: usage.outputTokens === null ? null : usage.outputTokens - (outputTokens ?? 0),
  });
}

const UNKNOWN_LIMITS = { contextTokens: null, maxOutputTokens: null } as const;

function limitsOf(
  { snapshot }: Gateway,
  exchange: Exchange,
): Pick<ModelTraits, "contextTokens" | "maxOutputTokens"> {
  const { attempt, route } = exchange;
  const upstream = snapshot.upstreams.get(attempt.upstream ?? "");
  if (upstream === undefined || attempt.modelUsed === null) return UNKNOWN_LIMITS;
  const dialect = attempt.upstreamDialect ?? route.dialect;
  const traits = snapshot.modelTraits.traitsOf(upstream, dialect, attempt.modelUsed);
  return { contextTokens: contextOf(exchange, traits), maxOutputTokens: traits.maxOutputTokens };
}
