/** The meaning of a reply for the credential that was shown. */
import type { HeaderView } from "../core/header-view.ts";

/** What a failure touches: the credential as a whole, or that credential for the one model asked. */
export type SignalScope = "credential" | "model";

/**
 * What a reply says about the credential that was shown. `reason` is a short public text (no secret, no upstream body).
 * rate: wait until; quota: used up until; credit: no money until a person acts; invalid: refused until a person acts;
 * forbid: this model is not for this credential; config: the operator has to change something outside; overload: the upstream is
 * at fault; bad: the request is at fault.
 */
export type Signal =
  | { readonly class: "ok" }
  | {
      readonly class: "rate";
      readonly untilMs: number;
      readonly scope: SignalScope;
      readonly reason: string;
      /** The reply named no time: `untilMs` is the family's first guess, and the pool lets it grow with each strike. */
      readonly isGuess?: true;
    }
  | {
      readonly class: "quota";
      readonly untilMs: number;
      readonly scope: SignalScope;
      readonly reason: string;
    }
  | { readonly class: "credit"; readonly reason: string }
  | { readonly class: "invalid"; readonly reason: string }
  | { readonly class: "config"; readonly reason: string }
  | { readonly class: "forbid"; readonly reason: string }
  | { readonly class: "overload"; readonly reason: string }
  | { readonly class: "bad"; readonly reason: string };

/** A reply as classification sees it. */
export interface ReplyFacts {
  readonly status: number;
  readonly headers: HeaderView;
  /** The error body as text (bounded by the caller to 64 KiB); empty for an answer without failure. */
  readonly body: string;
  readonly nowMs: number;
  /** The model that was asked of the upstream. */
  readonly model: string;
}
