/** What a handler gets from the listener. */

/** One request as the listener hands it on. */
export interface ClientRequest {
  readonly request: Request;
  /** The query with its question mark, or "". */
  readonly search: string;
  /** The client's address; null when the socket does not tell it. Read only for the ledger row. */
  address(): string | null;
  /** Switches the connection's idle time-out off: from now on only the gateway's own time-outs hold. */
  suspendIdleTimeout(): void;
  /** Switches the connection's idle time-out on again, for what the client does after this answer. */
  restoreIdleTimeout(): void;
}
