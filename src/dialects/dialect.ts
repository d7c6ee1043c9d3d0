/**
 * The contract of a dialect, apart from its codec: its endpoints, how its requests are peeked, how a tap
 * reads its replies, and the form of its errors and model list. Pure and synchronous: no I/O, no clock, no
 * credentials.
 */
import type { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { Usage } from "../neutral/usage.ts";
import type { ShapeNode } from "../wire/json-shape.ts";
import type { JsonSink } from "../wire/json-sink.ts";
import type { SpliceEdit } from "../wire/json-splice.ts";
import type { RepairRules } from "./repair.ts";
import type { RepeatFacts } from "./repeat.ts";
import type { PrefixPlan } from "./shared/prefix-plan.ts";
import type { ProviderIdPlan } from "./shared/provider-id-plan.ts";

/** The four wire languages. */
export type DialectName = "openai-chat" | "openai-responses" | "anthropic-messages" | "gemini";

/** How a reply's bytes are framed: one JSON value, server-sent events, or Gemini's incremental JSON array. */
export type Framing = "json" | "sse" | "json-array";

/**
 * What a request's body says at its top level, and in the few objects that hold its limits. Offsets are bytes
 * of the body.
 */
export interface Peek {
  /** Null when the body names none: the path may. */
  readonly model: string | null;
  /** The model's string token, quotes included; -1 when there is none. */
  readonly modelStart: number;
  readonly modelEnd: number;
  /** The body asks for a stream; a path may as well (`EndpointFacts.isStream`). */
  readonly stream: boolean;
  /** Id of state that lives at a provider under the credential that made it, and the field that names it. */
  readonly stateId: string | null;
  readonly stateField: string | null;
  /** The most that one answer may be, thinking included; null: the request says nothing that can be read. */
  readonly maxOutputTokens: number | null;
  /** How many answers the request asks for; at least 1. */
  readonly answers: number;
  /** The provider's word for the tier that the request asks for; null: none. */
  readonly tier: string | null;
  /** Where the request must be served, in the provider's word (`inference_geo`); null: anywhere. */
  readonly region: string | null;
  /** The reply comes at once, and the answer is made later. */
  readonly isBackground: boolean;
  /** The body names models for its upstream to fall back on; `fallbackModels` reads them. */
  readonly namesFallbacks: boolean;
  /** A member that names them is there twice, and servers differ in which one they read; null: none is. */
  readonly doubledFallbacks: string | null;
  /**
   * A member that is called `model` in another case, which servers in Go read as `model`; null: there is none.
   */
  readonly modelInOtherCase: string | null;
  /** The client's name for its own user; null: none. As long as the client made it. */
  readonly user: string | null;
  /** The kinds of words (`WORD_KINDS`) that stand in the request as a whole key or value, wherever. */
  readonly words: number;
}

/**
 * Takes the members that the dialect's `peekShape` names and becomes the peek. A dialect's own sink may hold
 * more than `Peek` shows; only the dialect that made it reads that.
 */
export interface PeekSink extends JsonSink, Peek {
  /** Offset behind the root's opening brace; -1 as long as there is none. */
  readonly insertAt: number;
  words: number;
}

/** A member of the request that makes streams report usage. */
export interface UsageOption {
  /** The member's name. */
  readonly member: string;
  /** Whether a stream would come without usage. */
  isOff(peek: Peek): boolean;
  /**
   * The edits that switch it on; none where the client's value makes no sense, which the upstream reports
   * best.
   */
  editsOn(body: Uint8Array, peek: Peek): readonly SpliceEdit[];
}

/** What a word says that is looked for in each request while it is peeked. */
export const WORD_KINDS = {
  /** The request may be in the words of another dialect. */
  foreign: 1,
  /** The request may name an object that lives at the provider. */
  naming: 2,
} as const;

/** Requests in the words of other dialects that clients send to this dialect's paths. */
export interface ForeignForms {
  /** Keys and values that only foreign forms hold. */
  readonly words: readonly string[];
  /** False: the request is surely by the book. Reads the bytes without parsing them. */
  mayBeIn(body: Uint8Array, peek: Peek): boolean;
  /** Loads what rewrites a request: most clients never need it. */
  loadRewrite(): Promise<RewriteRequest>;
}

/** The request by the book, which may be equal. Never throws: what makes no sense stays, for its reader to refuse. */
export type RewriteRequest = (body: JsonObject) => JsonObject;

/** Answers of servers in forms that the dialect's book does not have, and that its clients do not read. */
export interface ForeignReplies {
  /** False: the bytes, a whole reply or events of one, are surely by the book. Reads them without parsing them. */
  mayBeIn(reply: Uint8Array): boolean;
  /** A whole reply, or the data of one event, by the book; null: it is so already. Never throws. */
  rewrite(reply: JsonObject): JsonObject | null;
}

/** Another dialect of the same provider, for requests that some of its models refuse in this one. */
export interface Alternative {
  readonly dialect: DialectName;
  /** Whether some model might refuse the request; `ModelTraits.needsResponsesForTools` says which. */
  mayBeNeeded(peek: Peek): boolean;
}

/** The state of an answer, as far as a tap has read it. */
export interface TapState {
  /** Token counts in the neutral accounting; null as long as the upstream reported none. */
  readonly usage: Usage | null;
  /**
   * Bytes that the model has written since the upstream reported usage last: words, reasoning and arguments, without
   * their framing. For an estimate where the final count never comes.
   */
  readonly uncountedBytes: number;
  /** The model that the upstream says it used. */
  readonly model: string | null;
  /**
   * Ids of state that now lives at the provider under this credential: stored responses, containers, threads.
   */
  readonly stateIds: readonly string[];
  /** Ids of the stored items that the answer consists of, which a later request may refer to; absent: there are none. */
  readonly itemIds?: readonly string[];
  /**
   * The id of a response that its provider goes on to make behind this reply: its usage can be fetched later; null: there
   * is none.
   */
  readonly pendingId: string | null;
  /** The upstream's own stop or finish reason, raw. */
  readonly stopReason: string | null;
  /** The provider, or its model, has refused to answer for the content, and has said nothing else. */
  readonly isRefusal: boolean;
  /**
   * `open`: more must come, an end here is a cut. `finished`: the answer is whole, an end here is a good end.
   * `complete`: the terminal frame has passed, nothing more is needed. `failed`: the upstream reported
   * in-band that it failed.
   */
  readonly progress: "open" | "finished" | "complete" | "failed";
  /** With `failed`: the upstream's error object as JSON text (at most 4 KiB), for classification. */
  readonly failure: string | null;
  /**
   * No part of an unfinished frame has been let go: a ping may be written here. Always false for framing
   * `json`.
   */
  readonly isBetweenFrames: boolean;
  /** Frames or bytes with content have passed: an error after this can only be reported in-band. */
  readonly hasContent: boolean;
}

/**
 * Reads usage from reply bytes on their way. Invariant: the bytes that `push` and `end` return are, together,
 * the bytes that were pushed, in order (less a usage chunk that only the gateway asked for). A translation is
 * a tap as well, and returns other bytes.
 */
export interface Tap extends TapState {
  /**
   * Takes the next bytes and returns those that may go to the client now, or null for none. A tap keeps back
   * an unfinished frame (up to `maxHeldBytes`) and, from the frame on that makes the answer whole,
   * everything: those bytes wait for the ledger. It takes at most `maxHeldBytes` behind a whole or failed
   * answer; the answer is `complete` then. Must not throw on garbage. The common case (whole frames, nothing
   * held) returns `chunk` itself, without a copy; `progress` is `open` then.
   */
  push(chunk: Uint8Array): Uint8Array | null;
  /** The bytes that were kept back, to be sent once the row is committed; empties the tap. */
  end(): Uint8Array | null;
  /** After a cut: forgets an unfinished frame that has not been sent, and returns held whole frames. */
  cut(): Uint8Array | null;
  /**
   * The bytes that report an error inside the client's stream, behind the bytes sent so far, and end the
   * stream. `isFirst`: nothing has been sent yet. Empty where nothing can be said (in the midst of a JSON
   * value): the connection has to be cut.
   */
  renderFailure(error: GatewayError, requestId: string, isFirst: boolean): string;
  /** The bytes for the client are written anew. */
  readonly isTranslation: boolean;
  /** What a translation keeps of the answer and of an unfinished frame; others keep at most `maxHeldBytes`, and say 0. */
  readonly heldBytes: number;
  /** The gateway has ended the answer: the rest of the upstream's bytes is not wanted. */
  readonly isCutShort: boolean;
}

/** Where in a client's stream an error is reported. */
export interface FailurePlace {
  readonly framing: Framing;
  /** No element of a JSON array has been sent yet. */
  readonly isFirst: boolean;
  /** Part of a frame has been sent, because the frame was too long to be held. */
  readonly isMidFrame: boolean;
}

export interface TapOptions {
  readonly framing: Framing;
  /** The request that is answered; null: it has no body. */
  readonly peek: Peek | null;
  /**
   * The gateway, not the client, switched on the dialect's `usageOption`: the chunk that comes for it is
   * taken out.
   */
  readonly isUsageInjected: boolean;
  /** An unfinished frame up to this size is held back, a longer one passes as it comes. */
  readonly maxHeldBytes: number;
}

/** An error as a whole HTTP reply in the dialect. */
export interface ErrorReply {
  readonly status: number;
  /** Extra headers, such as `retry-after` and `x-should-retry`. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, content type application/json. */
  readonly body: string;
}

/** The headers by which a provider tells its clients how much they may ask in a minute. */
export interface RateHeaders {
  readonly names: Readonly<
    Record<
      "requests" | "tokens",
      { readonly limit: string; readonly remaining: string; readonly reset: string }
    >
  >;
  /** The value of `reset`: when all of the limit is free again, if nothing more is asked for. Unix milliseconds. */
  resetText(resetsAtMs: number, nowMs: number): string;
}

/** One entry of a model list. */
export interface ModelEntry {
  readonly id: string;
  readonly ownedBy: string;
  /** Unix seconds, 0 when unknown. */
  readonly createdAtS: number;
}

/** How a path names an endpoint. `fixed` and `action` take POST. */
export type EndpointPath =
  /** `/v1/{path}`. */
  | { readonly kind: "fixed"; readonly path: string }
  /** `/{version}/models/{model}:{action}`, for each of the versions. */
  | { readonly kind: "action"; readonly action: string; readonly versions: readonly string[] }
  /** `/v1/{collection}/{id}`, and up to two segments behind the id. */
  | { readonly kind: "stored"; readonly collection: string };

/**
 * How Vertex AI's paths name an endpoint: `/{version}/projects/{project}/locations/{location}/publishers/{publisher}/models/`,
 * and a model with an action. A `model` that is not null stands in the place of a model, which the body then names.
 */
export interface VertexPath {
  readonly publisher: string;
  readonly model: string | null;
  readonly actions: readonly string[];
}

/** The facts of an endpoint. */
export interface EndpointFacts {
  readonly path: EndpointPath;
  /** Absent: Vertex AI does not have the endpoint. */
  readonly vertexPath?: VertexPath;
  /** The request carries a JSON body, which is peeked for the model and for state at the provider. */
  readonly hasBody: boolean;
  /** The reply's token counts are of work done now, not of a stored reply or a mere count. */
  readonly isBilled: boolean;
  /** The reply is a stored answer: a failed one is a good reply. */
  readonly isLookup: boolean;
  /** A model writes the reply: amendments apply to the request, and the client may choose a stream. */
  readonly isGenerative: boolean;
  /** The path alone asks for a stream. */
  readonly isStream: boolean;
  /** The request may continue or run something stored at the provider without a model's name. */
  readonly mayOmitModel: boolean;
  /** What a translated request is for; null: other dialects have no counterpart. */
  readonly purpose: "answer" | "count" | "embed" | null;
}

/** The traits of a model that a dialect may limit. */
export type TraitLimits = Partial<Omit<ModelTraits, "thinking" | "input">>;

/** The parts of an upstream's error body; null where it has none. */
export interface DecodedError {
  readonly message: string | null;
  /** Structured type or code. */
  readonly code: string | null;
  /** The upstream's name of the field at fault. */
  readonly param: string | null;
}

export interface Dialect {
  readonly name: DialectName;
  /** By the name that the ledger shows. */
  readonly endpoints: Readonly<Record<string, EndpointFacts>>;
  /** Whether a path that may lead nowhere looks like one of this dialect. */
  isSpokenAt(path: string): boolean;
  /** Whether a request with these headers comes from a client of this dialect, whatever its path. */
  isSpokenBy(headers: Pick<Headers, "has">): boolean;
  /** The framing of a stream, by the query (`?…` or "") of the request for it. */
  streamFraming(search: string): Framing;
  /**
   * The query parameters that the provider's API documents, with the values that may be passed on; the client's
   * key is none of them.
   */
  readonly queryParameters: Readonly<Record<string, RegExp>>;
  /** The members of a request that a peek reads. */
  readonly peekShape: ShapeNode;
  makePeekSink(): PeekSink;
  /** Absent: no client is known to use other words. */
  readonly foreignForms?: ForeignForms;
  /** Absent: no server is known to answer in other forms. */
  readonly foreignReplies?: ForeignReplies;
  /** Where the stable prefix of a request stands. */
  readonly prefix: PrefixPlan;
  /** Where requests name objects that live at the provider. */
  readonly providerIds: ProviderIdPlan;
  /** null: every stream reports usage. */
  readonly usageOption: UsageOption | null;
  readonly alternative: Alternative | null;
  /**
   * The edits that name the model in a body that came by a path of Vertex AI; absent: the body is the same there. `peek` is of
   * this body.
   */
  fromVertexForm?(body: Uint8Array, peek: Peek, model: string): readonly SpliceEdit[];
  /** Traits that the dialect has no place for. `model` is the upstream's name. */
  limitsOf(model: string): TraitLimits;
  /** What its servers refuse, and what is changed for them. */
  readonly repairs: RepairRules;
  /** Whether the answer to a request with this body may be given again. */
  repeatFacts(body: JsonObject): RepeatFacts;
  makeTap(options: TapOptions): Tap;
  /** Reads the body of an error reply. Never throws. */
  decodeError(body: string): DecodedError;
  /** A whole error reply. `requestId` goes where the dialect has a place for it. */
  renderError(error: GatewayError, requestId: string): ErrorReply;
  /** null: the provider has no such headers. */
  readonly rateHeaders: RateHeaders | null;
  /** The envelope of an HTTP error around a failure that a reply reported in-band (`TapState.failure`). */
  wrapFailure(failure: string): string;
  /**
   * Whether an answer in this framing is whole only with its last mark (`message_stop`, `]`): without it,
   * `finished` at the end of the body is a cut.
   */
  needsEndMark(framing: Framing): boolean;
  /** Whether clients pass over a comment in an event stream. */
  readonly takesComments: boolean;
  /** Bytes that keep a silent stream alive; null where the framing has none. */
  ping(framing: Framing): string | null;
  /** Paths of the model list that only clients of this dialect use. They share `/v1/models`. */
  readonly modelListPaths: readonly string[];
  /** The query parameters that page through the model list. */
  readonly pageParameters: PageParameters;
  /**
   * The model list. `limit` bounds the entries (all when undefined); `after` is the id of the last entry that
   * the client has, which it must name to get past the first page.
   */
  renderModels(models: readonly ModelEntry[], limit?: number, after?: string): string;
  /** One model, in the form of the list's entries. */
  renderModel(model: ModelEntry): string;
}

export interface PageParameters {
  readonly limit: string;
  readonly after: string;
}
