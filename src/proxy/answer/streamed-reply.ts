/** A reply that is delivered as a stream, and how it may begin. */
import type { Framing, Tap } from "../../dialects/dialect.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";

/** Time for an upstream to close its connection after a complete answer, before the gateway cuts it. */
export const DRAIN_MS = 1_000;

/** Silence that ends a whole answer whose dialect has no last mark, or whose upstream forgot the mark. */
export const FINISHED_SILENCE_MS = 5_000;

/** Silence after the dialect's last mark that ends an answer whose upstream keeps the connection open. */
export const COMPLETE_SILENCE_MS = 100;

/**
 * Bytes that the relay takes before the client's stream has started, which it does at once. A pause of the
 * upstream's socket for so short a time costs three system calls and a wake-up.
 */
export const MAX_EARLY_BYTES = 64 * 1024;

/** A reply that is delivered as a stream. */
export interface StreamedReply {
  readonly attempt: RunningAttempt;
  readonly head: ReplyHead;
  readonly tap: Tap;
  /** The framing of the client's stream. */
  readonly framing: Framing;
  readonly headers: Readonly<Record<string, string>>;
  /** null: the reply is relayed. */
  readonly request: TranslatedRequest | null;
  /** The upstream says that its reply is an event stream. */
  readonly isEvents: boolean;
}

/** How a reply has begun, before a byte of it has gone to the client. */
export type Beginning =
  /** Bytes for the client are there, or the client has to hear that an answer comes. */
  | "open"
  /** The upstream reported in-band that it failed. */
  | "failed"
  /** A JSON value comes in place of the events; `takeJson` has its beginning. */
  | "json"
  /** The reply ended or broke before anything came, or its first byte makes no sense. */
  | "cut";
