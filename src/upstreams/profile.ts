/** One server as data: facts that differ from server to server within a family. */
import type { CodecProfile } from "../dialects/codec-profile.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { Proof } from "./evidence/proof.ts";
import type { Row } from "./evidence/signal-table.ts";
import type { SignalScope } from "./signal.ts";

export interface ServerProfile extends CodecProfile {
  /**
   * The dialects that a translated request may be sent in when the configuration lists none, the preferred one
   * first.
   */
  readonly translatedTo: readonly [DialectName, ...DialectName[]];
  /** The dialects that the server speaks when the configuration lists none; null: those of its family. */
  readonly spoken: readonly DialectName[] | null;
  /** The dialect whose endpoint counts input tokens; null: the server has none, so the gateway estimates. */
  readonly countDialect: DialectName | null;
  /** The reach of a rate limit when the configuration does not say. */
  readonly rateScope: SignalScope;
  /**
   * Chat: the content of an answer may be a list of parts, which clients of Chat do not read; null: the model says it
   * (`ChatTraits`).
   */
  readonly answersInParts: boolean | null;
  /** The names (`user-agent`) of clients that its makers wrote for its own forms; null: none are known. */
  readonly ownClients: RegExp | null;
  /** The call that proves a refused key or an empty account; null: none is documented, or it needs no key. */
  readonly proof: Proof | null;
  /** Rows of failures that hold for this server alone. They come before the rows of the family. */
  readonly failures: readonly Row[];
}
