/**
 * What a kind of upstream is to the rest: where it lives, how a credential is shown to it, and what each of its answers says
 * about that credential.
 */
import type { FamilyName } from "../config/schema.ts";
import type { HeaderView } from "../core/header-view.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { ServerProfile } from "./profile.ts";
import type { ReplyFacts, Signal } from "./signal.ts";

export interface Family {
  readonly name: FamilyName;
  /** Dialects that upstreams of this family speak when the config does not say. */
  readonly dialects: readonly DialectName[];
  /** As the family's official SDK takes it: no version for anthropic and gemini, ending in /v1 for openai. */
  readonly defaultBaseUrl: string;
  /** What the server at a base URL is. */
  profileOf(baseUrl: string): ServerProfile;
  /**
   * Joins the base URL and the canonical client path (`/v1/chat/completions`, `/v1beta/models/m:generateContent`), without
   * query, so that the version segment is there once.
   */
  url(baseUrl: string, path: string): string;
  /** The one header that shows the credential. */
  authHeader(apiKey: string): readonly [name: string, value: string];
  /** Headers an upstream of this family must have, used when the client sent none (anthropic-version). */
  readonly defaultHeaders: readonly (readonly [name: string, value: string])[];
  /** Names of models that are known to be this family's, so that they need no upstream's name before them. */
  readonly modelNames: RegExp;
  /** Its servers also have models of other makers, whose own names may end in `-thinking` or `-search`. */
  readonly servesOtherMakers: boolean;
  /** The traits of a model, by its maker's own name for it; safe ones for a name that is not known. */
  traitsOf(plainName: string): ModelTraits;
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
