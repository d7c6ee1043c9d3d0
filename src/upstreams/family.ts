/**
 * What a kind of upstream is to the rest: where it lives, how a credential is shown to it, and what each of its answers says
 * about that credential.
 */
import type { HeaderView } from "../core/header-view.ts";
import type { DialectName } from "../dialects/dialect.ts";

export type FamilyName = "anthropic" | "gemini" | "openai";

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

export interface Family {
  readonly name: FamilyName;
  /** Dialects that upstreams of this family speak when the config does not say. */
  readonly dialects: readonly DialectName[];
  /** As the family's official SDK takes it: no version for anthropic and gemini, ending in /v1 for openai. */
  readonly defaultBaseUrl: string;
  /**
   * Joins the base URL and the canonical client path (`/v1/chat/completions`, `/v1beta/models/m:generateContent`), without
   * query, so that the version segment is there once.
   */
  url(baseUrl: string, path: string): string;
  /** The one header that shows the credential. */
  authHeader(apiKey: string): readonly [name: string, value: string];
  /** Headers an upstream of this family must have, used when the client sent none (anthropic-version). */
  readonly defaultHeaders: readonly (readonly [name: string, value: string])[];
  /** What a failed reply (HTTP status >= 400, or an in-band failure with the status it stands for) says. */
  classify(reply: ReplyFacts): Signal;
  /**
   * The HTTP status that an error object inside a good reply (a stream's error event, `{"error":…}` in a 200) stands for, so that
   * `classify` can judge it. 500 when it is not known.
   */
  inBandStatus(body: string): number;
  /** What a good reply's rate headers say: `ok`, or `rate` when nothing remains until a reset. Called for every reply: cheap. */
  classifyOk(headers: HeaderView, nowMs: number): Signal;
  /** The reply header that names the organization behind a credential, for grouping later; null where there is none. */
  readonly organizationHeader: string | null;
}
