import type { HeaderList } from "../core/header-view.ts";

export interface PinnedTo {
  readonly id: string;
  readonly upstream: string;
  readonly credential: string;
  readonly atMs: number;
  /** It is asked in whatever state it is, and its first answer is the client's. */
  readonly isTest?: boolean;
}

/** A client's request, as the listener gives it to a handler. */
export interface ClientRequest {
  /** The listener's own object: its body, and its signal of a client that leaves. */
  readonly request: Request;
  readonly method: string;
  readonly headers: HeaderList;
  /** The query with its question mark, or "". */
  readonly search: string;
  /** The one credential that may serve it, as that of a stored object; absent: the pool chooses. */
  readonly pinnedTo?: PinnedTo;
  /** The client's address; null when the socket does not know it. Read only for the ledger row. */
  address(): string | null;
  /** The client still sends its body: from now on it may be silent for `server.request_timeout_ms` only. */
  limitSilence(): void;
  /** Switches the connection's idle time-out off: the gateway's own time-outs hold from then on. */
  suspendIdleTimeout(): void;
  /** Switches the idle time-out on again, for the time after this reply: `server.idle_connection_ms`. */
  restoreIdleTimeout(): void;
}
