/** The contracts between a socket, the connection on it, and who uses the connection. */
import type { GatewayError } from "../../core/errors.ts";

/** What a connection needs of a socket, whichever kind the socket is of. */
export interface Wire {
  /** 1: open. */
  readonly readyState: number;
  /** Returns how many bytes the system took. The bytes may be overwritten when it returns. */
  write(bytes: Uint8Array, offset: number, sizeBytes: number): number;
  pause(): unknown;
  resume(): unknown;
  /** Sends the end of what is written, after all of it. */
  end(): unknown;
  terminate(): void;
}

/** The user of a connection. Nothing is called after `closed` or `unreachable`. */
export interface ConnectionUser {
  /** The connection can be written to: it leads to the server, and over TLS the server's certificate is accepted. */
  ready(): void;
  /** The connection failed before it was ready: `upstream_connect` or `proxy_failed`. */
  unreachable(error: GatewayError): void;
  /** The next bytes; they belong to the user. */
  data(bytes: Buffer): void;
  /** The system takes bytes again. */
  drain(): void;
  /** `isClean`: the server closed the connection in order, after its last byte. */
  closed(isClean: boolean): void;
}

/** A connection, as its user sees it. */
export interface UsableConnection {
  user: ConnectionUser | null;
  /**
   * Hands bytes to the system. Returns how many the system took: 0 when it is full or the connection is
   * closed.
   */
  write(bytes: Uint8Array, sizeBytes: number): number;
  /** Stops reading; the server has to wait once the system's own buffers are full. */
  pause(): void;
  resume(): void;
  /** Says that nothing more will be written; what the system has taken still goes out. */
  end(): void;
  /** Closes the connection now, whatever is still to be sent or read. The user gets no call any more. */
  terminate(): void;
}
