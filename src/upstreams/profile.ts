/** One server as data: facts that differ from server to server within a family. */
import type { CodecProfile } from "../dialects/codec-profile.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { SignalScope } from "./signal.ts";

export interface ServerProfile extends CodecProfile {
  /**
   * The dialects that a translated request may be sent in when the configuration lists none, the preferred one
   * first.
   */
  readonly translatedTo: readonly [DialectName, ...DialectName[]];
  /** The dialect whose endpoint counts input tokens; null: the server has none, so the gateway estimates. */
  readonly countDialect: DialectName | null;
  /** The reach of a rate limit when the configuration does not say. */
  readonly rateScope: SignalScope;
}
