/** An answer that was read as a whole before the client got any of it. */
import { GatewayError } from "../../core/errors.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import type { Usage } from "../../neutral/usage.ts";
import type { AnswerFacts } from "../exchange.ts";

export type WholeFailure =
  /** The upstream said so itself. */
  | { readonly kind: "told"; readonly raw: string }
  /** It makes no sense. */
  | { readonly kind: "garbage"; readonly message: string }
  /** It has no end. */
  | { readonly kind: "cut"; readonly message: string };

/** Why the events are no good answer; null when they are. */
export function wholeFailure(events: readonly ModelEvent[]): WholeFailure | null {
  const last = events.at(-1);
  if (last?.type === "end") return null;
  if (last?.type !== "fail") return { kind: "cut", message: "the upstream's reply broke off" };
  return last.raw === null ? { kind: "garbage", message: last.message } : { kind: "told", raw: last.raw };
}

/** What the row says of it. */
export function factsOf(events: readonly ModelEvent[]): AnswerFacts {
  let usage: Usage | null = null;
  let model: string | null = null;
  let stopReason: string | null = null;
  for (const event of events) {
    if (event.type === "usage") usage = event.usage;
    else if (event.type === "start") model = event.model;
    else if (event.type === "end") stopReason = event.stop.raw;
  }
  return { usage, model, stopReason, stateIds: [], isCutShort: false };
}

/** What a provider's refusal to go on with its answer is to the client. */
export function hopRefused(status: number): GatewayError {
  return new GatewayError("upstream_cut", `the upstream did not go on with its answer (status ${status})`);
}
