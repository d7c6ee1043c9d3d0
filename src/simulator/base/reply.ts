// What a route hands to the sender: a whole body or a list of stream events, not yet on the wire.

export interface StreamEvent {
  /** The SSE event name; absent where the dialect has none. */
  readonly name?: string;
  readonly data: string;
  /** The event that says that all is well and over: left out by the fault `no-done`. */
  readonly isLast?: boolean;
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
}

/** A good answer in both forms: the sender takes one of them, faults may take the other. */
export interface Reply {
  readonly isStream: boolean;
  whole(): unknown;
  stream(): StreamReply;
  /** The provider's way to report an error inside a stream, made of its error body, as the event of that index. */
  errorEvent(body: unknown, index: number): StreamEvent;
  /** The same as a last event that says how the whole answer failed, where the dialect has one. */
  failureEvent?(body: unknown, index: number): StreamEvent;
}

/** An answer that only exists as a whole. */
export function wholeReply(body: unknown): Reply {
  return {
    isStream: false,
    whole: () => body,
    stream: () => ({ framing: "sse", events: [{ data: JSON.stringify(body) }] }),
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}
