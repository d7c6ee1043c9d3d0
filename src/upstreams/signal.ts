import type { HeaderView } from "../core/header-view.ts";

/** The reach of a failure: the whole credential, or the credential for the model of the request. */
export type SignalScope = "credential" | "model";

/**
 * The meaning of a reply for the credential. `reason` is a short public text without a secret and without the
 * upstream's words.
 *
 * - rate: a limit that ends at `untilMs`. quota: used up until `untilMs`.
 * - credit, invalid, config: an accusation of the credential, see `Accusation`.
 * - forbid: the credential may not use the model.
 * - overload: the upstream's fault. bad: the request's fault.
 */
export type Signal =
  | { readonly class: "ok" }
  | {
      readonly class: "rate";
      readonly untilMs: number;
      readonly scope: SignalScope;
      readonly reason: string;
      /** The reply names no time. `untilMs` is a first guess, which the pool lets grow with each strike. */
      readonly isGuess?: true;
      /** The reply says that the limit is the model's, so it holds for the model alone at any server. */
      readonly isOfModel?: true;
    }
  | {
      readonly class: "quota";
      readonly untilMs: number;
      readonly scope: SignalScope;
      readonly reason: string;
      /**
       * `untilMs` is only the time to ask again: the quota is whole at this time at the latest. Each refusal until then makes
       * the wait twice as long.
       */
      readonly latestMs?: number;
      /** As for `rate`. */
      readonly isOfModel?: true;
    }
  | Accusation
  | { readonly class: "forbid"; readonly reason: string }
  | { readonly class: "overload"; readonly reason: string }
  | {
      readonly class: "bad";
      readonly reason: string;
      /** The request is larger than a limit of the credential: that of another one may be larger. */
      readonly isAboveLimit?: true;
    };

/** A failure that speaks for, or against, the credential and not the request. */
type OfCredential = Exclude<Signal, { readonly class: "ok" | "bad" | "overload" | "forbid" }>;

/** Whether the failure is the credential's: its limits, its money or the key itself. */
export function isOfCredential(signal: Signal): signal is OfCredential | { readonly class: "ok" } {
  return signal.class !== "bad" && signal.class !== "overload" && signal.class !== "forbid";
}

/**
 * A reply that speaks against the credential itself. credit: it has no money. invalid: it is refused. config: the operator
 * must change something at the provider. One client's request can bring such a reply about, so the reply alone takes the
 * credential out for a time only.
 */
export interface Accusation {
  readonly class: "credit" | "invalid" | "config";
  readonly reason: string;
  /**
   * The code or the words are the provider's own statement about the key or its money. When a call of the gateway's own
   * confirms it (`ServerProfile.proof`), a person must act.
   */
  readonly isStatement?: true;
}

export interface ReplyFacts {
  readonly status: number;
  readonly headers: HeaderView;
  /** The error body as text, at most 64 KiB; empty when there is none. */
  readonly body: string;
  readonly nowMs: number;
  /** The upstream's name for the model. */
  readonly model: string;
  /** Whether a text stands in the request, so that the reply may only repeat it. Absent: the request has no words. */
  readonly isOfRequest?: (text: string) => boolean;
}
