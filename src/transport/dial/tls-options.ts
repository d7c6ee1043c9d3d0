/** TLS settings as the runtime's sockets take them. */

import type { TlsSettings } from "../../config/network/via.ts";
import { isIP } from "../../core/addresses/ip-address.ts";

/** OpenSSL's SSL_OP_NO_TLSv1_2. The runtime's sockets never speak an older version. */
const NO_TLS_1_2 = 0x0800_0000;

/**
 * For a server whose certificate has to be that of `hostname`. `connectedTo`: what the runtime itself connects to; an
 * address is not told to the server as its name (RFC 6066, section 3), because the runtime checks it without.
 */
export function tlsOptionsFor(
  hostname: string,
  settings: TlsSettings | null,
  connectedTo?: string,
): Bun.TLSOptions {
  return {
    // Verification is set here, so that no environment variable can turn it off.
    rejectUnauthorized: true,
    serverName: hostname === connectedTo && isIP(hostname) !== 0 ? "" : hostname,
    ...(settings === null ? {} : settingsAsOptions(settings)),
  };
}

function settingsAsOptions({ ca, client, minVersion }: TlsSettings): Bun.TLSOptions {
  return {
    ...(ca === null ? {} : { ca }),
    ...(client === null ? {} : { cert: client.cert, key: client.key }),
    ...(minVersion === "1.3" ? { secureOptions: NO_TLS_1_2 } : {}),
  };
}
