/**
 * The contract between translation and a dialect: one pure, synchronous codec for both directions. Decode:
 * wire → neutral; encode: neutral → wire. The codec of the client's dialect decodes requests and encodes
 * replies; the codec of the upstream's dialect encodes requests and decodes replies. A codec knows no HTTP,
 * credentials, config, clock or randomness, and throws nothing but `GatewayError`.
 */
import type { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { ModelEvent, ModelReply } from "../neutral/event.ts";
import type { Drop, ModelRequest, Parameter } from "../neutral/request.ts";
import type { ToolNames } from "../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { CodecProfile } from "./codec-profile.ts";
import type { DialectName, Framing } from "./dialect.ts";
import type { EmbeddingCodec } from "./embedding-codec.ts";
import type { EncodeRepairs } from "./repair.ts";

/** Media that are named by URL. */
export type UrlMedia = readonly ("image" | "document" | "audio" | "video")[];

export interface DecodedRequest {
  readonly request: ModelRequest;
  /** Members that no other provider can take, and unknown ones, by the client's names. */
  readonly dropped: readonly Drop[];
  /** The client's names of parameters where they differ from `Codec.fieldNames`. */
  readonly named?: Partial<Readonly<Record<Parameter, string>>>;
  /** The part of the request on which the reply depends; only this codec reads it. */
  readonly replyContext: unknown;
}

export interface DecodeRequestOptions {
  /** Of the path, for dialects whose bodies name no model. */
  readonly model: string;
  /** The path asks for a stream. */
  readonly stream: boolean;
}

export interface EncodeRequestOptions {
  /** The upstream's name of the model. */
  readonly model: string;
  readonly traits: ModelTraits;
  /** Of the server that the request goes to. */
  readonly profile: CodecProfile;
  readonly repairs: EncodeRepairs;
  /** `count`: only the members that count as input. */
  readonly purpose: "answer" | "count";
}

/** A request for an upstream. */
export interface EncodedRequest {
  /**
   * Canonical path with the query, as in `/v1/messages` or `/v1beta/models/m:streamGenerateContent?alt=sse`.
   */
  readonly path: string;
  /**
   * The same request gives the same JSON text, and a grown conversation begins with the same text: providers
   * cache it.
   */
  readonly body: JsonObject;
  /** In addition to the headers of the family, as in `anthropic-beta`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly dropped: readonly Drop[];
  /** The names of the tools on this wire. */
  readonly names: ToolNames;
  /** Stop sequences that the gateway has to watch for itself. */
  readonly watchedStops: readonly string[];
}

export interface DecodeReplyOptions {
  /** Unique for this attempt; missing ids are made of it and a number. At most 26 characters of [0-9A-Z]. */
  readonly idSeed: string;
  /** A longer frame is garbage. */
  readonly maxFrameBytes: number;
}

/** Reads a streamed reply. Any split of the bytes gives the same events. */
export interface StreamDecoder {
  /**
   * Takes the next bytes and emits the events that they make certain, in the order of the grammar. Garbage
   * emits `fail`.
   */
  push(bytes: Uint8Array, emit: (event: ModelEvent) => void): void;
  /**
   * The body has ended well by the rules of HTTP. Emits `end` if the answer may end here, else nothing: it
   * was cut.
   */
  end(emit: (event: ModelEvent) => void): void;
  /**
   * `end` is withheld only because more may come (usage, `[DONE]`): an end of the body here is a good end.
   */
  readonly isFinished: boolean;
  /** What a frame that is not whole yet, and what else is kept of the answer, take in memory. */
  readonly heldBytes: number;
}

export interface EncodeReplyOptions {
  readonly framing: Framing;
  /** Unique for the exchange; ids of replies and items are made of it. */
  readonly idSeed: string;
  /** The client's name of the model. */
  readonly model: string;
  readonly createdAtS: number;
  readonly replyContext: unknown;
  /** An estimate of the prompt, for what is told before the upstream has counted it; null: nobody knows. */
  readonly promptTokens?: () => number | null;
}

/** Writes a streamed reply in the framing `sse` or `json-array`. */
export interface StreamEncoder {
  /** The stream ends with the whole answer, which is kept until then. */
  readonly keepsAnswer: boolean;
  /** The client's text for an event other than `fail`; often "". The text for `end` ends the stream. */
  encode(event: ModelEvent): string;
  /**
   * Ends the stream with an error, in the form that the official SDKs raise as an exception; may be the first
   * call.
   */
  fail(error: GatewayError, requestId: string): string;
}

/** Facts of the target of a relayed request that is amended. */
export type AmendTarget = Pick<EncodeRequestOptions, "traits" | "profile">;

/** A relayed body with its amendment. */
export interface AmendedBody {
  readonly body: JsonObject;
  /**
   * Values of the amendment that could not be set, and members of the client that could not stay beside them.
   */
  readonly dropped: readonly Drop[];
}

export interface Codec {
  readonly name: DialectName;
  /** The maker of this dialect's seals. */
  readonly maker: string;
  /**
   * Replies have a place for another maker's seals, and clients send them back. Without one, the gateway
   * remembers the seals by the calls that they belong to.
   */
  readonly carriesSeals: boolean;
  /**
   * Whether replies have a place for a call whose arguments a limit has broken off: in every form, in streams
   * alone, or in none.
   */
  readonly keepsCutCalls: "always" | "streamed" | "never";
  /** Clients that do not say so are shown the reasoning of an answer, where there is any. */
  readonly showsReasoning: boolean;
  /** The media that a server fetches by URL. */
  takesUrls(profile: CodecProfile): UrlMedia;
  /** The dialect's names of the parameters; null: it has no such parameter. */
  readonly fieldNames: Readonly<Record<Parameter, string | null>>;
  /**
   * Throws `bad_request` for a member that makes no sense, `not_translatable` for one that no other provider
   * can take.
   */
  decodeRequest(body: JsonObject, options: DecodeRequestOptions): DecodedRequest;
  /**
   * Throws `not_translatable` with `param` (a `Parameter` or an `at`) for a part that this target must not
   * lose.
   */
  encodeRequest(request: ModelRequest, options: EncodeRequestOptions): EncodedRequest;
  /**
   * Whether the request should go out in another dialect, if its server speaks one, because this dialect would
   * lose a part without a word. Absent: never. `traits` are of the model in this dialect.
   */
  outgrows?(request: ModelRequest, traits: ModelTraits): boolean;
  makeStreamDecoder(framing: Framing, options: DecodeReplyOptions): StreamDecoder;
  /**
   * A whole reply. Throws `upstream_garbage` for anything else; an error object in a reply of status 200 is
   * its `detail`.
   */
  decodeReply(body: JsonObject, options: DecodeReplyOptions): ModelReply;
  makeStreamEncoder(options: EncodeReplyOptions): StreamEncoder;
  /** JSON text. */
  encodeReply(reply: ModelReply, options: EncodeReplyOptions): string;
  /** When a stream may stop with `pause` or `continuation`. */
  readonly pauses: "never" | "searching" | "anytime";
  /**
   * The body that continues a reply which stopped with `pause` or `continuation`; null: the dialect has none.
   */
  continueReply(body: JsonObject, reply: ModelReply): JsonObject | null;
  /**
   * Amends the body of a relayed request, which does not go through the neutral language. Members that
   * nothing is asked of stay as they are. Throws `not_translatable` when the model's name asks for a search
   * that the model does not have.
   */
  amend(body: JsonObject, amendment: Amendment, target: AmendTarget): AmendedBody;
  /** Requests for vectors; absent: the dialect has none. */
  readonly embeddings?: EmbeddingCodec;
  /** The input tokens in the reply of a counting endpoint; null: none are there. */
  decodeCount(body: JsonObject): number | null;
  /** JSON text of the counting endpoint's reply; null: the dialect has no such endpoint. */
  encodeCount(inputTokens: number): string | null;
}
