/**
 * An answer as a sequence of events, finer than every wire: `start (open (delta | annotation)* close | part |
 * usage)* (end | fail)`. Blocks never interleave: a decoder holds back the events of a second block, so that
 * encoders are simple. `fail` may come anywhere, also in an open block and in place of `start`; no event
 * follows `end` or `fail`.
 */
import type { Annotation, AssistantPart, ImagePart, OpaquePart, Seal, SearchPart } from "./message.ts";
import type { Usage } from "./usage.ts";

export type BlockStart =
  | { readonly kind: "text"; readonly phase: string | null }
  | { readonly kind: "refusal" }
  | { readonly kind: "reasoning" }
  | {
      readonly kind: "tool-call";
      /** Never empty: the decoder makes an id when the upstream gave none. */
      readonly id: string;
      readonly name: string;
      readonly namespace: string | null;
      readonly call: "function" | "custom";
      readonly seal: Seal | null;
    };

export interface StartEvent {
  readonly type: "start";
  /** The upstream's own id and model; null when it gave none. */
  readonly id: string | null;
  readonly model: string | null;
}

export interface OpenEvent {
  readonly type: "open";
  readonly block: BlockStart;
}

/**
 * Text of the open block: words, a piece of the JSON text of a call's arguments, or a piece of the input of a
 * `custom` call. Never empty.
 */
export interface DeltaEvent {
  readonly type: "delta";
  readonly text: string;
}

/** Only within an open text block. Offsets count from the block's first character. */
export interface AnnotationEvent {
  readonly type: "annotation";
  readonly annotation: Annotation;
}

export interface CloseEvent {
  readonly type: "close";
  /** Only for reasoning and text: a seal that arrived with the end of the block. */
  readonly seal: Seal | null;
}

/** A part that arrives whole. */
export interface PartEvent {
  readonly type: "part";
  readonly part: SearchPart | ImagePart | OpaquePart;
}

/** All counts so far: the last `usage` event replaces the others. */
export interface UsageEvent {
  readonly type: "usage";
  readonly usage: Usage;
}

/** How an answer ended without a failure. */
export type StopKind =
  | "end"
  | "stop-sequence"
  | "length"
  | "context-full"
  | "tool-calls"
  /** The model, or a filter before or after it, declined. */
  | "refusal"
  /** The model garbled its answer; the last text of the answer says how. */
  | "malformed"
  /** The provider paused and must be asked to continue (Anthropic's `pause_turn`). */
  | "pause"
  /** The same for Gemini, with a token. */
  | "continuation";

export interface Stop {
  readonly kind: StopKind;
  /** The vendor's word for it. */
  readonly raw: string | null;
  /** The stop sequence that matched; null when the upstream does not name it. */
  readonly sequence: string | null;
  /** Of a refusal: the provider's explanation. Of a garbled answer: what came. */
  readonly explanation: string | null;
  readonly category: string | null;
  /** Only with `continuation`. */
  readonly token: string | null;
}

export interface EndEvent {
  readonly type: "end";
  readonly stop: Stop;
}

/** The upstream reported a failure within its answer, or its answer is not valid. */
export interface FailEvent {
  readonly type: "fail";
  /**
   * The upstream's error object as JSON text (at most 4 KiB), for classification; null: the gateway found the
   * failure.
   */
  readonly raw: string | null;
  /** Message for the client: the upstream's own, or the gateway's. */
  readonly message: string;
}

export type ModelEvent =
  | StartEvent
  | OpenEvent
  | DeltaEvent
  | AnnotationEvent
  | CloseEvent
  | PartEvent
  | UsageEvent
  | EndEvent
  | FailEvent;

/** A whole answer: the result of folding its events. */
export interface ModelReply {
  readonly id: string | null;
  readonly model: string | null;
  readonly parts: readonly AssistantPart[];
  readonly usage: Usage | null;
  readonly stop: Stop;
}

/** An answer as far as it has come: without a stop and without a failure, it broke off. */
export interface PartialReply extends Omit<ModelReply, "stop"> {
  readonly stop: Stop | null;
  readonly failure: FailEvent | null;
}
