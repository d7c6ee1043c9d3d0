/**
 * An answer as a row of events, finer than every wire: `start (open (delta | annotation)* close | part | usage)* (end | fail)`. Blocks never
 * interleave: a decoder holds back what a wire mixes, so that encoders are simple. `fail` may come anywhere, also in an open block and
 * in place of `start`; nothing comes after `end` or `fail`.
 */
import type { Annotation, AssistantPart, ImagePart, OpaquePart, Seal, SearchPart } from "./message.ts";
import type { Usage } from "./usage.ts";

/** What a block begins with. */
export type BlockStart =
  | { readonly kind: "text"; readonly phase: string | null }
  | { readonly kind: "refusal" }
  | { readonly kind: "reasoning" }
  | {
      readonly kind: "tool-call";
      /** Never empty: minted by the decoder where the upstream gave none. */
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

/** Text of the open block: its words, or a piece of the JSON text of a call's arguments (of the input itself for `custom`). Never empty. */
export interface DeltaEvent {
  readonly type: "delta";
  readonly text: string;
}

/** Within an open text block. Offsets count from the block's first character. */
export interface AnnotationEvent {
  readonly type: "annotation";
  readonly annotation: Annotation;
}

export interface CloseEvent {
  readonly type: "close";
  /** Of reasoning and text: what became known with its end. */
  readonly seal: Seal | null;
}

/** A part that comes whole. */
export interface PartEvent {
  readonly type: "part";
  readonly part: SearchPart | ImagePart | OpaquePart;
}

/** All that is known so far: the last one counts. */
export interface UsageEvent {
  readonly type: "usage";
  readonly usage: Usage;
}

/** Why an answer ended well. */
export type StopKind =
  | "end"
  | "stop-sequence"
  | "length"
  | "context-full"
  | "tool-calls"
  /** The model, or a filter before or behind it, declined. */
  | "refusal"
  /** The provider wants to be asked to go on (Anthropic's `pause_turn`). */
  | "pause"
  /** The same of Gemini, with a token. */
  | "continuation";

export interface Stop {
  readonly kind: StopKind;
  /** The vendor's own word. */
  readonly raw: string | null;
  /** The stop sequence that matched, when the upstream says which. */
  readonly sequence: string | null;
  /** Of a refusal: what the provider says about it. */
  readonly explanation: string | null;
  readonly category: string | null;
  /** With `continuation`. */
  readonly token: string | null;
}

export interface EndEvent {
  readonly type: "end";
  readonly stop: Stop;
}

/** The upstream said in-band that it failed, or its answer makes no sense. */
export interface FailEvent {
  readonly type: "fail";
  /** The upstream's error object as JSON text (at most 4 KiB) for classification; null: our own finding. */
  readonly raw: string | null;
  /** What is wrong, for the client: the upstream's own message, or ours. */
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

/** An answer as a whole: what its events fold to. */
export interface ModelReply {
  readonly id: string | null;
  readonly model: string | null;
  readonly parts: readonly AssistantPart[];
  readonly usage: Usage | null;
  readonly stop: Stop;
}
