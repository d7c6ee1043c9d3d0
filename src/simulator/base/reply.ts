// The result of a route for the sender: a whole body or a list of stream events, before framing.

import type { Billed } from "../answer/billed.ts";

export interface StreamEvent {
  /** The SSE event name; absent if the dialect does not name events. */
  readonly name?: string;
  readonly data: string;
  /** Whether this event ends a good answer. The fault `no-done` removes it. */
  readonly isLast?: boolean;
  /** Whether this event holds a piece of the model's output. The bill of a cut stream counts these events. */
  readonly hasOutput?: boolean;
}

export interface WholeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface StreamReply {
  /** Events of a server-sent stream, or items of one JSON array (Gemini without `alt=sse`). */
  readonly framing: "sse" | "json-array";
  readonly events: Iterable<StreamEvent>;
  /** What stands before the first event; absent: nothing. */
  readonly opening?: string;
}

/** A good answer in both forms. The sender sends one form; a fault may choose the other. */
export interface Reply {
  readonly isStream: boolean;
  /** What a provider charges for the whole answer; absent if the reply costs nothing. */
  readonly billed?: Billed;
  whole(): unknown;
  stream(): StreamReply;
  /**
   * Makes the event that reports an error inside a stream, from the error body and the index of the event.
   */
  errorEvent(body: unknown, index: number): StreamEvent;
  /** Makes the last event of a failed answer; absent if the dialect has no such event. */
  failureEvent?(body: unknown, index: number): StreamEvent;
}

/** An answer that has no streamed form. */
export function wholeReply(body: unknown, billed?: Billed): Reply {
  return {
    isStream: false,
    ...(billed === undefined ? {} : { billed }),
    whole: () => body,
    stream: () => ({ framing: "sse", events: [{ data: JSON.stringify(body) }] }),
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}
