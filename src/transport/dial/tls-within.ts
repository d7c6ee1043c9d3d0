/** TLS to a server through a connection that is TLS itself. */

import type { TLSSocket } from "node:tls";
import { isIP } from "../../core/addresses/ip-address.ts";
import { streamOver } from "./connection-stream.ts";
import { unreachableError } from "./failure.ts";
import type { Origin } from "./origin.ts";
import type { ConnectionUser, UsableConnection, Wire } from "./wire.ts";

/** What the connection that uses the TLS hears. */
export interface TlsUser extends ConnectionUser {
  /** The tunnel leads to the server, and TLS with the server begins. */
  connected(): void;
}

const loadTls = (): typeof import("node:tls") => import.meta.require("node:tls");

/** Begins once the tunnel is ready. The tunnel must have no user yet. */
export function tlsWithin(tunnel: UsableConnection, { hostname, via }: Origin, user: TlsUser): Wire {
  let secured: TLSSocket | null = null;
  let isReady = false;
  let hasEnded = false;
  const begin = (): void => {
    user.connected();
    secured = loadTls().connect({
      socket: stream,
      host: hostname,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      rejectUnauthorized: true,
      minVersion: via.tls?.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
      ...(via.tls === null || via.tls.ca === null ? {} : { ca: via.tls.ca }),
      ...via.tls?.client,
    });
    secured
      .on("secureConnect", () => {
        isReady = true;
        user.ready();
      })
      .on("data", (bytes: Buffer) => user.data(bytes))
      .on("drain", () => user.drain())
      .on("end", () => {
        hasEnded = true;
      })
      .on("error", (cause: Error) => {
        if (!isReady) user.unreachable(unreachableError(cause));
      })
      .on("close", () => user.closed(hasEnded));
  };
  const stream = streamOver(tunnel, { ready: begin, unreachable: (error) => user.unreachable(error) });
  // The end of the tunnel is told by the TLS socket on it.
  stream.on("error", () => undefined);
  return {
    get readyState() {
      return secured?.destroyed === false ? 1 : 0;
    },
    write(bytes, offset, sizeBytes) {
      if (secured === null || secured.writableNeedDrain) return 0;
      // The caller may use the bytes again at once.
      secured.write(Buffer.from(bytes.subarray(offset, offset + sizeBytes)));
      return sizeBytes;
    },
    pause() {
      secured?.pause();
      // The runtime does not stop the stream below by itself.
      tunnel.pause();
    },
    resume() {
      tunnel.resume();
      secured?.resume();
    },
    end: () => secured?.end(),
    terminate() {
      secured?.destroy();
      stream.destroy();
    },
  };
}
