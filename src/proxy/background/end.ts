/** How a background response ended: its usage, or an estimate of it, and its cost. */
import { withoutSecrets } from "../../core/redact.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { estimateUsage, mostUsage } from "../../neutral/estimate.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { costOfAnswer, rowCostOf } from "../../prices/answer-cost.ts";
import { billedPlace, type UpstreamView } from "../../snapshot.ts";
import type { Gateway } from "../gateway.ts";
import type { PendingResponse, ResponseFacts } from "./pending.ts";

/** How the wait for a response ended. */
export type End =
  | { readonly kind: "ended"; readonly facts: ResponseFacts }
  /** Nobody will know any more. */
  | { readonly kind: "gone"; readonly reason: string };

type RowEnd = Pick<
  LedgerRow,
  | "outcome"
  | "errorKind"
  | "stopReason"
  | "modelReported"
  | "durationMs"
  | "usage"
  | "usageState"
  | "costNanoUsd"
  | "priceVersion"
  | "costGaps"
>;

/** What the end decides of the row. */
export function endOf(
  { snapshot, clock }: Pick<Gateway, "snapshot" | "clock">,
  pending: PendingResponse,
  end: End,
): RowEnd {
  const { row } = pending;
  const upstream = snapshot.upstreams.get(pending.upstream);
  const usage = usageOf(snapshot, upstream, pending, end);
  const isFinal = end.kind === "ended" && usage === end.facts.usage;
  const model = end.kind === "ended" ? end.facts.model : null;
  const shown = (text: string | null): string | null =>
    text === null ? null : withoutSecrets(text, secretsOf(upstream, pending));
  const target = {
    upstream: pending.upstream,
    place: billedPlace(upstream, pending.credential),
    modelUsed: row.modelUsed,
  };
  const cost = costOfAnswer(snapshot.prices, target, { usage, model }, row.atMs);
  return {
    ...wordsOf(end, shown),
    modelReported: shown(model),
    durationMs: Math.max(0, clock.nowMs() - row.atMs),
    usage,
    usageState: isFinal ? "final" : "estimated",
    ...rowCostOf(cost),
  };
}

function secretsOf(upstream: UpstreamView | undefined, { credential }: PendingResponse): readonly string[] {
  for (const { name, access } of upstream?.credentials.values() ?? [])
    if (name === credential) return access.secrets;
  return [];
}

function wordsOf(
  end: End,
  shown: (text: string | null) => string | null,
): Pick<RowEnd, "outcome" | "errorKind" | "stopReason"> {
  if (end.kind === "gone") return { outcome: "upstream_cut", errorKind: "upstream_cut", stopReason: null };
  const stopReason = shown(end.facts.stopReason);
  if (stopReason === "failed") return { outcome: "error", errorKind: "upstream_error", stopReason };
  return { outcome: stopReason === "cancelled" ? "client_left" : "ok", errorKind: null, stopReason };
}

/**
 * What the provider says it used. Where it says nothing, what the answer shows of it; where there is no answer to see, the
 * most that it may be, so that deleting an answer makes it no cheaper.
 */
function usageOf(
  { config, modelTraits }: Gateway["snapshot"],
  upstream: UpstreamView | undefined,
  { requestBytes, outputLimit, passedBytes, row }: PendingResponse,
  end: End,
): Usage {
  const traits =
    upstream === undefined ? null : modelTraits.traitsOf(upstream, "openai-responses", row.modelUsed ?? "");
  const contextTokens = traits?.contextTokens ?? null;
  const maxOutputTokens = traits?.maxOutputTokens ?? null;
  const traitLimits = { contextTokens, maxOutputTokens };
  if (end.kind === "gone") {
    return mostUsage({
      requestBytes,
      outputLimit: outputLimit ?? config.limits.assumedOutputTokens,
      ...traitLimits,
    });
  }
  const { usage, uncountedBytes } = end.facts;
  // A provider may show nothing of an answer that was cancelled after its stream had been read.
  const writtenBytes = usage === null ? Math.max(passedBytes ?? 0, uncountedBytes) : uncountedBytes;
  return (
    estimateUsage(usage, { requestBytes, uncountedBytes: writtenBytes, ...traitLimits }) ?? makeUsage({})
  );
}
