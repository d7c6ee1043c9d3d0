/** The listener's certificate and private key: whether they can serve together. */
import type { Path } from "./problem.ts";

/** PEM texts. `key` is a secret: never log it, never show it. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** A fault of the pair, and the key of the file that it is about. */
export interface CertificateFault {
  readonly path: Path;
  readonly message: string;
  readonly repair: string;
}

const CERT: Path = ["server", "tls", "cert_file"];
const KEY: Path = ["server", "tls", "key_file"];

/** null: a listener can serve with the pair. */
export async function findCertificateFault({ cert, key }: CertificatePair): Promise<CertificateFault | null> {
  // Loaded only with TLS, because it costs memory.
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === null) {
    return {
      path: CERT,
      message: "holds no certificate that can be read",
      repair: "name a PEM file that begins with the server's own certificate, its chain behind it",
    };
  }
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === null) {
    return {
      path: KEY,
      message: "holds no private key that can be read",
      repair: "name a PEM file with the private key, without a passphrase",
    };
  }
  if (certificate.checkPrivateKey(privateKey)) return null;
  return {
    path: KEY,
    message: "is not the private key of the certificate in server.tls.cert_file",
    repair: "write both files of one pair",
  };
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
