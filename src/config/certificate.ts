/** Certificates and private keys: reading them, and whether the two of a pair belong together. */
import { codeOf, readRegularFile } from "../core/files/regular-file.ts";
import type { Draft } from "./draft.ts";
import { type Path, renderPath } from "./problem.ts";

/** A certificate with a long chain has a few dozen kilobytes. */
const MAX_PEM_BYTES = 1_048_576;

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

/** The text of the file that the key at `path` names. Empty, with a problem in the draft, when it cannot be read. */
export async function readPem(draft: Draft, path: Path, file: string): Promise<string> {
  await draft.willRead(file);
  try {
    const pem = await readRegularFile(file, MAX_PEM_BYTES);
    if (pem.ok) return new TextDecoder().decode(pem.bytes);
    const message = pem.fault === "not-a-file" ? "this is not a file" : "the file is larger than 1 MiB";
    draft.refuse(path, message, "name a PEM file");
  } catch (error) {
    draft.refuse(path, `the file cannot be read (${codeOf(error)})`, "check the path and the permissions");
  }
  return "";
}

/** null: the pair can be used. The paths are those of the keys that name the two files. */
export async function findCertificateFault(
  { cert, key }: CertificatePair,
  certPath: Path,
  keyPath: Path,
): Promise<CertificateFault | null> {
  // Loaded only with TLS, because it costs memory.
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === null) {
    return {
      path: certPath,
      message: "holds no certificate that can be read",
      repair: "name a PEM file that begins with the certificate of the key, its chain behind it",
    };
  }
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === null) {
    return {
      path: keyPath,
      message: "holds no private key that can be read",
      repair: "name a PEM file with the private key, without a passphrase",
    };
  }
  if (certificate.checkPrivateKey(privateKey)) return null;
  return {
    path: keyPath,
    message: `is not the private key of the certificate in ${renderPath(certPath)}`,
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
