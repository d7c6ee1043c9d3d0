import type { HeaderView } from "../core/header-view.ts";

/** The reach of a failure: the whole credential, or the credential for the model of the request. */
export type SignalScope = "credential" | "model";

/**
 * The meaning of a reply for the credential. `reason` is a short public text without a secret and without the
 * upstream's words.
 *
 * - rate: a limit that ends at `untilMs`. quota: used up until `untilMs`.
 * - credit: no money until a person acts. invalid: refused until a person acts.
 * - config: the operator must change something at the provider. forbid: the credential may not use the model.
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

export interface ReplyFacts {
  readonly status: number;
  readonly headers: HeaderView;
  /** The error body as text, at most 64 KiB; empty when there is none. */
  readonly body: string;
  readonly nowMs: number;
  /** The upstream's name for the model. */
  readonly model: string;
}
