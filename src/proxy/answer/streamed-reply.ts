/** A reply that is delivered as a stream, and how it may begin. */
import type { Framing, Tap } from "../../dialects/dialect.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";

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
