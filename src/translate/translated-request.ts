/** A client's request, translated for one target. */
import type { JsonObject } from "../core/json.ts";
import type { Codec, EncodedRequest } from "../dialects/codec.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { Drop } from "../neutral/request.ts";
import type { Answered } from "../upstreams/refusals/learned-repairs.ts";

export interface TranslatedRequest {
  readonly dialect: DialectName;
  readonly codec: Codec;
  readonly encoded: Pick<EncodedRequest, "path" | "headers" | "names" | "watchedStops">;
  /** The encoded body as text. Its values are not kept beside it: a long body would be there twice. */
  readonly body: Uint8Array;
  /** Dropped fields, by the client's names. */
  readonly dropped: readonly Drop[];
  /** The repairs that changed the body. */
  readonly repaired: readonly Answered[];
  readonly purpose: "answer" | "count" | "embed";
  /** The upstream is asked for a stream. */
  readonly isStream: boolean;
  /** The provider may search the web, and may pause its answer while it searches. */
  readonly searches: boolean;
}

/** A request for a target whose body has not been written yet. */
export type Draft = Omit<TranslatedRequest, "body"> & { readonly body: JsonObject };

const encoder = new TextEncoder();

export function writeBody(draft: Draft): TranslatedRequest {
  return { ...draft, body: encoder.encode(JSON.stringify(draft.body)) };
}
