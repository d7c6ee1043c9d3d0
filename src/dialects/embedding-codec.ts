/** The contract of a dialect that asks for vectors of texts: requests and replies to and from a neutral form. Pure. */
import type { JsonObject } from "../core/json.ts";
import type { Drop } from "../neutral/request.ts";
import type { Usage } from "../neutral/usage.ts";
import type { CodecProfile } from "./codec-profile.ts";

export interface EmbeddingRequest {
  readonly texts: readonly string[];
  /** The length of each vector; null: the model's own. */
  readonly dimensions: number | null;
  /** Vectors as lists of numbers, or as base64 of 32-bit floats, little-endian. */
  readonly encoding: "float" | "base64";
  /** What the vectors are for, in Google's word (`RETRIEVAL_QUERY`), and the title of a document; null: not said. */
  readonly task: string | null;
  readonly title: string | null;
  /** The client's names of the two. */
  readonly taskAt: string;
  readonly titleAt: string;
}

export interface EmbeddingReply {
  /** In the order of the texts. */
  readonly vectors: readonly (readonly number[])[];
  /** The upstream's own name of the model; null: it gave none. */
  readonly model: string | null;
  /** null: the upstream counted nothing. */
  readonly usage: Usage | null;
}

export interface EmbeddingCodec {
  /** `isBatch`: the path asks for several texts. Throws `bad_request` or `not_translatable`. */
  decodeRequest(
    body: JsonObject,
    isBatch: boolean,
  ): { readonly request: EmbeddingRequest; readonly dropped: readonly Drop[] };
  /** `dropped`: parts that have no place here, by the client's names. */
  encodeRequest(
    request: EmbeddingRequest,
    options: { readonly model: string; readonly profile: CodecProfile },
  ): { readonly path: string; readonly body: JsonObject; readonly dropped: readonly Drop[] };
  /** Throws `upstream_garbage` for a reply without vectors. */
  decodeReply(body: JsonObject): EmbeddingReply;
  /** JSON text. `model`: the client's name of it. */
  encodeReply(
    reply: EmbeddingReply,
    options: {
      readonly model: string;
      readonly isBatch: boolean;
      readonly encoding: EmbeddingRequest["encoding"];
    },
  ): string;
}
