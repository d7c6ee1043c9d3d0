/** What translation makes of a client's request. */
import type { Codec, EncodedRequest } from "../dialects/codec.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { Drop } from "../neutral/request.ts";

/** A request in the words of one upstream. */
export interface TranslatedRequest {
  readonly dialect: DialectName;
  readonly codec: Codec;
  readonly encoded: EncodedRequest;
  readonly body: Uint8Array;
  /** In the client's terms. */
  readonly dropped: readonly Drop[];
  readonly purpose: "answer" | "count";
  /** The provider may search the web, and pause while it does. */
  readonly searches: boolean;
}
