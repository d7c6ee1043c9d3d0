/** The contract of what is said to a proxy before a connection is the server's own. Implementations are pure. */
import type { GatewayError } from "../../core/errors.ts";

/** Whom the proxy is to connect to. */
export interface ProxyTarget {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export type HandshakeStep =
  /** More bytes are needed; null: nothing is to be sent. */
  | { readonly kind: "goes-on"; readonly send: Uint8Array | null }
  /** From here on, the bytes are the server's; the first `readBytes` of the last read were the proxy's. */
  | { readonly kind: "connected"; readonly readBytes: number }
  /** `isOfTarget`: the proxy works, and the server behind it cannot be reached. */
  | { readonly kind: "failed"; readonly error: GatewayError; readonly isOfTarget: boolean };

export interface ProxyHandshake {
  /** The first bytes to send. */
  begin(): Uint8Array;
  /** Takes the next bytes of the proxy. Not called any more once it is connected or has failed. */
  feed(bytes: Buffer): HandshakeStep;
}
