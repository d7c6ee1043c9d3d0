/** The limit of an answer that fits into a context which earlier refusals have told. */
import { DIALECTS } from "../../dialects/index.ts";
import type { Repair, Repairs } from "../../dialects/repair.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { ContextLimits } from "../../upstreams/refusals/context-limits.ts";
import type { Answered } from "../../upstreams/refusals/learned-repairs.ts";
import type { Exchange } from "../exchange.ts";

/** The parts of a served request on which the limit depends. */
export interface Fitted {
  readonly gateway: { readonly repairs: { readonly contexts: ContextLimits } };
  readonly exchange: Pick<Exchange, "route" | "principal" | "isStrict">;
  readonly peek: { readonly maxOutputTokens: number | null } | null;
  /** The request's bytes, without media. Read only where a context is known. */
  readonly likelyBytes: number;
}

/** The repairs, and the one that lowers the limit of the answer where it would surely be refused. */
export function fitAnswer(
  request: Fitted,
  upstream: UpstreamView,
  target: Target,
  repairs: Repairs,
): Repairs {
  const { exchange, peek } = request;
  const { contexts } = request.gateway.repairs;
  const asked = peek?.maxOutputTokens ?? null;
  if (contexts.isEmpty || asked === null || exchange.isStrict) return repairs;
  if (exchange.route.purpose !== "answer") return repairs;
  const { model } = target;
  const amount = contexts.roomFor(upstream, model, exchange.principal.name, request.likelyBytes);
  if (amount === null || amount >= asked) return repairs;
  const { dialects, translatedTo } = upstream.spokenTo(model);
  const spoken = dialects.has(exchange.route.dialect) ? [exchange.route.dialect] : translatedTo;
  const fitting = spoken.map((dialect): Repair => {
    const member = DIALECTS[dialect].repairs.limits.answer[0].join(".");
    return { kind: "limit-answer", dialect, member, amount, isLasting: false };
  });
  return [...repairs, ...fitting];
}

/** Keeps what the refusals of a request that was answered in the end have told of the context. */
export function learnContext(
  request: Fitted,
  upstream: UpstreamView,
  { model }: Target,
  answered: readonly Answered[],
): void {
  const { contexts } = request.gateway.repairs;
  for (const { repair, isClients } of answered) {
    if (repair.told === undefined) continue;
    const { name } = request.exchange.principal;
    contexts.learn(upstream, model, name, repair.told, { bytes: request.likelyBytes, isClients });
  }
}
