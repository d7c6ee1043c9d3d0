/**
 * What a dialect is to the rest: how its requests are peeked, how usage is tapped from its replies, and how an error
 * looks to its clients. Pure and synchronous: no I/O, no clock, no credentials.
 */
import type { GatewayError } from "../core/errors.ts";
import type { Usage } from "../neutral/usage.ts";

/** The four wire languages. */
export type DialectName = "openai-chat" | "openai-responses" | "anthropic-messages" | "gemini";

/** How a reply's bytes are framed: one JSON value, server-sent events, or Gemini's incremental JSON array. */
export type Framing = "json" | "sse" | "json-array";

/** What a tap knows of an answer so far. */
export interface TapState {
  /** Token counts in the reply's own accounting turned neutral; null as long as the upstream said nothing. */
  readonly usage: Usage | null;
  /** The model that the upstream says it used. */
  readonly model: string | null;
  /** Ids of state that now lives at the provider under this credential: stored responses, containers, threads. */
  readonly stateIds: readonly string[];
  /** The upstream's own stop or finish reason, raw. */
  readonly stopReason: string | null;
  /**
   * `open`: more must come, an end here is a cut. `finished`: the answer is whole, an end here is a good end.
   * `complete`: the terminal frame has passed, nothing more is needed. `failed`: the upstream said in-band that it failed.
   */
  readonly progress: "open" | "finished" | "complete" | "failed";
  /** With `failed`: the upstream's error object as JSON text (at most 4 KiB), for classification. */
  readonly failure: string | null;
  /** Nothing of an unfinished frame has been let go: a ping may be written here. Always false for framing `json`. */
  readonly isBetweenFrames: boolean;
  /** Frames or bytes with content have passed: an error after this can only be told in-band. */
  readonly hasContent: boolean;
}

/**
 * Reads usage from reply bytes on their way. Invariant: the bytes that `push` and `end` return are, together, the bytes
 * that were pushed, in order (less a usage chunk that only the gateway asked for).
 */
export interface Tap extends TapState {
  /**
   * Takes the next bytes and returns those that may go to the client now, or null for none. It keeps back an unfinished frame
   * (up to `maxHeldBytes`) and, from the frame on that makes the answer whole, everything: those wait for the ledger.
   * An upstream that goes on and on behind a whole or failed answer is not taken further than `maxHeldBytes`; the answer is
   * `complete` then. Must not throw on garbage. The common case (whole frames, nothing held) returns `chunk` itself, without a copy.
   */
  push(chunk: Uint8Array): Uint8Array | null;
  /** What is held back, to be sent once the row is committed; empties the tap. */
  end(): Uint8Array | null;
  /** After a cut: forgets an unfinished frame that has not been sent, and returns held whole frames. */
  cut(): Uint8Array | null;
  /** Where the stream stands, for an error that has to be told inside it. */
  context(): StreamContext;
  /** Of a reply that is told anew, not passed on: what ends the client's stream with this error. */
  renderFailure?(error: GatewayError): string;
  /** The answer was ended on our side: what the upstream still has is not wanted. */
  readonly isCutShort?: boolean;
}

/** What an in-band error must know of the stream that it ends. */
export interface StreamContext {
  /** Part of a frame has already been sent, because the frame was too long to be held. */
  readonly isMidFrame: boolean;
  /** openai-responses: of the response that the stream began; null before that and in the other dialects. */
  readonly responseId: string | null;
  readonly model: string | null;
  /** openai-responses: Unix seconds, 0 when unknown. */
  readonly createdAtS: number;
  /** openai-responses: what the next event has to carry; 0 elsewhere. */
  readonly nextSequenceNumber: number;
}

export interface TapOptions {
  readonly framing: Framing;
  /** openai-chat only: the gateway asked for usage, the client did not: take the usage-only chunk out. */
  readonly removeUsageChunk: boolean;
  /** anthropic-messages only: the request holds a thread, which goes on from the reply's id (`Peek.keepsReplyId`). */
  readonly keepsReplyId?: boolean;
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
  /** `{version}/models/{model}:{action}`. */
  | { readonly kind: "action"; readonly action: string }
  /** `/v1/{collection}/{id}`, and up to two segments behind the id. */
  | { readonly kind: "stored"; readonly collection: string };

/** The facts of an endpoint. */
export interface EndpointFacts {
  readonly path: EndpointPath;
  /** The request carries a JSON body, which is peeked for the model and for state at the provider. */
  readonly hasBody: boolean;
  /** The reply's token counts are of work done now, not of a stored reply or a mere count. */
  readonly isBilled: boolean;
  /** A model writes the reply: amendments apply to the request, and the client may choose a stream. */
  readonly isGenerative: boolean;
  /** The path alone asks for a stream. */
  readonly isStream: boolean;
  /** The request may continue or run something stored at the provider without a model's name. */
  readonly mayOmitModel: boolean;
  /** What a translated request is for; null: other dialects have no counterpart. */
  readonly purpose: "answer" | "count" | null;
}

export interface Dialect {
  readonly name: DialectName;
  /** By the name that the ledger shows. */
  readonly endpoints: Readonly<Record<string, EndpointFacts>>;
  /** Whether a path that may lead nowhere looks like one of this dialect. */
  isSpokenAt(path: string): boolean;
  /** Whether a request with these headers comes from a client of this dialect, whatever its path. */
  isSpokenBy(headers: Headers): boolean;
  /** The framing of a stream, by the query (`?…` or "") of the request for it. */
  streamFraming(search: string): Framing;
  makeTap(options: TapOptions): Tap;
  /** A whole error reply. `requestId` goes where the dialect has a place for it. */
  renderError(error: GatewayError, requestId: string): ErrorReply;
  /**
   * The bytes that report a failure inside a stream that has begun, and end the stream. `isFirst`: no element of a JSON
   * array was sent yet. Empty where nothing can be said (in the midst of a JSON value): the connection has to be cut.
   */
  renderStreamError(
    error: GatewayError,
    requestId: string,
    framing: Framing,
    isFirst: boolean,
    context?: StreamContext,
  ): string;
  /** The envelope of an HTTP error around a failure that a reply reported in-band (`TapState.failure`). */
  wrapFailure(failure: string): string;
  /**
   * Whether an answer in this framing is whole only with its last mark (`message_stop`, `]`): without it, `finished` at
   * the end of the body is a cut.
   */
  needsEndMark(framing: Framing): boolean;
  /** Bytes that keep a silent stream alive; null where the framing has none. */
  ping(framing: Framing): string | null;
  /** The query parameters that page through the model list. */
  readonly pageParameters: PageParameters;
  /**
   * The model list. `limit` bounds the entries (all when undefined); `after` is the id of the last entry that the client
   * has, which it must name to get past the first page.
   */
  renderModels(models: readonly ModelEntry[], limit?: number, after?: string): string;
  /** One model, in the form of the list's entries. */
  renderModel(model: ModelEntry): string;
}

export interface PageParameters {
  readonly limit: string;
  readonly after: string;
}
