/** Translates a request for vectors, and its reply. */
import { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Pieces } from "../core/turns.ts";
import type { CodecProfile } from "../dialects/codec-profile.ts";
import { codecOf } from "../dialects/codecs.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { EmbeddingCodec, EmbeddingReply, EmbeddingRequest } from "../dialects/embedding-codec.ts";
import type { Route } from "../dialects/endpoint.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { Drop } from "../neutral/request.ts";
import type { ToolNames } from "../neutral/tools/tool-names.ts";
import { parseJsonObject } from "../wire/json.ts";
import { boundDrops, strictRefusal } from "./drops.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/** The dialects that have an endpoint for vectors. */
const WITH_VECTORS: ReadonlySet<string> = new Set(
  Object.values(DIALECTS)
    .filter(({ endpoints }) => Object.values(endpoints).some(({ purpose }) => purpose === "embed"))
    .map(({ name }) => name),
);

/** The first of these dialects that asks for vectors; null: none does. */
export function embeddingDialect(dialects: Iterable<DialectName>): DialectName | null {
  for (const dialect of dialects) if (WITH_VECTORS.has(dialect)) return dialect;
  return null;
}

function vectorCodecOf(dialect: DialectName): EmbeddingCodec {
  const { embeddings } = codecOf(dialect);
  if (embeddings === undefined) throw new Error(`${dialect} has no embeddings`);
  return embeddings;
}

export interface DecodedEmbedding {
  readonly request: EmbeddingRequest;
  readonly dropped: readonly Drop[];
}

interface EmbeddingTarget {
  /** The upstream's name of the model. */
  readonly model: string;
  readonly profile: CodecProfile;
  readonly isStrict: boolean;
}

const encoder = new TextEncoder();

type Asked = Pick<Route, "dialect" | "endpoint">;

/** Throws `bad_request` or `not_translatable`. */
export function decodeEmbedding({ dialect, endpoint }: Asked, body: JsonObject): DecodedEmbedding {
  return vectorCodecOf(dialect).decodeRequest(body, isBatch(endpoint));
}

/** No tools, so no names of tools. */
export const SAME_NAMES: ToolNames = { wireName: ({ name }) => name, original: () => null };

/** Throws `not_translatable` when the key or model is strict and a part would be lost. */
export function encodeEmbedding(
  dialect: DialectName,
  decoded: DecodedEmbedding,
  { isStrict, ...target }: EmbeddingTarget,
): TranslatedRequest {
  const { path, body, dropped: lost } = vectorCodecOf(dialect).encodeRequest(decoded.request, target);
  const dropped = boundDrops([...decoded.dropped, ...lost]);
  if (dropped.length > 0 && isStrict) throw strictRefusal(dropped);
  return {
    dialect,
    codec: codecOf(dialect),
    encoded: { path, headers: [], names: SAME_NAMES, watchedStops: [] },
    body: encoder.encode(JSON.stringify(body)),
    dropped,
    repaired: [],
    purpose: "embed",
    isStream: false,
    searches: false,
  };
}

/** The upstream's reply to a request for `count` texts. Throws `upstream_garbage`. */
export function* readEmbedding(
  dialect: DialectName,
  bytes: Uint8Array,
  count: number,
): Pieces<EmbeddingReply> {
  yield;
  const body = parseJsonObject(bytes);
  yield;
  const reply = body === null ? null : vectorCodecOf(dialect).decodeReply(body);
  if (reply?.vectors.length !== count)
    throw new GatewayError("upstream_garbage", "the upstream's reply has no vector for each text");
  return reply;
}

/** The reply in the client's form. */
export function writeEmbedding(
  { dialect, endpoint }: Asked,
  reply: EmbeddingReply,
  options: { readonly model: string; readonly encoding: EmbeddingRequest["encoding"] },
): string {
  return vectorCodecOf(dialect).encodeReply(reply, { ...options, isBatch: isBatch(endpoint) });
}

function isBatch(endpoint: string): boolean {
  return endpoint === "batchEmbedContents";
}
