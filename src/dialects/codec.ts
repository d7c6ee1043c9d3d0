/**
 * What translation asks of a dialect: one pure, synchronous codec, both directions. Decode: wire → neutral; encode: neutral → wire. As a
 * client's dialect it decodes requests and encodes replies, as an upstream's dialect it encodes requests and decodes replies. It knows no
 * HTTP, credentials, config, clock or randomness, and throws nothing but `GatewayError`.
 */
import type { GatewayError } from "../core/errors.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { ModelEvent, ModelReply } from "../neutral/event.ts";
import type { Drop, JsonObject, ModelRequest, Parameter } from "../neutral/request.ts";
import type { ToolNames } from "../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { CodecProfile } from "./codec-profile.ts";
import type { DialectName, Framing } from "./dialect.ts";

/** What a client's request comes to. */
export interface DecodedRequest {
  readonly request: ModelRequest;
  /** Already in the client's own terms: members that no other provider can take, unknown ones among them. */
  readonly dropped: readonly Drop[];
  /** Where the client used another of its dialect's names for a parameter than `Codec.fieldNames` says. */
  readonly named?: Partial<Readonly<Record<Parameter, string>>>;
  /** What the dialect's replies repeat or depend on; only this codec reads it. */
  readonly replyContext: unknown;
}

export interface DecodeRequestOptions {
  /** Gemini: the model and whether it streams, which its path says; the others take both from the body. */
  readonly model: string;
  readonly stream: boolean;
}

/** What an upstream has been found, or is known, to want otherwise. All false at first. */
export interface Repairs {
  /** Send no reasoning state: the upstream refused a seal as not its own or damaged. Where a dummy is documented, it is sent instead. */
  readonly withoutSeals: boolean;
  /** Chat: no `stream_options`. */
  readonly withoutStreamOptions: boolean;
  /** Instructions only at the start: those between turns become text of the user's turn, in a fixed tag. */
  readonly systemFirst: boolean;
  /** No request for a summary of the reasoning (organization not verified). */
  readonly withoutSummary: boolean;
}

export interface EncodeRequestOptions {
  /** As the upstream calls it. */
  readonly model: string;
  readonly traits: ModelTraits;
  /** Of the server that the request goes to. */
  readonly profile: CodecProfile;
  readonly repairs: Repairs;
  /** `count`: only what counting its input tokens needs. */
  readonly purpose: "answer" | "count";
}

/** A request for an upstream. */
export interface EncodedRequest {
  /** Canonical path with the query, as in `/v1/messages` or `/v1beta/models/m:streamGenerateContent?alt=sse`. */
  readonly path: string;
  /** To be written with `JSON.stringify`: the same request gives the same bytes, and a grown conversation begins with the same bytes. */
  readonly body: JsonObject;
  /** Beyond the family's own, as in `anthropic-beta`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly dropped: readonly Drop[];
  /** The names that tools go by on this wire. */
  readonly names: ToolNames;
  /** Stop sequences that the gateway has to watch for itself. */
  readonly watchedStops: readonly string[];
}

export interface DecodeReplyOptions {
  /** Unique for this attempt; ids that the upstream left out are made of it and a number. At most 26 characters of [0-9A-Z]. */
  readonly idSeed: string;
  /** A frame beyond it is garbage. */
  readonly maxFrameBytes: number;
}

/** Reads a streamed reply. Any split of the bytes gives the same events. */
export interface StreamDecoder {
  /** Takes the next bytes. Events that became certain go to `emit`, in the order of the grammar. Garbage gives `fail`, never an exception. */
  push(bytes: Uint8Array, emit: (event: ModelEvent) => void): void;
  /** The body has ended well by HTTP's rules. Emits `end` if the answer may end here (see `isFinished`), else nothing: it was cut. */
  end(emit: (event: ModelEvent) => void): void;
  /** `end` has been withheld only because more might come (usage, `[DONE]`): an end of the body here is a good end. */
  readonly isFinished: boolean;
}

export interface EncodeReplyOptions {
  readonly framing: Framing;
  /** Of the exchange: ids of replies and items are made of it. */
  readonly idSeed: string;
  /** What the client asked for; shown as the reply's model. */
  readonly model: string;
  readonly createdAtS: number;
  readonly replyContext: unknown;
}

/** Writes a streamed reply in the framing `sse` or `json-array`. */
export interface StreamEncoder {
  /** What the client is to read for this event; often "". `end` gives all that ends the stream. `fail` is not for it. */
  encode(event: ModelEvent): string;
  /** Ends the stream with an error, in the form that the official SDKs raise as an exception; may be the first call. */
  fail(error: GatewayError, requestId: string): string;
}

/** A relayed body with its amendment. */
export interface AmendedBody {
  readonly body: JsonObject;
  /** Values of the amendment that could not be set, and members of the client that could not stay beside them. */
  readonly dropped: readonly Drop[];
}

/** An upstream's error body, read. */
export interface DecodedError {
  /** The upstream's own words; null when there are none. */
  readonly message: string | null;
  /** Structured type or code. */
  readonly code: string | null;
  /** The field at fault, in the upstream's terms. */
  readonly param: string | null;
}

export interface Codec {
  readonly name: DialectName;
  /** The maker of this dialect's seals. */
  readonly maker: string;
  /**
   * Whether its replies have a place for another maker's seals, and its clients give back what stands there; where not, the gateway
   * remembers them by the calls they belong to.
   */
  readonly carriesSeals: boolean;
  /** What its servers fetch by URL themselves. */
  readonly takesUrls: readonly ("image" | "document" | "audio" | "video")[];
  /** What the dialect calls a parameter; null: it has none, so it is never named. */
  readonly fieldNames: Readonly<Record<Parameter, string | null>>;
  /** Throws `bad_request` with `param` for what makes no sense, `not_translatable` for what no other provider can take. */
  decodeRequest(body: JsonObject, options: DecodeRequestOptions): DecodedRequest;
  /** Throws `not_translatable` with `param` (a `Parameter` or an `at`) for what this target must not lose. */
  encodeRequest(request: ModelRequest, options: EncodeRequestOptions): EncodedRequest;
  makeStreamDecoder(framing: Framing, options: DecodeReplyOptions): StreamDecoder;
  /** A whole reply. Throws `upstream_garbage` when it is not one; an error object in a 200 as well, with the object in `detail`. */
  decodeReply(body: JsonObject, options: DecodeReplyOptions): ModelReply;
  makeStreamEncoder(options: EncodeReplyOptions): StreamEncoder;
  /** JSON text. */
  encodeReply(reply: ModelReply, options: EncodeReplyOptions): string;
  /** The body that asks the provider to go on behind a reply that stopped with `pause` or `continuation`; null: it has no such thing. */
  goOn(body: JsonObject, reply: ModelReply): JsonObject | null;
  /**
   * Amends the body of a relayed request, which does not go through the neutral language. Members that nothing is asked of
   * stay as they are. Throws `not_translatable` when the model's name asks for a search that the model does not have.
   */
  amend(body: JsonObject, amendment: Amendment, traits: ModelTraits): AmendedBody;
  /** The body without sealed reasoning, to be tried once when the provider refuses a seal; null: it holds none. */
  withoutSeals(body: JsonObject): JsonObject | null;
  /** Never throws. */
  decodeError(body: string): DecodedError;
  /** Input tokens that a counting endpoint's reply names; null when it does not. */
  decodeCount(body: JsonObject): number | null;
  /** JSON text of the counting endpoint's reply; null: the dialect has no such endpoint. */
  encodeCount(inputTokens: number): string | null;
}
