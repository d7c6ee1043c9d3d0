/**
 * SHA-256 by the runtime itself. Node's `crypto` gives the same, and brings Node's streams along: half a megabyte of heap for
 * the life of the process (docs/decisions/0089-node-modules.md).
 */

/** A hash that grows piece by piece. Texts are hashed as UTF-8. */
export interface RunningHash {
  update(piece: string | Uint8Array): RunningHash;
  digest(encoding: "hex" | "base64" | "base64url"): string;
}

export function sha256(): RunningHash {
  return new Bun.CryptoHasher("sha256");
}

/** In lower-case hex. */
export function sha256Hex(whole: string | Uint8Array): string {
  // For each request: at once, and without an object that the collector has to end.
  return Bun.SHA256.hash(whole, "hex");
}

/** Keyed: without the secret nobody can tell which text a hash is of. */
export function hmacSha256(secret: Uint8Array): RunningHash {
  return new Bun.CryptoHasher("sha256", secret);
}
