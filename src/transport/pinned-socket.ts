/** One connection to an address that was checked before, for a protocol that is not HTTP. */
import { isIP, type Socket } from "node:net";
import { NoReply, noReply } from "./pinned-call.ts";

export interface PinnedSocketOptions {
  /** The name that a certificate must have, or an address. */
  readonly host: string;
  readonly port: number;
  /** What `addressesOf` found, and the caller has checked: not empty. */
  readonly addresses: readonly string[];
  /** TLS from the first byte. */
  readonly isSecure: boolean;
  /** Authorities in place of the system's; for tests. */
  readonly ca?: string | undefined;
  /** Closes the connection, also once it is open. */
  readonly signal: AbortSignal;
}

/** Tries the addresses one after the other. Rejects with `NoReply`. */
export async function openPinned(options: PinnedSocketOptions): Promise<Socket> {
  let last = new NoReply("unreachable", "no address");
  for (const address of options.addresses) {
    try {
      return await openAt(address, options);
    } catch (cause) {
      if (!(cause instanceof NoReply)) throw cause;
      last = cause;
      if (options.signal.aborted || cause.why === "certificate") break;
    }
  }
  throw last;
}

async function openAt(address: string, { host, port, isSecure, ca, signal }: PinnedSocketOptions) {
  const { connect } = await import("node:net");
  const { connect: connectTls } = await import("node:tls");
  return await new Promise<Socket>((resolve, reject) => {
    const socket = isSecure
      ? connectTls({ host: address, port, ...tlsOptionsFor(host, ca) })
      : connect({ host: address, port });
    const abort = (): void => void socket.destroy();
    const fail = (cause: NodeJS.ErrnoException): void => {
      socket.destroy();
      reject(noReply(cause));
    };
    signal.addEventListener("abort", abort);
    // Stays, so that no later error is without a listener.
    socket.on("error", fail);
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      reject(new NoReply("unreachable", "closed"));
    });
    socket.once(isSecure ? "secureConnect" : "connect", () => resolve(socket));
  });
}

/** For TLS from the start, and for a connection that becomes TLS later. No environment variable can turn the check off. */
export function tlsOptionsFor(host: string, ca: string | undefined) {
  return {
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  } as const;
}
